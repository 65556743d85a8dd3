"""What was on the screen at a time, and the figures of a run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop.compare.recording import Timeline, figures
from inference.protocol import Fixed, Gap, Run
from tests.desktop.compare.factory import canvas, recording

PIECES = (Fixed("FINDINGS:\n"), Gap(), Fixed(" No rib fracture."))


def test_a_frame_is_the_canvas_that_was_there_last() -> None:
    run = recording(
        canvas(1, 0.2, "The"), canvas(2, 0.5, "The heart"), pieces=PIECES, fills=("The heart is.",)
    )
    assert run.times == (0.0, 0.2, 0.5, 1.0)
    assert [run.frame_at(t) for t in (0.0, 0.19, 0.2, 0.6, 1.0, 9.0)] == [0, 0, 1, 2, 3, 3]
    assert run.text(0) == "FINDINGS:\n No rib fracture."
    assert run.text(1) == "FINDINGS:\nThe No rib fracture."
    assert run.final_text == "FINDINGS:\nThe heart is. No rib fracture."
    assert run.canvas(0) is None
    assert run.canvas(2) == run.canvases[1]
    assert run.canvas(3) is None
    assert run.drafts(2) == ((Run("The heart", settled=False),),)


def test_a_clock_that_goes_back_does_not_take_the_frames_along() -> None:
    run = recording(canvas(1, 0.5, "a"), canvas(2, 0.4, "b"), seconds=0.3)
    assert run.times == (0.0, 0.5, 0.5, 0.5)
    assert run.frame_at(0.5) == run.last


def test_figures_tell_first_text_and_first_settled_text_apart() -> None:
    run = recording(
        canvas(1, 0.1, " "),
        canvas(2, 0.2, "The"),
        canvas(3, 0.7, "The", settled=True),
        fills=("The heart is normal.",),
        seconds=2.0,
    )
    told = figures(run)
    assert (told.first_text, told.first_settled) == (0.2, 0.7)
    assert (told.seconds, told.tokens, told.words, told.forwards) == (2.0, 96, 4, 10)
    assert told.tokens_per_second == 48
    assert told.words_per_second == 2


def test_a_run_that_wrote_nothing_has_no_first_text() -> None:
    told = figures(recording(canvas(1, 0.1, ""), fills=("",), seconds=0.0))
    assert (told.first_text, told.first_settled, told.words) == (None, None, 0)
    assert told.tokens_per_second is None


seconds = st.lists(st.floats(0, 60), max_size=8)


@given(seconds, seconds, st.floats(0, 60), st.floats(0, 120))
def test_every_frame_of_both_is_on_the_timeline_and_none_comes_early(
    ours: list[float], theirs: list[float], end: float, at: float
) -> None:
    left, right = (
        recording(*(canvas(n + 1, s, f"{n}") for n, s in enumerate(each)), seconds=end)
        for each in (ours, theirs)
    )
    line = Timeline(left, right)
    shown = [line.frames(moment) for moment in range(line.last + 1)]
    assert shown[-1] == (left.last, right.last)
    assert line.seconds == max(left.times[-1], right.times[-1])
    for side, run in enumerate((left, right)):
        frames = [frames[side] for frames in shown]
        assert frames == sorted(frames)
        assert {run.times[frame] for frame in frames} == set(run.times)
        for moment, frame in enumerate(frames):
            assert run.times[frame] <= line.moments[moment]
    moment = line.moment_at(at)
    assert line.moments[moment] <= at
    assert moment == line.last or at < line.moments[moment + 1]
