"""Draft canvases, played live in a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from inference.protocol import Canvas, Fixed, Piece

FRAMES_PER_SECOND: Final = 20

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SETTLED: Final = "underline"
UNSETTLED: Final = "dim italic"


class LiveCanvas:
    """The report with the draft canvas in its gaps, redrawn in place and wiped at the end.

    Fills are underlined once they are settled and dim italic before, so that pinned text, settled
    and unsettled fills differ without colour. Only warns where ``stream`` is no terminal.
    """

    def __init__(self, pieces: Sequence[Piece], stream: TextIO) -> None:
        self._pieces = tuple(pieces)
        self._stream = stream
        self._live: Live | None = None
        if stream.isatty():
            console = Console(file=stream, highlight=False)
            self._live = Live(console=console, transient=True, refresh_per_second=FRAMES_PER_SECOND)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.update("")
            self._live.stop()

    def say(self, stage: str) -> None:
        """Show what the worker is busy with before its first canvas."""
        if self._live:
            self._live.update(Text(f"{printable(stage)} …", style="dim"))

    def warn(self, sentence: str) -> None:
        """Say what stays on the screen, above what is redrawn."""
        if self._live:
            self._live.console.print(Text(f"pinfill: {printable(sentence)}"))
        else:
            print(f"pinfill: {printable(sentence)}", file=self._stream, flush=True)

    def show(self, canvas: Canvas) -> None:
        """Show the draft canvas after a step."""
        if self._live:
            self._live.update(
                Group(draw(self._pieces, canvas), Text(""), Text(caption(canvas), style="dim"))
            )


def draw(pieces: Sequence[Piece], canvas: Canvas) -> Text:
    """The pieces with the runs of ``canvas`` in place of the gaps."""
    text = Text()
    gaps = iter(canvas.gaps)
    for piece in pieces:
        if isinstance(piece, Fixed):
            text.append(printable(piece.text))
            continue
        for run in next(gaps, ()):
            text.append(printable(run.text), style=SETTLED if run.settled else UNSETTLED)
    return text


def caption(canvas: Canvas) -> str:
    tokens = "1 token" if canvas.tokens == 1 else f"{canvas.tokens} tokens"
    return f"step {canvas.step} of {canvas.max_steps} · {tokens} · {canvas.seconds:.1f} s"


def printable(text: str) -> str:
    """The text without characters that a terminal would obey instead of showing."""
    return _CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))
