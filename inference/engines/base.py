"""What the worker asks of an engine, whatever family of model it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.protocol import (
    AdapterRequest,
    Canvas,
    Filled,
    Gap,
    Infill,
    ModelInfo,
    Piece,
    Prepare,
    Prepared,
)


class JobCancelled(Exception):
    """Raised by an engine that stopped because it was asked to, after ``step`` steps."""

    def __init__(self, step: int) -> None:
        super().__init__(f"cancelled after {step} steps")
        self.step = step


class BadRequest(Exception):
    """The request cannot be met; ``str()`` is a sentence for the reader: what is wrong, what to do.

    For instance pinned text that does not fit the canvas, or a request without a gap.
    """


class Engine(Protocol):
    """A loaded model. The worker calls it from one thread, one job at a time."""

    @property
    def info(self) -> ModelInfo: ...

    def prepare(self, request: Prepare, image: NDArray[np.uint8] | None) -> Prepared:
        """Encode the prefix that later infills with the same image and context begin with.

        One forward of the encoder, which a cancel does not interrupt.
        """
        ...

    def adapt(self, request: AdapterRequest) -> ModelInfo:
        """Load, switch or remove an adapter; what runs from then on.

        Raises :class:`BadRequest`, and then nothing has changed.
        """
        ...

    def memory(self) -> tuple[int, int]:
        """Bytes of the device's memory that this process holds, and that there are."""
        ...

    def infill(
        self,
        request: Infill,
        image: NDArray[np.uint8] | None,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
    ) -> Filled:
        """Fill every gap of ``request.pieces``.

        ``image`` is ``(height, width)``, read-only, 255 is white. ``emit`` takes the draft canvas
        after every step and never blocks. ``cancelled`` is to be asked once a step.

        Raises :class:`BadRequest`, and :class:`JobCancelled` once ``cancelled()`` is true.
        """
        ...


def check_question(request: Infill) -> None:
    """Raises :class:`BadRequest` where a question is empty, or its answer is more than a gap."""
    if request.question is None:
        return
    if not request.question.strip():
        raise BadRequest("There is no question. Write one and ask again.")
    if len(request.pieces) != 1:
        raise BadRequest("An answer is one gap alone. Ask without pinned words.")


def check_has_gap(pieces: Sequence[Piece]) -> None:
    """Raises :class:`BadRequest` where there is nothing to fill."""
    if not any(isinstance(piece, Gap) for piece in pieces):
        raise BadRequest(
            "There is nothing to fill: every word is pinned. Unpin some, or insert a gap."
        )
