"""Which sides, levels, sizes and other attributes of a sentence belong to which mention."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from radiology.language.fact import Kind
from radiology.language.inheriting import (
    PLACES,
    inherited_place,
    names,
    restricting,
    shared_qualifiers,
)
from radiology.language.lexicon import Item, Role
from radiology.language.mentions import Mention

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
            inherited = inherited_place(items, mentions, own, behind, number) or (
                leading if mention.kind is not Kind.NORMAL else restricting(items, mention)
            )
            alternatives = [[*attributes, *inherited] for attributes in alternatives]
        shared = shared_qualifiers(items, mentions, own, number)
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
            sizes = [item for item in behind[number] if names(item) & {"size"}]
            if sizes and not any(
                names(item) & {"size"} for item in (*own[lesion], *behind[lesion])
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
        if item.role is Role.ATTRIBUTE and names(item) & PLACES:
            found.append(item)
    return found


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
                if item.role is Role.ATTRIBUTE and not names(item) & {"side", "count"}
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
    return any(names(item) - {"side"} for group in groups for item in group)


def _sides(items: Sequence[Item]) -> set[str]:
    return {value for item in items for name, value in item.term.attributes if name == "side"}


def _has_place(items: Sequence[Item]) -> bool:
    return any(names(item) & PLACES for item in items)


def _without_adverbs(items: Sequence[Item], attributes: Sequence[Item]) -> Attributes:
    """``attributes`` without words that are none: "slightly increased", "both stable"."""
    behind = {one.start: other for one, other in pairwise(items)}
    return [item for item in attributes if not _is_adverb(item, behind.get(item.start))]


def _is_adverb(item: Item, following: Item | None) -> bool:
    """Whether a severity is a change's own, or "both" stands for findings and not for sides."""
    if following is None:
        return False
    if item.text == "both":
        return "change" in names(following) or following.name == "verb"
    is_degree = item.text.endswith("ly") and "severity" in names(item)
    return is_degree and "change" in names(following)
