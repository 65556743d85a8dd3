"""Candidates are ordered by what disagrees, what they share, and how they come back from noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.protocol import ClashMark, Fault
from inference.ranking import Denoised, agreement, overlap, rank, word_bag
from radiology.language.clash import Gravity


def texts(ranked: list[Denoised]) -> list[str]:
    return [canvas.fills[0] for canvas in ranked]


def canvases(*fills: str) -> list[Denoised]:
    return [Denoised((fill,)) for fill in fills]


def test_overlap_is_the_f1_of_two_bags_of_words() -> None:
    assert overlap(word_bag("No effusion."), word_bag("no pleural effusion .")) == pytest.approx(
        2 * 3 / (3 + 4)
    )
    assert overlap(word_bag(""), word_bag("")) == 1.0
    assert overlap(word_bag(""), word_bag("no")) == 0.0


def test_what_most_say_comes_first() -> None:
    ranked = rank(canvases("No rib fracture.", "No effusion.", "Small nodule.", "No effusion."))
    assert texts(ranked)[0] == "No effusion."
    assert sorted(texts(ranked)) == ["No effusion.", "No rib fracture.", "Small nodule."]


def test_a_fault_outweighs_agreement() -> None:
    fault: tuple[Fault, ...] = ("stutter",)
    faulty = [Denoised(("No no effusion.",), fault)] * 3
    assert texts(rank([*faulty, *canvases("Clear.")])) == ["Clear.", "No no effusion."]


def clash(gravity: int = Gravity.MAJOR, with_pin: bool = True) -> ClashMark:
    return ClashMark(kind="side", gravity=gravity, first=(0, 1), second=(2, 3), with_pin=with_pin)


def test_a_clash_outweighs_faults_and_agreement_by_its_gravity() -> None:
    """The worst first here: with a pin before without one, grave before slight."""
    disagreeing = [
        (clash(), clash()),
        (clash(),),
        (clash(gravity=1), clash(with_pin=False)),
        (clash(gravity=1),),
        (clash(with_pin=False),),
        (clash(gravity=1, with_pin=False),),
    ]
    worst_first = [
        Denoised((f"No effusion {number}.",), clashes=clashes)
        for number, clashes in enumerate(disagreeing)
    ]
    faulty = Denoised(("Clear clear.",), ("stutter", "copy"))
    ranked = rank([*worst_first, faulty, Denoised(("Clear.",))])
    assert ranked == [Denoised(("Clear.",)), faulty, *reversed(worst_first)]


def test_what_comes_back_from_noise_decides_between_equals() -> None:
    pair = [
        Denoised(("Clear lungs.",), tokens=3, restoration=-2.0),
        Denoised(("Normal heart.",), tokens=3, restoration=-1.0),
    ]
    assert texts(rank(pair)) == ["Normal heart.", "Clear lungs."]


def test_what_comes_back_much_better_goes_before_what_most_say() -> None:
    most = [Denoised(("No effusion.",), tokens=3, restoration=-9.0)] * 2
    best = Denoised(("Clear lungs.",), tokens=3, restoration=-1.0)
    assert texts(rank([*most, best])) == ["Clear lungs.", "No effusion."]


def test_a_long_fill_may_come_back_a_little_worse_a_token() -> None:
    short = Denoised(("Clear.",), tokens=2, restoration=-0.2)
    for nats, first in ((-2.0, "Both lungs"), (-12.0, "Clear.")):
        long = Denoised(("Both lungs are free of any disease.",), tokens=8, restoration=nats)
        assert texts(rank([short, long]))[0].startswith(first)


def test_gaps_count_alike() -> None:
    """Two gaps of one canvas are one choice; a long fill has no more say than a short one."""
    shared = agreement([("a b c d e f", "x"), ("a b c d e f", "y"), ("g", "x")])
    assert shared[0] == pytest.approx((0.5 + 0.5) / 2)
    assert shared[1] == pytest.approx(0.25)


@given(
    st.lists(
        st.builds(
            Denoised,
            st.tuples(st.text("ab .", max_size=6), st.text("ab .", max_size=6)),
            st.sampled_from([(), ("copy",)]),
            st.sampled_from([(), (clash(),), (clash(gravity=1, with_pin=False),)]),
            st.integers(1, 9),
            st.none() | st.floats(-9, 0),
        ),
        min_size=1,
        max_size=7,
    )
)
def test_all_that_differ_are_kept_once(canvases: list[Denoised]) -> None:
    ranked = rank(canvases)
    assert {canvas.fills for canvas in ranked} == {canvas.fills for canvas in canvases}
    assert len(ranked) == len({canvas.fills for canvas in canvases})
    assert all(0 <= value <= 1 for value in agreement([canvas.fills for canvas in canvases]))
