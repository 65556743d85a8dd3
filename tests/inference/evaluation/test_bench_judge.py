"""How far a judge agrees with people, and a set of pairs that is a measure."""

from __future__ import annotations

import json
import socket
from collections import Counter
from pathlib import Path

import pytest

from inference.evaluation import bench_judge
from inference.evaluation.bench_judge import Labelled, as_table, read_labelled, summarise
from inference.evaluation.judging.verdicts import Unjudged, Verdict
from tests.inference.evaluation.judging.endpoint_server import Reply, serving


def pair(number: int, equivalent: bool, about: str = "side") -> Labelled:
    return Labelled(
        id=number,
        about=about,
        kind="open",
        question="Where?",
        reference="left",
        answer=f"answer {number}",
        equivalent=equivalent,
    )


def said(equivalent: bool) -> Verdict:
    return Verdict(equivalent, "somebody", "a reason")


def test_agreement_is_counted_by_label_half_and_difficulty() -> None:
    pairs = [
        *(pair(number, True) for number in range(1, 5)),
        *(pair(number, False, "site") for number in range(5, 9)),
        pair(9, True),
    ]
    verdicts: list[Verdict | Unjudged] = [
        *map(said, (True, True, True, False)),
        *map(said, (False, False, True, False)),
        Unjudged("It was down."),
    ]
    result = summarise(pairs, verdicts)
    figures = result["all"]
    assert (figures["n"], figures["unjudged"]) == (9, 1)
    assert (figures["accuracy"], figures["kappa"], figures["kappa_95"]) == (None, None, None)
    assert figures["accuracy_between"] == (6 / 9, 7 / 9)
    counts = ["same_said_same", "same_said_different"]
    counts += ["different_said_same", "different_said_different"]
    assert [figures[name] for name in counts] == [3, 1, 1, 3]
    assert result["odd"]["accuracy"] is None
    assert result["even"]["accuracy"] == 3 / 4
    assert result["odd"]["unjudged"] == 1
    assert result["about"]["site"]["n"] == 4
    assert [one["id"] for one in result["disagreed"]] == [4, 7]
    assert result["unjudged"] == [{"id": 9, "reason": "It was down."}]
    table = as_table(result | {"labelled": "f", "judge": "j"})
    assert "4: labelled same. somebody: a reason" in table
    assert "9: not judged. It was down." in table
    assert "0.67 to 0.78" in table

    figures = summarise(pairs[:8], verdicts[:8])["all"]
    assert (figures["accuracy"], figures["accuracy_between"]) == (6 / 8, None)
    assert figures["kappa"] == pytest.approx(0.5)  # 6 of 8, and 4 of 8 by chance
    low, high = figures["kappa_95"]
    assert low < 0.5 < high


def test_where_nobody_answers_there_are_no_figures_and_the_cause_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as unheard:  # a port that is bound and not listened at refuses
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}/v1"
        asked = ["--judge", "endpoint", "--judge-url", url, "--judge-model", "m"]
        assert bench_judge.main([*asked, "--judge-may-send", "--json"]) == 1
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert 0 < result["all"]["unjudged"] < result["all"]["n"], "rules settle some"
    for name in ("all", "even", "odd"):
        assert result[name]["accuracy"] is None
        assert result[name]["kappa"] is None
    last = said.err.splitlines()[-1]
    assert "no figure is made of them: Nobody answers at" in last


def test_without_a_verdict_there_is_no_figure() -> None:
    result = summarise([pair(1, True)], [Unjudged("It was down.")])
    assert (result["all"]["accuracy"], result["all"]["kappa"]) == (None, None)
    assert json.dumps(result)


def test_the_projects_pairs_are_a_measure() -> None:
    path, pairs = read_labelled(None)
    assert path.name == "labelled.jsonl"
    assert [one.id for one in pairs] == list(range(1, len(pairs) + 1))
    assert len({one.item for one in pairs}) == len(pairs)
    assert {one.kind for one in pairs} == {"closed", "open", "fill"}
    for half in (0, 1):
        counts = Counter(one.equivalent for one in pairs if one.id % 2 == half)
        assert min(counts.values()) >= 30
    assert all(one.question for one in pairs if one.kind != "fill")


def test_the_command_tells_agreement_of_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_judge.main(["--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["judge"] == "rules, not a language model"
    assert result["all"]["unjudged"] == 0
    # Far better than chance on pairs that the rules were not made by, and far from right always.
    assert result["odd"]["kappa"] > 0.5
    assert bench_judge.main([]) == 0
    assert "odd, held back" in capsys.readouterr().out


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.jsonl"
    lines = [
        json.dumps(
            {
                "id": number,
                "about": "synonym",
                "kind": "open",
                "question": "What?",
                "reference": "heart",
                "answer": f"cor {number}",
                "equivalent": True,
            }
        )
        for number in (1, 2)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_run_that_was_broken_off_asks_for_the_rest_alone(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Reply(), Reply(status=403), Reply()) as server:
        options = ["--labelled", str(two), "--json", "--verdicts", str(tmp_path / "verdicts")]
        options += ["--judge", "endpoint", "--judge-url", server.url, "--judge-model", "m"]
        assert bench_judge.main([*options, "--judge-may-send"]) == 1
        first = json.loads(capsys.readouterr().out)
        assert (first["all"]["unjudged"], first["all"]["accuracy"]) == (1, None)
        assert bench_judge.main([*options, "--judge-may-send"]) == 0
    assert json.loads(capsys.readouterr().out)["all"]["unjudged"] == 0
    assert len(server.received) == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no labelled pair"),
        (b'{"id": 1}\n', "jsonl:1: The line is no labelled pair"),
        (b"\xff\n", "jsonl:1: The row is not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_pairs_that_cannot_be_read_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, told: str
) -> None:
    path = tmp_path / "pairs.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert bench_judge.main(["--labelled", str(path)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("pinfill: ")
    assert told in message


def test_a_line_that_is_no_pair_costs_no_other(
    two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = two.read_bytes().splitlines()
    two.write_bytes(b"\xef\xbb\xbf" + one + b"\r\n\r\n\xe4\n[]\n" + other)
    assert [pair.id for pair in read_labelled(two)[1]] == [1, 2]
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_an_installed_application_has_no_pairs_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_judge, "LABELLED", Path("nowhere.jsonl"))
    assert bench_judge.main([]) == 2
    assert "name a file of your own with --labelled" in capsys.readouterr().err


def test_a_judge_that_cannot_be_used_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_judge.main(["--judge", "endpoint"]) == 2
    assert capsys.readouterr().err.startswith("pinfill: An endpoint needs its address")
