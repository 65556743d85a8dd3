"""A worker that hangs: noticed, left, and taken back when it answers again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from inference.client import FAR, Client, Patience, WorkerDied
from inference.heartbeat import PATIENCE
from inference.local_worker import LocalWorker
from inference.protocol import Infill
from tests.inference.scripted_engine import ScriptedEngine
from tests.inference.test_client import PIECES, TOKEN, Watched, has_ended, script, serving

QUICK = Patience(beat=0.05, missed=4, cancel=0.05)

stoppable = pytest.mark.skipif(sys.platform == "win32", reason="Windows stops no process")


class Heard:
    """What a client says of its worker, as events."""

    def __init__(self, client: Client) -> None:
        self.silent, self.again = asyncio.Event(), asyncio.Event()
        client.on_answering = self._hear

    def _hear(self, answering: bool) -> None:
        (self.again if answering else self.silent).set()


@asynccontextmanager
async def attached(patience: Patience = QUICK) -> AsyncIterator[tuple[Client, int]]:
    async with asyncio.timeout(60):
        client = await Client.attach(LocalWorker.start(script()), patience=patience)
        async with client:
            assert client.pid is not None
            yield client, client.pid


def test_a_stopped_worker_is_noticed_within_five_seconds_and_left_within_one() -> None:
    assert PATIENCE.beat * (PATIENCE.missed + 1) < 5
    assert PATIENCE.cancel < 1
    assert FAR.cancel < 1


@stoppable
async def test_worker_stopped_in_mid_job_is_told_and_goes_on_where_it_was() -> None:
    async with attached() as (client, pid):
        heard = Heard(client)
        watched = Watched(client, "endless")
        await watched.shown.wait()
        os.kill(pid, signal.SIGSTOP)
        await heard.silent.wait()
        assert not client.answering
        os.kill(pid, signal.SIGCONT)
        await heard.again.wait()
        assert client.answering
        watched.shown.clear()
        await watched.shown.wait()
        watched.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watched.task
        assert not client._jobs


@stoppable
async def test_job_on_a_stopped_worker_is_abandoned_and_its_late_answer_dropped() -> None:
    async with attached() as (client, pid):
        heard = Heard(client)
        watched = Watched(client, "endless")
        await watched.shown.wait()
        os.kill(pid, signal.SIGSTOP)
        watched.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watched.task
        shown = len(watched.canvases)
        await heard.silent.wait()
        os.kill(pid, signal.SIGCONT)
        await client.infill(PIECES)
        assert len(watched.canvases) == shown
        assert not client._jobs


@stoppable
async def test_closing_a_stopped_worker_kills_it_at_once() -> None:
    worker = LocalWorker.start(script())
    client = await Client.attach(worker, patience=QUICK)
    watched = Watched(client, "endless")
    await watched.shown.wait()
    os.kill(worker.pid, signal.SIGSTOP)
    watched.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watched.task
    started = time.monotonic()
    await client.close()
    assert time.monotonic() - started < 2  # the handshake alone has two
    assert await worker.exited == -signal.SIGKILL
    assert has_ended(worker.pid)


@stoppable
async def test_worker_stopped_while_it_is_idle_is_noticed_and_killed() -> None:
    async with attached() as (client, pid):
        heard = Heard(client)
        os.kill(pid, signal.SIGSTOP)
        await heard.silent.wait()
    assert has_ended(pid)


async def test_engine_that_puts_nothing_down_makes_its_worker_silent() -> None:
    engine = ScriptedEngine(threading.Semaphore(0))
    assert engine.gate is not None
    patience = Patience(beat=0.02, missed=1000, cancel=0.02, abandoned=0.02)
    async with (
        serving(engine) as (_, url),
        await Client.connect(url, TOKEN, patience=patience) as client,
    ):
        heard = Heard(client)
        watched = Watched(client, "endless")
        engine.gate.release()
        await watched.shown.wait()
        watched.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watched.task
        assert all(isinstance(job.request, Infill) for job in client._jobs.values())
        await heard.silent.wait()
        engine.gate.release(100)
        await heard.again.wait()
        assert (await client.infill(PIECES)).fills


async def test_client_that_stood_still_itself_accuses_nobody() -> None:
    async with attached() as (client, _):
        heard = Heard(client)
        time.sleep(QUICK.beat * QUICK.missed * 2)  # as a window that is busy
        await client.infill(PIECES)
        assert not heard.silent.is_set()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is seen to be stopped")
@pytest.mark.parametrize("listens", [True, False], ids=["told", "told by its stage"])
async def test_worker_stopped_while_it_loads_is_told_and_ended_at_once(listens: bool) -> None:
    worker = LocalWorker.start(script("for-ever"))
    told: asyncio.Queue[str] = asyncio.Queue()
    patience = Patience(beat=0.05, missed_importing=10**6)
    attaching = asyncio.create_task(
        Client.attach(
            worker,
            on_loading=told.put_nowait,
            on_answering=(lambda answering: told.put_nowait(f"{answering}")) if listens else None,
            patience=patience,
        )
    )
    async with asyncio.timeout(60):
        stage = await told.get()
        os.kill(worker.pid, signal.SIGSTOP)
        silent = "False" if listens else f"{stage} (the worker does not answer)"
        assert await told.get() == silent
        os.kill(worker.pid, signal.SIGCONT)
        assert await told.get() == ("True" if listens else stage)
        os.kill(worker.pid, signal.SIGSTOP)
        while not worker.is_stopped():
            await asyncio.sleep(0.001)
        started = time.monotonic()
        attaching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attaching
    assert time.monotonic() - started < 1.5  # the handshake alone has two
    assert has_ended(worker.pid)


async def test_loading_that_tells_nothing_is_ended_with_its_stage() -> None:
    worker = LocalWorker.start(script("for-ever"))
    with pytest.raises(WorkerDied, match=r"said nothing.*Never ending"):
        await Client.attach(worker, patience=Patience(loading=0.2))
    assert has_ended(worker.pid)


async def test_process_that_never_announces_itself_is_ended() -> None:
    worker = LocalWorker.start([sys.executable, "-c", "import sys; sys.stdin.read()"])
    with pytest.raises(WorkerDied, match="did not start within"):
        await Client.attach(worker, patience=Patience(announcing=0.1))
    assert has_ended(worker.pid)
