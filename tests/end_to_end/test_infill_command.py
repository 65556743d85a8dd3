"""``pinfill infill`` on a bundled study: three gaps, the real worker, pins byte for byte."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resources
from desktop.headless import as_object
from desktop.report_file import parse
from desktop.studies.context import prompt_context
from desktop.studies.reading import read_study
from desktop.viewer.pixels import model_image
from inference.client import Client
from inference.protocol import Filled, Options, Piece

GAPS = ("{{gap 4}}", "{{gap}}", "{{ gap 2 }}")


def template(pins: list[str]) -> str:
    return "".join(pin + gap for pin, gap in zip_longest(pins, GAPS, fillvalue=""))


@pytest.mark.parametrize(
    "pins",
    [
        ["FINDINGS:\nThe heart is ", ". No ", " effusion.\n\nIMPRESSION:\n", "."],
        ["Ærø\u2581 \U0001f600\r\n", "<turn|><eos> e\u0301 ", "\x00\t\u202e", " \u00a0 "],
    ],
    ids=["report", "odd characters"],
)
def test_the_command_returns_pinned_text_byte_for_byte(pins: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_bytes(template(pins).encode())
    study = str(resources.demo_studies()[0])
    command = [sys.executable, "-m", "desktop.cli", "infill", study, "--report", str(report)]
    done = subprocess.run(
        [*command, "--seed", "5", "--json"], capture_output=True, timeout=120, env=os.environ
    )
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout.decode())
    pieces = result["pieces"]
    fixed = [piece["fixed"] for piece in pieces if "fixed" in piece]
    assert [piece.encode() for piece in fixed] == [pin.encode() for pin in pins]
    assert result["text"] == "".join(next(iter(piece.values())) for piece in pieces)
    assert sum("fill" in piece for piece in pieces) == 3
    assert result["seed"] == 5
    assert result["prefix_encodings"] == 1


REPORT = "FINDINGS:\nThe heart is normal. {{gap}} No pleural effusion.\n\nIMPRESSION:\n{{gap}}"


@pytest.mark.parametrize("mode", ["both", "left", "forced"])
def test_the_sibling_fills_the_same_gaps_in_each_of_its_modes(mode: str, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"
    report.write_text(REPORT)
    study = str(resources.demo_studies()[0])
    command = [sys.executable, "-m", "desktop.cli", "infill", study, "--report", str(report)]
    done = subprocess.run(
        [*command, "--engine", "autoregressive", "--mode", mode, "--json"],
        capture_output=True,
        timeout=120,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout.decode())
    assert result["checkpoint"].endswith("demo-autoregressive")
    fills = [piece["fill"] for piece in result["pieces"] if "fill" in piece]
    assert len(fills) == 2
    assert fills[1].endswith(".")
    assert result["text"].startswith("FINDINGS:\nThe heart is normal. ")


def test_a_mode_is_not_a_denoisers(tmp_path: Path) -> None:
    study = str(resources.demo_studies()[0])
    command = [sys.executable, "-m", "desktop.cli", "draft", study, "--mode", "left"]
    done = subprocess.run(command, capture_output=True, timeout=120, env=os.environ)
    assert done.returncode == 2
    assert "always reads both sides" in done.stderr.decode()


class Worker:
    """One worker with the bundled checkpoint and one bundled study, for many examples."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._client = runner.run(Client.launch(resources.demo_checkpoint()))
        study = read_study(resources.demo_studies()[0])
        self._image, self._context = model_image(study.image), prompt_context(study)

    def infill(self, pieces: tuple[Piece, ...], options: Options) -> Filled:
        job = self._client.infill(pieces, image=self._image, context=self._context, options=options)
        return self._runner.run(job)

    def close(self) -> None:
        self._runner.run(self._client.close())


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with asyncio.Runner() as runner:
        worker = Worker(runner)
        yield worker
        worker.close()


# Four bytes a character at most, so that four pins and three gaps fit a canvas of 128 tokens.
pin = st.text(st.characters(exclude_categories=["Cs"]), max_size=7).filter(
    lambda text: "{" not in text and "}" not in text and not text.startswith("\ufeff")
)


@settings(max_examples=60)
@given(st.tuples(pin, pin, pin, pin), st.integers(0, 2**31))
def test_any_pins_stand_around_three_gaps(
    worker: Worker, pins: tuple[str, str, str, str], seed: int
) -> None:
    pieces = parse(template(list(pins)))
    filled = worker.infill(pieces, Options(seed=seed, max_steps=3))
    result = as_object(pieces, filled)
    fixed = [piece["fixed"] for piece in result["pieces"] if "fixed" in piece]
    assert [text.encode() for text in fixed] == [text.encode() for text in pins if text]
    expected = "".join(pin + fill for pin, fill in zip_longest(pins, filled.fills, fillvalue=""))
    assert result["text"].encode() == expected.encode()
    assert len(filled.fills) == 3


def test_a_refill_encodes_no_prefix_and_a_seed_repeats(worker: Worker) -> None:
    pieces = parse("FINDINGS:\nThe heart is {{gap}}\n\nIMPRESSION:\nNormal.")
    first = worker.infill(pieces, Options(seed=3))
    again = worker.infill(pieces, Options(seed=3))
    assert first.fills == again.fills
    assert again.prefix_encodings == 0
    assert again.prefix_seconds == 0.0
