"""A question and a comparison, in each of their states: for :mod:`desktop.screenshots`."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from desktop.choice_pictures import Take
from desktop.compare.runner import Frame
from desktop.main_window import MainWindow
from desktop.walkthrough import first_of, once, watched

_QUESTION: Final = "Is the heart enlarged?"
_TYPED: Final = "FINDINGS:\n No pneumothorax or pleural effusion.\n\nIMPRESSION:\n"
_GAPS: Final = (_TYPED.index(" No"), len(_TYPED))


async def every_comparison(window: MainWindow, take: Take) -> None:
    """Lead a window with an opened study through them, with ``take`` for each."""
    with watched(window, window.asking.failed, window.asking.broke) as trouble:
        answered = once(window.asking.answered)
        window.ask_bar.field.setText(_QUESTION)
        window.ask_bar.button.click()
        await first_of(answered, trouble=trouble)
    take("answer", window)

    report = window.editor.report
    report.replace(0, len(report.text), _TYPED)
    for at in reversed(_GAPS):
        report.insert_gap(at)
    window.commands["compare"].trigger()
    comparing = window.comparing
    shown = comparing.window
    take("compare-empty", shown)
    await _run(window, take, "compare-running")
    shown.commands["differences"].setChecked(True)
    take("compare-differences", shown)
    timeline = shown.player.timeline
    assert timeline is not None, "both have written"
    shown.player.seek(timeline.last // 2)
    take("compare-replay", shown)
    shown.commands["blind"].setChecked(True)
    await _run(window, take, "compare-blind-running")
    take("compare-blind", shown)
    shown.close()


async def _run(window: MainWindow, take: Take, in_the_middle: str) -> None:
    """One comparison, with a picture while the second model writes."""
    comparing, runner = window.comparing, window.comparing.runner
    with watched(window, runner.failed, runner.broke) as trouble:

        def is_second(frame: Frame) -> bool:
            return frame.paradigm == "autoregressive" and frame.canvas.step >= 4

        def ended() -> asyncio.Future[Any]:
            return once(runner.busy_changed, lambda busy: not busy)

        second = once(runner.drew, is_second)
        comparing.window.commands["run"].trigger()
        await first_of(second, ended(), trouble=trouble)
        take(in_the_middle, comparing.window)
        if runner.busy:
            await first_of(ended(), trouble=trouble)
