"""The label extractor on free radiology text; its exactness on the demo world's own language is
tested with that language."""

import pytest

from inference.evaluation.finding_labels import extract_labels


def labels(text: str) -> set[str]:
    return set(extract_labels(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cardiac silhouette is mildly enlarged.", {"cardiomegaly"}),
        ("Heart size is mildly increased.", {"cardiomegaly"}),
        ("Small left pleural effusion.", {"effusion_left"}),
        ("Left-sided pleural effusion is unchanged.", {"effusion_left"}),
        ("There are small bilateral pleural effusions.", {"effusion_left", "effusion_right"}),
        ("Pleural effusions are present.", {"effusion_left", "effusion_right"}),
        ("Small right and moderate left pleural effusion.", {"effusion_left", "effusion_right"}),
        ("A large pneumothorax is present on the right.", {"pneumothorax_right"}),
        ("Right lower lobe pneumonia.", {"consolidation"}),
        ("Airspace opacity in the left upper lobe.", {"consolidation"}),
        ("Bibasilar atelectasis.", {"atelectasis"}),
        ("Mild interstitial oedema with Kerley B lines.", {"oedema"}),
        ("Diffuse airspace opacities consistent with edema.", {"oedema"}),
        ("A 12 mm nodule in the right upper lobe.", {"nodule"}),
        ("A 4.4 cm mass in the right upper lobe.", {"mass"}),
        ("Emphysematous lungs.", {"hyperinflation"}),
        ("Flattening of the hemidiaphragms.", {"hyperinflation"}),
        ("Retrocardiac lucency consistent with a hiatal hernia.", {"hiatal_hernia"}),
        ("Fractures of the left fifth and sixth ribs.", {"rib_fracture"}),
        ("ET tube 4 cm above the carina.", {"endotracheal_tube"}),
        ("Right IJ catheter tip in the SVC.", {"central_line"}),
        ("Right-sided PICC.", {"central_line"}),
        ("Dual-chamber ICD.", {"pacemaker"}),
        ("Enteric tube courses below the diaphragm.", {"nasogastric_tube"}),
        ("Lines and tubes in satisfactory position.", set()),
        ("Small pericardial effusion.", set()),
        ("Subcutaneous emphysema and soft tissue edema without mass effect.", set()),
    ],
)
def test_asserts(text: str, expected: set[str]) -> None:
    assert labels(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "No pleural effusion or pneumothorax.",
        "No consolidation, left pleural effusion, or right pneumothorax.",
        "No right pleural effusion.",
        "No focal consolidation.",
        "There is no evidence of pneumonia.",
        "The lungs are clear without focal consolidation, nodule or mass.",
        "The heart is not enlarged.",
        "Left pneumothorax is not seen.",
        "A left pneumothorax is no longer visible.",
        "The left pleural effusion has resolved.",
        "Resolution of the right pneumothorax.",
        "Resolved left effusion.",
        "The endotracheal tube has been removed.",
        "Interval removal of the nasogastric tube.",
        "Lungs are free of consolidation.",
        "The ribs are intact without fracture.",
        "Neither consolidation nor edema.",
    ],
)
def test_denies(text: str) -> None:
    assert labels(text) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No pneumothorax, but small left effusion.", {"effusion_left"}),
        ("No pneumothorax; small left effusion.", {"effusion_left"}),
        ("No pneumothorax. Small left effusion.", {"effusion_left"}),
        ("No pneumothorax, small left effusion.", {"effusion_left"}),
        ("No pneumothorax and the heart is enlarged.", {"cardiomegaly"}),
        ("Cardiomegaly without pulmonary edema.", {"cardiomegaly"}),
        ("Left effusion is present and right pneumothorax is not seen.", {"effusion_left"}),
        ("No pneumothorax after central line placement.", {"central_line"}),
        (
            "The left pneumothorax has resolved, and a small left effusion remains.",
            {"effusion_left"},
        ),
        ("Atelectasis rather than pneumonia.", {"atelectasis"}),
        ("No other mass is seen beside this.", set()),
    ],
)
def test_scope_of_negation_ends(text: str, expected: set[str]) -> None:
    assert labels(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No change in the small left pleural effusion.", {"effusion_left"}),
        ("No significant change in the right pneumothorax.", {"pneumothorax_right"}),
        ("Pneumonia cannot be excluded.", {"consolidation"}),
        ("Pneumonia is not excluded.", {"consolidation"}),
        ("Partial resolution of the left effusion.", {"effusion_left"}),
        ("Possible left pneumothorax.", {"pneumothorax_left"}),
    ],
)
def test_hedges_and_unchanged_findings_count(text: str, expected: set[str]) -> None:
    assert labels(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Left pleural effusion and right pneumothorax.",
            {"effusion_left", "pneumothorax_right"},
        ),
        (
            "Pleural effusion on the left and right pneumothorax.",
            {"effusion_left", "pneumothorax_right"},
        ),
        (
            "Rib fracture on the right and small left effusion.",
            {"rib_fracture", "effusion_left"},
        ),
        (
            "Right internal jugular catheter with pneumothorax on the left.",
            {"central_line", "pneumothorax_left"},
        ),
        (
            "Right lower lobe consolidation and left effusion.",
            {"consolidation", "effusion_left"},
        ),
        (
            "Blunting of the left costophrenic angle, consistent with a small effusion.",
            {"effusion_left"},
        ),
        ("A small pleural effusion.", set()),
        ("Left hydropneumothorax.", {"effusion_left", "pneumothorax_left"}),
    ],
)
def test_takes_the_side_of_the_finding(text: str, expected: set[str]) -> None:
    assert labels(text) == expected


def test_reads_findings_and_impression_only() -> None:
    report = (
        "INDICATION: Rule out pneumonia. Known lung mass.\n\n"
        "FINDINGS:\nSmall left\npleural effusion.\n\n"
        "IMPRESSION:\n1. Small left effusion.\n2. No pneumothorax."
    )
    assert labels(report) == {"effusion_left"}


def test_numbered_lines_without_full_stops_are_sentences() -> None:
    assert labels("IMPRESSION:\n1) No pneumothorax\n2) Hiatal hernia") == {"hiatal_hernia"}


@pytest.mark.parametrize("text", ["", "\n\n", "FINDINGS:\n\nIMPRESSION:\n"])
def test_nothing_said_nothing_found(text: str) -> None:
    assert labels(text) == set()
