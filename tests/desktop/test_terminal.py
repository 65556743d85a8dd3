"""Draft canvases in a terminal."""

from __future__ import annotations

import io

import msgspec

from desktop.terminal import SETTLED, UNSETTLED, LiveCanvas, caption, draw, printable
from inference.protocol import Canvas, Fixed, Gap, Run

PIECES = (Fixed("Heart "), Gap(), Fixed(". "), Gap())
CANVAS = Canvas("1", 3, 48, 12, 0.25, ((Run("is ", True), Run("blue", False)), (Run("x", True),)))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_runs_stand_in_the_gaps_and_differ_without_colour() -> None:
    text = draw(PIECES, CANVAS)
    assert text.plain == "Heart is blue. x"
    styles = {text.plain[span.start : span.end]: span.style for span in text.spans}
    assert styles == {"is ": SETTLED, "blue": UNSETTLED, "x": SETTLED}


def test_nothing_that_a_terminal_would_obey_gets_through() -> None:
    canvas = Canvas("1", 1, 1, 1, 0.0, ((Run("\x1b[2J\x9b", False),), ()))
    assert draw(PIECES, canvas).plain == "Heart \ufffd[2J\ufffd. "
    assert printable("a\r\nb\rc\td\x07") == "a\nb\ufffdc\td\ufffd"


def test_a_terminal_sees_the_canvas_and_its_caption_and_a_pipe_sees_nothing(
    monkeypatch: object,
) -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        with LiveCanvas(PIECES, stream) as live:
            live.say("Reading the weights")
            live.show(CANVAS)
            if live._live:
                live._live.refresh()
    assert caption(CANVAS) == "step 3 of 48 · 12 tokens · 0.2 s"
    one = msgspec.structs.replace(CANVAS, tokens=1)
    assert caption(one) == "step 3 of 48 · 1 token · 0.2 s"
    assert "step 3 of 48" in terminal.getvalue()
    assert "blue" in terminal.getvalue()
    assert pipe.getvalue() == ""
