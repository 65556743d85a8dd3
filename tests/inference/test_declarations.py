"""What a folder declares that it was made for: read, written, refused where it is unreadable."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from inference.checkpoints import CheckpointError, check, load
from inference.configurations import BadConfiguration
from inference.declarations import FILE, read_declaration, write_declaration
from inference.protocol import (
    DECLARES_NOTHING,
    MadeFor,
    ModelInfo,
    Ready,
    decode_reply,
    encode,
)
from resources import demo_checkpoint

CT = MadeFor(modalities=("CT",), body_parts=("HEAD",), languages=("de",))


def declare(folder: Path, made_for: Any) -> Path:
    (folder / FILE).write_text(json.dumps({"made_for": made_for}))
    return folder


def test_who_says_nothing_declares_nothing(tmp_path: Path) -> None:
    assert read_declaration(tmp_path) == DECLARES_NOTHING
    (tmp_path / FILE).write_text('{"base": {"name": "a", "fingerprint": "b"}}')
    assert read_declaration(tmp_path) == DECLARES_NOTHING
    assert read_declaration(declare(tmp_path, {})) == DECLARES_NOTHING


def test_what_is_written_is_read_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"paradigm": "diffusion"}')
    write_declaration(tmp_path, CT)
    assert read_declaration(tmp_path) == CT
    assert json.loads((tmp_path / FILE).read_text())["paradigm"] == "diffusion"


def test_letter_case_is_of_no_account(tmp_path: Path) -> None:
    declare(tmp_path, {"modalities": [" dx"], "body_parts": ["Chest"], "languages": ["EN"]})
    read = read_declaration(tmp_path)
    assert (read.modalities, read.body_parts, read.languages) == (("DX",), ("CHEST",), ("en",))


@pytest.mark.parametrize(
    ("made_for", "told"),
    [
        ("chest", "object"),
        ({"modalities": "DX"}, "array"),
        ({"modalities": ["DX", 3]}, "str"),
        ({"modality": ["DX"]}, "modality"),
        ({"views": [""]}, "length"),
        ({"views": ["PA"] * 65}, "length"),
        ({"body_parts": ["x" * 65]}, "length"),
    ],
)
def test_what_cannot_be_read_is_told_and_never_dropped(
    made_for: object, told: str, tmp_path: Path
) -> None:
    with pytest.raises(BadConfiguration, match=told) as caught:
        read_declaration(declare(tmp_path, made_for))
    assert "`" not in str(caught.value)


@pytest.mark.parametrize("content", ["[]", "{", ""])
def test_a_file_that_holds_no_object(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(BadConfiguration):
        read_declaration(tmp_path)
    with pytest.raises(BadConfiguration):
        write_declaration(tmp_path, CT)
    assert (tmp_path / FILE).read_text() == content


def test_a_checkpoint_tells_it(random_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "declared"
    shutil.copytree(random_checkpoint, folder)
    assert load(folder, "cpu").info.made_for == DECLARES_NOTHING
    write_declaration(folder, CT)
    info = load(folder, "cpu").info
    assert info.made_for == CT
    assert decode_reply(encode(Ready(info))) == Ready(info)
    declare(folder, {"modality": ["CT"]})
    with pytest.raises(CheckpointError, match=rf"{FILE} in .* declares .*or delete it"):
        check(folder)


def test_an_older_worker_declares_nothing() -> None:
    info = ModelInfo(
        checkpoint="a",
        name="a",
        architecture="a",
        parameters=1,
        device="cpu",
        dtype="float32",
        canvas_length=8,
        max_steps=8,
        has_filler=False,
    )
    assert info.made_for == DECLARES_NOTHING


@pytest.mark.parametrize("paradigm", ["diffusion", "autoregressive"])
def test_the_bundled_checkpoints_are_made_for_chest_radiographs(paradigm: str) -> None:
    made_for = read_declaration(demo_checkpoint(paradigm))
    assert made_for.modalities == ("DX", "CR")
    assert made_for.body_parts == ("CHEST",)
    assert made_for.views == ("PA", "AP")
