"""The ``pinfill`` command: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from desktop import cli
from desktop.studies import isolation
from desktop.studies.reading import read_study
from tests.desktop.cli_helpers import use_scripted_worker, write_study
from tests.desktop.studies.faulty import faulty_reader
from tests.inference.scripted_engine import DOUBT, DOUBTFUL

ROOT = Path(__file__).resolve().parents[2]
REPORT = "FINDINGS:\r\nHeart {{gap}}.\n\nIMPRESSION:\n{{gap 4}} \u00e9\U0001f9e0"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study.dcm")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.txt"
    path.write_bytes(REPORT.encode())
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> list[str]:
    """Any folder: the scripted worker does not look into it."""
    return ["--checkpoint", str(tmp_path)]


@pytest.fixture
def infill(
    monkeypatch: pytest.MonkeyPatch, study: Path, report: Path, checkpoint: list[str]
) -> list[str]:
    """The command line of an infill by the scripted worker."""
    use_scripted_worker(monkeypatch, "scripted")
    return ["infill", str(study), "--report", str(report), *checkpoint]


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)


def one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command said on standard error, which is all that it said."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pinfill: ")
    assert err.count("\n") == 1
    assert err.rstrip().endswith(".")
    return err


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from desktop import cli\n"
        "try: cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'PySide6', 'pydicom', 'numpy', 'rich', 'asyncio'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    for option, words in (("--help", "usage: pinfill"), ("--version", "pinfill ")):
        out = run_python(code, option).stdout
        assert out.startswith(words)
        assert out.endswith("loaded: []\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["opne", "a.dcm"], "COMMAND cannot be 'opne': choose demo, open, draft,"),
        (["infill", "a.dcm"], "pinfill infill needs --report."),
        (["draft", "a.dcm", "--candidates", "x"], "--candidates: 'x' is no whole number"),
        (["open"], "pinfill open needs PATH."),
    ],
)
def test_wrong_options_are_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert told.startswith(f"pinfill: {words}")
    assert told.count("\n") == 1


def test_drafting_loads_neither_qt_nor_a_model() -> None:
    code = (
        "import sys, desktop.headless\n"
        "print(sorted({'torch', 'transformers', 'PySide6', 'qasync'} & set(sys.modules)))"
    )
    assert run_python(code).stdout == "[]\n"


def test_infill_writes_the_reports_own_bytes(
    capfdbinary: pytest.CaptureFixture[bytes], infill: list[str]
) -> None:
    code = cli.main(infill)
    out, err = capfdbinary.readouterr()
    assert code == cli.OK
    assert err == b""
    expected = REPORT.replace("{{gap}}", "fill 0").replace("{{gap 4}}", "fill 1")
    assert out == expected.encode()


def test_json_is_one_object_with_pieces_in_order(
    capfd: pytest.CaptureFixture[str], infill: list[str]
) -> None:
    assert cli.main([*infill, "--seed", "7", "--json"]) == cli.OK
    out = capfd.readouterr().out
    assert out.count("\n") == 1
    answer = json.loads(out)
    assert answer["pieces"] == [
        {"fixed": "FINDINGS:\r\nHeart "},
        {"fill": "fill 0"},
        {"fixed": ".\n\nIMPRESSION:\n"},
        {"fill": "fill 1"},
        {"fixed": " \u00e9\U0001f9e0"},
    ]
    assert answer["text"] == "".join(next(iter(piece.values())) for piece in answer["pieces"])
    assert answer["seed"] == 7
    assert {"steps", "seconds", "checkpoint", "tokens", "forwards", "prefix_encodings"} <= set(
        answer
    )


def test_json_has_every_candidate_and_text_the_best(
    capfd: pytest.CaptureFixture[str], infill: list[str]
) -> None:
    arguments = [*infill, "--candidates", "3"]
    assert cli.main([*arguments, "--json"]) == cli.OK
    answer = json.loads(capfd.readouterr().out)
    fills = [candidate["fills"] for candidate in answer["candidates"]]
    assert fills == [["fill 0", "fill 1"], ["fill 0, 2", "fill 1, 2"], ["fill 0, 3", "fill 1, 3"]]
    texts = [candidate["text"] for candidate in answer["candidates"]]
    assert texts[0] == answer["text"]
    assert texts[1] == REPORT.replace("{{gap}}", "fill 0, 2").replace("{{gap 4}}", "fill 1, 2")
    assert answer["candidates"][0]["faults"] == []
    assert answer["unseen"] == 0
    assert cli.main(arguments) == cli.OK
    assert capfd.readouterr().out == answer["text"]


def test_an_engine_that_the_checkpoint_is_not_is_refused(
    capsys: pytest.CaptureFixture[str], infill: list[str]
) -> None:
    assert cli.main([*infill, "--engine", "diffusion"]) == cli.OK
    capsys.readouterr()
    assert cli.main([*infill, "--engine", "autoregressive"]) == cli.BAD_INPUT
    assert "is no autoregressive checkpoint" in one_sentence(capsys)


def test_a_warm_infill_begins_from_the_words_in_its_gaps(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    study: Path,
    report: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "scripted")
    report.write_text("Heart {{gap: is large}}.")
    arguments = ["infill", str(study), "--report", str(report), *checkpoint]
    for more, text in (([], "Heart fill 0."), (["--warm"], "Heart is large.")):
        assert cli.main([*arguments, *more]) == cli.OK
        assert capfd.readouterr().out == text


def test_faults_and_what_was_not_read_go_to_standard_error(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    study: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "scripted", "faulty")
    assert cli.main(["draft", str(study), *checkpoint]) == cli.OK
    out, err = capfd.readouterr()
    assert out == "fill 0"
    unread, faulty = err.splitlines()
    assert "1,234 characters away from the gap were not read" in unread
    assert faulty == "pinfill: 1:1: Form: What the model wrote breaks off."


def test_a_doubt_about_an_adapter_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    study: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "scripted")
    adapter = tmp_path / DOUBTFUL
    adapter.mkdir()
    assert cli.main(["draft", str(study), "--adapter", str(adapter), *checkpoint]) == cli.OK
    assert capfd.readouterr() == ("fill 0", f"pinfill: {DOUBT}\n")


def spine(folder: Path) -> Path:
    return write_study(folder / "spine.dcm", Modality="CT", BodyPartExamined="LSPINE")


def heart(folder: Path) -> Path:
    """A loop of an ultrasound, in colour."""
    path = folder / "heart.dcm"
    return write_study(path, frames=3, in_colour=True, Modality="US", BodyPartExamined="HEART")


@pytest.mark.parametrize(
    ("make", "told"), [(spine, "modality CT and of the body part SPINE"), (heart, "HEART, in col")]
)
@pytest.mark.parametrize("command", ["draft", "infill", "ask"])
def test_an_image_that_the_model_was_not_made_for_waits_for_a_word(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    report: Path,
    checkpoint: list[str],
    command: str,
    make: Callable[[Path], Path],
    told: str,
) -> None:
    use_scripted_worker(monkeypatch, "chest")
    more = {"draft": [], "infill": ["--report", str(report)], "ask": ["Is it broken?"]}[command]
    arguments = [command, str(make(tmp_path)), *more, *checkpoint, "--json"]
    assert cli.main(arguments) == cli.BAD_INPUT
    out, err = capfd.readouterr()
    assert out == ""
    (said,) = err.splitlines()
    assert told in said
    assert "give --anyway" in said
    assert cli.main([*arguments, "--anyway"]) == cli.OK
    out, err = capfd.readouterr()
    cautions = json.loads(out)["cautions"]
    assert [f"pinfill: {caution}" for caution in cautions] == err.splitlines()
    assert any(told in caution for caution in cautions)


def test_what_a_file_does_not_say_is_told_and_not_held(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    study: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "chest")
    assert cli.main(["draft", str(study), *checkpoint]) == cli.OK
    out, err = capfd.readouterr()
    assert out == "fill 0"
    assert "does not tell the body part of this image" in err


def test_the_cautions_of_a_file_are_told_as_the_window_tells_them(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "scripted")
    path = write_study(tmp_path / "loop.dcm", frames=3, in_colour=True, LossyImageCompression="01")
    assert cli.main(["draft", str(path), *checkpoint, "--json"]) == cli.OK
    out, err = capfd.readouterr()
    cautions = json.loads(out)["cautions"]
    assert cautions == list(read_study(path).cautions)
    assert [f"pinfill: {caution}" for caution in cautions] == err.splitlines()
    for told in ("only the first is shown", "shown in grey", "compressed with loss"):
        assert any(told in caution for caution in cautions)


def test_a_question_gets_its_answer(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    study: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "scripted")
    arguments = ["ask", str(study), "Is there a nodule?", *checkpoint]
    assert cli.main(arguments) == cli.OK
    assert capfd.readouterr() == ("Is there a nodule?", "")
    assert cli.main([*arguments, "--json", "--seed", "7"]) == cli.OK
    told = json.loads(capfd.readouterr().out)
    assert (told["question"], told["answer"], told["seed"]) == (
        "Is there a nodule?",
        "Is there a nodule?",
        7,
    )
    assert told["cautions"] == []
    assert cli.main(["ask", str(study), "  ", *checkpoint]) == cli.BAD_INPUT
    assert "The question is empty" in capfd.readouterr().err


def test_draft_is_one_gap(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    study: Path,
    checkpoint: list[str],
) -> None:
    use_scripted_worker(monkeypatch, "scripted")
    assert cli.main(["draft", str(study), "--json", *checkpoint]) == cli.OK
    assert json.loads(capfd.readouterr().out)["pieces"] == [{"fill": "fill 0"}]


@pytest.mark.parametrize(
    ("loader", "script", "code", "phrase"),
    [
        ("scripted", "bad request", cli.BAD_INPUT, "There is no gap to fill"),
        ("missing", "", cli.BAD_INPUT, "There is no checkpoint in /nowhere"),
        ("scripted", "die", cli.FAULT, "SIGKILL"),
        ("scripted", "crash", cli.FAULT, ""),
    ],
)
def test_what_the_worker_refuses_and_how_it_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    study: Path,
    checkpoint: list[str],
    loader: str,
    script: str,
    code: int,
    phrase: str,
) -> None:
    use_scripted_worker(monkeypatch, loader, script)
    assert cli.main(["draft", str(study), *checkpoint]) == code
    assert phrase in one_sentence(capsys)


def test_bad_studies_and_reports_end_before_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    study: Path,
    checkpoint: list[str],
) -> None:
    monkeypatch.delattr("inference.client.worker_command")
    text = tmp_path / "text.dcm"
    text.write_text("no DICOM")
    no_gap = tmp_path / "no_gap.txt"
    no_gap.write_text("clear")
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(study.read_bytes()[:900])
    commands: Sequence[Sequence[str]] = [
        ["draft", str(tmp_path / "none.dcm")],
        ["draft", str(text)],
        ["draft", str(cut)],
        ["draft", str(tmp_path)],
        ["infill", str(study), "--report", str(tmp_path / "none.txt")],
        ["infill", str(study), "--report", str(no_gap)],
        ["draft", str(study), "--adapter", str(tmp_path / "nowhere")],
        ["draft", str(study), "--adapter", str(text)],
    ]
    for command in commands:
        assert cli.main([*command, *checkpoint]) == cli.BAD_INPUT
        said = one_sentence(capsys)
        assert "--adapter" not in command or f"--adapter {command[-1]} " in said


@pytest.mark.parametrize(("name", "cause"), [("crash", "crash"), ("hang", "seconds to read")])
def test_a_file_that_ends_its_decoder_is_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    cause: str,
) -> None:
    reader = faulty_reader(seconds=0.3)
    monkeypatch.setattr(isolation, "_shared", reader)
    study = write_study(tmp_path / f"{name}.dcm")
    try:
        assert cli.main(["draft", str(study), "--checkpoint", str(tmp_path)]) == cli.BAD_INPUT
    finally:
        reader.close()
    assert cause in one_sentence(capsys)


def test_a_seed_is_a_whole_number(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in ("-1", "1.5", "x", "9" * 30):
        with pytest.raises(SystemExit) as caught:
            cli.main(["draft", "study.dcm", f"--seed={seed}"])
        assert caught.value.code == cli.BAD_INPUT
        assert "no whole number" in capsys.readouterr().err


def test_candidates_are_a_few(capsys: pytest.CaptureFixture[str]) -> None:
    for count in ("0", "-1", "17", "x", "9" * 5000):
        with pytest.raises(SystemExit) as caught:
            cli.main(["draft", "study.dcm", f"--candidates={count}"])
        assert caught.value.code == cli.BAD_INPUT
        assert "no whole number from 1 to 16" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of X11 and Wayland")
def test_without_a_display_the_window_says_what_to_do_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], study: Path
) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("desktop.system_libraries.missing_packages", lambda: [])
    assert cli.main(["open", str(study)]) == cli.BAD_INPUT
    assert "no display" in one_sentence(capsys)
    assert cli.main(["open", str(study / "none")]) == cli.BAD_INPUT
    assert "no file or folder" in one_sentence(capsys)


def test_a_package_of_an_extra_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], study: Path
) -> None:
    monkeypatch.setitem(sys.modules, "desktop.headless", None)
    missing = ModuleNotFoundError("No module named 'pydicom'", name="pydicom")
    monkeypatch.setattr(cli, "_fill", lambda *_: (_ for _ in ()).throw(missing))
    assert cli.main(["draft", str(study)]) == cli.BAD_INPUT
    assert "pip install 'pinfill[studies]'" in one_sentence(capsys)


def test_training_and_benchmarks_go_to_a_process_without_qt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executed: list[Sequence[str]] = []
    monkeypatch.setattr("os.execv", lambda path, command: executed.append(command))
    monkeypatch.setattr("subprocess.call", executed.append)
    cli.main(["bench", "demo", "--json", "--help"])
    assert executed[0][2:] == ["-m", "inference.cli", "bench", "demo", "--json", "--help"]


@pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")
def test_control_c_in_a_terminal_cancels_and_leaves_no_worker(
    study: Path, checkpoint: list[str]
) -> None:
    terminal, stderr = pty.openpty()
    script = [sys.executable, "-m", "tests.desktop.cli_helpers", "scripted", "endless"]
    process = subprocess.Popen(
        [*script, "draft", str(study), *checkpoint],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        start_new_session=True,
    )
    os.close(stderr)
    try:
        shown = b""
        while b"draft" not in shown:  # the first canvas is on the screen
            shown += os.read(terminal, 4096)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the worker as well
        drain(terminal)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == cli.CANCELLED
        assert out == b""
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    finally:
        process.kill()
        os.close(terminal)


def drain(terminal: int) -> None:
    """Read until every process that held the terminal has closed it."""
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # how Linux tells the end of a terminal
        pass
