"""Facts, put together from a mention, what is said of it, and the sentence that it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from radiology.language.fact import Change, Evidence, Fact, Kind, Presence, Severity, Side
from radiology.language.lexicon import Item, Role
from radiology.language.measures import read_size
from radiology.language.mentions import Mention
from radiology.language.negation import EXCEPTIONS
from radiology.language.sections import SectionName
from radiology.language.spans import Span

Values = Mapping[str, Sequence[str]]
"""What is said, by attribute."""

_SEVERITIES: Final = {
    "minimal": Severity.MINIMAL,
    "small": Severity.SMALL,
    "moderate": Severity.MODERATE,
    "large": Severity.LARGE,
}
_MANY: Final = 99
"""The count of "multiple"."""

_OF_NORMAL: Final = frozenset({"side", "qualifier"})
_NOT_OF_DEVICES: Final = frozenset({"size", "severity"})
_WHOLE: Final = frozenset({"lungs", "chest", "heart", "pleura"})
"""Regions in whose sentences "no acute disease" is meant of the chest."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence at ``span``, as items of the lexicon."""

    items: Sequence[Item]
    span: Span
    section: SectionName | None

    @property
    def makes_exceptions(self) -> bool:
        return any(item.role is Role.BREAK and item.text in EXCEPTIONS for item in self.items)

    @property
    def has_device(self) -> bool:
        return any(item.role is Role.DEVICE for item in self.items)

    @property
    def is_of_a_part(self) -> bool:
        """Whether it is about other regions than the lungs: "no acute finding in the abdomen"."""
        regions = [item.term.names for item in self.items if item.role is Role.REGION]
        return any(not _WHOLE.intersection(names) for names in regions)


def build_facts(
    sentence: Sentence,
    mention: Mention,
    presence: Presence,
    cue: Item | None,
    attributes: Sequence[Item],
) -> list[Fact]:
    """One fact for each concept of ``mention``; ``cue`` is what denies or doubts it."""
    items = sentence.items
    evidence = [Evidence("concept", items[part].span) for part in mention.parts]
    if cue is not None:
        evidence.append(Evidence("presence", cue.span))
    said: dict[str, list[str]] = {}
    for item in attributes:
        for name, value in item.term.attributes:
            if _applies(mention.kind, name):
                said.setdefault(name, []).append(value)
                evidence.append(Evidence(name, item.span))
    if "fracture" in mention.concepts and "site" not in said and sentence.has_device:
        said["site"] = ["hardware"]  # a wire or a screw that broke
    counts = said.get("count", ())
    spans = [one.span for one in evidence]
    return [
        Fact(
            kind=mention.kind,
            concept=concept,
            presence=presence,
            span=Span(min(span.start for span in spans), max(span.end for span in spans)),
            sentence=sentence.span,
            section=sentence.section,
            sides=frozenset(Side(value) for value in said.get("side", ())),
            levels=frozenset(said.get("level", ())),
            severities=frozenset(_SEVERITIES[value] for value in said.get("severity", ())),
            sizes=tuple(read_size(value) for value in said.get("size", ())),
            change=_change(said, cue),
            count=(_MANY if counts[0] == "many" else int(counts[0])) if counts else None,
            sites=frozenset(said.get("site", ())),
            tips=frozenset(said.get("tip", ())),
            qualifiers=frozenset(_qualifiers(sentence, mention, presence, said)),
            definite=items[mention.start].text in {"the", "this", "these", "that"},
            evidence=tuple(evidence),
        )
        for concept in mention.concepts
    ]


def _applies(kind: Kind, attribute: str) -> bool:
    if kind is Kind.NORMAL:
        return attribute in _OF_NORMAL
    if kind is Kind.DEVICE:
        return attribute not in _NOT_OF_DEVICES
    return attribute != "tip"


def _change(said: Values, cue: Item | None) -> Change | None:
    if cue is not None and "resolved" in cue.term.names:
        return Change.RESOLVED
    changes = said.get("change", ())
    return Change(changes[-1]) if changes else None


def _qualifiers(
    sentence: Sentence, mention: Mention, presence: Presence, said: Values
) -> Iterator[str]:
    """What is told beside the attributes: acute, chronic, calcified, or meant in part only."""
    items = sentence.items
    yield from (value for value in said.get("qualifier", ()) if value != "plain")
    if mention.state is not None and items[mention.state].name == "borderline":
        yield "borderline"
    if any(item.name == "calcified" for item in items[mention.start : mention.first]):
        yield "calcified"
    denies = presence is Presence.ABSENT
    if (
        (sentence.makes_exceptions and (denies or mention.kind is Kind.NORMAL))
        or (denies and mention.state is None and len(mention.concepts) > 1)  # not both at once
        or ("acute disease" in mention.concepts and sentence.is_of_a_part)
    ):
        yield "restricted"
