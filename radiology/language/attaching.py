"""Which sides, levels, sizes and other attributes of a sentence belong to which mention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from radiology.language.fact import Kind
from radiology.language.lexicon import Item, Role
from radiology.language.mentions import Mention

_PLACES: Final = frozenset({"side", "level", "site"})
_LESIONS: Final = frozenset(
    {"nodule", "mass", "cavity", "opacity", "aneurysm", "lymphadenopathy", "granuloma"}
)
"""What is measured: of two mentions before a size it belongs to the last of these."""

_OPENINGS: Final = frozenset({"again", "otherwise"})
"""Words that a sentence opens with and that are meant of all that it tells."""

Attributes = list[Item]


def attach(items: Sequence[Item], mentions: Sequence[Mention]) -> list[list[Attributes]]:
    """For each mention the attributes of its facts: several where places are told apart.

    "Small left and moderate right effusions" is one mention and two facts.
    """
    own = [_before(items, mention) for mention in mentions]
    behind = [_behind(items, mentions, number) for number in range(len(mentions))]
    _move_sizes(mentions, own, behind)
    leading = _leading(items, mentions)
    opening = [item for item in items[: mentions[0].start] if item.text in _OPENINGS]
    found: list[list[Attributes]] = []
    for number, mention in enumerate(mentions):
        alternatives = _alternatives(own[number], behind[number])
        if not any(_has_place(attributes) for attributes in alternatives):
            inherited = _inherited(items, mentions, own, behind, number) or (
                leading if mention.kind is not Kind.NORMAL else _restricting(items, mention)
            )
            alternatives = [[*attributes, *inherited] for attributes in alternatives]
        shared = _shared_qualifiers(items, mentions, own, number)
        found.append(
            [
                _without_adverbs(items, [*attributes, *shared, *opening])
                for attributes in alternatives
            ]
        )
    return found


def _before(items: Sequence[Item], mention: Mention) -> list[Item]:
    """The modifiers before a mention, with the commas and conjunctions among them."""
    found = list(items[mention.start : mention.first])
    if mention.state is not None:
        between = items[mention.first + 1 : mention.last]
        if not any(item.role in {Role.REGION, Role.STATE} for item in between):
            found.extend(item for item in between if item.role is Role.ATTRIBUTE)
        else:
            found.extend(_run_before(items, mention.state))
    return found


def _run_before(items: Sequence[Item], index: int) -> list[Item]:
    found: list[Item] = []
    while index > 0 and items[index - 1].role is Role.ATTRIBUTE:
        index -= 1
        found.append(items[index])
    return found


def _behind(items: Sequence[Item], mentions: Sequence[Mention], number: int) -> list[Item]:
    """What follows a mention, up to the next one's modifiers or the end of its clause."""
    mention = mentions[number]
    stop = min(
        (other.start for other in mentions if other.first > mention.last), default=len(items)
    )
    found: list[Item] = []
    for item in items[mention.last + 1 : stop]:
        if item.role is Role.BREAK and item.text not in {"which", ";"}:
            break
        if item.text == ";":
            break
        found.append(item)
    return found


def _move_sizes(
    mentions: Sequence[Mention], own: Sequence[list[Item]], behind: Sequence[list[Item]]
) -> None:
    """Give a size that follows another finding to the lesion before it."""
    lesion = -1
    for number, mention in enumerate(mentions):
        if set(mention.concepts) & _LESIONS:
            lesion = number
        elif lesion >= 0 and mention.kind is Kind.FINDING:
            sizes = [item for item in behind[number] if _names(item) & {"size"}]
            if sizes and not any(
                _names(item) & {"size"} for item in (*own[lesion], *behind[lesion])
            ):
                behind[lesion].extend(sizes)
                behind[number][:] = [item for item in behind[number] if item not in sizes]


def _leading(items: Sequence[Item], mentions: Sequence[Mention]) -> list[Item]:
    """The places that a sentence opens with: "In the left lower lobe there is …"."""
    first = min((mention.start for mention in mentions), default=0)
    found: list[Item] = []
    for item in items[:first]:
        if item.role is Role.BREAK and item.text != "there":
            return []
        if item.role is Role.ATTRIBUTE and _names(item) & _PLACES:
            found.append(item)
    return found


def _restricting(items: Sequence[Item], mention: Mention) -> list[Item]:
    """What takes something out of a statement in advance: "otherwise", "the remainder of"."""
    return [item for item in items[: mention.start] if "qualifier" in _names(item)]


def _inherited(
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
        if place := _places(
            own[first - 1] if not explained else [*own[first - 1], *behind[first - 1]]
        ):
            return place
    return []


def _shared_qualifiers(
    items: Sequence[Item], mentions: Sequence[Mention], own: Sequence[list[Item]], number: int
) -> list[Item]:
    """What a list shares besides its place: "no suspicious mass or nodule"."""
    while number and _listed(items, mentions[number - 1], mentions[number]):
        number -= 1
        if found := [item for item in own[number] if "qualifier" in _names(item)]:
            return found
    return _of_the_region(items, mentions, own, number)


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
    return [item for item in items if _names(item) & _PLACES]


def _alternatives(own: Sequence[Item], behind: Sequence[Item]) -> list[Attributes]:
    """One list of attributes, or one for each place where several are told apart."""
    for told, shared in ((behind, own), (own, behind)):
        groups = _groups(told)
        sided = [group for group in groups if _sides(group)]
        if len(sided) > 1 and _tells_apart(sided):
            rest = [item for group in groups if group not in sided for item in group]
            common = [
                item
                for item in (*shared, *rest)
                if item.role is Role.ATTRIBUTE and not _names(item) & {"side", "count"}
            ]
            return [[*group, *common] for group in sided]
    return [[item for item in (*own, *behind) if item.role is Role.ATTRIBUTE]]


def _groups(items: Sequence[Item]) -> list[Attributes]:
    """The attributes between commas and conjunctions."""
    groups: list[Attributes] = [[]]
    for item in items:
        if item.role is Role.JOIN:
            groups.append([])
        elif item.role is Role.ATTRIBUTE:
            groups[-1].append(item)
    return [group for group in groups if group]


def _tells_apart(groups: Sequence[Attributes]) -> bool:
    """Whether the groups name different sides, and more than the sides."""
    seen: set[str] = set()
    for group in groups:
        sides = _sides(group)
        if sides & seen:
            return False
        seen |= sides
    return any(_names(item) - {"side"} for group in groups for item in group)


def _sides(items: Sequence[Item]) -> set[str]:
    return {value for item in items for name, value in item.term.attributes if name == "side"}


def _names(item: Item) -> set[str]:
    return {name for name, _ in item.term.attributes}


def _has_place(items: Sequence[Item]) -> bool:
    return any(_names(item) & _PLACES for item in items)


def _without_adverbs(items: Sequence[Item], attributes: Sequence[Item]) -> Attributes:
    """``attributes`` without words that are none: "slightly increased", "both stable"."""
    behind = {one.start: other for one, other in pairwise(items)}
    return [item for item in attributes if not _is_adverb(item, behind.get(item.start))]


def _is_adverb(item: Item, following: Item | None) -> bool:
    """Whether a severity is a change's own, or "both" stands for findings and not for sides."""
    if following is None:
        return False
    if item.text == "both":
        return "change" in _names(following) or following.name == "verb"
    is_degree = item.text.endswith("ly") and "severity" in _names(item)
    return is_degree and "change" in _names(following)
