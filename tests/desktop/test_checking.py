"""``pinfill check``, and what a fill on the command line says of itself."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from desktop import checking, cli, headless
from desktop.report.coding import encode
from desktop.report.model import Report
from desktop.report_file import mask_gaps
from desktop.studies.header import study_facts
from desktop.studies.identity import StudyIdentity
from inference.protocol import Candidate, Fixed, Gap
from radiology.language.study import StudyFacts
from tests.desktop.cli_helpers import write_study

SIDES = "Findings:\nSmall left effusion.\n\nImpression: Small right effusion."
CLEAN = "Findings:\nSmall left effusion.\n\nImpression: Small left effusion."


def check(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.main(["check", *arguments])
    return code, capfd.readouterr().out


def saved(folder: Path, text: str, *, dismissed: bool = False) -> str:
    report = Report()
    report.insert(0, text)
    if dismissed:
        report.dismiss_clash(report.clashes()[0], "Both are so.")
    path = folder / "report.json"
    path.write_bytes(encode(report, StudyIdentity("1.2.3", "PF-1")))
    return str(path)


def test_a_clean_report_is_told_by_silence_and_code_0(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.txt"
    path.write_text(CLEAN)
    assert check(capfd, str(path)) == (0, "")
    assert check(capfd, saved(tmp_path, CLEAN)) == (0, "")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_clash_is_told_with_line_and_column_of_both_places(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], line_end: str
) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(SIDES.replace("\n", line_end).encode())
    code, out = check(capfd, str(path))
    assert code == 1
    assert out.startswith("2:1 and 4:13: Side: “Small left effusion” and “Small right effusion”")


def test_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data = io.BytesIO(b"No effusion. There is a")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=data))
    code, out = check(capfd, "-")
    assert code == 1
    assert "1:14: Form: " in out


def test_the_study_is_held_against_it_and_gaps_are_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = write_study(tmp_path / "study.dcm")  # of a woman, AP
    path = tmp_path / "report.txt"
    path.write_text("PA view. There is a {{gap 4}} nodule.")
    code, out = check(capfd, str(path), "--study", str(study), "--json")
    assert code == 1
    told = json.loads(out)
    assert [clash["kind"] for clash in told["clashes"]] == ["view"]
    assert told["clashes"][0]["places"] == [
        {"line": 1, "column": 1, "start": 0, "end": 2, "text": "PA"}
    ]
    assert [(gap["line"], gap["column"]) for gap in told["gaps"]] == [(1, 21)]
    assert (
        check(capfd, str(path))[1]
        == "1:21: A gap is open in line 1, behind “PA view. There is a”.\n"
    )


def test_a_dismissed_clash_of_a_saved_report_is_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path, SIDES, dismissed=True)
    code, out = check(capfd, path, "--json")
    assert code == 0
    assert [each["reason"] for each in json.loads(out)["dismissed"]] == ["Both are so."]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b'{"format": "pinfill-report", "version": 2}',
        b'{"format": "pinfill-report", "version": 99}',
    ],
)
def test_what_cannot_be_read_ends_with_code_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], data: bytes
) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(data)
    assert cli.main(["check", str(path)]) == 2
    assert cli.main(["check", str(tmp_path / "none.txt")]) == 2
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 2
    assert "report.json" in told[0]


def test_masked_gaps_leave_all_else_in_its_place() -> None:
    text = "A {{gap: b}}\r\nC \ufffc"
    masked = mask_gaps(text)
    assert len(masked) == len(text)
    assert masked == "A " + 10 * "\ufffc" + " \nC \ufffd"


def test_what_a_fill_clashes_in_is_known_without_a_window() -> None:
    study = SimpleNamespace(sex="F", view="AP", body_part="CHEST")
    pieces = (Fixed("Findings:\r\nSmall left effusion.\r\n\r\nImpression: "), Gap())
    text, clashes = headless.read_clashes(study, pieces, Candidate(("Small right effusion.",)))
    assert [clash.kind for clash in clashes] == ["side"]
    assert checking.lines(text, clashes)[0].startswith("2:1 and 4:13: Side: ")


def test_an_empty_fill_inside_a_sentence_leaves_its_mark() -> None:
    pieces = (Fixed("There is a "), Gap(7), Fixed(" nodule. "), Gap(), Fixed("\n"))
    assert headless.written_out(pieces, ("", "")) == "There is a {{gap 7}} nodule. \n"
    text, clashes = headless.read_clashes(
        SimpleNamespace(sex="", view="", body_part=""), pieces, Candidate(("", ""))
    )
    assert clashes == ()
    assert checking.lines(text, clashes) == ["1:12: A gap is open in line 1, behind “There is a”."]


@pytest.mark.parametrize(
    ("header", "alone", "facts"),
    [
        (("F", "PA", "CHEST"), True, StudyFacts(sex="F", views=frozenset({"PA"}))),
        (("M", "AP", ""), False, StudyFacts(sex="M", views=frozenset({"AP", "LATERAL"}))),
        (("O", "L LL", "CHEST"), True, StudyFacts(views=frozenset({"LATERAL"}))),
        (("", "L", "KNEE"), True, StudyFacts(laterality="L")),
        (("", "R CC", "BREAST"), True, StudyFacts(laterality="R")),
        (("", "", ""), True, StudyFacts()),
    ],
)
def test_headers_in_the_words_of_the_language(
    header: tuple[str, str, str], alone: bool, facts: StudyFacts
) -> None:
    sex, view, body_part = header
    study = SimpleNamespace(sex=sex, view=view, body_part=body_part)
    assert study_facts(study, alone=alone) == facts
