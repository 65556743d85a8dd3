"""What needs no judgement: answers that are, word for word, right, and plain answers to closed
questions. Whatever is not plain is left to a judge."""

from __future__ import annotations

import re
from typing import Final

from inference.evaluation.answering import plain
from inference.evaluation.judging.verdicts import Item, Judge, Verdict

VERSION: Final = 1
"""To be raised with every change of what is decided here."""

_LEAD: Final = re.compile(
    r"\W*(yes|yeah|yep|no|nope)(?=\W*$|\s*[,.;:!*–—]|\s+-|\s+(?:it|there|he|she|they|this|that)\b)",
    re.IGNORECASE,
)
_AFFIRMED: Final = re.compile(r"\b(?:yes|yeah|yep)\b", re.IGNORECASE)
_NEGATED: Final = re.compile(
    r"\b(?:no|not|nor|neither|none|never|without|absent|nope|cannot|\w+n't)\b", re.IGNORECASE
)
_TURNED: Final = re.compile(r"\b(?:but|however|although|though|except|yet)\b", re.IGNORECASE)
_UNSURE: Final = re.compile(
    r"\b(?:may|might|maybe|perhaps|possibl[ey]|probabl[ey]|likely|unclear|uncertain|unsure|"
    r"cannot|can't|could|unable|difficult)\b",
    re.IGNORECASE,
)
_OR: Final = re.compile(r"\b(?:or|either)\b", re.IGNORECASE)
_SHORT: Final = {
    **dict.fromkeys(["absolutely", "certainly", "definitely", "indeed", "correct", "true"], "yes"),
    **dict.fromkeys(["negative", "not at all", "incorrect", "false", "none"], "no"),
}
"""Whole answers, as :func:`~inference.evaluation.answering.plain` has them."""
_LITTLE: Final = frozenset(
    {"a", "an", "the", "on", "in", "at", "of", "from", "to", "is", "it", "this", "that"}
)
_RIVALS: Final = (
    frozenset({"left", "right", "bilateral", "both"}),
    frozenset({"upper", "middle", "lower"}),
    frozenset({"ap", "pa", "lateral"}),
    frozenset({"axial", "coronal", "sagittal"}),
    frozenset({"male", "female"}),
)


def decide(item: Item) -> Verdict | None:
    """A verdict where rules can give one; ``None`` where somebody has to judge."""
    said = plain(item.answer)
    if not said:
        return Verdict(False, "rule: no answer", "Nothing was answered.")
    accepted = [plain(text) for text in item.accepted]
    if said in accepted:
        return Verdict(True, "rule: word for word", "The answer is one that is accepted.")
    if item.kind != "closed":
        return None
    wanted = {text for text in accepted if text in ("yes", "no")}
    if wanted:
        found = polarity(item.answer)
        if found is None or len(wanted) == 2:
            return None
        return Verdict(found in wanted, "rule: polarity", f"The answer says {found}.")
    return _choice(item, said, accepted)


def polarity(answer: str) -> str | None:
    """``"yes"`` or ``"no"`` where an answer begins with it and goes on in that sense."""
    first, rest = opening(answer)
    if _TURNED.search(rest) or _UNSURE.search(rest):
        return None
    sentences = [sentence for sentence in re.split(r"[.;!\n]", rest) if plain(sentence)]
    if first == "yes":
        return None if _NEGATED.search(rest) else "yes"
    if first == "no" and not _AFFIRMED.search(rest):
        # "No. The line is a fracture." denies nothing but the question, if that.
        return "no" if all(_NEGATED.search(sentence) for sentence in sentences) else None
    return None


def opening(answer: str) -> tuple[str | None, str]:
    """The yes or no that an answer begins with, if any, and the rest of it."""
    said = _SHORT.get(plain(answer))
    if said is not None:
        return said, ""
    lead = _LEAD.match(answer)
    if lead is None:
        return None, answer
    return ("no" if lead[1].lower() in ("no", "nope") else "yes"), answer[lead.end() :]


def _choice(item: Item, said: str, accepted: list[str]) -> Verdict | None:
    """One of several options: an accepted one is named and no other, or the other way round."""
    if any(cue.search(item.answer) for cue in (_NEGATED, _UNSURE, _TURNED, _OR)):
        return None
    named = [text for text in accepted if f" {text} " in f" {said} "]
    right_words = {word for text in accepted for word in text.split()}
    rivals = (_options(item.question) | _kin(right_words)) - right_words
    others = rivals & set(said.split())
    if named and not others:
        return Verdict(True, "rule: option", f"The answer names {named[0]!r}.")
    if others and not named:
        return Verdict(False, "rule: option", f"The answer names {sorted(others)[0]!r}.")
    return None


def _options(question: str) -> set[str]:
    """The single words that a question offers, as in "right or left", "upper, middle or lower"."""
    words = [word.lower() for word in re.findall(r"[\w-]+|,", question)]
    options: set[str] = set()
    for place, word in enumerate(words):
        if word != "or":
            continue
        after = [word for word in words[place + 1 :] if word not in _LITTLE]
        before = [word for word in words[:place] if word not in _LITTLE]
        options |= {plain(text) for text in (*before[-1:], *after[:1])}
        while len(before) > 2 and before[-2] == ",":
            before = before[:-2]
            options.add(plain(before[-1]))
    return options - {""}


def _kin(words: set[str]) -> set[str]:
    return {rival for group in _RIVALS if group & words for rival in group}


class RulesFirst:
    """Asks a judge only what rules cannot decide."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    @property
    def identity(self) -> str:
        return f"rules for closed questions {VERSION}, then {self._judge.identity}"

    @property
    def description(self) -> str:
        return self._judge.description

    def verdict(self, item: Item) -> Verdict:
        """Raises :class:`~.verdicts.JudgeError` as the judge does."""
        return decide(item) or self._judge.verdict(item)

    def close(self) -> None:
        self._judge.close()
