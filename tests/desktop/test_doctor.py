"""``pinfill doctor``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import resources
from desktop import cli, doctor
from desktop.doctor import Finding, Verdict


def test_missing_libraries_fail_with_what_to_type() -> None:
    finding = doctor.qt_libraries(lambda: ["libegl1", "libxcb-cursor0"])
    assert finding.verdict is Verdict.FAIL
    assert finding.advice.endswith("libegl1 libxcb-cursor0")
    assert doctor.qt_libraries(list).verdict is Verdict.OK


def test_qt_is_asked_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.qt().verdict is Verdict.OK
    monkeypatch.setattr(doctor, "_QT_PROBE", "import os; os.abort()")
    assert doctor.qt().verdict is Verdict.FAIL
    monkeypatch.setattr(doctor, "_QT_PROBE", 'print(\'{"version": "6.12.0"}\')')
    assert "known to break" in doctor.qt().detail


def test_the_last_line_of_a_failed_import_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_TORCH_PROBE", "raise ImportError('libgomp.so.1: not found')")
    (finding,) = doctor.torch()
    assert finding.verdict is Verdict.FAIL
    assert "libgomp.so.1: not found" in finding.detail


def test_a_machine_without_the_models_libraries_is_warned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "torch")
    (finding,) = doctor.torch()
    assert finding.verdict is Verdict.WARN
    assert "pinfill[worker]" in finding.advice


def test_a_gpu_that_torch_cannot_use_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert "Acme, 80.0 GiB" in doctor.gpu([("Acme", 80 * 2**30)], "13.0").detail
    assert "built for CUDA" in doctor.gpu([], None).advice
    assert "nvidia-smi" in doctor.gpu([], "13.0").advice
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert doctor.gpu([], None).verdict is Verdict.OK


def test_the_data_folder_must_take_a_file(tmp_path: Path, fresh_settings: Path) -> None:
    assert str(fresh_settings) in doctor.data_folder().detail
    blocked = tmp_path / "file"
    blocked.touch()
    finding = doctor.data_folder(blocked / "below")
    assert finding.verdict is Verdict.FAIL
    assert "PINFILL_DATA_DIR" in finding.advice


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, "no config.json"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"architectures": ["A"]}', "holds A"),
        ('{"architectures": ["DiffusionGemmaForBlockDiffusion"]}', "canvas_length"),
    ],
)
def test_a_checkpoint_is_looked_into(tmp_path: Path, config: str | None, words: str) -> None:
    assert "no folder" in doctor.checkpoint("Checkpoint", tmp_path / "none").detail
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    finding = doctor.checkpoint("Checkpoint", tmp_path)
    assert finding.verdict is Verdict.FAIL
    assert words in finding.detail
    assert "Traceback" not in finding.detail


def test_a_sound_checkpoint_is_told_with_its_size() -> None:
    finding = doctor.checkpoint("Checkpoint", resources.demo_checkpoint())
    assert finding.verdict is Verdict.OK, finding.detail
    assert "DiffusionGemmaForBlockDiffusion, " in finding.detail
    assert "MiB" in finding.detail


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_only_a_failure_changes_the_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verdict: str,
    code: int,
) -> None:
    advice = "pip install 'pinfill[desktop]'"

    def examine(checkpoint: Path | None) -> Iterator[Finding]:
        yield Finding("Qt", Verdict(verdict), str(checkpoint), advice)

    monkeypatch.setattr(doctor, "examine", examine)
    assert cli.main(["doctor", "--checkpoint", "folder"]) == code
    out = capsys.readouterr().out
    assert verdict in out
    assert "folder" in out
    assert advice in out


def test_every_check_has_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_TORCH_PROBE", "raise ImportError('spare the time')")
    findings = list(doctor.examine())
    assert findings[0].detail.endswith(sys.executable)
    assert len({finding.name for finding in findings}) == len(findings) >= 7
    for finding in findings:
        assert finding.detail
        assert finding.advice or finding.verdict is Verdict.OK
