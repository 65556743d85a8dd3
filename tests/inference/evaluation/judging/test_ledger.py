"""Verdicts are kept, none is asked for twice, and a torn or foreign file costs no work."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from pathlib import Path

import pytest

from inference.evaluation.judging import ledger
from inference.evaluation.judging.ledger import Recorded, key_of
from inference.evaluation.judging.verdicts import Item, JudgeError, Verdict

ITEM = Item("Is it?", "no", "Hardly.", ("nein",), "closed")


class Counting:
    description = "counting"

    def __init__(self, identity: str = "counting", fails: int = 0) -> None:
        self.identity = identity
        self.asked = 0
        self.fails = fails
        self.closed = False

    def verdict(self, item: Item) -> Verdict:
        self.asked += 1
        if self.asked <= self.fails:
            raise JudgeError("It was overloaded: run the same command again.")
        return Verdict(item.answer.startswith("H"), self.identity, "because ½")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "verdicts.jsonl"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_verdict_is_asked_for_once(path: Path) -> None:
    inner = Counting()
    with closing(Recorded(inner, path)) as judge:
        assert judge.verdict(ITEM) == judge.verdict(ITEM) == Verdict(True, "counting", "because ½")
    assert (inner.asked, inner.closed) == (1, True)
    again = Counting()
    with closing(Recorded(again, path)) as judge:
        assert judge.verdict(ITEM) == Verdict(True, "counting", "because ½")
        assert (judge.identity, judge.description) == ("counting", "counting")
    assert again.asked == 0


def test_without_a_file_verdicts_are_remembered_all_the_same() -> None:
    inner = Counting()
    judge = Recorded(inner, None)
    assert judge.verdict(ITEM) == judge.verdict(ITEM)
    assert inner.asked == 1


def test_a_line_tells_all_that_an_audit_needs(path: Path) -> None:
    with closing(Recorded(Counting(), path)) as judge:
        judge.verdict(ITEM)
        (line,) = lines(path)  # it is on the disk before the file is closed
    assert line.pop("at")
    assert line == {
        "key": key_of(ITEM, "counting"),
        "judge": "counting",
        "prompt": 1,
        "kind": "closed",
        "question": "Is it?",
        "reference": "no",
        "alternatives": ["nein"],
        "answer": "Hardly.",
        "equivalent": True,
        "by": "counting",
        "reason": "because ½",
    }


def test_a_key_changes_with_all_that_a_verdict_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [
        dataclasses.replace(ITEM, question="Is she?"),
        dataclasses.replace(ITEM, reference="yes"),
        dataclasses.replace(ITEM, answer="Maybe."),
        dataclasses.replace(ITEM, alternatives=()),
        dataclasses.replace(ITEM, kind="open"),
    ]
    assert len(others) == len(dataclasses.fields(Item))
    keys = {key_of(item, "a") for item in others} | {key_of(ITEM, "a"), key_of(ITEM, "b")}
    monkeypatch.setattr(ledger, "PROMPT_VERSION", 99)
    keys.add(key_of(ITEM, "a"))
    assert len(keys) == len(others) + 3


def test_the_verdicts_of_one_judge_are_not_those_of_another(path: Path) -> None:
    for name in ("one", "other"):
        inner = Counting(name)
        with closing(Recorded(inner, path)) as judge:
            assert judge.verdict(ITEM).by == name
        assert inner.asked == 1
    assert len(lines(path)) == 2


def test_what_could_not_be_judged_is_noted_and_asked_for_again(path: Path) -> None:
    with (
        closing(Recorded(Counting(fails=1), path)) as judge,
        pytest.raises(JudgeError, match="overloaded"),
    ):
        judge.verdict(ITEM)
    (line,) = lines(path)
    assert line["equivalent"] is None
    assert line["reason"] == "It was overloaded: run the same command again."
    inner = Counting()
    with closing(Recorded(inner, path)) as judge:
        assert judge.verdict(ITEM).equivalent
    assert inner.asked == 1


def test_a_torn_last_line_is_asked_for_again(path: Path) -> None:
    other = dataclasses.replace(ITEM, answer="No way.")
    with closing(Recorded(Counting(), path)) as judge:
        judge.verdict(ITEM)
        judge.verdict(other)
    path.write_bytes(path.read_bytes()[:-9])
    inner = Counting()
    with closing(Recorded(inner, path)) as judge:
        judge.verdict(ITEM)
        judge.verdict(other)
    assert inner.asked == 1
    assert [line["answer"] for line in lines(path)] == ["Hardly.", "No way."]


def test_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("milk\neggs")
    with pytest.raises(JudgeError, match=r"Line 1 of .*notes.txt holds no verdict: delete"):
        Recorded(Counting(), notes)
    assert notes.read_text() == "milk\neggs"
    with pytest.raises(JudgeError, match=r"cannot be kept in .* name another file"):
        Recorded(Counting(), tmp_path)


def test_a_full_disk_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with closing(Recorded(Counting(), path)) as judge:
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(JudgeError, match="No space left") as raised:
            judge.verdict(ITEM)
    assert raised.value.final


@pytest.mark.parametrize("content", ["milk and eggs", "milk\reggs", '{"milk": 1}'])
def test_a_file_of_one_line_without_an_end_is_not_taken_for_a_torn_verdict(
    tmp_path: Path, content: str
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text(content, newline="")
    with pytest.raises(JudgeError, match="holds no verdict"):
        Recorded(_Nobody(), notes)
    assert notes.read_bytes() == content.encode()


class _Nobody:
    """A judge that is never asked."""

    identity = description = "nobody"

    def verdict(self, item: Item) -> Verdict:
        raise AssertionError(item)

    def close(self) -> None:
        pass
