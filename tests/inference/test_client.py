"""The client, against a server in this process and against real worker processes."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from inference.client import Client, Patience, RequestFailed, WorkerDied, WorkerError
from inference.images import ImageCache
from inference.local_worker import TOKEN_VARIABLE, LocalWorker, worker_command
from inference.placement import ANYWHERE
from inference.protocol import Canvas, Fixed, Gap, Options, Piece, PutImage, Ready, encode, join
from inference.server import Server
from tests.inference import scripted_engine
from tests.inference.scripted_engine import DEFAULT_STEPS, INFO, ScriptedEngine, load

TOKEN = "a token of the tests"
PIECES = (Fixed("The heart is "), Gap(), Fixed(".\n"), Gap(tokens=3, hint="old"))
IMAGE = np.arange(12, dtype=np.uint8).reshape(3, 4)
SCRIPT = str(Path(scripted_engine.__file__))

linux = pytest.mark.skipif(sys.platform != "linux", reason="waits on a pidfd")


@pytest.fixture(autouse=True)
async def leaves_nothing_behind() -> AsyncIterator[None]:
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=5)  # an executor's thread ends soon after its last job
        assert not thread.is_alive(), thread.name
    left = asyncio.all_tasks() - tasks - {asyncio.current_task()}
    assert not left


@asynccontextmanager
async def serving(engine: ScriptedEngine) -> AsyncIterator[tuple[Server, str]]:
    server = Server(load(engine), token=TOKEN)
    url = await server.start()
    try:
        yield server, url
    finally:
        if engine.gate is not None:
            engine.gate.release(10_000)
        await server.close()


@asynccontextmanager
async def connected(engine: ScriptedEngine | None = None) -> AsyncIterator[Client]:
    async with (
        serving(engine or ScriptedEngine()) as (_, url),
        await Client.connect(url, TOKEN) as client,
    ):
        yield client


def script(loader: str = "scripted") -> list[str]:
    return [sys.executable, SCRIPT, loader]


async def attached(loader: str = "scripted") -> Client:
    async with asyncio.timeout(60):
        return await Client.attach(LocalWorker.start(script(loader)))


class Watched:
    """An infill in a task of its own, and the canvases that it has shown."""

    def __init__(self, client: Client, context: str = "", **options: Any) -> None:
        self.canvases: list[Canvas] = []
        self.shown = asyncio.Event()
        self.task = asyncio.create_task(
            client.infill(
                PIECES, context=context, options=Options(**options), on_canvas=self._on_canvas
            )
        )

    def _on_canvas(self, canvas: Canvas) -> None:
        self.canvases.append(canvas)
        self.shown.set()


# -- infilling


async def test_infill_shows_canvases_and_returns_the_fills() -> None:
    async with connected() as client:
        assert client.model == INFO
        assert client.pid is None
        watched = Watched(client, max_steps=9, seed=3)
        filled = await watched.task
    assert join(PIECES, filled.fills) == "The heart is fill 0.\nfill 1"
    assert filled.seed == 3
    steps = [canvas.step for canvas in watched.canvases]
    assert steps == sorted(set(steps))
    assert steps[-1] == 9


@pytest.mark.parametrize("every", [True, False])
async def test_canvases_are_dropped_unless_every_one_is_asked_for(every: bool) -> None:
    engine = ScriptedEngine(threading.Semaphore(0))
    assert engine.gate is not None
    steps: list[int] = []
    async with connected(engine) as client:
        job = asyncio.create_task(
            client.infill(
                PIECES,
                options=Options(max_steps=50),
                every_canvas=every,
                on_canvas=lambda canvas: steps.append(canvas.step),
            )
        )
        while not engine.started:
            await asyncio.sleep(0)
        engine.gate.release(50)
        engine.finished.acquire()  # the loop stands still until all of them are made
        await job
    assert (steps == list(range(1, 51))) is every
    assert steps[-1] == 50


async def test_canvases_are_shown_on_the_thread_of_the_loop() -> None:
    async with connected() as client:
        threads = []
        await client.infill(PIECES, on_canvas=lambda _: threads.append(threading.current_thread()))
        assert set(threads) == {threading.current_thread()}


async def test_jobs_side_by_side_get_their_own_answers() -> None:
    async with connected() as client:
        fills = await asyncio.gather(
            *(client.infill((Gap(),) * n, options=Options(seed=n)) for n in range(1, 6))
        )
    assert [(len(filled.fills), filled.seed) for filled in fills] == [(n, n) for n in range(1, 6)]


async def test_two_clients_share_a_worker() -> None:
    async with serving(ScriptedEngine()) as (_, url):
        one, two = await asyncio.gather(Client.connect(url, TOKEN), Client.connect(url, TOKEN))
        first, second = await asyncio.gather(
            one.infill((Gap(),)), two.infill((Gap(), Gap()), options=Options(max_steps=2))
        )
        assert (first.steps, second.steps) == (DEFAULT_STEPS, 2)
        await asyncio.gather(one.close(), two.close())


async def test_image_crosses_once_and_again_when_the_worker_lost_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    puts: list[str] = []
    put = ImageCache.put

    def counting(cache: ImageCache, message: PutImage) -> None:
        puts.append(message.image_id)
        put(cache, message)

    monkeypatch.setattr(ImageCache, "put", counting)
    engine = ScriptedEngine()
    async with connected(engine) as client:
        await client.infill(PIECES, image=IMAGE)
        await client.infill(PIECES, image=IMAGE.copy())
        assert len(puts) == 1
        for shade in range(ImageCache.COUNT):  # they push it out
            await client.infill(PIECES, image=np.full((1, 1), shade, dtype=np.uint8))
        await client.infill(PIECES, image=IMAGE)
        assert len(puts) == ImageCache.COUNT + 2
        assert puts[0] == puts[-1]
    for image in (engine.images[1], engine.images[-1]):
        assert image is not None
        np.testing.assert_array_equal(image, IMAGE)


async def test_a_study_is_prepared_before_the_first_job() -> None:
    engine = ScriptedEngine()
    async with connected(engine) as client:
        assert (await client.prepare(image=IMAGE, context="endless")).prefix_encodings == 1
        await client.infill(PIECES, image=IMAGE)
        assert [image.tolist() for image in engine.images if image is not None] == [
            IMAGE.tolist(),
            IMAGE.tolist(),
        ]
        with pytest.raises(RequestFailed, match="write another one"):
            await client.prepare(context="bad request")


async def test_image_that_never_arrives_fails_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageCache, "get", lambda self, image_id: None)
    async with connected() as client:
        with pytest.raises(RequestFailed) as failure:
            await client.infill(PIECES, image=IMAGE)
        assert failure.value.kind == "unknown_image"


@pytest.mark.parametrize(
    "image", [IMAGE.astype(np.uint16), IMAGE[None], np.empty((0, 3), dtype=np.uint8)]
)
async def test_image_of_another_kind_is_refused_here(image: Any) -> None:
    async with connected() as client:
        with pytest.raises(ValueError, match="8-bit greyscale"):
            await client.infill(PIECES, image=image)


# -- failing


async def test_failures_are_raised_with_their_sentence() -> None:
    async with connected() as client:
        for context, kind in (("bad request", "bad_request"), ("crash", "internal")):
            with pytest.raises(RequestFailed) as failure:
                await client.infill(PIECES, context=context)
            assert failure.value.kind == kind
        assert (await client.infill(PIECES)).fills == ("fill 0", "fill 1")


async def test_request_that_the_worker_cannot_read_fails_and_does_not_hang() -> None:
    async with connected() as client:
        with pytest.raises(RequestFailed) as failure:
            await client.infill((Gap(tokens=-1),))
        assert failure.value.kind == "bad_request"


@pytest.mark.parametrize(
    ("pieces", "options", "complaint"),
    [
        ((Fixed("\ud83d"), Gap()), Options(), "half a character"),
        ((Gap(),), Options(seed=2**64), "too large"),
    ],
)
async def test_request_that_cannot_be_written_is_refused_in_a_sentence(
    pieces: tuple[Piece, ...], options: Options, complaint: str
) -> None:
    async with connected() as client:
        with pytest.raises(RequestFailed, match=complaint) as failure:
            await client.infill(pieces, options=options)
        assert failure.value.kind == "bad_request"


async def test_request_that_is_too_long_is_refused_before_it_costs_the_connection() -> None:
    async with connected() as client:
        with pytest.raises(RequestFailed, match="shorten it"):
            await client.infill((Fixed("x" * (65 * 1024 * 1024)), Gap()))
        await client.infill(PIECES)


async def test_answer_with_too_few_fills_changes_nothing() -> None:
    async with connected() as client:
        with pytest.raises(RequestFailed, match="1 gaps of 2"):
            await client.infill(PIECES, context="short")


async def test_error_of_the_callback_is_raised_and_cancels_the_job() -> None:
    def fail(canvas: Canvas) -> None:
        raise LookupError("no such gap")

    engine = ScriptedEngine()
    async with connected(engine) as client:
        with pytest.raises(LookupError):
            await client.infill(PIECES, context="endless", on_canvas=fail)
        await client.infill(PIECES)
    assert engine.cancelled == 1


# -- cancelling


async def test_cancelled_infill_waits_for_the_worker() -> None:
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(gate)
    async with (
        serving(engine) as (_, url),
        await Client.connect(url, TOKEN, patience=Patience(cancel=60)) as client,
    ):
        watched = Watched(client)
        gate.release()
        await watched.shown.wait()
        watched.task.cancel()
        with pytest.raises(RequestFailed):
            await client.infill((Gap(tokens=-1),))  # a round trip that no step holds up
        assert not watched.task.done()
        gate.release()
        with pytest.raises(asyncio.CancelledError):
            await watched.task
        assert engine.cancelled == 1
        assert len(watched.canvases) == 1


async def test_second_cancel_waits_no_longer() -> None:
    gate = threading.Semaphore(0)
    async with connected(ScriptedEngine(gate)) as client:
        watched = Watched(client)
        gate.release()
        await watched.shown.wait()
        watched.task.cancel()
        await asyncio.sleep(0)
        watched.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watched.task


async def test_cancelling_before_the_first_step() -> None:
    engine = ScriptedEngine()
    async with connected(engine) as client:
        watched = Watched(client, "endless")
        await asyncio.sleep(0)
        watched.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watched.task
        await client.infill(PIECES)


async def test_cancelling_a_hundred_times() -> None:
    engine = ScriptedEngine()
    async with connected(engine) as client:
        for _ in range(100):
            watched = Watched(client, "endless")
            await watched.shown.wait()
            watched.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watched.task
        assert engine.cancelled == 100
        assert not client._jobs
        await client.infill(PIECES)


# -- connecting and closing


async def test_closing_fails_what_is_under_way() -> None:
    async with connected() as client:
        watched = Watched(client, "endless")
        await watched.shown.wait()
        await client.close()
        with pytest.raises(WorkerDied, match="was closed"):
            await watched.task
        with pytest.raises(WorkerDied, match="was closed"):
            await client.infill(PIECES)
        assert await client.died is None
        await client.close()


async def test_reconnecting_to_the_same_worker() -> None:
    engine = ScriptedEngine()
    async with serving(engine) as (_, url):
        for _ in range(5):
            async with await Client.connect(url, TOKEN) as client:
                await client.infill(PIECES, image=IMAGE)
    assert len(engine.started) == 5


async def test_server_that_stops_is_the_death_of_its_clients() -> None:
    server = Server(load(ScriptedEngine()), token=TOKEN)
    client = await Client.connect(await server.start(), TOKEN)
    await server.close()
    death = await client.died
    assert isinstance(death, WorkerDied)
    with pytest.raises(WorkerDied, match="connection to the worker was lost"):
        await client.infill(PIECES)
    await client.close()


async def test_wrong_token_and_wrong_addresses_say_what_is_wrong() -> None:
    async with serving(ScriptedEngine()) as (server, url):
        with pytest.raises(WorkerError, match="refuses this token"):
            await Client.connect(url, "wrong")
        await server.close()
        with pytest.raises(WorkerError, match="No worker answers"):
            await Client.connect(url, TOKEN)
    for wrong in ("http://127.0.0.1", "ws://127.0.0.1:99999", "ws://127.0.0.1:abc", "ws://[::1"):
        with pytest.raises(WorkerError, match="no address of a worker"):
            await Client.connect(wrong, TOKEN)


async def speak(connection: ServerConnection, frame: bytes) -> None:
    await connection.send(frame)
    await connection.wait_closed()


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (encode(Ready(INFO, protocol_version=99)), "version 99"),
        (b"\xc1", "does not know"),
    ],
)
async def test_worker_of_another_version_is_refused(frame: bytes, complaint: str) -> None:
    async with serve(lambda connection: speak(connection, frame), "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(WorkerError, match=complaint):
            await Client.connect(f"ws://127.0.0.1:{port}", TOKEN)


# -- real processes


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_launched_worker_fills_and_ends() -> None:
    worker = LocalWorker.start(script())
    async with await Client.attach(worker) as client:
        assert client.pid == worker.pid
        assert (await client.infill(PIECES, image=IMAGE)).fills == ("fill 0", "fill 1")
    assert await worker.exited == 0
    assert has_ended(worker.pid)
    assert await client.died is None


async def test_worker_stops_in_the_middle_of_a_job_when_closed() -> None:
    client = await attached()
    watched = Watched(client, "endless")
    await watched.shown.wait()
    await client.close()
    with pytest.raises(WorkerDied):
        await watched.task
    assert client._worker is not None
    assert await client._worker.exited == 0


async def test_checkpoint_failure_reaches_the_launcher() -> None:
    worker = LocalWorker.start(script("missing"))
    with pytest.raises(RequestFailed, match="name another folder") as failure:
        await Client.attach(worker)
    assert failure.value.kind == "checkpoint"
    assert await worker.exited == 2


async def test_worker_killed_in_mid_canvas_is_told_at_once() -> None:
    client = await attached()
    deaths: list[WorkerDied | None] = []
    client.died.add_done_callback(lambda died: deaths.append(died.result()))
    watched = Watched(client, "endless")
    await watched.shown.wait()
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match="killed by SIGKILL"):
        await watched.task
    with pytest.raises(WorkerDied):
        await client.infill(PIECES)
    await client.died
    assert len(deaths) == 1
    await client.close()
    async with await attached() as again:
        assert (await again.infill(PIECES)).fills == ("fill 0", "fill 1")


async def test_cancelling_is_bounded_by_the_death_of_the_worker() -> None:
    client = await attached()
    watched = Watched(client, "die", max_steps=1000)
    await watched.shown.wait()
    watched.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watched.task
    await client.close()


async def test_worker_asked_to_terminate_ends_cleanly() -> None:
    client = await attached()
    assert client.pid is not None
    os.kill(client.pid, signal.SIGTERM)
    death = await client.died
    assert death is not None
    assert "exit code 0" in str(death)
    await client.close()


async def test_what_libraries_print_neither_blocks_nor_is_lost() -> None:
    async with await attached("noisy") as client:
        await client.infill(PIECES)
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        death = await client.died
        assert death is not None
        assert death.log[-1] == "last words"
        assert "Its last words: last words" in str(death)


async def test_process_that_ends_before_it_listens() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no luck today')"]
    with pytest.raises(WorkerDied, match=r"exit code 1.*no luck today"):
        await Client.attach(LocalWorker.start(command))


async def test_process_that_is_no_worker() -> None:
    command = [sys.executable, "-c", "print('hello'); import sys; sys.stdin.read()"]
    with pytest.raises(WorkerDied):
        await Client.attach(LocalWorker.start(command))


async def test_command_that_does_not_exist() -> None:
    with pytest.raises(WorkerDied, match="could not be started"):
        await Client.attach(LocalWorker.start(["/no/such/program"]))


async def test_cancelled_launch_leaves_no_process() -> None:
    worker = LocalWorker.start(script("for-ever"))
    stages: asyncio.Queue[str] = asyncio.Queue()
    launch = asyncio.create_task(Client.attach(worker, on_loading=stages.put_nowait))
    while await stages.get() != "Never ending":
        pass
    launch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await launch
    assert has_ended(worker.pid)


async def test_token_is_not_on_the_command_line_and_strangers_stay_out() -> None:
    worker = LocalWorker.start(script())
    async with await Client.attach(worker):
        url = await worker.address()
        if sys.platform == "linux":
            assert worker.token.encode() not in Path(f"/proc/{worker.pid}/cmdline").read_bytes()
        for headers, status in (
            ({}, 401),
            ({"Authorization": f"Bearer {worker.token}", "Origin": "https://example.org"}, 403),
        ):
            with pytest.raises(InvalidStatus) as refusal:
                await connect(url, additional_headers=headers, proxy=None)
            assert refusal.value.response.status_code == status


PARENT = """
import asyncio, sys
from inference.client import Client
from inference.local_worker import LocalWorker

async def main():
    client = await Client.attach(LocalWorker.start(sys.argv[1:]))
    told = []
    def show(canvas):  # on a busy machine the first one seen need not be the first step's
        if not told:
            told.append(canvas)
            print(client.pid, flush=True)
    from inference.protocol import Gap
    await client.infill((Gap(),), context="endless", on_canvas=show)

asyncio.run(main())
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process that has a worker in the middle of a job; its first line is the worker's id."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *script()], stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_worker_ends_with_its_parent(
    parent: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert parent.stdout is not None
    worker = os.pidfd_open(int(parent.stdout.readline()))
    try:
        parent.send_signal(number)
        assert select.select([worker], [], [], 30)[0], "the worker outlives its parent"
    finally:
        os.close(worker)


@linux
async def test_worker_hears_of_its_parent_by_signal_where_its_input_stays_open() -> None:
    reading, writing = os.pipe()  # this process holds the pipe's end when the parent is gone
    code = (
        "import os, subprocess, sys\n"
        "subprocess.Popen([*sys.argv[1:], '--parent-pid', str(os.getpid())], stdin=0)\n"
        "sys.stdin.close()\n"
        "import signal; signal.pause()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, *script()],
        stdin=reading,
        stdout=subprocess.PIPE,
        env={**os.environ, TOKEN_VARIABLE: TOKEN},
    )
    with parent:
        assert parent.stdout is not None
        url = json.loads(parent.stdout.readline())["url"]
        client = await Client.connect(url, TOKEN)
        parent.kill()
        async with asyncio.timeout(30):
            assert isinstance(await client.died, WorkerDied)
        await client.close()
    os.close(reading)
    os.close(writing)


def test_worker_without_a_token_does_not_start() -> None:
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    done = subprocess.run(
        worker_command(Path("/nowhere"), ANYWHERE), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert TOKEN_VARIABLE in done.stderr
    assert "Traceback" not in done.stderr


QT_PROGRAM = """
import asyncio, os, signal, sys, threading
from PySide6.QtWidgets import QApplication
import qasync
from inference.client import Client, WorkerDied
from inference.local_worker import LocalWorker
from inference.protocol import Gap

async def main():
    client = await Client.attach(LocalWorker.start(sys.argv[1:]))
    print((await client.infill((Gap(),))).fills)
    shown = asyncio.Event()
    task = asyncio.create_task(
        client.infill((Gap(),), context="endless", on_canvas=lambda _: shown.set()))
    await shown.wait()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")
    os.kill(client.pid, signal.SIGKILL)
    try:
        await client.infill((Gap(),), context="endless")
    except WorkerDied as death:
        print(type(death).__name__)
    print(type(await client.died).__name__)
    await client.close()
    async with await Client.attach(LocalWorker.start(sys.argv[1:])) as client:
        print((await client.infill((Gap(), Gap()))).fills)
    print(threading.enumerate() == [threading.main_thread()], len(asyncio.all_tasks()))

application = QApplication([])
qasync.run(main())
"""


def test_everything_works_on_the_event_loop_of_qt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", QT_PROGRAM, *script()],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        "('fill 0',)",
        "cancelled",
        "WorkerDied",
        "WorkerDied",
        "('fill 0', 'fill 1')",
        "True 1",
    ], done.stderr
    assert done.returncode == 0
