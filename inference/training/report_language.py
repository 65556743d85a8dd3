"""Reports in the demo world's language: every finding told, nothing told that is not there.

A report is drawn from a case and a random state, so that one image has many true reports. Who
writes it is drawn (:mod:`~inference.training.voices`); the order of regions, wordings and the
pertinent negatives that are said are the writer's habit. IMPRESSION names every pathology that
FINDINGS asserts and adds none.

A share of all reports is reserved: no report to learn from is one, and every held-out report is. So
the combination of sentences that a held-out report is was never read, whatever its case. Whole
reports are reserved, not pairs of sentences: writers have habits, and a reserved pair that is one
writer's standing phrase would be in none of his reports to learn from and in all of the others.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from inference.training import phrases as say
from inference.training.findings import DEVICES, Case, Finding, Kind, Side
from inference.training.phrases import Bank, Phrases
from inference.training.voices import VOICES, Voice

MAX_WORDS: Final = 75
"""The longest report, headings included: the demo checkpoint's canvas holds 128 tokens."""

MIN_WORDS: Final = 25

_RESERVED: Final = 0.2
"""The share of reports kept for held-out studies."""

_TRIES: Final = 2000


class Style(Enum):
    """How a report is worded; the value is the share of wordy sentences in FINDINGS."""

    TERSE = 0.0
    MIXED = 0.5
    WORDY = 1.0


class Region(Enum):
    DEVICES = "devices"
    HEART = "heart"
    MEDIASTINUM = "mediastinum"
    LUNGS = "lungs"
    PLEURA = "pleura"
    BONES = "bones"


Told = tuple[Region, str]
"""A sentence of FINDINGS, not yet closed, and the region that it belongs to."""

_D, _H, _M, _L, _P, _B = Region
_ORDERS: Final = (
    (_D, _L, _P, _H, _M, _B),
    (_D, _H, _M, _L, _P, _B),
    (_L, _P, _H, _M, _B, _D),
    (_H, _M, _L, _P, _B, _D),
    (_P, _L, _H, _M, _B, _D),
    (_B, _L, _P, _H, _M, _D),
    (_H, _M, _P, _L, _D, _B),
    (_L, _H, _M, _B, _P, _D),
)

_REGIONS: Final[dict[Kind, Region]] = {
    Kind.CARDIOMEGALY: _H,
    Kind.HIATAL_HERNIA: _M,
    Kind.EFFUSION: _P,
    Kind.PNEUMOTHORAX: _P,
    Kind.RIB_FRACTURE: _B,
} | dict.fromkeys(DEVICES, _D)
"""The region of every kind that is not of the lungs."""

_URGENCY: Final = (
    Kind.PNEUMOTHORAX,
    Kind.MASS,
    Kind.CARDIOMEGALY,
    Kind.OEDEMA,
    Kind.CONSOLIDATION,
    Kind.EFFUSION,
    Kind.ATELECTASIS,
    Kind.NODULE,
    Kind.RIB_FRACTURE,
    Kind.HYPERINFLATION,
    Kind.HIATAL_HERNIA,
)
"""The order in which IMPRESSION likes to name pathologies; heart failure's signs stay together."""

_MARKS_LUNGS: Final = frozenset(
    {
        *(Kind.CONSOLIDATION, Kind.ATELECTASIS, Kind.OEDEMA, Kind.NODULE, Kind.MASS),
        *(Kind.HYPERINFLATION, Kind.EFFUSION, Kind.PNEUMOTHORAX),
    }
)
"""Kinds beside which no one calls the lungs clear."""

_CHRONIC: Final = frozenset({Kind.HYPERINFLATION, Kind.HIATAL_HERNIA})


_STYLES: Final = [Style.TERSE] * 2 + [Style.MIXED] * 3 + [Style.WORDY] * 3
"""The style of every voice."""


@dataclass(frozen=True)
class _Plan:
    """How one attempt at a report is worded. ``negatives`` is the chance of each to be said."""

    style: Style
    negatives: float
    shortest: bool = False


_SHORTER: Final = (
    _Plan(Style.MIXED, negatives=0.3),
    _Plan(Style.TERSE, negatives=0.2),
    _Plan(Style.TERSE, negatives=0.0, shortest=True),
)
"""Ever shorter ways to word a report that came out too long; the last one fits every case."""


def write_report(case: Case, rng: random.Random, *, held_out: bool = False) -> str:
    """A true report of ``case``, FINDINGS and IMPRESSION, 25 to 75 words with the headings.

    It is reserved if, and only if, it is ``held_out``.
    """
    for _ in range(_TRIES):
        report = _draw_report(case, rng)
        if is_reserved(report) == held_out:
            return report
    raise RuntimeError(f"no way was found to word case {case.seed} ({held_out=})")


def is_reserved(report: str) -> bool:
    """Whether ``report`` is kept for held-out studies."""
    return int.from_bytes(hashlib.sha256(report.encode()).digest()[:4]) < _RESERVED * 2**32


def _draw_report(case: Case, rng: random.Random) -> str:
    voice = Voice(rng.randrange(VOICES), rng)
    report = _Writer(case, rng, voice, _Plan(_STYLES[voice.number], negatives=0.82)).report()
    if len(report.split()) < MIN_WORDS:
        return _Writer(case, rng, voice, _Plan(Style.WORDY, negatives=1.0)).report()
    for plan in _SHORTER:
        if len(report.split()) <= MAX_WORDS:
            break
        report = _Writer(case, rng, voice, plan).report()
    return report


def prompt_context(case: Case) -> str:
    """What the prompt tells beside the image: view, age and sex, nothing of the findings."""
    person = "woman" if case.sex == "F" else "man"
    return f"Chest radiograph, {case.view} view. {case.age}-year-old {person}."


class _Writer:
    """Writes one report to one plan."""

    def __init__(self, case: Case, rng: random.Random, voice: Voice, plan: _Plan) -> None:
        self.case = case
        self.rng = rng
        self.voice = voice
        self.plan = plan
        self.kinds = {finding.kind for finding in case.findings}
        effusions = case.find(Kind.EFFUSION)
        self.one_bilateral_phrase = (
            {effusion.side for effusion in effusions} == set(Side)
            and len({effusion.size for effusion in effusions}) == 1
            and (plan.shortest or voice.does("bilateral effusions", 0.75))
        )

    def report(self) -> str:
        """The report; negatives give way, the last ones first, where it would be too long."""
        facts = self._told_facts()
        negatives = self._told_negatives()
        order = self.voice.order(_ORDERS)
        portable = self.case.view == "AP" and self._does("portable", 0.12)
        opening = [self._pick(say.PORTABLE)] if portable else []
        impression = self.impression()
        while True:
            told = facts + negatives
            body = [text for region in order for where, text in told if where is region]
            report = f"FINDINGS:\n{_paragraph(opening + body)}\n\nIMPRESSION:\n{impression}"
            if len(report.split()) <= MAX_WORDS or not negatives:
                return report
            negatives.pop()

    def impression(self) -> str:
        pathologies = [finding for finding in self.case.findings if finding.kind not in DEVICES]
        if pathologies:
            sentences = self._named(pathologies)
        else:
            bank = say.NORMAL_IMPRESSION
            if not self.case.findings:
                bank += say.NORMAL_RADIOGRAPH
            sentences = [self._pick(bank)]
        devices = [finding for finding in self.case.findings if finding.kind in DEVICES]
        if devices and self._does("devices", 0.45):
            sentences.append(self._devices_in_short(devices))
        return _paragraph(sentences)

    def _facts(self, findings: Sequence[Finding]) -> Iterator[tuple[Finding, Phrases]]:
        """Each fact to be told with its wordings; equal effusions on both sides may be one."""
        bilateral_told = False
        visible = Kind.EFFUSION not in self.kinds
        for finding in findings:
            if finding.kind is Kind.EFFUSION and self.one_bilateral_phrase:
                if not bilateral_told:
                    yield finding, say.BILATERAL_EFFUSIONS
                bilateral_told = True
            else:
                yield finding, say.phrases(finding, hemidiaphragms_visible=visible)

    def _told_facts(self) -> list[Told]:
        told = [
            (
                _REGIONS.get(finding.kind, Region.LUNGS),
                say.fill(self._sentence(wording), finding),
            )
            for finding, wording in self._facts(self.case.findings)
        ]
        self.rng.shuffle(told)
        return told

    def _told_negatives(self) -> list[Told]:
        """Pertinent negatives, none of which contradicts a finding; the dearest come first."""
        return [
            *self._pleural_negatives(),
            *self._heart_and_lung_negatives(),
            *self._lesser_negatives(),
        ]

    def _heart_and_lung_negatives(self) -> Iterator[Told]:
        marked = self.kinds & _MARKS_LUNGS
        heart_normal = Kind.CARDIOMEGALY not in self.kinds and self._says_negative("heart")
        lungs_clear = not marked and self._says_negative("lungs", 1.3)
        if heart_normal and lungs_clear and self._does("heart and lungs", 0.2):
            yield Region.HEART, self._sentence(say.HEART_AND_LUNGS_NORMAL)
            return
        if heart_normal:
            mediastinal = Kind.HIATAL_HERNIA not in self.kinds and self._does("mediastinum", 0.35)
            wording = say.MEDIASTINUM_NORMAL if mediastinal else say.HEART_NORMAL
            yield Region.HEART, self._sentence(wording)
        if lungs_clear:
            yield Region.LUNGS, self._sentence(say.LUNGS_CLEAR)
        elif Kind.CONSOLIDATION not in self.kinds and self._says_negative("consolidation", 0.8):
            yield Region.LUNGS, self._sentence(say.NO_CONSOLIDATION)

    def _lesser_negatives(self) -> Iterator[Told]:
        wanted = 0.9 if Kind.CARDIOMEGALY in self.kinds else 0.35
        if Kind.OEDEMA not in self.kinds and self._says_negative("edema", wanted):
            yield Region.LUNGS, self._sentence(say.NO_EDEMA)
        if Kind.RIB_FRACTURE not in self.kinds and self._says_negative("bones", 0.6):
            yield Region.BONES, self._sentence(say.BONES_NORMAL)
        if not self.kinds & {Kind.NODULE, Kind.MASS} and self._says_negative("nodule", 0.12):
            yield Region.LUNGS, self._sentence(say.NO_NODULE)

    def _pleural_negatives(self) -> Iterator[Told]:
        no_effusion = Kind.EFFUSION not in self.kinds and self._says_negative("effusion", 1.2)
        no_pneumothorax = Kind.PNEUMOTHORAX not in self.kinds and self._says_negative(
            "pneumothorax", 1.3
        )
        if no_effusion and no_pneumothorax and self._does("pleura", 0.75):
            yield Region.PLEURA, self._sentence(say.PLEURA_NORMAL)
            return
        if no_pneumothorax:
            yield Region.PLEURA, self._sentence(say.NO_PNEUMOTHORAX)
        effusions = self.case.find(Kind.EFFUSION)
        if no_effusion:
            yield Region.PLEURA, self._sentence(say.NO_EFFUSION)
        elif len(effusions) == 1 and self._says_negative("other effusion", 0.2):
            other = Side.RIGHT if effusions[0].side is Side.LEFT else Side.LEFT
            yield Region.PLEURA, self._sentence(say.NO_OTHER_EFFUSION).format(side=other)

    def _named(self, pathologies: list[Finding]) -> list[str]:
        """Every pathology in short, the urgent ones first: as sentences or as one list."""
        ranked = sorted(pathologies, key=lambda finding: _URGENCY.index(finding.kind))
        facts = list(self._facts(ranked))
        sentences: list[str] = []
        if len(facts) > 1 and self._does("list", 0.55):
            named = [say.fill(self._pick(wording.brief), finding) for finding, wording in facts]
            sentences.append(_listed(named, self._joint(facts)))
        else:
            for finding, wording in facts:
                alone = say.REMARKS.get(finding.kind, ())
                bank = (
                    alone if alone and self._does(f"remark {finding.kind}", 0.4) else wording.brief
                )
                sentences.append(say.fill(self._pick(bank), finding))
        if self.kinds & {Kind.NODULE, Kind.MASS} and self._does("follow-up", 0.35):
            sentences.append(self._pick(say.FOLLOW_UP))
        if all(finding.kind in _CHRONIC for finding in pathologies) and self._does("normal", 0.6):
            sentences.append(self._pick(say.NORMAL_IMPRESSION))
        return sentences

    def _joint(self, facts: Sequence[tuple[Finding, Phrases]]) -> str:
        """What binds the first of a list to the rest: "with" where the rest may follow from it."""
        first, *rest = (finding.kind for finding, _ in facts)
        follows = {
            Kind.CARDIOMEGALY: {Kind.OEDEMA, Kind.EFFUSION},
            Kind.CONSOLIDATION: {Kind.EFFUSION},
            Kind.PNEUMOTHORAX: {Kind.RIB_FRACTURE},
        }.get(first, set())
        return " with " if set(rest) <= follows and self._does("with", 0.7) else ""

    def _devices_in_short(self, devices: Sequence[Finding]) -> str:
        if len(devices) == 1:
            wording = say.PRESENT[devices[0].kind]
            return say.fill(self._pick(wording.brief), devices[0])
        return self._pick(say.DEVICES_IN_PLACE)

    def _sentence(self, wording: Phrases) -> str:
        return self._pick(self.voice.register(wording, self.plan.style.value))

    def _pick(self, bank: Bank) -> str:
        return min(bank, key=_words) if self.plan.shortest else self.voice.words(bank)

    def _does(self, what: str, probability: float) -> bool:
        return not self.plan.shortest and self.voice.does(what, probability)

    def _says_negative(self, of: str, weight: float = 1.0) -> bool:
        if self.plan.negatives >= 1.0:
            return True
        return self._does(f"no {of}", self.plan.negatives * weight)


def _words(template: str) -> int:
    # A lobe is three words.
    return len(template.split()) + 2 * template.count("{lobe}")


def _listed(items: Sequence[str], joint: str) -> str:
    if joint:
        return items[0] + joint + _listed(items[1:], "")
    if len(items) <= 2:
        return " and ".join(items)
    return ", ".join(items[:-1]) + f", and {items[-1]}"


def _paragraph(sentences: Sequence[str]) -> str:
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in sentences)
