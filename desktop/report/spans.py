"""The text of a report and what is known about each of its characters.

Every offset is a code point, as in a Python string. A gap mark is one character of the text,
:data:`GAP_CHAR`; its attributes stand beside it. It counts as generated and not pinned, because
it is the model's place and whatever is filled in there replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

GAP_CHAR: Final = "\ufffc"
_REPLACEMENT: Final = "\ufffd"


class Origin(StrEnum):
    """Who wrote a character."""

    TYPED = "typed"
    TEMPLATE = "template"
    GENERATED = "generated"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive characters of one origin, all pinned or all not."""

    start: int
    end: int
    origin: Origin
    pinned: bool


@dataclass(frozen=True, slots=True)
class GapMark:
    """A place where the model may write; ``tokens`` is ``None`` where the length is left to it."""

    position: int
    tokens: int | None = None


Mark = tuple[Origin, bool]
"""What a span says of its characters: origin and pinned."""

GAP_MARK: Final[Mark] = (Origin.GENERATED, False)


@dataclass(frozen=True, slots=True)
class Content:
    """One state of a report. The spans partition the text and no two neighbours are alike."""

    text: str = ""
    spans: tuple[Span, ...] = ()
    gaps: tuple[GapMark, ...] = ()

    def check(self) -> None:
        """Raise :class:`ValueError` unless the text, its spans and its gaps agree."""
        position = 0
        previous: Mark | None = None
        for span in self.spans:
            if span.start != position or span.end <= span.start:
                raise ValueError(f"the spans do not join up at character {position}")
            if (span.origin, span.pinned) == previous:
                raise ValueError(f"two like spans meet at character {position}")
            if span.origin is Origin.TYPED and not span.pinned:
                raise ValueError(f"the typed text at character {position} is not pinned")
            position, previous = span.end, (span.origin, span.pinned)
        if position != len(self.text):
            raise ValueError("the spans do not cover the text")
        marks = [index for index, char in enumerate(self.text) if char == GAP_CHAR]
        if marks != [gap.position for gap in self.gaps]:
            raise ValueError("the gaps are not where the text has their marks")
        if any(gap.tokens is not None and gap.tokens < 1 for gap in self.gaps):
            raise ValueError("a gap is shorter than one token")
        spans = iter(self.spans)
        at = next(spans, None)
        for gap in self.gaps:  # both from left to right, so that each is looked at once
            while at is not None and at.end <= gap.position:
                at = next(spans, None)
            if at is None or (at.origin, at.pinned) != GAP_MARK:
                raise ValueError(f"the gap at character {gap.position} is not the model's")

    def clip(self, start: int, end: int) -> Iterator[Span]:
        """The parts of the spans that lie in ``start:end``."""
        for span in self.spans:
            low, high = max(span.start, start), min(span.end, end)
            if low < high:
                yield replace(span, start=low, end=high)

    def splice(
        self, start: int, end: int, text: str, mark: Mark, gaps: Iterable[int | None] = ()
    ) -> Content:
        """Put ``text`` in place of ``start:end``; ``gaps`` are the lengths of the marks in it."""
        builder = Builder()
        builder.copy(self, 0, start)
        builder.add(text, mark, gaps)
        builder.copy(self, end, len(self.text))
        return builder.build()

    def remark(self, start: int, end: int, change: Callable[[Span], Mark]) -> Content:
        """Mark ``start:end`` anew as ``change`` says, gap marks apart."""
        builder = Builder()
        builder.copy(self, 0, start)
        lengths = (gap.tokens for gap in self.gaps if start <= gap.position < end)
        for span in self.clip(start, end):
            position = span.start
            while position < span.end:
                mark = self.text.find(GAP_CHAR, position, span.end)
                stop = span.end if mark < 0 else mark
                if position < stop:
                    part = replace(span, start=position, end=stop)
                    builder.add(self.text[position:stop], change(part))
                if stop < span.end:
                    builder.add(GAP_CHAR, GAP_MARK, lengths)
                position = stop + 1
        builder.copy(self, end, len(self.text))
        return builder.build()


class Builder:
    """Puts a :class:`Content` together from left to right, joining like neighbours."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._spans: list[Span] = []
        self._gaps: list[GapMark] = []
        self.length = 0

    def add(self, text: str, mark: Mark, gaps: Iterable[int | None] = ()) -> None:
        """Append ``text``; ``gaps`` are the lengths of the gap marks that it holds, in order."""
        if not text:
            return
        origin, pinned = mark
        end = self.length + len(text)
        last = self._spans[-1] if self._spans else None
        if last is not None and (last.origin, last.pinned) == mark:
            self._spans[-1] = replace(last, end=end)
        else:
            self._spans.append(Span(self.length, end, origin, pinned))
        lengths = iter(gaps)
        start = text.find(GAP_CHAR)
        while start >= 0:
            self._gaps.append(GapMark(self.length + start, next(lengths)))
            start = text.find(GAP_CHAR, start + 1)
        self._texts.append(text)
        self.length = end

    def copy(self, content: Content, start: int, end: int) -> None:
        """Append ``start:end`` of ``content`` with all that is known about it."""
        lengths = iter([gap.tokens for gap in content.gaps if start <= gap.position < end])
        for span in content.clip(start, end):
            self.add(content.text[span.start : span.end], (span.origin, span.pinned), lengths)

    def build(self) -> Content:
        return Content("".join(self._texts), tuple(self._spans), tuple(self._gaps))


_LINE_ENDS: Final = str.maketrans({"\r": "\n", "\u2028": "\n", "\u2029": "\n"})
_FOREIGN: Final = str.maketrans(
    # The gap mark has a meaning here; the two others are Qt's own marks for a text frame.
    {GAP_CHAR: _REPLACEMENT, "\ufdd0": _REPLACEMENT, "\ufdd1": _REPLACEMENT}
    | {chr(code): _REPLACEMENT for code in range(0xD800, 0xE000)}
)


def clean(text: str) -> str:
    """``text`` as it enters a report: every line ends in ``\\n``, and what is no character of a
    text (a gap mark, a lone surrogate, Qt's two frame marks) is replaced by U+FFFD.
    """
    return text.replace("\r\n", "\n").translate(_LINE_ENDS).translate(_FOREIGN)


def check_characters(text: str) -> None:
    """Raise :class:`ValueError` unless ``text`` could have entered a report, gap marks apart."""
    if clean(text) != text.replace(GAP_CHAR, _REPLACEMENT):
        raise ValueError("the text holds characters that no report has")
