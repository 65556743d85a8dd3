"""What a mention takes over from the mentions beside it: the place and the qualifiers of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radiology.language.fact import Kind
from radiology.language.lexicon import Item, Role
from radiology.language.mentions import Mention

PLACES: Final = frozenset({"side", "level", "site"})
"""Attributes that say where a finding is."""


def inherited_place(
    items: Sequence[Item],
    mentions: Sequence[Mention],
    own: Sequence[list[Item]],
    behind: Sequence[list[Item]],
    number: int,
) -> list[Item]:
    """The place that a mention without one shares with its neighbours in a list."""
    for last in range(number, len(mentions) - 1):
        if not _listed(items, mentions[last], mentions[last + 1]):
            break
        if place := _places(behind[last + 1]):
            return place
    for first in range(number, 0, -1):
        one, other = mentions[first - 1], mentions[first]
        explained = _explains(items, one, other)
        if not explained and not _listed(items, one, other):
            break
        said = [*own[first - 1], *behind[first - 1]] if explained else own[first - 1]
        if place := _places(said):
            return place
    return _of_the_region(items, mentions, own, number)


def shared_qualifiers(
    items: Sequence[Item], mentions: Sequence[Mention], own: Sequence[list[Item]], number: int
) -> list[Item]:
    """What a list shares besides its place: "no suspicious mass or nodule"."""
    while number and _listed(items, mentions[number - 1], mentions[number]):
        number -= 1
        if found := [item for item in own[number] if "qualifier" in names(item)]:
            return found
    return []


def restricting(items: Sequence[Item], mention: Mention) -> list[Item]:
    """What takes something out of a statement in advance: "otherwise", "the remainder of"."""
    return [item for item in items[: mention.start] if "qualifier" in names(item)]


def _of_the_region(
    items: Sequence[Item], mentions: Sequence[Mention], own: Sequence[list[Item]], number: int
) -> list[Item]:
    """The side of a region that is normal "without" something: "left lung clear without mass"."""
    for before in range(number):
        region = mentions[before]
        between = items[region.last + 1 : mentions[number].first]
        if region.kind is Kind.NORMAL and not any(
            item.role is Role.BREAK or item.text in {"and", ";"} for item in between
        ):
            return _places(own[before])
    return []


def _explains(items: Sequence[Item], one: Mention, other: Mention) -> bool:
    """Whether the second mention says what the first may be: "RLL opacity, likely pneumonia"."""
    between = items[one.last + 1 : other.start]
    return (
        one.kind is other.kind is Kind.FINDING
        and any(item.name == "uncertain" or item.name == "explains" for item in between)
        and all(item.role is not Role.BREAK and item.text != "and" for item in between)
    )


def _listed(items: Sequence[Item], one: Mention, other: Mention) -> bool:
    """Whether two mentions stand in one list: "left effusion and pneumothorax"."""
    between = items[one.last + 1 : other.first]
    if one.kind is not other.kind or not between:
        return False
    return all(item.role is Role.JOIN for item in between)


def _places(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if names(item) & PLACES]


def names(item: Item) -> set[str]:
    """The names of the attributes that an item says."""
    return {name for name, _ in item.term.attributes}
