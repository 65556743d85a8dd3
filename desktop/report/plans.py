"""What goes to the model: which characters stand, and where it may write.

A :class:`Plan` is the report cut into parts, made on one revision of it. Its pieces are what the
worker gets; the parts say where each fill belongs. White space at the right end of a hole stays,
so that it belongs to the fixed text that follows, and white space alone is no hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from desktop.report.sections import Section, find_sections, heading_like
from desktop.report.spans import GAP_CHAR, Content
from inference.protocol import Fixed, Gap, Piece
from radiology.language.sections import SectionName

FINDINGS: Final = SectionName.FINDINGS
IMPRESSION: Final = SectionName.IMPRESSION
WRITTEN_FROM_IMAGE: Final = (FINDINGS, IMPRESSION)
"""The sections that are filled where they are empty. What an image cannot tell, such as an
indication, is left empty until the reader puts a gap there."""


class NothingToFill(Exception):
    """There is no place where the model may write; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Characters of the report that stand. A gap mark among them is not shown to the model."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Added:
    """A heading or line breaks that the plan itself brings in: template text, pinned."""

    text: str


@dataclass(frozen=True, slots=True)
class Hole:
    """Characters of the report, gap marks among them, that the fill of one gap replaces."""

    start: int
    end: int
    tokens: int | None = None
    hint: str = ""


Part = Kept | Added | Hole


@dataclass(frozen=True)
class Plan:
    """The report of ``before_revision``, cut into parts that cover it from left to right."""

    parts: tuple[Part, ...]
    pieces: tuple[Piece, ...]
    before_revision: int

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(part for part in self.parts if isinstance(part, Hole))


@dataclass(frozen=True, slots=True)
class _Opening:
    """A hole to be made, with the template text that it needs on either side."""

    start: int
    end: int
    before: str = ""
    after: str = ""


def plan_infill(content: Content, revision: int) -> Plan:
    """Open all that is not pinned; where that is nothing, the empty sections."""
    openings = _unpinned(content, 0, len(content.text))
    if not openings and content.text.strip():
        openings = [
            _open_empty(content.text, section)
            for section in find_sections(content.text)
            if section.name in WRITTEN_FROM_IMAGE and _is_empty(content.text, section)
        ]
    if not openings:
        raise NothingToFill(
            "Every word is pinned: unpin some, or insert a gap where the model may write."
            if content.text.strip()
            else "The report is empty: press Draft to let the model write it."
        )
    return _plan(content, openings, revision)


def plan_refill(content: Content, start: int, end: int, revision: int) -> Plan:
    """Open what is not pinned in ``start:end`` and nothing else."""
    if start == end:
        raise NothingToFill("Nothing is selected: select the words that the model may rewrite.")
    openings = _unpinned(content, start, end)
    if not openings:
        raise NothingToFill(
            "Every selected word is pinned: unpin some, or select words that are not."
        )
    return _plan(content, openings, revision)


def plan_draft(content: Content, revision: int) -> Plan:
    """Open the whole report if nothing in it is pinned, else all that is not pinned.

    A findings or impression section that is empty or missing is written, too. Where that leaves
    nothing to write, findings and impression go on behind what stands in them.
    """
    text = content.text
    pinned = "".join(text[span.start : span.end] for span in content.spans if span.pinned)
    if not pinned:
        return _plan(content, [_Opening(0, len(text))], revision)
    if not pinned.strip():
        openings = _unpinned(content, 0, len(text)) or [_Opening(0, 0)]
        return _plan(content, openings, revision)
    sections = find_sections(text)
    if not sections:
        return _plan(
            content, _around_loose_text(content), revision, lead=heading_like((), text, FINDINGS)
        )
    openings = _by_section(content, sections) or _behind_pins(text, sections)
    return _plan(content, openings, revision)


def plan_section(content: Content, name: SectionName, revision: int) -> Plan:
    """Open one section around what of it is pinned; all else is held, pinned or not.

    ``name`` is Findings or Impression; the other one must have text to go by. A heading that is
    missing comes in; text without any heading is that of the other section. A gap elsewhere stays.
    """
    text = content.text
    other = IMPRESSION if name is FINDINGS else FINDINGS
    sections = find_sections(text)
    source = _find(text, sections, other)
    told = text if not sections else text[source.body : source.end] if source is not None else ""
    if not told.replace(GAP_CHAR, "").strip():
        raise NothingToFill(f"There is no text under {other} to go by: write or draft it first.")
    section = _find(text, sections, name)
    if section is source and section is not None:
        raise NothingToFill(f"{other} and {name} share one heading: give each its own.")
    if section is None:
        return _with_new_section(content, name, sections, revision)
    start, end = _body(text, section)
    if start == end:
        return _plan(content, [_open_empty(text, section)], revision)
    openings = _unpinned(content, start, end) or [_Opening(end, end)]
    return _plan(content, openings, revision)


def _with_new_section(
    content: Content, name: SectionName, sections: Sequence[Section], revision: int
) -> Plan:
    """Open a section that the report has not: Findings before the Impression, which comes last."""
    text = content.text
    heading = heading_like(sections, text, name)
    if name is FINDINGS:
        impression = _find(text, sections, IMPRESSION)
        at = impression.start if impression is not None else 0
        own = "" if impression is not None else heading_like((), text, IMPRESSION)
        before = f"{_blank_line(text[:at])}{heading}"
        return _plan(content, [_Opening(at, at, before, f"\n\n{own}")], revision)
    findings = _find(text, sections, FINDINGS)
    end = findings.end if findings is not None else len(text)
    lead = "" if sections else heading_like((), text, FINDINGS)
    before = f"{_blank_line(text[:end])}{heading}"
    after = "\n\n" if end < len(text) else ""
    return _plan(content, [_Opening(end, end, before, after)], revision, lead=lead)


def _unpinned(content: Content, start: int, end: int) -> list[_Opening]:
    ranges: list[tuple[int, int]] = []
    for span in content.clip(start, end):
        if span.pinned:
            continue
        if ranges and ranges[-1][1] == span.start:
            ranges[-1] = ranges[-1][0], span.end
        else:
            ranges.append((span.start, span.end))
    trimmed = ((low, low + len(content.text[low:high].rstrip())) for low, high in ranges)
    return [_Opening(low, high) for low, high in trimmed if low < high]


def _body(text: str, section: Section) -> tuple[int, int]:
    """The text of a section without the white space around it."""
    body = text[section.body : section.end]
    start = section.body + len(body) - len(body.lstrip())
    return start, max(start, section.body + len(body.rstrip()))


def _is_empty(text: str, section: Section) -> bool:
    return not text[section.body : section.end].strip()


def _open_empty(text: str, section: Section) -> _Opening:
    before = "" if section.body > section.heading_end else "\n"
    if section.end == len(text):
        return _Opening(section.body, section.body, before)
    breaks = text.count("\n", section.body, section.end)
    return _Opening(section.body, section.body, before, "\n" * max(0, 2 - breaks))


def _by_section(content: Content, sections: Sequence[Section]) -> list[_Opening]:
    text = content.text
    openings: list[_Opening] = []
    for section in sections:
        start, end = _body(text, section)
        if _is_empty(text, section):
            if section.name in WRITTEN_FROM_IMAGE:
                openings.append(_open_empty(text, section))
        else:
            openings += _unpinned(content, start, end)
    openings += _loose_gaps(content, openings)
    at_end: list[SectionName] = []
    if _find(text, sections, FINDINGS) is None:
        impression = _find(text, sections, IMPRESSION)
        if impression is None:
            at_end.append(FINDINGS)
        else:
            at = impression.start
            heading = heading_like(sections, text, FINDINGS)
            openings.append(_Opening(at, at, f"{_blank_line(text[:at])}{heading}", "\n\n"))
    if _find(text, sections, IMPRESSION) is None:
        at_end.append(IMPRESSION)
    openings.sort(key=lambda opening: opening.start)
    for number, name in enumerate(at_end):
        ends_in_hole = number > 0 or (openings and openings[-1].end == len(text))
        lead = "\n\n" if ends_in_hole else _blank_line(text)
        heading = heading_like(sections, text, name)
        openings.append(_Opening(len(text), len(text), f"{lead}{heading}"))
    return openings


def _find(text: str, sections: Sequence[Section], name: SectionName) -> Section | None:
    return next((each for each in sections if each.covers(name, text)), None)


def _behind_pins(text: str, sections: Sequence[Section]) -> list[_Opening]:
    ends = [_body(text, each)[1] for each in sections if each.name in WRITTEN_FROM_IMAGE]
    return [_Opening(end, end) for end in ends]


def _loose_gaps(content: Content, openings: Iterable[_Opening]) -> list[_Opening]:
    """The gap marks that are in none of ``openings``, neighbours as one."""
    covered = {place for opening in openings for place in range(opening.start, opening.end)}
    loose: list[_Opening] = []
    for gap in content.gaps:
        if gap.position in covered:
            continue
        start = gap.position
        if loose and loose[-1].end == start:
            start = loose.pop().start
        loose.append(_Opening(start, gap.position + 1))
    return loose


def _around_loose_text(content: Content) -> list[_Opening]:
    """Open a report without headings, the text of which is to stand under the findings."""
    text = content.text
    openings = _unpinned(content, 0, len(text))
    end = len(text.rstrip())
    if not openings or openings[-1].end < end:
        openings.append(_Opening(end, end))
    lead = _blank_line(text) if end < len(text) else "\n\n"
    openings.append(_Opening(len(text), len(text), f"{lead}{heading_like((), text, IMPRESSION)}"))
    return openings


def _blank_line(before: str) -> str:
    """The line breaks that make a blank line after ``before``."""
    breaks = len(before) - len(before.rstrip("\n"))
    return "\n" * max(0, 2 - breaks) if before else ""


def _plan(content: Content, openings: Iterable[_Opening], revision: int, *, lead: str = "") -> Plan:
    parts: list[Part] = [Added(lead)] if lead else []
    position = 0
    for opening in openings:
        if position < opening.start:
            parts.append(Kept(position, opening.start))
        if opening.before:
            parts.append(Added(opening.before))
        parts.append(_hole(content, opening.start, opening.end))
        if opening.after:
            parts.append(Added(opening.after))
        position = opening.end
    if position < len(content.text):
        parts.append(Kept(position, len(content.text)))
    return Plan(tuple(parts), _pieces(content, parts), revision)


def _hole(content: Content, start: int, end: int) -> Hole:
    """A hole has the length of its gap marks if there is nothing but gap marks in it."""
    hint = content.text[start:end].replace(GAP_CHAR, "")
    lengths = [gap.tokens for gap in content.gaps if start <= gap.position < end]
    known = [tokens for tokens in lengths if tokens is not None]
    fixed = bool(known) and len(known) == len(lengths) and not hint.strip()
    return Hole(start, end, sum(known) if fixed else None, hint)


def _pieces(content: Content, parts: Iterable[Part]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    fixed = ""
    for part in parts:
        match part:
            case Kept(start, end):
                fixed += content.text[start:end].replace(GAP_CHAR, "")
            case Added(text):
                fixed += text
            case Hole(tokens=tokens, hint=hint):
                if fixed:
                    pieces.append(Fixed(fixed))
                pieces.append(Gap(tokens, hint))
                fixed = ""
    if fixed:
        pieces.append(Fixed(fixed))
    return tuple(pieces)
