"""Those who are compared by benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.evaluation import writers
from inference.evaluation.writers import Writer, engine_of
from tests.inference.scripted_engine import DOUBT, DOUBTFUL, ScriptedEngine


def test_a_doubt_about_an_adapter_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine = ScriptedEngine()
    monkeypatch.setattr(writers, "_loaded", lambda *_: engine)
    writer = Writer("adapted", "diffusion", tmp_path, tmp_path / DOUBTFUL)
    for _ in range(2):
        assert engine_of(writer, "cpu").info.adapter == DOUBTFUL
    assert capsys.readouterr().err == f"pinfill: {DOUBT}\n"
