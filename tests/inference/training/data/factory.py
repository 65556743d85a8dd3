"""Small data sets made in code, in the layouts that Pinfill reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.training.data.rows import DataError, Row

SHARED = Path(__file__).parents[5] / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the public data sets do not lie at ../shared/data"
)


def picture(path: Path, grey: int = 100, mode: str = "L") -> Path:
    """A small image of one grey level, in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 6), grey).convert(mode).save(path)
    return path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def json_lines(path: Path, *rows: Any) -> Path:
    return written(path, "".join(json.dumps(row) + "\n" for row in rows))


def vqa_rad_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "qid": number,
        "image_name": "synpic1.jpg",
        "image_organ": "CHEST",
        "answer": "Yes",
        "answer_type": "CLOSED",
        "question": "Is the heart enlarged?",
    }
    return {key: value for key, value in (row | changes).items() if value is not None}


def slake_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "qid": number,
        "img_name": "xmlab1/source.jpg",
        "question": "What modality is this?",
        "answer": "CT",
        "q_lang": "en",
        "answer_type": "OPEN",
    }
    return {key: value for key, value in (row | changes).items() if value is not None}


def row(name: str, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "id": name,
        "origin": None,
        "image": None,
        "question": None,
        "context": "",
        "answer": f"report {name}",
        "kind": "report",
        "group": name,
    }
    return Row(**(values | changes))


def gradient_png(path: Path) -> Path:
    """A 16-bit PNG whose values run from 0 to 4095 only."""
    values = np.linspace(0, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)
    Image.fromarray(values).save(path)
    return path


def sentence(error: pytest.ExceptionInfo[DataError]) -> str:
    """What was said: one line that ends."""
    said = str(error.value)
    assert said.endswith(".")
    assert "\n" not in said
    return said
