"""An engine that follows a script, for tests of the protocol; run as a program, a worker with it.

The request's ``context`` is the script's name. Without a gate a step takes :data:`STEP_SECONDS`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.engines.base import BadRequest, Engine, JobCancelled
from inference.protocol import (
    AdapterRequest,
    Candidate,
    Canvas,
    Filled,
    Fixed,
    Infill,
    LoadAdapter,
    MadeFor,
    ModelInfo,
    Prepare,
    Prepared,
    Run,
)
from inference.server import CheckpointFault, EngineLoader, run

INFO: Final = ModelInfo(
    checkpoint="/checkpoints/scripted",
    name="scripted",
    architecture="ScriptedEngine",
    parameters=7,
    device="cpu",
    dtype="bfloat16",
    canvas_length=128,
    max_steps=48,
    has_filler=True,
)
DOUBTFUL: Final = "doubtful"
DOUBT: Final = "The adapter may belong to another checkpoint."
STEP_SECONDS: Final = 0.001
DEFAULT_STEPS: Final = 4


class ScriptedEngine:
    """Fills gap ``i`` with ``"fill i"``; other candidates, if asked for, with ``"fill i, 2"`` …

    A gap is filled with its hint instead when the job is warm, and a question is its own answer.
    Scripts: ``""`` ends after
    ``max_steps``; ``"endless"`` only when cancelled; ``"huge"`` has canvases of 100 kB;
    ``"faulty"`` says that the fills break off and that 1,234 characters were not read;
    ``"bad request"``, ``"crash"``, ``"die"`` and ``"short"`` do what they say. With a ``gate``
    every step waits for one permit. ``started``, ``finished`` and ``images`` tell what was done,
    in order; ``stepped`` counts steps and ends.
    """

    def __init__(self, gate: threading.Semaphore | None = None) -> None:
        self.info = INFO
        self.gate = gate
        self.started: list[str] = []
        self.finished = threading.Semaphore(0)
        self.stepped = threading.Semaphore(0)
        self.cancelled = 0
        self.images: list[NDArray[np.uint8] | None] = []

    def prepare(self, request: Prepare, image: NDArray[np.uint8] | None) -> Prepared:
        self.started.append(request.request_id)
        self.images.append(image)
        if request.context == "bad request":
            raise BadRequest("The script refuses the context; write another one.")
        return Prepared(request.request_id, prefix_encodings=1, seconds=0.0)

    def adapt(self, request: AdapterRequest) -> ModelInfo:
        """Only a folder ``doubtful`` holds an adapter, which may be another checkpoint's."""
        name = Path(request.folder).name if isinstance(request, LoadAdapter) else request.name
        if name != DOUBTFUL:
            raise BadRequest("The script has no adapters.")
        self.info = msgspec.structs.replace(
            self.info, adapters=(name,), adapter=name, adapter_doubt=DOUBT
        )
        return self.info

    def memory(self) -> tuple[int, int]:
        return 3, 8

    def infill(
        self,
        request: Infill,
        image: NDArray[np.uint8] | None,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
    ) -> Filled:
        self.started.append(request.request_id)
        self.images.append(image)
        try:
            return self._follow(request, emit, cancelled)
        except JobCancelled:
            self.cancelled += 1
            raise
        finally:
            self.finished.release()
            self.stepped.release()

    def _follow(
        self, request: Infill, emit: Callable[[Canvas], None], cancelled: Callable[[], bool]
    ) -> Filled:
        gaps = [piece for piece in request.pieces if not isinstance(piece, Fixed)]
        if not gaps or request.context == "bad request":
            raise BadRequest("There is no gap to fill; insert one.")
        steps = request.options.max_steps or DEFAULT_STEPS
        step = 0
        while step < steps or request.context == "endless":
            step += 1
            self._take_a_step()
            if cancelled():
                raise JobCancelled(step)
            if request.context == "crash":
                raise RuntimeError("the script says so\nand goes on")
            if request.context == "die" and step == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            text = "x" * 100_000 if request.context == "huge" else f"draft {step}"
            draft = tuple((Run(text, settled=False),) for _ in gaps)
            emit(Canvas(request.request_id, step, steps, tokens=8, seconds=0.0, gaps=draft))
            self.stepped.release()
        if request.context == "short":
            gaps = gaps[:-1]
        warm, faulty = request.options.warm, request.context == "faulty"
        candidates = tuple(
            Candidate(
                tuple(
                    (gap.hint if warm else request.question or f"fill {i}")
                    + (f", {number}" if number > 1 else "")
                    for i, gap in enumerate(gaps)
                ),
                ("unclosed",) if faulty else (),
            )
            for number in range(1, (request.options.candidates or 1) + 1)
        )
        return Filled(
            request_id=request.request_id,
            candidates=candidates,
            unseen=1234 if faulty else 0,
            steps=step,
            forwards=step,
            tokens=8,
            seconds=0.0,
            prefix_seconds=0.0,
            prefix_encodings=1,
            seed=request.options.seed or 0,
            checkpoint=self.info.checkpoint,
            device=self.info.device,
        )

    def _take_a_step(self) -> None:
        if self.gate is not None:
            self.gate.acquire()
        else:
            time.sleep(STEP_SECONDS)


class ChestEngine(ScriptedEngine):
    """One that declares to be made for chest radiographs."""

    def __init__(self) -> None:
        super().__init__()
        self.info = msgspec.structs.replace(
            INFO, made_for=MadeFor(modalities=("DX", "CR"), body_parts=("CHEST",))
        )


class EndlessEngine(ScriptedEngine):
    """One whose every infill ends only when it is cancelled."""

    def _follow(
        self, request: Infill, emit: Callable[[Canvas], None], cancelled: Callable[[], bool]
    ) -> Filled:
        return super()._follow(msgspec.structs.replace(request, context="endless"), emit, cancelled)


def load(engine: Engine) -> EngineLoader:
    def loader(on_stage: Callable[[str], None]) -> Engine:
        on_stage("Reading the script")
        return engine

    return loader


def load_missing(on_stage: Callable[[str], None]) -> Engine:
    on_stage("Reading the script")
    raise CheckpointFault("There is no checkpoint in /nowhere; name another folder.")


def load_for_ever(on_stage: Callable[[str], None]) -> Engine:
    on_stage("Never ending")
    threading.Event().wait()
    raise AssertionError


def load_noisily(on_stage: Callable[[str], None]) -> Engine:
    """As libraries do: to both streams, and more than a pipe holds."""
    print("noise " * 100_000)
    print("last words", file=sys.stderr)
    return ScriptedEngine()


LOADERS: Final[dict[str, EngineLoader]] = {
    "scripted": load(ScriptedEngine()),
    "endless": load(EndlessEngine()),
    "chest": load(ChestEngine()),
    "missing": load_missing,
    "for-ever": load_for_ever,
    "noisy": load_noisily,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("loader", choices=LOADERS)
    parser.add_argument("--parent-pid", type=int)
    arguments = parser.parse_args()
    sys.exit(run(LOADERS[arguments.loader], "127.0.0.1", 0, arguments.parent_pid))
