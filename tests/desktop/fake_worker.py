"""A worker without a process: tests say when it is ready, when it answers and when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from desktop.model_choice import ModelChoice
from inference.client import RequestFailed, WorkerDied, WorkerError
from inference.protocol import (
    Candidate,
    Canvas,
    Fault,
    Filled,
    Gap,
    Measured,
    ModelInfo,
    Options,
    Piece,
    Prepared,
    Run,
)

MODEL = ModelInfo(
    checkpoint="/checkpoints/fake",
    name="fake-diffusion",
    architecture="FakeForBlockDiffusion",
    parameters=5_400_000,
    device="cpu",
    dtype="float32",
    canvas_length=128,
    max_steps=48,
    has_filler=True,
)


class FakeClient:
    """Stands for :class:`inference.client.Client`.

    ``infill`` keeps :attr:`asked` and waits for :meth:`draw`, :meth:`fill`, :meth:`refuse` or
    :meth:`die`.
    """

    def __init__(self) -> None:
        self.model = MODEL
        self.pid: int | None = None
        self.died: asyncio.Future[WorkerDied | None] = asyncio.get_running_loop().create_future()
        self.on_answering: Callable[[bool], None] | None = None
        self.asked: tuple[Piece, ...] = ()
        self.image: NDArray[np.uint8] | None = None
        self.context = ""
        self.question: str | None = None
        self.seeds: list[int | None] = []
        self.warm: list[bool] = []
        self.options = Options()
        self.every_canvas = False
        self.prepared: list[str] = []
        self.closed = False
        self.deaf = False
        self.closing = asyncio.Event()  # cleared, it holds up close()
        self.closing.set()
        self.changing = asyncio.Event()  # cleared, it holds up a change of adapters
        self.changing.set()
        self.cancelled = 0
        self._answer: asyncio.Future[Filled] | None = None
        self._on_canvas: Callable[[Canvas], None] | None = None

    @property
    def busy(self) -> bool:
        return self._answer is not None

    async def infill(
        self,
        pieces: Sequence[Piece],
        *,
        image: NDArray[np.uint8] | None = None,
        context: str = "",
        question: str | None = None,
        options: Options = Options(),  # noqa: B008 (immutable)
        every_canvas: bool = False,
        on_canvas: Callable[[Canvas], None] | None = None,
    ) -> Filled:
        self.asked, self.image, self.context = tuple(pieces), image, context
        self.seeds.append(options.seed)
        self.warm.append(options.warm)
        self.options, self.question, self.every_canvas = options, question, every_canvas
        self._on_canvas = on_canvas
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self._answer = self._on_canvas = None

    async def prepare(
        self, *, image: NDArray[np.uint8] | None = None, context: str = ""
    ) -> Prepared:
        if self.died.done():
            raise WorkerDied("The worker is gone.")
        self.prepared.append(context)
        return Prepared("1", prefix_encodings=1, seconds=0.5)

    async def load_adapter(self, folder: Path) -> ModelInfo:
        """Waits for :attr:`changing`; folders called "wrong" are refused, and of one
        called "doubtful" it is not sure that it belongs to the checkpoint.

        As the real one: cancelled it waits for the worker's word, which a :attr:`deaf` one never
        gives, and it ends with the worker.
        """
        changed: asyncio.Future[Any] = asyncio.ensure_future(self.changing.wait())
        death: asyncio.Future[Any] = self.died
        try:
            await asyncio.wait([changed, death], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if self.deaf:
                await asyncio.wait([self.died])
            raise
        finally:
            changed.cancel()
        if self.died.done():
            raise self.died.result() or WorkerDied("The worker was closed.")
        if folder.name == "wrong":
            raise RequestFailed("bad_request", f"{folder} holds no adapter.")
        doubt = "It may belong elsewhere." if folder.name == "doubtful" else ""
        model = self._with_adapters({*self.model.adapters, folder.name}, folder.name)
        return msgspec.structs.replace(model, adapter_doubt=doubt)

    async def use_adapter(self, name: str | None) -> ModelInfo:
        await self.changing.wait()
        return self._with_adapters(set(self.model.adapters), name)

    async def remove_adapter(self, name: str) -> ModelInfo:
        active = None if self.model.adapter == name else self.model.adapter
        return self._with_adapters(set(self.model.adapters) - {name}, active)

    def _with_adapters(self, names: set[str], active: str | None) -> ModelInfo:
        names_told = tuple(sorted(names))
        self.model = msgspec.structs.replace(self.model, adapters=names_told, adapter=active)
        return self.model

    async def measure(self) -> Measured:
        return Measured("1", used=3 * 2**29, total=24 * 2**30)

    async def close(self) -> None:
        await self.closing.wait()
        self.closed = True
        if not self.died.done():
            self.died.set_result(None)

    def draw(self, step: int, *texts: str, settled: bool = False) -> None:
        assert self._on_canvas is not None
        gaps = tuple((Run(text, settled),) for text in texts)
        self._on_canvas(Canvas("1", step, 48, 96, step * 0.03, gaps))

    def fill(self, *fills: str, faults: tuple[Fault, ...] = ()) -> None:
        self.offer(Candidate(tuple(fills), faults))

    def offer(self, *candidates: Candidate, unseen: int = 0) -> None:
        """End the job with several candidates, the best first."""
        assert self._answer is not None
        gaps = sum(isinstance(piece, Gap) for piece in self.asked)
        assert all(len(candidate.fills) == gaps for candidate in candidates)
        self._answer.set_result(
            Filled(
                request_id="1",
                candidates=candidates,
                unseen=unseen,
                steps=9,
                forwards=10,
                tokens=96,
                seconds=1.25,
                prefix_seconds=0.5,
                prefix_encodings=1,
                seed=self.seeds[-1] or 0,
                checkpoint=MODEL.checkpoint,
                device=MODEL.device,
            )
        )

    def refuse(self, message: str) -> None:
        assert self._answer is not None
        self._answer.set_exception(RequestFailed("bad_request", message))

    def stop_job(self) -> None:
        """End the job as a worker does that was told so by another client."""
        assert self._answer is not None
        self._answer.set_exception(WorkerDied("The worker was stopped by someone else."))

    def answer(self, answering: bool) -> None:
        """What the heartbeat finds: the worker has fallen silent, or answers again."""
        assert self.on_answering is not None
        self.on_answering(answering)

    def die(self, message: str = "The worker was killed by SIGKILL.") -> None:
        death = WorkerDied(message)
        if self._answer is not None:
            self._answer.set_exception(death)
        self.died.set_result(death)


class FakeLauncher:
    """Stands for ``Client.launch``: one future a start, which the test settles."""

    def __init__(self) -> None:
        self.starts: list[asyncio.Future[FakeClient]] = []
        self.choices: list[ModelChoice] = []
        self.on_loading: Callable[[str], None] | None = None

    async def __call__(self, choice: ModelChoice, on_loading: Callable[[str], None]) -> FakeClient:
        self.on_loading = on_loading
        self.choices.append(choice)
        self.starts.append(asyncio.get_running_loop().create_future())
        return await self.starts[-1]

    def ready(self) -> FakeClient:
        client = FakeClient()
        self.starts[-1].set_result(client)
        return client

    def fail(self, error: WorkerError) -> None:
        self.starts[-1].set_exception(error)
