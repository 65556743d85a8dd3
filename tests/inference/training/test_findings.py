"""Cases are reproducible, free of contradictions, and give each label its share."""

from collections import Counter

import pytest

from inference.training.findings import DEVICES, LABELS, Case, Kind, Lobe, Side, sample_case


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [sample_case(seed) for seed in range(3000)]


def test_a_seed_names_one_case() -> None:
    assert [sample_case(seed) for seed in range(50)] == [sample_case(seed) for seed in range(50)]
    assert len({sample_case(seed).findings for seed in range(50)}) > 25


def test_labels_are_seventeen_and_distinct() -> None:
    assert len(LABELS) == len(set(LABELS)) == 17
    assert {"effusion_left", "effusion_right", "pneumothorax_left", "pneumothorax_right"} < {
        *LABELS
    }


def test_every_label_is_common_enough_to_learn(cases: list[Case]) -> None:
    counts = Counter(label for case in cases for label in case.labels)
    assert set(counts) == set(LABELS)
    assert min(counts.values()) > 0.03 * len(cases)


def test_findings_have_the_attributes_of_their_kind(cases: list[Case]) -> None:
    sized = {Kind.CARDIOMEGALY, Kind.EFFUSION, Kind.PNEUMOTHORAX, Kind.OEDEMA}
    lobar = {Kind.CONSOLIDATION, Kind.ATELECTASIS, Kind.NODULE, Kind.MASS}
    sided = {Kind.EFFUSION, Kind.PNEUMOTHORAX, Kind.RIB_FRACTURE}
    sided |= {Kind.CENTRAL_LINE, Kind.PACEMAKER} | lobar
    for finding in (finding for case in cases for finding in case.findings):
        assert (finding.size is not None) == (finding.kind in sized)
        assert (finding.lobe is not None) == (finding.kind in lobar)
        assert (finding.side is not None) == (finding.kind in sided)
        assert (finding.rib is not None) == (finding.kind is Kind.RIB_FRACTURE)
        if finding.lobe:
            assert finding.side is finding.lobe.side


def test_diameters_tell_nodule_from_mass(cases: list[Case]) -> None:
    for case in cases:
        for nodule in case.find(Kind.NODULE):
            assert nodule.millimetres in range(8, 29)
        for mass in case.find(Kind.MASS):
            assert mass.millimetres in range(32, 61)


@pytest.mark.parametrize(
    "pair",
    [
        {Kind.OEDEMA, Kind.HYPERINFLATION},
        {Kind.NODULE, Kind.MASS},
        {Kind.CONSOLIDATION, Kind.ATELECTASIS},
    ],
)
def test_contradicting_findings_never_meet(cases: list[Case], pair: set[Kind]) -> None:
    assert not any(pair <= {finding.kind for finding in case.findings} for case in cases)


def test_a_kind_comes_once_but_for_effusions_on_both_sides(cases: list[Case]) -> None:
    for case in cases:
        assert len(case.labels) == len(case.findings)
        sizes = {effusion.size for effusion in case.find(Kind.EFFUSION)}
        assert len(sizes) <= 1


def test_normal_means_no_pathology(cases: list[Case]) -> None:
    for case in cases:
        assert case.is_normal == all(finding.kind in DEVICES for finding in case.findings)
    assert 0.15 < sum(case.is_normal for case in cases) / len(cases) < 0.25


def test_tubes_are_a_bedside_matter(cases: list[Case]) -> None:
    tubes = Counter(case.view for case in cases if case.find(Kind.ENDOTRACHEAL_TUBE))
    assert tubes["AP"] > tubes["PA"]


def test_lobes_know_their_side() -> None:
    assert {lobe for lobe in Lobe if lobe.side is Side.LEFT} == {Lobe.LEFT_UPPER, Lobe.LEFT_LOWER}
