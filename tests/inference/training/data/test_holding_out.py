"""What is held out shares nothing with what is trained on, and stays held out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.training.data.holding_out import hold_out
from inference.training.data.rows import Row
from tests.inference.training.data.factory import row

groups = st.lists(st.integers(0, 20), max_size=60)
shares = st.floats(0, 1)
seeds = st.integers(0, 2**31)


def made(groups: list[int]) -> list[Row]:
    return [row(f"{number}", group=f"g{group}") for number, group in enumerate(groups)]


@given(groups, shares, seeds)
def test_every_row_is_on_one_side_and_no_group_on_both(
    groups: list[int], share: float, seed: int
) -> None:
    rows = made(groups)
    trained, held = hold_out(rows, share, seed)
    assert sorted((*trained, *held), key=rows.index) == rows
    assert not {row.group for row in trained} & {row.group for row in held}
    assert [*trained] == [row for row in rows if row in trained], "in their order"
    assert hold_out(rows, share, seed) == (trained, held)


@given(groups.filter(lambda groups: len(set(groups)) > 1), st.floats(0.001, 0.999), seeds)
def test_neither_side_is_empty(groups: list[int], share: float, seed: int) -> None:
    assert all(hold_out(made(groups), share, seed))


@given(groups, seeds)
def test_all_or_nothing(groups: list[int], seed: int) -> None:
    rows = made(groups)
    assert hold_out(rows, 0, seed) == (tuple(rows), ())
    assert hold_out(rows, 1, seed) == ((), tuple(rows))


def test_about_the_share_is_held_out() -> None:
    rows = made(list(range(5000)))
    _, held = hold_out(rows, 0.1)
    assert 420 < len(held) < 580


def test_new_rows_move_none_of_the_others() -> None:
    rows = made(list(range(400)))
    _, before = hold_out(rows[:300], 0.1)
    _, after = hold_out(rows, 0.1)
    assert set(before) < set(after)


def test_seeds_hold_out_other_rows() -> None:
    rows = made(list(range(100)))
    assert hold_out(rows, 0.2, seed=0) != hold_out(rows, 0.2, seed=1)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        hold_out([], share)
