"""Many items: the order that they are asked in, and those that nobody could judge."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inference.evaluation.judging.verdicts import (
    Item,
    JudgeError,
    Unjudged,
    Verdict,
    judge_all,
)


class Noting:
    """Calls answers of an even length the same, fails on empty ones, and notes all it is asked."""

    identity = description = "noting"

    def __init__(self) -> None:
        self.asked: list[Item] = []

    def verdict(self, item: Item) -> Verdict:
        self.asked.append(item)
        if not item.answer:
            raise JudgeError("Nothing to judge: write something.")
        return Verdict(len(item.answer) % 2 == 0, "length", item.answer)

    def close(self) -> None:
        pass


def items(*answers: str) -> list[Item]:
    return [Item("", "reference", answer) for answer in answers]


@given(st.lists(st.text("ab", min_size=1, max_size=6), max_size=20), st.integers(0, 9))
def test_verdicts_come_in_the_order_of_the_items_whatever_the_seed(
    answers: list[str], seed: int
) -> None:
    verdicts = judge_all(Noting(), items(*answers), seed=seed)
    assert [verdict.reason for verdict in verdicts] == answers


def test_the_order_of_asking_is_drawn_from_the_seed() -> None:
    batch = items(*(f"model {number % 2}: {number}" for number in range(20)))
    orders = []
    for seed in (0, 0, 1):
        judge = Noting()
        judge_all(judge, batch, seed=seed)
        assert judge.asked != batch
        assert sorted(judge.asked, key=batch.index) == batch
        orders.append(judge.asked)
    assert orders[0] == orders[1] != orders[2]


def test_what_cannot_be_judged_is_neither_right_nor_wrong() -> None:
    assert judge_all(Noting(), items("ab", "", "a")) == [
        Verdict(True, "length", "ab"),
        Unjudged("Nothing to judge: write something."),
        Verdict(False, "length", "a"),
    ]


def test_progress_is_told_of_every_item() -> None:
    tracked: list[int] = []

    def track(order):
        for number in order:
            yield number
            tracked.append(number)

    judge_all(Noting(), items("a", "b", "c"), track=track)
    assert sorted(tracked) == [0, 1, 2]
