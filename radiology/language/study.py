"""Where a report contradicts the study that it is about: sex, views, comparison, laterality."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from radiology.language.clash import Clash, ClashKind, Gravity, Place
from radiology.language.dates import find_dates
from radiology.language.sections import SectionName, find_sections
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span

View = Literal["AP", "PA", "LATERAL"]


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What the header of a study says; None and the empty set where it says nothing.

    ``sex`` is Patient's Sex (0010,0040), ``views`` the View Positions (0018,5101) of all images,
    ``laterality`` that of a study of one side, ``has_prior`` whether an earlier study is at hand,
    and ``prior_date`` its date.
    """

    sex: Literal["F", "M"] | None = None
    views: frozenset[View] = frozenset()
    laterality: Literal["L", "R"] | None = None
    has_prior: bool | None = None
    prior_date: date | None = None


_SEXES: Final = {
    "F": re.compile(
        r"\b(?:female|woman|lady|uter(?:us|ine)|ovar(?:y|ies|ian)|hysterectomy|pregnan(?:t|cy)"
        r"|gravid|postpartum|menopaus(?:e|al)|\d{1,3}\s?(?:y/?o\s?)?F(?=[\s,.;]))\b"
    ),
    "M": re.compile(
        r"\b(?:male|man|gentleman|prostat(?:e|ic|ectomy)|testic(?:le|les|ular)|testis"
        r"|\d{1,3}\s?(?:y/?o\s?)?M(?=[\s,.;]))\b"
    ),
}
_SEX_WORDS: Final = {"F": "a woman", "M": "a man"}
_FAMILY: Final = re.compile(r"\b(?:mother|father|sister|brother|daughter|son|family)\b", re.I)

_VIEWS: Final[dict[View, re.Pattern[str]]] = {
    "AP": re.compile(r"\bAP\b(?!\s+(?:diameter|window|dimension))|\banteroposterior\b(?!\s+dia)"),
    "PA": re.compile(r"\bPA\b(?!\s+(?:catheter|pressure|line))|\bposteroanterior\b"),
    "LATERAL": re.compile(
        r"\blateral\s+(?:views?|radiographs?|films?|projections?|images?|chest)\b"
        r"|\b(?:PA|AP|frontal)\s*(?:and|&|/)\s*(?:left\s+)?(?:lateral|lat)\b",
        re.I,
    ),
}
_OTHER_DAY: Final = re.compile(
    r"\b(?:compar\w*|prior|previous\w*|earlier|last|recommend\w*|no|not|without|repeat"
    r"|suggest\w*|advis\w*|would|could|decubitus)\b",
    re.I,
)
"""Words of sentences that speak of the views of another examination, or of none."""

_NONE: Final = re.compile(
    r"\s*(?:none|no|not|nil|n/?a|unavailable|-+)\b|\s*$|.*\bnot available\b", re.I | re.S
)
_COMPARED: Final = re.compile(
    r"""\b(?:compared\ (?:to|with)|in\ comparison\ (?:to|with)|since\ the\ (?:prior|previous|last)
    |(?:than|from)\ (?:the\ |on\ the\ )?(?:prior|previous)|unchanged\ (?:from|since|compared)
    |interval\ (?:increase|decrease|change|improvement|worsening|development))\b""",
    re.I | re.VERBOSE,
)
_NO_COMPARISON: Final = re.compile(
    r"\bno\s+(?:prior|previous|comparison|earlier|interval)\b|\bwithout\s+comparison\b", re.I
)


def study_clashes(text: str, study: StudyFacts) -> tuple[Clash, ...]:
    """The places of a report that the study's header contradicts, from left to right."""
    found = [
        *_sex(text, study),
        *_views(text, study),
        *_comparison(text, study),
        *_laterality(text, study),
    ]
    return tuple(sorted(found, key=lambda clash: clash.first.span))


def _sex(text: str, study: StudyFacts) -> Iterator[Clash]:
    if study.sex is None:
        return
    other = "M" if study.sex == "F" else "F"
    for match in _SEXES[other].finditer(text):
        line = text[max(0, match.start() - 40) : match.end() + 40]
        if not _FAMILY.search(line):
            yield _clash(
                ClashKind.SEX,
                Gravity.MAJOR,
                match.span(),
                f"“{match[0]}”, but the study is of {_SEX_WORDS[study.sex]}.",
            )


def _views(text: str, study: StudyFacts) -> Iterator[Clash]:
    if not study.views:
        return
    told = ", ".join(sorted(study.views))
    for sentence in _sentences_of_this_study(text):
        for view, pattern in _VIEWS.items():
            match = pattern.search(text, sentence.start, sentence.end)
            if match and view not in study.views:
                yield _clash(
                    ClashKind.VIEW,
                    Gravity.MINOR,
                    match.span(),
                    f"“{match[0]}”, but the study holds {told}.",
                )


def _sentences_of_this_study(text: str) -> Iterator[Span]:
    sections = find_sections(text)
    passed_over = [section for section in sections if section.name is SectionName.COMPARISON]
    for sentence in find_sentences(text):
        if any(part.heading.start <= sentence.start < part.body.end for part in passed_over):
            continue
        if not _OTHER_DAY.search(text, sentence.start, sentence.end):
            yield sentence


def _comparison(text: str, study: StudyFacts) -> Iterator[Clash]:
    sections = [part for part in find_sections(text) if part.name is SectionName.COMPARISON]
    bodies = [part.body for part in sections if part.body.of(text).strip()]
    if study.has_prior is False:
        for body in bodies:
            if not _NONE.match(body.of(text)):
                yield _clash(
                    ClashKind.COMPARISON,
                    Gravity.MINOR,
                    _trimmed(text, body),
                    "A comparison is told, but there is no earlier study.",
                )
        for match in _COMPARED.finditer(text):
            if not _NO_COMPARISON.search(text, max(0, match.start() - 30), match.end()):
                yield _clash(
                    ClashKind.COMPARISON,
                    Gravity.MINOR,
                    match.span(),
                    f"“{match[0]}”, but there is no earlier study.",
                )
    elif study.prior_date is not None:
        for body in bodies:
            dates = find_dates(body.of(text))
            if dates and not any(study.prior_date in meant for meant in dates):
                yield _clash(
                    ClashKind.COMPARISON,
                    Gravity.MINOR,
                    _trimmed(text, body),
                    f"Another date, but the earlier study is of {study.prior_date.isoformat()}.",
                )


def _laterality(text: str, study: StudyFacts) -> Iterator[Clash]:
    """The other side alone, in the report of a study of one side."""
    if study.laterality is None:
        return
    own, other = ("left", "right") if study.laterality == "L" else ("right", "left")
    wrong = re.search(rf"\b{other}\b", text, re.I)
    if wrong and not re.search(rf"\b{own}\b|\bbilateral\b", text, re.I):
        yield _clash(
            ClashKind.LATERALITY,
            Gravity.MAJOR,
            wrong.span(),
            f"“{wrong[0]}”, but the study is of the {own} side.",
        )


def _trimmed(text: str, body: Span) -> tuple[int, int]:
    return body.start, body.start + len(body.of(text).rstrip())


def _clash(kind: ClashKind, gravity: Gravity, span: tuple[int, int], why: str) -> Clash:
    return Clash(kind, gravity, Place(Span(*span)), None, why)
