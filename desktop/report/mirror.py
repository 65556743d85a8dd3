"""Keeps a ``QTextDocument`` equal to a picture, changing no more of it than differs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextLayout,
)

from desktop.report.colors import Look, ReportColors, looks
from desktop.report.model import GAP_CHAR, is_heading
from desktop.report.picture import Picture, Stretch, Style
from desktop.report.pill import GAP_OBJECT, TOKENS, GapPill
from desktop.report.utf16 import Utf16

GUTTER: Final = 40
"""Pixels left of the text, for the marks in the margin."""

TOP: Final = 20
RIGHT: Final = 24
BOTTOM: Final = 28
LINE_HEIGHT: Final = 140
"""Percent."""

_STATES: Final = 2**31
"""A block remembers, as its user state, a digest of how its letters were last styled."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A place ``start:end``, in UTF-16 units, with a line around it; ``strong`` for a thick one."""

    start: int
    end: int
    strong: bool = False


class Mirror:
    """One document and the picture that it shows, its places counted in UTF-16 units.

    ``busy`` is true while the mirror itself changes the document, so that its owner can tell
    such changes from the reader's.
    """

    def __init__(self, colors: ReportColors, font: QFont, parent: QObject) -> None:
        self.document = QTextDocument(parent)
        self.document.setUndoRedoEnabled(False)
        self.document.setDocumentMargin(0)
        frame = self.document.rootFrame().frameFormat()
        frame.setLeftMargin(GUTTER)
        frame.setRightMargin(RIGHT)
        frame.setTopMargin(TOP)
        frame.setBottomMargin(BOTTOM)
        self.document.rootFrame().setFrameFormat(frame)
        self.pill = GapPill(colors, self.document)
        self.document.documentLayout().registerHandler(GAP_OBJECT, self.pill)
        self.picture = Picture("", (), ())
        self.index = Utf16("")
        self.stretches: list[Stretch] = []
        self.clashes: list[Outline] = []
        self.busy = False
        self.document.setDefaultFont(font)
        self.set_colors(colors)

    def set_font(self, font: QFont) -> None:
        self.document.setDefaultFont(font)
        self.set_colors(self.pill.colors)

    def set_colors(self, colors: ReportColors) -> None:
        self.looks = looks(colors)
        self.pill.colors = colors
        self._formats = {style: self._format(style, look) for style, look in self.looks.items()}
        self._restyle(anew=True)

    def raw_text(self) -> str:
        """The document's text with ``\\n`` between its blocks."""
        return self.document.toRawText().replace("\u2029", "\n")

    def show(self, picture: Picture) -> bool:
        """Make the document show ``picture``. Returns whether its text had to be changed."""
        old, new = self.raw_text(), picture.text
        start, end, text = difference(old, new)
        self.picture = picture
        self.index = Utf16(new)
        self.stretches = [
            Stretch(self.index.units(s.start), self.index.units(s.end), s.style)
            for s in picture.stretches
            if not new[s.start : s.end].isspace()  # white space alone has nothing to draw
        ]
        changed = start != end or bool(text)
        with self._changing():
            if changed:
                before = Utf16(old)
                self._replace(before.units(start), before.units(end), text)
            self._measure_gaps()
            self._shape_blocks()
            self._restyle()
        return changed

    def outline(self, places: Iterable[tuple[int, int]], current: Container[int] = ()) -> None:
        """Draw a line around each of ``places`` of the picture, a thick one around ``current``."""
        unique = sorted(set(places))
        self.clashes = [
            Outline(self.index.units(start), self.index.units(end), strong=start in current)
            for start, end in unique
            if start < end
        ]

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self.busy = True
        cursor = QTextCursor(self.document)
        cursor.beginEditBlock()
        try:
            yield
        finally:
            cursor.endEditBlock()
            self.busy = False

    def _replace(self, start: int, end: int, text: str) -> None:
        cursor = self._cursor(start, end)
        cursor.removeSelectedText()
        for number, piece in enumerate(text.split(GAP_CHAR)):
            if number:
                cursor.insertText(GAP_CHAR, _gap_format(None))
            cursor.insertText(piece, QTextCharFormat())

    def _measure_gaps(self) -> None:
        position = self.picture.text.find(GAP_CHAR)
        for tokens in self.picture.gaps:
            unit = self.index.units(position)
            cursor = self._cursor(unit, unit + 1)
            wanted = _gap_format(tokens)
            if cursor.charFormat() != wanted:
                cursor.setCharFormat(wanted)
            position = self.picture.text.find(GAP_CHAR, position + 1)

    def _cursor(self, start: int, end: int) -> QTextCursor:
        cursor = QTextCursor(self.document)
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _shape_blocks(self) -> None:
        for block in blocks(self.document):
            wanted = _BODY
            if is_heading(block.text()):
                wanted = _FIRST_HEADING if block.blockNumber() == 0 else _HEADING
            if block.blockFormat() != wanted:
                QTextCursor(block).setBlockFormat(wanted)

    def _restyle(self, *, anew: bool = False) -> None:
        """Give each block the letters of its stretches, where they are not so already."""
        rest = iter(self.stretches)
        stretch = next(rest, None)
        for block in blocks(self.document):
            start, end = block.position(), block.position() + block.length()
            ranges: list[tuple[int, int, Style]] = []
            while stretch is not None and stretch.start < end:
                low, high = max(stretch.start, start), min(stretch.end, end - 1)
                if low < high:
                    ranges.append((low - start, high - low, stretch.style))
                if stretch.end > end:
                    break
                stretch = next(rest, None)
            self._style_block(block, ranges, anew)

    def _style_block(
        self, block: QTextBlock, ranges: list[tuple[int, int, Style]], anew: bool
    ) -> None:
        state = hash(tuple((start, length, style.value) for start, length, style in ranges))
        if block.userState() == state % _STATES and not anew:
            return
        block.setUserState(state % _STATES)
        formats: list[QTextLayout.FormatRange] = []
        for start, length, style in ranges:
            format_range = QTextLayout.FormatRange()
            format_range.start = start
            format_range.length = length
            format_range.format = self._formats[style]
            formats.append(format_range)
        block.layout().setFormats(formats)
        self.document.markContentsDirty(block.position(), block.length())

    def _format(self, style: Style, look: Look) -> QTextCharFormat:
        char_format = QTextCharFormat()
        char_format.setForeground(QColor(look.ink))
        if look.italic:
            char_format.setFontItalic(True)
        if style in (Style.HEADING, Style.RUN_IN):
            char_format.setFontWeight(QFont.Weight.DemiBold)
        if style is Style.HEADING:
            char_format.setFontPointSize(self.document.defaultFont().pointSizeF() * 0.84)
            char_format.setFontLetterSpacingType(QFont.SpacingType.PercentageSpacing)
            char_format.setFontLetterSpacing(110)
        return char_format


def difference(old: str, new: str, caret: int | None = None) -> tuple[int, int, str]:
    """``(start, end, text)``: put ``text`` in place of ``old[start:end]`` and get ``new``.

    Which of several like characters came or went, the two texts cannot tell. ``caret`` can: it
    stands in ``new`` where the change ends.
    """
    longest = min(len(old), len(new))
    head = _common(old, new, longest)
    tail = _common(old[::-1], new[::-1], longest)
    if head + tail > longest:
        least = longest - head
        tail = least if caret is None else max(least, min(tail, len(new) - caret))
        head = longest - tail
    return head, len(old) - tail, new[head : len(new) - tail]


def replacement(old: str, new: str, start: int, end: int) -> str | None:
    """What ``new`` has in place of ``old[start:end]``; ``None`` if it differs elsewhere, too."""
    behind = len(old) - end
    if len(new) < start + behind or old[:start] != new[:start] or not new.endswith(old[end:]):
        return None
    return new[start : len(new) - behind]


def _common(one: str, other: str, longest: int) -> int:
    """The length of the common start, at most ``longest``; by halves, so that slices compare."""
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def _gap_format(tokens: int | None) -> QTextCharFormat:
    char_format = QTextCharFormat()
    char_format.setObjectType(GAP_OBJECT)
    char_format.setProperty(TOKENS, tokens or 0)
    char_format.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
    return char_format


def _block_format(top: float, bottom: float, height: int) -> QTextBlockFormat:
    block_format = QTextBlockFormat()
    block_format.setLineHeight(height, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    block_format.setTopMargin(top)
    block_format.setBottomMargin(bottom)
    return block_format


_BODY: Final = _block_format(0, 0, LINE_HEIGHT)
_FIRST_HEADING: Final = _block_format(0, 9, 100)
_HEADING: Final = _block_format(6, 9, 100)
