"""A report against the header of its study."""

from __future__ import annotations

from datetime import date

import pytest

from radiology.language.study import StudyFacts, study_clashes


def kinds(text: str, study: StudyFacts) -> list[str]:
    return [str(clash.kind) for clash in study_clashes(text, study)]


@pytest.mark.parametrize(
    ("text", "sex", "clashes"),
    [
        ("INDICATION: 67-year-old male.", "F", ["sex"]),
        ("Sclerotic lesions, known prostate cancer.", "F", ["sex"]),
        ("Calcified uterine fibroid.", "M", ["sex"]),
        ("INDICATION: 45F with cough.", "M", ["sex"]),
        ("INDICATION: 67-year-old male.", "M", []),
        ("Surgical clips after mastectomy.", "M", []),
        ("Mother had ovarian cancer.", "M", []),
        ("Calcified uterine fibroid.", None, []),
    ],
)
def test_sex_against_anatomy(text: str, sex: str, clashes: list[str]) -> None:
    assert kinds(text, StudyFacts(sex=sex)) == clashes  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "views", "clashes"),
    [
        ("TECHNIQUE: AP portable.", {"PA"}, ["view"]),
        ("TECHNIQUE: PA and lateral.", {"PA"}, ["view"]),
        ("TECHNIQUE: PA and lateral.", {"PA", "LATERAL"}, []),
        ("Increased AP diameter of the chest.", {"PA"}, []),
        ("COMPARISON: AP film of yesterday.", {"PA"}, []),
        ("A lateral view is recommended.", {"PA"}, []),
        ("Nodule in the lateral right base.", {"PA"}, []),
        ("TECHNIQUE: AP portable.", set(), []),
    ],
)
def test_views_against_the_header(text: str, views: set[str], clashes: list[str]) -> None:
    assert kinds(text, StudyFacts(views=frozenset(views))) == clashes  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "study", "clashes"),
    [
        ("COMPARISON: 3 May 2024.", StudyFacts(has_prior=False), ["comparison"]),
        ("COMPARISON: None.", StudyFacts(has_prior=False), []),
        (
            "Effusion has grown compared to the film before.",
            StudyFacts(has_prior=False),
            ["comparison"],
        ),
        ("COMPARISON: 3 May 2024.", StudyFacts(prior_date=date(2024, 5, 3)), []),
        ("COMPARISON: 5/3/2024.", StudyFacts(prior_date=date(2024, 5, 3)), []),
        ("COMPARISON: 2024-05-04.", StudyFacts(prior_date=date(2024, 5, 3)), ["comparison"]),
        ("COMPARISON: 3 May 2024.", StudyFacts(), []),
    ],
)
def test_comparison_against_what_there_is(text: str, study: StudyFacts, clashes: list[str]) -> None:
    assert kinds(text, study) == clashes


def test_the_other_side_alone_clashes_with_a_study_of_one_side() -> None:
    assert kinds("Right shoulder: no fracture.", StudyFacts(laterality="L")) == ["laterality"]
    assert kinds("Left shoulder, as the right.", StudyFacts(laterality="L")) == []
