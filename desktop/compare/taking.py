"""Takes one sentence of a compared text into the report: where it belongs, and what may change.

The place is found by what stands around it. A sentence of the same section that says much the same
is replaced, word by word, so that its pinned words stay; else the sentence comes in between its
own neighbours, where those stand in the report, too, or into a section that is empty. What cannot
be placed so is not placed at all. The result is a plan and its fills: one edit, by which the words
come in as generated and unpinned, as from any other fill.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Final

from desktop.compare.differences import token_f1
from desktop.report.model import (
    GAP_CHAR,
    SECTIONS,
    Added,
    Content,
    Hole,
    Kept,
    Part,
    Plan,
    Report,
    Section,
    find_sections,
)
from desktop.report.sections import heading_like
from desktop.report.sentences import sentence_at, sentences, words
from radiology.language.sections import SectionName

ALIKE: Final = 0.5
"""Token-F1 of what they are about, from which on two sentences are about the same thing."""

_SAYS_NOT_OF_WHAT: Final = frozenset(
    """a acute an and any are as at be been by clear evidence for from has have identified in is it
    large left mild mildly moderate moderately new no normal not of on or present right seen severe
    severely slightly small stable that the there this to unchanged unremarkable was were with
    without within""".split()  # noqa: SIM905 - easier to read
)
"""Words that sentences about different things have in common."""


class NoPlace(Exception):
    """The sentence was not taken; the message says why and what to do."""


@dataclass(frozen=True)
class Taking:
    """``fills`` for the holes of ``plan``."""

    plan: Plan
    fills: tuple[str, ...]


def sentence_in(text: str, position: int) -> tuple[int, int]:
    """Where the sentence at ``position`` lies; a heading is none, and then it is empty."""
    start, end = sentence_at(text, position)
    if any(section.start <= start < section.heading_end for section in find_sections(text)):
        return position, position
    return start, end


def take(report: Report, text: str, start: int, end: int) -> Taking:
    """How the sentence ``start:end`` of ``text`` comes into ``report``. Raises :class:`NoPlace`."""
    sentence = text[start:end]
    if not sentence.strip():
        raise NoPlace("There is no sentence at the cursor: put it on one.")
    name = _section_at(text, start)
    section = next((each for each in report.sections if each.name == name), None)
    if name is not None and section is None:
        return _with_heading(report, name, sentence)
    place = _range_of(report.text, section)
    here = _ranges(report.text, *place)
    if sentence in (report.text[low:high] for low, high in here):
        raise NoPlace("The report has this sentence already.")
    kept = {text[low:high] for low, high in _section_of(text, name)}
    others = [each for each in here if report.text[slice(*each)] not in kept]
    alike = max(others, key=lambda each: _likeness(_plain(report, each), sentence), default=None)
    if alike is not None and _likeness(_plain(report, alike), sentence) >= ALIKE:
        return _reworded(report, *alike, sentence)
    return _put_in(report, section, place, here, _neighbours(text, name, start), sentence)


def _likeness(one: str, other: str) -> float:
    """How much two sentences are about the same; 0 where one of them is about nothing known."""
    told = [
        " ".join(word for word in re.findall(r"\w+", text.lower()) if word not in _SAYS_NOT_OF_WHAT)
        for text in (one, other)
    ]
    return token_f1(*told) if all(told) else 0.0


def _section_of(text: str, name: SectionName | None) -> list[tuple[int, int]]:
    """The sentences of a section of a compared text."""
    section = next((each for each in find_sections(text) if each.name == name), None)
    return _ranges(text, *_range_of(text, section))


def _plain(report: Report, place: tuple[int, int]) -> str:
    return report.text[slice(*place)].replace(GAP_CHAR, "")


def _section_at(text: str, position: int) -> SectionName | None:
    names = [each.name for each in find_sections(text) if each.start <= position]
    return names[-1] if names else None


def _range_of(text: str, section: Section | None) -> tuple[int, int]:
    """The text of a section; without one, what stands before the first heading."""
    if section is not None:
        return section.body, section.end
    return 0, min((each.start for each in find_sections(text)), default=len(text))


def _ranges(text: str, low: int, high: int) -> list[tuple[int, int]]:
    """The sentences in ``low:high``; gap marks alone are none."""
    return [
        (low + start, low + end)
        for start, end in sentences(text[low:high])
        if text[low + start : low + end].replace(GAP_CHAR, "").strip()
    ]


def _neighbours(text: str, name: SectionName | None, start: int) -> tuple[list[str], list[str]]:
    """The sentences of the same section before and behind, the nearest first."""
    section = next((each for each in find_sections(text) if each.name == name), None)
    ranges = _ranges(text, *_range_of(text, section))
    before = [text[low:high] for low, high in ranges if high <= start]
    behind = [text[low:high] for low, high in ranges if low > start]
    return before[::-1], behind


# The same thing in other words


def _reworded(report: Report, start: int, end: int, sentence: str) -> Taking:
    """Put ``sentence`` in place of ``start:end``; words that both have keep what they are."""
    content = report.content
    old, new = words(content.text[start:end]), words(sentence)
    edges = list(accumulate(map(len, old), initial=start))
    holes: list[Hole] = []
    fills: list[str] = []
    for tag, low, high, from_, to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if _is_pinned(content, edges[low], edges[high]):
            raise NoPlace(
                "That would change a pinned word of the report: unpin it first, or write the "
                "sentence by hand."
            )
        holes.append(Hole(edges[low], edges[high]))
        fills.append("".join(new[from_:to]))
    return Taking(_plan(report, holes), tuple(fills))


def _is_pinned(content: Content, start: int, end: int) -> bool:
    """Whether ``start:end`` holds a pin; words may not come into the middle of one, either."""
    if start < end:
        return any(span.pinned for span in content.clip(start, end))
    return any(span.pinned and span.start < start < span.end for span in content.spans)


# In between


def _put_in(
    report: Report,
    section: Section | None,
    place: tuple[int, int],
    here: Sequence[tuple[int, int]],
    neighbours: tuple[Sequence[str], Sequence[str]],
    sentence: str,
) -> Taking:
    if not here:
        return _into_empty(report, section, place, sentence)
    before, behind = neighbours
    after = _standing(report, here, before)
    ahead = _standing(report, here, behind)
    low = after[1] if after is not None else place[0] if not before else None
    high = ahead[0] if ahead is not None else here[-1][1] if not behind else None
    if low is not None and high is not None and low > high:
        raise NoPlace(
            "The sentences around it stand in another order in the report, so that its place is "
            "not clear. Copy it with Ctrl+C and paste it where it belongs."
        )
    if low is None and high is None:
        raise NoPlace(
            "Nothing near this sentence stands in the report, so that its place is not clear. "
            "Copy it with Ctrl+C and paste it where it belongs."
        )
    return _between(report, low, high, sentence)


def _standing(
    report: Report, here: Iterable[tuple[int, int]], nearest_first: Iterable[str]
) -> tuple[int, int] | None:
    """Where the nearest of some sentences stands in the report."""
    standing = {report.text[low:high]: (low, high) for low, high in here}
    return next((standing[each] for each in nearest_first if each in standing), None)


def _between(report: Report, low: int | None, high: int | None, sentence: str) -> Taking:
    """In place of a gap mark between ``low`` and ``high``, else behind ``low``, else before."""
    text = report.text
    stop = high if high is not None else _line_end(text, low or 0)
    begin = low if low is not None else text.rfind("\n", 0, stop) + 1
    gap = next((mark.position for mark in report.gaps if begin <= mark.position < stop), None)
    start = gap if gap is not None else low if low is not None else stop
    end = start if gap is None else gap + 1
    lead = " " if start and not text[start - 1].isspace() else ""
    trail = " " if text[end : end + 1].strip() else ""
    return Taking(_plan(report, [Hole(start, end)]), (f"{lead}{sentence}{trail}",))


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _into_empty(
    report: Report, section: Section | None, place: tuple[int, int], sentence: str
) -> Taking:
    """Into a section without words; its gap marks go."""
    text = report.text
    marks = [mark.position for mark in report.gaps if place[0] <= mark.position < place[1]]
    start, end = (marks[0], marks[-1] + 1) if marks else (place[0], place[0])
    if any(span.pinned for span in report.content.clip(start, end)):
        end = start + 1  # line breaks that were typed between two marks stay
    lead = "\n" if section is not None and section.body == section.heading_end else ""
    breaks = len(text[end:]) - len(text[end:].lstrip("\n"))
    trail = "\n" * max(0, 2 - breaks) if text[end:].strip("\n") else ""
    return Taking(_plan(report, [Hole(start, end)], lead, trail), (sentence,))


def _with_heading(report: Report, name: SectionName, sentence: str) -> Taking:
    """Into a section that the report has not yet: its heading comes in with it."""
    text = report.text
    if name not in SECTIONS:
        raise NoPlace("The report has no such section: write its heading, then take the sentence.")
    heading = heading_like(report.sections, text, name)
    if not text.replace(GAP_CHAR, ""):
        return Taking(_plan(report, [Hole(0, len(text))], heading), (sentence,))
    later = SECTIONS[SECTIONS.index(name) + 1 :]
    at = next((each.start for each in report.sections if each.name in later), len(text))
    if at == len(text):
        breaks = len(text) - len(text.rstrip("\n"))
        lead = "\n" * max(0, 2 - breaks) + heading
        return Taking(_plan(report, [Hole(at, at)], lead), (sentence,))
    breaks = at - len(text[:at].rstrip("\n"))
    lead = "\n" * (max(0, 2 - breaks) if at else 0) + heading
    return Taking(_plan(report, [Hole(at, at)], lead, "\n\n"), (sentence,))


# The plan


def _plan(report: Report, holes: Sequence[Hole], lead: str = "", trail: str = "") -> Plan:
    """All that stands beside ``holes`` is kept; ``lead`` and ``trail`` frame them."""
    return Plan(tuple(_parts(report, holes, lead, trail)), (), report.revision)


def _parts(report: Report, holes: Sequence[Hole], lead: str, trail: str) -> Iterator[Part]:
    position = 0
    for hole in holes:
        if position < hole.start:
            yield Kept(position, hole.start)
        if lead:
            yield Added(lead)
        yield hole
        if trail:
            yield Added(trail)
        position = hole.end
    if position < len(report.text):
        yield Kept(position, len(report.text))
