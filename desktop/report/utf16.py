"""Code points, in which the report counts, and UTF-16 code units, in which Qt does."""

from __future__ import annotations

from bisect import bisect_left


class Utf16:
    """Converts offsets in one text. Characters beyond U+FFFF take two units."""

    def __init__(self, text: str) -> None:
        narrow = max(text, default="") <= "\uffff"
        self._points = [] if narrow else [i for i, char in enumerate(text) if char > "\uffff"]
        self._units = [point + before for before, point in enumerate(self._points)]

    def units(self, point: int) -> int:
        """The offset in UTF-16 units of the code point at ``point``."""
        return point + bisect_left(self._points, point)

    def point(self, unit: int) -> int:
        """The code point at ``unit``; from within a surrogate pair, the one after it."""
        return unit - bisect_left(self._units, unit)
