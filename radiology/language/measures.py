"""Numbers in a report: sizes with their unit, ribs and vertebrae."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from radiology.language.lexicon import Item, Role, Term


@dataclass(frozen=True, slots=True)
class Size:
    """A length or the lengths of several axes, in mm; ``margin`` is half the last place written."""

    axes: tuple[float, ...]
    margin: float

    @property
    def mm(self) -> float:
        """The longest axis."""
        return max(self.axes)

    def agrees(self, other: Size) -> bool:
        """Whether both may be told of one lesion: an axis of the one is one of the other."""
        room = self.margin + other.margin + 1e-6
        return any(abs(mine - theirs) <= room for mine in self.axes for theirs in other.axes)


_NUMBER: Final = r"\d+(?:[.,]\d+)?"
_UNIT: Final = r"(?:mm|cm|millimet(?:er|re)s?|centimet(?:er|re)s?)"
_SIZE: Final = re.compile(
    rf"""(?<![\w.]){_NUMBER}
    (?:\s*{_UNIT}?(?:\s*[x×]\s*|\s+by\s+|\s+to\s+|[-–]){_NUMBER}){{0,2}}
    (?:\s*-\s*|\s*){_UNIT}\b""",
    re.VERBOSE | re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    r"""\b(?:previously|formerly|prior|before|was|were|from|compared\ (?:to|with)|versus|vs\.?)
    \s+(?:measured|measuring|at|about|approximately|of|up\ to|a|an|the|\s)*$""",
    re.VERBOSE | re.IGNORECASE,
)
"""What stands before a size of an earlier day."""

_DISTANCE: Final = re.compile(
    r"\s*(?:above|below|from|into|proximal|distal|beyond|deep|superior|inferior|cephalad|past"
    r"|cranial|caudal|away|beneath|inside|rim)\b",
    re.IGNORECASE,
)
"""What stands behind a distance."""

_ORDINALS: Final = {
    word: number
    for number, words in enumerate(
        (
            *("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th"),
            *("seventh 7th", "eighth 8th", "ninth 9th", "tenth 10th", "eleventh 11th"),
            "twelfth 12th",
        ),
        start=1,
    )
    for word in (*words.split(), str(number))
}
_ORDINAL: Final = "(?:" + "|".join(sorted(_ORDINALS, key=len, reverse=True)) + r")\b"
_RIBS: Final = re.compile(
    rf"""\b(?P<list>{_ORDINAL}(?:\s*(?:,\s*and|,|and|&|-|–|through|to)\s*{_ORDINAL})*)
    (?:\s+(?:lateral|posterior|anterior|posterolateral|anterolateral|left|right))*\s+ribs?\b
    | \bribs?\s+(?P<behind>{_ORDINAL}(?:\s*(?:,\s*and|,|and|&|-|–|through|to)\s*{_ORDINAL})*)""",
    re.VERBOSE | re.IGNORECASE,
)
_RANGE: Final = re.compile(r"(?:-|–|through|to)", re.IGNORECASE)
_VERTEBRA: Final = re.compile(r"\b[TL]-?(\d{1,2})\b")
_LOOK_BACK: Final = 40


def find_measures(text: str) -> list[Item]:
    """Sizes, ribs and vertebrae of ``text`` from left to right, none overlapping another.

    A size of an earlier day and a distance are items without attributes of a finding.
    """
    found = sorted(
        (*_sizes(text), *_ribs(text), *_vertebrae(text)), key=lambda item: (item.start, -item.end)
    )
    kept: list[Item] = []
    for item in found:
        if not kept or item.start >= kept[-1].end:
            kept.append(item)
    return kept


def read_size(text: str) -> Size:
    """The size that ``text`` ("2 x 3 cm") says."""
    scale = 10.0 if "c" in text.lower() else 1.0
    numbers = [number.replace(",", ".") for number in re.findall(_NUMBER, text)]
    places = min(len(number.partition(".")[2]) for number in numbers)
    return Size(tuple(float(number) * scale for number in numbers), 0.5 * scale * 10.0**-places)


def _sizes(text: str) -> Iterator[Item]:
    for match in _SIZE.finditer(text):
        name = "size"
        if _BEFORE.search(text, max(0, match.start() - _LOOK_BACK), match.start()):
            name = "prior size"
        elif _DISTANCE.match(text, match.end()):
            name = "distance"
        yield _item(match.span(), match[0], ((name, match[0]),))


def _ribs(text: str) -> Iterator[Item]:
    for match in _RIBS.finditer(text):
        words = match["list"] or match["behind"]
        numbers = [_ORDINALS[word.lower()] for word in re.findall(_ORDINAL, words, re.IGNORECASE)]
        if len(numbers) == 2 and _RANGE.search(words) and numbers[0] < numbers[1]:
            numbers = list(range(numbers[0], numbers[1] + 1))
        sides = [("side", side) for side in ("left", "right") if side in match[0].lower()]
        yield _item(match.span(), match[0], (*(("site", f"rib {n}") for n in numbers), *sides))


def _vertebrae(text: str) -> Iterator[Item]:
    for match in _VERTEBRA.finditer(text):
        yield _item(match.span(), match[0], (("site", match[0].replace("-", "")),))


def _item(span: tuple[int, int], text: str, attributes: tuple[tuple[str, str], ...]) -> Item:
    return Item(*span, text.lower(), Term(Role.ATTRIBUTE, (), attributes), Role.ATTRIBUTE)
