"""Reports are true to their case, whole, short, varied, and reproducible."""

import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.evaluation.finding_labels import extract_labels
from inference.training.findings import DEVICES, Case, Finding, Kind, Lobe, Side, Size, sample_case
from inference.training.phrases import PRESENT, fill, phrases
from inference.training.report_language import (
    MAX_WORDS,
    MIN_WORDS,
    is_reserved,
    prompt_context,
    write_report,
)
from inference.training.voices import VOICES

FORMAT = re.compile(r"FINDINGS:\n([^\n]+)\n\nIMPRESSION:\n([^\n]+)")
ORDINALS = {4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth"}


def parts(report: str) -> tuple[str, str]:
    match = FORMAT.fullmatch(report)
    assert match, report
    return match[1], match[2]


def case_of(*findings: Finding, view: str = "PA") -> Case:
    assert view in ("PA", "AP")
    return Case(seed=0, sex="F", age=63, view="AP" if view == "AP" else "PA", findings=findings)


def many(case: Case, count: int = 60) -> list[str]:
    return [write_report(case, random.Random(n)) for n in range(count)]


def sweep() -> Iterator[tuple[Case, str]]:
    for seed in range(2001):
        case = sample_case(seed)
        for draw in range(2):
            yield case, write_report(case, random.Random(f"{seed} {draw}"))


@pytest.fixture(scope="module")
def corpus() -> list[tuple[Case, str]]:
    return list(sweep())


def test_asserts_exactly_what_the_case_shows(corpus: list[tuple[Case, str]]) -> None:
    for case, report in corpus:
        assert extract_labels(report) == case.labels, report


def test_findings_alone_assert_every_finding(corpus: list[tuple[Case, str]]) -> None:
    for case, report in corpus:
        findings, _ = parts(report)
        assert extract_labels(findings) == case.labels, report


def test_impression_names_every_pathology_and_adds_nothing(corpus: list[tuple[Case, str]]) -> None:
    for case, report in corpus:
        _, impression = parts(report)
        pathologies = {f.label for f in case.findings if f.kind not in DEVICES}
        assert pathologies <= extract_labels(impression) <= case.labels, report


def test_length_and_characters(corpus: list[tuple[Case, str]]) -> None:
    for _, report in corpus:
        assert MIN_WORDS <= len(report.split()) <= MAX_WORDS, report
        assert report.isascii()
        assert not re.search(r"  |\.\.| [.,]|None|[{}]", report), report


def test_vocabulary_stays_small(corpus: list[tuple[Case, str]]) -> None:
    words = {word for _, report in corpus for word in re.findall(r"[\w-]+", report.lower())}
    assert len(words) <= 450


def test_findings_state_every_attribute(corpus: list[tuple[Case, str]]) -> None:
    for case, report in corpus:
        findings = parts(report)[0].lower()
        for finding in case.findings:
            if finding.lobe:
                assert finding.lobe in findings, report
            elif finding.side:
                assert re.search(rf"\b({finding.side}|bilateral|bilaterally)\b", findings), report
            if finding.millimetres:
                assert f"{finding.millimetres} mm" in findings, report
            if finding.rib:
                assert f"{ORDINALS[finding.rib]} rib" in findings, report


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10**9), draw=st.integers(0, 10**9))
def test_any_seed_and_any_draw_are_true(seed: int, draw: int) -> None:
    case = sample_case(seed)
    report = write_report(case, random.Random(draw))
    assert extract_labels(report) == case.labels
    assert MIN_WORDS <= len(report.split()) <= MAX_WORDS


@pytest.mark.parametrize("finding", [Finding(kind) for kind in Kind], ids=lambda f: f.kind)
def test_every_wording_is_understood(finding: Finding) -> None:
    """Each template alone, not only those that the seeds happen to draw."""
    sides = [Side.LEFT, Side.RIGHT] if "{side}" in " ".join(PRESENT[finding.kind].terse) else [None]
    for side in sides:
        for size in Size:
            whole = Finding(
                finding.kind,
                side=side,
                size=size,
                lobe=Lobe.LEFT_LOWER,
                millimetres=18,
                rib=6,
            )
            wording = phrases(whole)
            for template in wording.terse + wording.wordy + wording.brief:
                assert extract_labels(fill(template, whole)) == {whole.label}, template


def test_longest_case_fits() -> None:
    """Everything that the sampler can put together at most, and the longest names of it."""
    report_case = case_of(
        Finding(Kind.EFFUSION, side=Side.LEFT, size=Size.MODERATE),
        Finding(Kind.EFFUSION, side=Side.RIGHT, size=Size.MODERATE),
        Finding(Kind.MASS, side=Side.RIGHT, lobe=Lobe.RIGHT_UPPER, millimetres=44),
        Finding(Kind.CONSOLIDATION, side=Side.RIGHT, lobe=Lobe.RIGHT_MIDDLE),
        Finding(Kind.CENTRAL_LINE, side=Side.RIGHT),
        Finding(Kind.ENDOTRACHEAL_TUBE),
        Finding(Kind.NASOGASTRIC_TUBE),
        Finding(Kind.PACEMAKER, side=Side.LEFT),
        view="AP",
    )
    for report in many(report_case, 300):
        assert len(report.split()) <= MAX_WORDS
        assert extract_labels(report) == report_case.labels


def test_equal_effusions_are_told_together_or_apart() -> None:
    both = case_of(*(Finding(Kind.EFFUSION, side=side, size=Size.SMALL) for side in Side))
    told = [parts(report)[0].lower() for report in many(both)]
    together = [text for text in told if "bilateral" in text]
    assert together
    assert len(together) < len(told)


def test_unequal_effusions_are_never_told_together() -> None:
    unequal = case_of(
        Finding(Kind.EFFUSION, side=Side.LEFT, size=Size.SMALL),
        Finding(Kind.EFFUSION, side=Side.RIGHT, size=Size.LARGE),
    )
    for report in many(unequal):
        assert "bilateral" not in report.lower()


@pytest.mark.parametrize(
    ("finding", "contradiction"),
    [
        (
            Finding(Kind.CARDIOMEGALY, size=Size.SMALL),
            r"heart (size )?(is )?normal|silhouette is n",
        ),
        (Finding(Kind.NODULE, lobe=Lobe.LEFT_UPPER, millimetres=8), r"lungs are .*clear|no nodule"),
        (Finding(Kind.PNEUMOTHORAX, side=Side.LEFT, size=Size.LARGE), r"no pneumo|lungs are clear"),
        (Finding(Kind.EFFUSION, side=Side.LEFT, size=Size.LARGE), r"no pleural|angles are sharp"),
        (Finding(Kind.RIB_FRACTURE, side=Side.LEFT, rib=5), r"intact|osseous|no acute fracture"),
        (Finding(Kind.OEDEMA, size=Size.SMALL), r"no pulmonary edema|vascularity is normal"),
    ],
)
def test_no_negative_contradicts_a_finding(finding: Finding, contradiction: str) -> None:
    for report in many(case_of(finding), 200):
        assert not re.search(contradiction, report.lower()), report


def test_an_article_fits_its_number() -> None:
    for millimetres, article in ((8, "an"), (18, "an"), (12, "a"), (20, "a")):
        nodule = Finding(Kind.NODULE, lobe=Lobe.LEFT_UPPER, millimetres=millimetres)
        articles = {
            match[1].lower()
            for report in many(case_of(nodule), 100)
            for match in re.finditer(rf"\b(an?) {millimetres} mm", report, re.IGNORECASE)
        }
        assert articles == {article}


def test_one_case_has_many_reports() -> None:
    case = next(sample_case(seed) for seed in range(100) if len(sample_case(seed).findings) == 2)
    assert len(set(many(case, 40))) >= 2 * VOICES


def test_report_depends_on_case_and_draw_alone() -> None:
    for seed in range(50):
        first = write_report(sample_case(seed), random.Random(seed))
        assert first == write_report(sample_case(seed), random.Random(seed))


def test_normal_case_is_called_normal() -> None:
    for report in many(case_of()):
        findings, impression = parts(report)
        assert re.match(r"No (evidence of )?acute|Normal chest", impression)
        assert not extract_labels(findings)


def test_a_device_keeps_the_chest_from_being_called_normal() -> None:
    for report in many(case_of(Finding(Kind.PACEMAKER, side=Side.LEFT))):
        assert "Normal chest" not in report


def test_prompt_tells_view_age_and_sex_alone() -> None:
    case = case_of(Finding(Kind.HIATAL_HERNIA), view="AP")
    assert prompt_context(case) == "Chest radiograph, AP view. 63-year-old woman."
    assert prompt_context(case_of(view="AP")) == prompt_context(case)


def test_held_out_reports_are_reports_that_no_training_has(
    corpus: list[tuple[Case, str]],
) -> None:
    assert not any(is_reserved(report) for _, report in corpus)
    for seed in range(200):
        case = sample_case(seed)
        report = write_report(case, random.Random(seed), held_out=True)
        assert is_reserved(report)
        assert extract_labels(report) == case.labels
        assert MIN_WORDS <= len(report.split()) <= MAX_WORDS


def test_held_out_reports_are_worded_as_the_others() -> None:
    """What is usually said, and what usually follows it, is as usual in what is kept back."""

    def shares(held_out: bool) -> Counter[tuple[str, str]]:
        pairs: Counter[tuple[str, str]] = Counter()
        for seed in range(600):
            report = write_report(sample_case(seed), random.Random(seed), held_out=held_out)
            pairs.update(itertools.pairwise(parts(report)[0].split(". ")))
        return pairs

    read, kept = shares(False), shares(True)
    frequent = [pair for pair, count in (read + kept).items() if count >= 60]
    assert len(frequent) > 5
    for pair in frequent:
        assert min(read[pair], kept[pair]) > 3, pair
