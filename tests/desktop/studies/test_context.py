"""What the prompt tells of a study."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from desktop.studies.context import prompt_context
from inference.training import report_language
from inference.training.findings import sample_case


@dataclass(frozen=True)
class Header:
    modality: str = "DX"
    body_part: str = "CHEST"
    view: str = "AP"
    age: str = "63 years"
    sex: str = "F"
    description: str = ""


@pytest.mark.parametrize("seed", range(20))
def test_it_tells_what_the_checkpoint_was_trained_with(seed: int) -> None:
    case = sample_case(seed)
    modality = "CR" if seed % 2 else "DX"
    header = Header(modality, "", case.view, f"{case.age} years", case.sex)
    assert prompt_context(header) == report_language.prompt_context(case)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"body_part": "HAND", "view": "PA"}, "Hand radiograph, PA view. 63-year-old woman."),
        ({"view": ""}, "Chest radiograph. 63-year-old woman."),
        ({"age": "063Y", "sex": "M"}, "Chest radiograph, AP view. 63-year-old man."),
        ({"age": ""}, "Chest radiograph, AP view. Woman."),
        ({"age": "", "sex": ""}, "Chest radiograph, AP view."),
        ({"sex": "O"}, "Chest radiograph, AP view. 63-year-old patient."),
        ({"age": "1 year", "sex": "M"}, "Chest radiograph, AP view. 1-year-old boy."),
        ({"age": "6 weeks"}, "Chest radiograph, AP view. 6-week-old girl."),
        (
            {"modality": "CT", "description": "CT chest.\nwith contrast", "view": ""},
            "CT chest. with contrast. 63-year-old woman.",
        ),
        ({"modality": "MG", "view": "L CC", "age": "", "sex": ""}, "MG, L CC view."),
        ({"modality": "", "view": "", "age": "?", "sex": ""}, ""),
    ],
)
def test_what_the_header_does_not_say_is_left_out(changes: dict[str, str], told: str) -> None:
    assert prompt_context(replace(Header(), **changes)) == told
