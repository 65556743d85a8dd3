"""The sentences labelled by hand, and how well a reader does on them."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from radiology.language.attributes import ORGANS
from radiology.language.fact import Fact
from radiology.language.facts import read_facts

ATTRIBUTES = ("side", "level", "severity", "size", "change", "count", "site", "tip")
_WORDS = {
    "side": {"left", "right"},
    "severity": {"minimal", "small", "moderate", "large"},
    "change": {"new", "increased", "decreased", "unchanged", "resolved"},
    "presence": {"present", "absent", "uncertain", "normal"},
}

Told = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Sentence:
    text: str
    facts: tuple[tuple[str, Told], ...]


@dataclass
class Score:
    """Counts by attribute of what was right, what was read, and what was labelled."""

    right: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    labelled: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def recall(self, attribute: str) -> float:
        return self.right[attribute] / max(1, self.labelled[attribute])

    def precision(self, attribute: str) -> float:
        return self.right[attribute] / max(1, self.read[attribute])


def load(name: str) -> list[Sentence]:
    rows = tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))["sentence"]
    return [
        Sentence(row["text"], tuple(sorted({_parse(fact) for fact in row["facts"]}, key=str)))
        for row in rows
    ]


def _parse(label: str) -> tuple[str, Told]:
    """("effusion", {("presence", "present"), ("side", "left")}) of "effusion: present, left"."""
    concept, _, rest = label.partition(": ")
    told = set()
    for word in rest.split(", "):
        if word.startswith("tip "):
            told.add(("tip", word.removeprefix("tip ")))
        elif word.endswith(" mm"):
            told.add(("size", word.removesuffix(" mm")))
        elif re.fullmatch(r"x\d+", word):
            told.add(("count", word[1:]))
        elif re.fullmatch(r"rib \d+|[TL]\d+", word):
            told.add(("site", word))
        else:
            name = next((name for name, words in _WORDS.items() if word in words), "level")
            told.add((name, word))
    return concept, frozenset(told)


def told(fact: Fact) -> tuple[str, Told]:
    """A fact in the terms of the labels."""
    presence = "normal" if fact.kind == "normal" else str(fact.presence)
    found = {("presence", presence)}
    found |= {("side", str(side)) for side in fact.sides}
    found |= {("level", level) for level in fact.levels}
    found |= {("severity", severity.name.lower()) for severity in fact.severities}
    if fact.size_mm is not None:
        found.add(("size", f"{fact.size_mm:g}"))
    if fact.change is not None:
        found.add(("change", str(fact.change)))
    if fact.count is not None and fact.count < 10:
        found.add(("count", str(fact.count)))
    found |= {("site", site) for site in fact.sites - ORGANS} | {("tip", tip) for tip in fact.tips}
    return fact.concept, frozenset(found)


def score(sentences: Iterable[Sentence]) -> Score:
    result = Score()
    for sentence in sentences:
        _score(result, sentence)
    return result


def _score(result: Score, sentence: Sentence) -> None:
    left = sorted({told(fact) for fact in read_facts(sentence.text)}, key=str)
    result.read["concept"] += len(left)
    result.labelled["concept"] += len(sentence.facts)
    before = len(result.mistakes)
    for concept, labels in sorted(sentence.facts, key=lambda fact: -len(fact[1])):
        same = [fact for fact in left if fact[0] == concept]
        if not same:
            result.mistakes.append(f"  lacks {concept} {_spoken(labels)}")
            continue
        best = max(same, key=lambda fact: len(fact[1] & labels) - len(fact[1] ^ labels))
        left.remove(best)
        result.right["concept"] += 1
        for name in ("presence", *ATTRIBUTES):
            mine = {pair for pair in labels if pair[0] == name}
            theirs = {pair for pair in best[1] if pair[0] == name}
            result.labelled[name] += len(mine)
            result.read[name] += len(theirs)
            result.right[name] += len(mine & theirs)
        if best[1] != labels:
            result.mistakes.append(f"  {concept}: {_spoken(best[1])} for {_spoken(labels)}")
    result.mistakes.extend(f"  invents {concept} {_spoken(labels)}" for concept, labels in left)
    if len(result.mistakes) > before:
        result.mistakes.insert(before, sentence.text)


def _spoken(labels: Told) -> str:
    return ", ".join(value for _, value in sorted(labels))
