"""Where a sentence speaks of a finding, a device or the state of a region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from radiology.language.fact import Kind
from radiology.language.lexicon import Item, Role
from radiology.language.regions import MEANINGS


@dataclass(slots=True)
class Mention:
    """The items ``first`` to ``last`` of a sentence that name a concept.

    ``start`` is the first item of its own modifiers. Of a region in a state, ``region`` and
    ``state`` are their items.
    """

    kind: Kind
    concepts: tuple[str, ...]
    first: int
    last: int
    start: int
    region: int = -1
    state: int | None = None

    @property
    def parts(self) -> tuple[int, ...]:
        """The items that are its words."""
        return (self.first,) if self.state is None else (self.region, self.state)


_NORMAL: Final = frozenset({"normal", "borderline"})
_OF_THE_WHOLE: Final = frozenset({"normal", "unremarkable", "negative"})

_FARTHEST: Final = 10
"""Words between a region and what is said of it."""

_UNKNOWN_MODIFIERS: Final = 4
"""Words that the lexicon has not which may stand among modifiers."""


def find_mentions(items: Sequence[Item]) -> list[Mention]:
    """The mentions of a sentence in the order in which they end."""
    found = [
        Mention(
            Kind.FINDING if item.role is Role.FINDING else Kind.DEVICE,
            item.term.names,
            index,
            index,
            index,
        )
        for index, item in enumerate(items)
        if item.role in {Role.FINDING, Role.DEVICE}
    ]
    for index, item in enumerate(items):
        if item.role is Role.STATE:
            found.extend(_states(items, index, item.name))
        elif item.text in {"increased", "large"} and _is_predicate(items, index):
            found.extend(_states(items, index, "enlarged"))
    found.sort(key=lambda mention: (mention.last, mention.first))
    for mention in found:
        mention.start = _modifiers_start(items, mention.first)
    return found


def _is_predicate(items: Sequence[Item], index: int) -> bool:
    """Whether "increased" and "large" say what a region is: "the heart is slightly large"."""
    before = [item.text for item in items[max(0, index - 2) : index]]
    return "is" in before or "are" in before


def _states(items: Sequence[Item], state: int, name: str) -> Iterator[Mention]:
    """What the state ``name`` at ``state`` is said of."""
    regions = _regions_of(items, state)
    if not regions and items[state].text in _OF_THE_WHOLE and _is_alone(items, state):
        yield Mention(Kind.NORMAL, ("chest",), state, state, state, state, state)
    for region in regions:
        first, last = min(region, state), max(region, state)
        for region_name in items[region].term.names:
            if name in _NORMAL or (name == "central" and region_name == "airway"):
                yield Mention(Kind.NORMAL, (region_name,), first, last, first, region, state)
            elif concept := MEANINGS.get((region_name, name)):
                yield Mention(Kind.FINDING, (concept,), first, last, first, region, state)


def _is_alone(items: Sequence[Item], state: int) -> bool:
    """Whether a sentence is nothing but a state: "Normal."."""
    return all(index == state or not item.text.isalpha() for index, item in enumerate(items))


def _regions_of(items: Sequence[Item], state: int) -> list[int]:
    """The regions that share the state: a list behind it, else one before it."""
    before = _regions_before(items, state)
    if before and before[0] == state - 1:
        return before
    return _regions_after(items, state) or before


def _regions_after(items: Sequence[Item], state: int) -> list[int]:
    found: list[int] = []
    joined = True
    for index in range(state + 1, len(items)):
        role = items[index].role
        if role is Role.REGION and joined:
            found.append(index)
            joined = False
        elif role is Role.JOIN and found:
            joined = True
        elif role is Role.ATTRIBUTE or items[index].name in {"article", "of"}:
            continue
        else:
            break
    return found


def _regions_before(items: Sequence[Item], state: int) -> list[int]:
    found: list[int] = []
    joined = False
    for index in range(state - 1, max(-1, state - _FARTHEST), -1):
        item = items[index]
        if item.role is Role.REGION and (joined or not found):
            if item.name == "chest" and index and items[index - 1].name == "of":
                continue  # "the bones of the chest"
            found.append(index)
            joined = False
        elif item.role is Role.JOIN:
            joined = True
        elif item.role in {Role.BREAK, Role.FINDING, Role.DEVICE} or (
            found and item.role is not Role.ATTRIBUTE and item.name not in {"article", "of"}
        ):
            break
    return found


def _modifiers_start(items: Sequence[Item], first: int) -> int:
    """The item that the modifiers before ``first`` start with, article included.

    A list of modifiers ("small left and moderate right") is taken whole where it starts the noun
    phrase; behind a preposition or another mention its beginning belongs to what was before.
    """
    start, join, unknown = first, -1, 0
    for index in range(first - 1, -1, -1):
        item = items[index]
        if item.role is Role.ATTRIBUTE:
            start, unknown = index, 0
        elif item.role is Role.JOIN and index > 0:
            if items[index - 1].role is not Role.ATTRIBUTE or start == first:
                break
            join = index if join < 0 else join
        elif item.name == "article":
            if join >= 0 and index > 0 and items[index - 1].name in {"preposition", "of"}:
                return join + 1
            return index
        elif (
            item.name in {"preposition", "of"}
            or item.role in {Role.FINDING, Role.DEVICE}
            or (item.role is Role.STATE and item.name != "calcified")
        ):
            return join + 1 if join >= 0 else start
        elif item.name in {"comparison", "calcified"} or (
            item.role is Role.OTHER and item.text.isalpha() and unknown < _UNKNOWN_MODIFIERS
        ):
            unknown += 1
        else:
            break
    return start
