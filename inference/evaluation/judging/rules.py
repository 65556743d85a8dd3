"""A judge of rules: deterministic, offline, and no language model.

It reads a text into what it affirms and what it denies, with synonyms, number words and units put
into one form, and compares two such readings. It errs on the side of "not the same": what it does
not know as a synonym is another word to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from inference.evaluation.judging.closed import VERSION as CLOSED_VERSION
from inference.evaluation.judging.closed import decide, opening
from inference.evaluation.judging.verdicts import Item, Verdict
from inference.evaluation.judging.wording import (
    DENIALS,
    EMPTY,
    FINDINGS,
    GROUPS,
    HEDGES,
    HOMES,
    NEGATIONS,
    PHRASES,
    SIDES,
    TURNS,
)

VERSION: Final = 2
"""To be raised with every change of the rules or of the wording."""

RECALL: Final = 0.7
"""The share of a reference's words that an answer must have, affirmed or denied as there."""

_BY: Final = "rules"
_MILLIMETRES: Final = {"mm": 1.0, "cm": 10.0}
_LENGTH: Final = re.compile(
    r"(\d+(?:\.\d+)?)\s*(mm|cm)\b|(\d+(?:\.\d+)?)\s*(milli|centi)met(?:re|er)s?\b"
)
_PHRASE: Final = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, PHRASES), key=len, reverse=True)) + r")\b"
)
_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?(?:mm)?|[^\W\d]+")
_DOUBT_DENIED: Final = re.compile(r"\b(?:can ?not|can't|not|could not) be (?:ruled out|excluded)\b")


@dataclass(frozen=True)
class Reading:
    """What a text says: words that it affirms and denies, sides and numbers apart."""

    affirmed: frozenset[str]
    denied: frozenset[str]
    sides: frozenset[str]
    numbers: frozenset[str]
    hedged: bool
    marks: frozenset[tuple[str, str]] = frozenset()
    """Affirmed findings, and the sides and severities that stand beside them."""

    @property
    def findings(self) -> frozenset[str]:
        """Those that the text affirms."""
        return self.affirmed & FINDINGS

    @property
    def says_normal(self) -> bool:
        """Whether nothing is found, in so many words or by denying all that is named."""
        denies = bool(self.denied & FINDINGS)
        return not self.findings and (denies or "normal" in self.affirmed)

    @property
    def parts(self) -> frozenset[str]:
        """The parts of the body that it is about."""
        words = self.affirmed | self.denied
        return frozenset(HOMES[word] for word in words if word in HOMES)

    def marks_of(self, finding: str, among: frozenset[str]) -> frozenset[str]:
        marks = frozenset(mark for one, mark in self.marks if one == finding and mark in among)
        return frozenset({"bilateral"}) if {"left", "right"} <= marks else marks


_AND: Final = re.compile(r",|\band\b|\bwith\b")
_MARKS: Final = SIDES | GROUPS[0]


def read(text: str) -> Reading:
    """Read a text into what it says."""
    lowered = text.lower().replace("-", " ").replace("’", "'")
    hedged = bool(HEDGES.search(lowered))
    lowered = _LENGTH.sub(_in_millimetres, _DOUBT_DENIED.sub("possible", lowered))
    affirmed: set[str] = set()
    denied: set[str] = set()
    marks: set[tuple[str, str]] = set()
    # A point in a number ends no clause.
    for clause in TURNS.split(re.sub(r"(?<=\d)\.(?=\d)", "\0", lowered)):
        clause = _PHRASE.sub(lambda match: PHRASES[match[0]], clause.replace("\0", "."))
        into = denied if DENIALS.search(clause) else affirmed
        for part in _AND.split(DENIALS.sub(" ", clause)):
            words: set[str] = set()
            for word in map(_singular, _TOKEN.findall(part)):
                if word in NEGATIONS:
                    into = denied
                elif word not in EMPTY:
                    into.add(word)
                    words.add(word)
            if into is affirmed:
                marks |= {
                    (finding, mark) for finding in words & FINDINGS for mark in words & _MARKS
                }
    words = affirmed | denied
    numbers = frozenset(word for word in words if word[0].isdigit())
    sides = words & SIDES
    if {"left", "right"} <= sides:
        sides = {"bilateral"}
    apart = numbers | SIDES | {"possible"}
    return Reading(
        frozenset(affirmed - apart),
        frozenset(denied - apart),
        frozenset(sides),
        numbers,
        hedged,
        frozenset(marks),
    )


class RuleJudge:
    """Judges by :func:`~.closed.decide`, and by readings where that leaves it open."""

    @property
    def identity(self) -> str:
        return f"rules {CLOSED_VERSION}.{VERSION}"

    @property
    def description(self) -> str:
        return "rules, not a language model"

    def verdict(self, item: Item) -> Verdict:
        """Never raises: what rules cannot tell is not the same to them."""
        decided = decide(item)
        if decided is not None:
            return decided
        if item.kind == "closed" and item.reference.strip(" .").lower() in ("yes", "no"):
            return _yes_or_no(item)
        verdicts = [
            _compare(read(reference), read(item.answer), item) for reference in item.accepted
        ]
        return next((verdict for verdict in verdicts if verdict.equivalent), verdicts[0])

    def close(self) -> None:
        """It holds nothing."""


def _compare(reference: Reading, answer: Reading, item: Item) -> Verdict:
    """Whether ``answer`` says what ``reference`` does; the first difference is the reason."""
    difference = _difference(reference, answer, item)
    if difference is not None:
        return Verdict(False, _BY, difference)
    return Verdict(True, _BY, "The answer says what the reference does.")


def _difference(reference: Reading, answer: Reading, item: Item) -> str | None:
    if not (reference.affirmed or reference.denied or reference.sides or reference.numbers):
        return "The reference has no word that the rules go by."
    if answer.hedged and not reference.hedged:
        return "The answer hedges and the reference does not."
    if reference.sides and answer.sides != reference.sides:
        return f"Side: {_named(reference.sides)} in the reference, {_named(answer.sides)} here."
    if not reference.numbers <= answer.numbers:
        return f"Number: {_named(reference.numbers)} in the reference, {_named(answer.numbers)}."
    for group in GROUPS:
        ours, theirs = answer.affirmed & group, reference.affirmed & group
        if ours and theirs and ours != theirs:
            return f"{_named(theirs)} in the reference, {_named(ours)} here."
    for finding in reference.findings & answer.findings:
        for among in (SIDES, GROUPS[0]):
            ours = answer.marks_of(finding, among)
            theirs = reference.marks_of(finding, among)
            if ours and theirs and ours != theirs:
                return f"{finding}: {_named(theirs)} in the reference, {_named(ours)} here."
    if reference.says_normal and answer.says_normal:
        return None if _covers(reference, answer) else "Something else is called normal."
    crossed = (reference.affirmed & answer.denied) | (reference.denied & answer.affirmed)
    if crossed:
        return f"One affirms what the other denies: {_named(crossed)}."
    added = answer.findings - reference.findings
    if added and (item.kind == "fill" or reference.says_normal):
        return f"The answer adds {_named(added)}."
    words = len(reference.affirmed) + len(reference.denied)
    found = len(reference.affirmed & answer.affirmed) + len(reference.denied & answer.denied)
    if found < RECALL * words:
        missing = (reference.affirmed - answer.affirmed) | (reference.denied - answer.denied)
        return f"The answer lacks {_named(missing)}."
    return None


def _covers(reference: Reading, answer: Reading) -> bool:
    """Whether an answer that finds nothing looks where a reference that finds nothing does."""
    denied = reference.denied & FINDINGS
    if denied and denied <= answer.denied:
        return True
    if denied and answer.denied & FINDINGS:
        return False
    return not reference.parts or not answer.parts or bool(reference.parts & answer.parts)


def _yes_or_no(item: Item) -> Verdict:
    """An answer to a yes-or-no question that does not begin with yes or no."""
    wanted = item.reference.strip(" .").lower()
    asked, answer = read(item.question), read(item.answer)
    if answer.hedged:
        return Verdict(False, _BY, "The answer hedges and the reference does not.")
    about = (asked.affirmed | asked.denied) - {"yes", "no"}
    core = about & FINDINGS or about
    affirmed, denied = answer.affirmed & core, answer.denied & core
    said: str | None = None
    if "normal" in about:
        if answer.findings or answer.says_normal:
            said = "yes" if answer.says_normal else "no"
    elif affirmed and not denied:
        said = "yes"
    elif (denied and not affirmed) or (not affirmed and answer.says_normal):
        said = "no"
    said = said or opening(item.answer)[0]
    if said is None:
        return Verdict(False, _BY, "The answer does not say whether.")
    return Verdict(said == wanted, _BY, f"The answer amounts to {said}.")


def _in_millimetres(match: re.Match[str]) -> str:
    unit = match[2] or {"milli": "mm", "centi": "cm"}[match[4]]
    return f"{float(match[1] or match[3]) * _MILLIMETRES[unit]:g}mm"


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _named(words: frozenset[str]) -> str:
    return ", ".join(sorted(words)) or "none"
