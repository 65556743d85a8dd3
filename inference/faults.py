"""Faults of form that a fill brings into a report, found before it is offered.

What every report may be spoilt by, :mod:`radiology.language.form` finds. Text diffusion has faults
of its own: it writes all places at once, and where two of them settle on the same sentence it says
it twice; it may say again what is pinned elsewhere; a text that meets the end of its room breaks
off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from inference.filled_text import FilledText
from inference.protocol import Fault
from radiology.language.form import FaultKind, FormFault, find_form_faults
from radiology.language.sections import find_sections
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span, find_words

_KINDS: Final[Mapping[FaultKind, Fault]] = {
    FaultKind.CUT_OFF: "unclosed",
    FaultKind.UNSTOPPED: "unclosed",
    FaultKind.DOUBLED_WORD: "stutter",
    FaultKind.DOUBLED_STOP: "stop",
    FaultKind.LOOSE_STOP: "stop",
    FaultKind.HEADING_TWICE: "heading",
    FaultKind.EMPTY_SECTION: "heading",
    FaultKind.EMPTY: "broken",
    FaultKind.ARTICLE: "broken",
    FaultKind.UNIT: "broken",
}
_OF_THE_END: Final = frozenset({FaultKind.CUT_OFF, FaultKind.UNSTOPPED})
"""Faults of the last word of a sentence, whoever wrote the others."""

_GOES_ON_ANEW: Final = re.compile(r" *$| *[\r\n]|\s+[A-Z]")
"""What follows a gap whose last sentence has to be closed: nothing, a new line, a new sentence."""

_CLOSED: Final = (".", "?", "!", ":")
_ENDS: Final = (*_CLOSED, ";", "…")
_BLANK_LINE: Final = re.compile(r"(?:\r?\n[ \t]*){2,}")
_SHORTEST_COPY: Final = 2
"""Words of the shortest sentence that is not said twice by chance: "Unchanged." may be."""


@dataclass(frozen=True)
class Flaw:
    """A fault at ``span`` of a filled text; the words at ``worst`` had better be others."""

    fault: Fault
    span: Span
    worst: Span


def find_flaws(filled: FilledText) -> list[Flaw]:
    """The faults that the fills bring; what is pinned is its reader's."""
    found = [
        *_of_form(filled),
        *_said_twice(filled),
        *_broken_off(filled),
        *_copies(filled),
        *_left_empty(filled),
    ]
    return [flaw for flaw in found if not filled.is_open(flaw.span)]


def _of_form(filled: FilledText) -> Iterator[Flaw]:
    for fault in find_form_faults(filled.text):
        end = _last_word(filled.text, fault.span)
        place = end if fault.kind in _OF_THE_END else fault.span
        if fault.kind is FaultKind.UNIT:
            place = Span(place.start - 1, place.end + 1)  # the unit may be what was not written
        brought = filled.written(place)
        if fault.kind in {FaultKind.HEADING_TWICE, FaultKind.EMPTY_SECTION}:
            brought = any(filled.written(span) for span in _headings_like(filled.text, fault))
        if brought:
            yield Flaw(_KINDS[fault.kind], fault.span, end)
        elif fault.kind is FaultKind.EMPTY_SECTION:
            for fill in filled.fills:
                between = filled.text[fault.span.end : fill.start]
                if fill.start >= fault.span.end and not between.strip():
                    yield Flaw("heading", fill, fill)  # nothing was written under it


def _headings_like(text: str, fault: FormFault) -> list[Span]:
    """The headings of the section whose heading is at fault."""
    sections = find_sections(text)
    name = next(each.name for each in sections if each.heading == fault.span)
    return [each.heading for each in sections if each.name is name]


def _said_twice(filled: FilledText) -> Iterator[Flaw]:
    """Sentences of a fill that follow themselves."""
    for fill in filled.fills:
        sentences = find_sentences(filled.text, fill.start, fill.end)
        for one, other in pairwise(sentences):
            if _words(filled.text, one) == _words(filled.text, other):
                yield Flaw("stutter", other, other)


def _broken_off(filled: FilledText) -> Iterator[Flaw]:
    """Fills whose last sentence is left open, in a text that is written in sentences."""
    text = filled.text
    for number, fill in enumerate(filled.fills):
        left = text[filled.fills[number - 1].end if number else 0 : fill.start]
        following = [other.start for other in filled.fills[number + 1 :]]
        stop = min([*following, *(gap for gap in filled.open_gaps if gap >= fill.end), len(text)])
        right, said = text[fill.end : stop], fill.of(text)
        if not said.strip() or not _GOES_ON_ANEW.match(right) or "." not in left + said + right:
            continue
        if not said.rstrip().endswith(_CLOSED):
            end = _last_word(text, fill)
            yield Flaw("unclosed", end, end)


def _copies(filled: FilledText) -> Iterator[Flaw]:
    """Whole sentences of a fill that are pinned in the same paragraph already.

    An impression may well say again what the findings say.
    """
    text = filled.text
    breaks = [match.span() for match in _BLANK_LINE.finditer(text)]
    edges = [0, *(edge for each in breaks for edge in each), len(text)]
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        inside = [fill for fill in filled.fills if start <= fill.start and fill.end <= stop]
        ends = [start, *(fill.end for fill in inside)]
        pinned = {
            _words(text, sentence)
            for part in zip(ends, [*(fill.start for fill in inside), stop], strict=True)
            for sentence in find_sentences(text, *part)
        }
        for fill in inside:
            for sentence in find_sentences(text, fill.start, fill.end):
                words = _words(text, sentence)
                if len(words) >= _SHORTEST_COPY and words in pinned:
                    yield Flaw("copy", sentence, sentence)


def _left_empty(filled: FilledText) -> Iterator[Flaw]:
    """Gaps inside a sentence into which nothing was written."""
    text = filled.text
    headings = {section.heading.end for section in find_sections(text)}
    for fill in filled.fills:
        if fill.of(text).strip():
            continue
        line = text[text.rfind("\n", 0, fill.start) + 1 : fill.start].rstrip()
        rest = text[fill.end :].partition("\n")[0].strip()
        begun = bool(line) and not line.endswith(_ENDS)
        told = line.endswith(":") and not rest and fill.start - _space(text, fill) not in headings
        if begun or told or rest[:1].islower() or (bool(rest) and rest[0] in ".,;:)%"):
            yield Flaw("empty", fill, fill)


def _space(text: str, fill: Span) -> int:
    """Characters of white space before a fill."""
    before = text[: fill.start]
    return len(before) - len(before.rstrip())


def _last_word(text: str, span: Span) -> Span:
    words = find_words(span.of(text))
    last = next((word for word in reversed(words) if word.lower[0].isalnum()), None)
    return span if last is None else Span(span.start + last.start, span.start + last.end)


def _words(text: str, sentence: Span) -> tuple[str, ...]:
    """The words of a sentence in lower case, without its punctuation."""
    return tuple(word.lower for word in find_words(sentence.of(text)) if word.lower[0].isalnum())
