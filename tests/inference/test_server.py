"""The worker's side of the protocol, spoken to frame by frame."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus

from inference.engines.base import Engine
from inference.images import ImageCache
from inference.protocol import (
    MAX_FRAME_BYTES,
    Cancel,
    Cancelled,
    Canvas,
    Failed,
    Filled,
    Fixed,
    Gap,
    Infill,
    Loading,
    Options,
    PutImage,
    Ready,
    Reply,
    Request,
    Run,
    decode_reply,
    encode,
    image_digest,
)
from inference.server import EngineLoader, Server, main
from inference.session import MAX_JOBS
from tests.inference.scripted_engine import (
    DEFAULT_STEPS,
    INFO,
    ScriptedEngine,
    load,
    load_missing,
)

TOKEN = "a token of the tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PIECES = (Fixed("The heart is "), Gap(), Fixed("."))


class Peer:
    """A client that does nothing by itself."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, *requests: Request) -> None:
        for request in requests:
            await self.socket.send(encode(request))

    async def receive(self) -> Reply:
        async with asyncio.timeout(30):
            return decode_reply(await self.socket.recv(decode=False))

    async def ending(self) -> Filled | Cancelled | Failed:
        """The next reply that ends something; canvases before it are passed over."""
        while True:
            reply = await self.receive()
            if isinstance(reply, Filled | Cancelled | Failed):
                return reply


@asynccontextmanager
async def serving(loader: EngineLoader) -> AsyncIterator[tuple[Server, str]]:
    server = Server(loader, token=TOKEN)
    url = await server.start()
    try:
        yield server, url
    finally:
        await server.close()


@asynccontextmanager
async def peer(url: str, *, ready: bool = True, max_queue: int = 16) -> AsyncIterator[Peer]:
    async with connect(
        url, additional_headers=HEADERS, compression=None, proxy=None, max_queue=max_queue
    ) as socket:
        it = Peer(socket)
        while ready and not isinstance(await it.receive(), Ready):
            pass
        yield it


@asynccontextmanager
async def gated() -> AsyncIterator[tuple[ScriptedEngine, threading.Semaphore, str]]:
    """A server whose engine takes a step for every permit of the semaphore."""
    gate = threading.Semaphore(0)
    engine = ScriptedEngine(gate)
    async with serving(load(engine)) as (_, url):
        try:
            yield engine, gate, url
        finally:
            gate.release(10_000)


@pytest.fixture
async def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def url(engine: ScriptedEngine) -> AsyncIterator[str]:
    async with serving(load(engine)) as (_, url):
        yield url


def job(name: str, script: str = "", **options: Any) -> Infill:
    return Infill(name, PIECES, context=script, options=Options(**options))


def image_message(shade: int = 200) -> PutImage:
    pixels = bytes([shade] * 6)
    return PutImage(image_digest(pixels, 3, 2), 3, 2, pixels)


# -- coming up


async def test_loading_is_told_to_those_who_wait_and_ready_to_those_who_come_late() -> None:
    go = threading.Event()

    def loader(on_stage: Callable[[str], None]) -> Engine:
        go.wait()
        on_stage("Reading the weights")
        return ScriptedEngine()

    async with serving(loader) as (_, url), peer(url, ready=False) as early:
        assert isinstance(await early.receive(), Loading)
        go.set()
        assert await early.receive() == Loading("Reading the weights")
        assert await early.receive() == Ready(INFO)
        async with peer(url, ready=False) as late:
            assert await late.receive() == Ready(INFO)


async def test_job_that_comes_before_the_model_waits_for_it() -> None:
    go = threading.Event()

    def loader(on_stage: Callable[[str], None]) -> Engine:
        go.wait()
        return ScriptedEngine()

    async with serving(loader) as (_, url), peer(url, ready=False) as it:
        await it.send(job("a"))
        assert isinstance(await it.receive(), Loading)
        go.set()
        assert await it.receive() == Ready(INFO)
        assert isinstance(await it.ending(), Filled)


async def test_checkpoint_that_cannot_be_loaded_is_told_to_the_first_who_comes() -> None:
    async with serving(load_missing) as (server, url):
        async with peer(url, ready=False) as it:
            failure = await it.ending()
            assert failure == Failed(
                "checkpoint", "There is no checkpoint in /nowhere; name another folder."
            )
        assert await server.stopped() == 2


async def test_checkpoint_failure_is_delivered_before_the_connection_closes() -> None:
    go = threading.Event()

    def loader(on_stage: Callable[[str], None]) -> Engine:
        go.wait()
        return load_missing(on_stage)

    server = Server(loader, token=TOKEN)
    async with peer(await server.start(), ready=False) as it:
        await it.receive()
        go.set()
        assert await server.stopped() == 2
        closing = asyncio.create_task(server.close())
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert failure.kind == "checkpoint"
        with pytest.raises(ConnectionClosedOK):
            await it.receive()
        assert await closing


async def test_fault_while_loading_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    def loader(on_stage: Callable[[str], None]) -> Engine:
        raise MemoryError("not enough")

    async with serving(loader) as (server, url), peer(url, ready=False) as it:
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert failure.kind == "internal"
        assert "not enough" in failure.message
        assert await server.stopped() == 1
    assert "Traceback" in caplog.text


async def test_close_leaves_no_thread_and_no_task() -> None:
    threads = set(threading.enumerate())
    async with serving(load(ScriptedEngine())) as (_, url), peer(url) as it:
        await it.send(job("a", "endless"))
        assert isinstance(await it.receive(), Canvas)
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=5)  # an executor's thread ends soon after its last job
        assert not thread.is_alive()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_client_that_stops_reading_does_not_keep_the_server_from_closing() -> None:
    engine = ScriptedEngine()
    async with serving(load(engine)) as (server, url), peer(url, max_queue=1) as it:
        it.socket.transport.pause_reading()
        await it.send(job("a", "huge", max_steps=400))
        await asyncio.to_thread(engine.finished.acquire)  # 40 MB wait to be read
        async with asyncio.timeout(30):
            await server.close()
        it.socket.transport.abort()


def test_a_port_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--checkpoint", "/nowhere", "--port", "70000"])
    assert "0 to 65535" in capsys.readouterr().err


# -- who may come in


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", TOKEN, f"Basic {TOKEN}"])
async def test_without_the_token_nobody_comes_in(url: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url, additional_headers=headers, proxy=None)
    assert refusal.value.response.status_code == 401


async def test_two_tokens_are_none(url: str) -> None:
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url, additional_headers=headers, proxy=None)
    assert refusal.value.response.status_code == 401


@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://127.0.0.1", ""])
async def test_web_pages_do_not_come_in_even_with_the_token(url: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(url, additional_headers={**HEADERS, "Origin": origin}, proxy=None)
    assert refusal.value.response.status_code == 403


# -- jobs


async def test_canvases_come_in_order_and_the_last_before_filled(url: str) -> None:
    async with peer(url) as it:
        await it.send(job("a", max_steps=20, seed=5))
        replies = [await it.receive()]
        while not isinstance(replies[-1], Filled):
            replies.append(await it.receive())
    canvases = [reply for reply in replies if isinstance(reply, Canvas)]
    steps = [canvas.step for canvas in canvases]
    assert steps == sorted(set(steps))
    assert steps[-1] == 20
    assert len(canvases) == len(replies) - 1
    assert replies[-1].fills == ("fill 0",)
    assert replies[-1].seed == 5


async def test_slow_reader_misses_canvases_but_never_the_last() -> None:
    async with gated() as (engine, gate, url), peer(url, max_queue=1) as it:
        await it.send(job("a", "huge", max_steps=400))
        gate.release(400)
        # 40 MB, more than all buffers on the way hold, are made before the first is read.
        await asyncio.to_thread(engine.finished.acquire)
        steps = []
        while isinstance(reply := await it.receive(), Canvas):
            steps.append(reply.step)
        assert isinstance(reply, Filled)
        assert steps[-1] == 400
        assert len(steps) < 200
        assert steps == sorted(steps)


async def test_slow_reader_who_asks_for_every_canvas_misses_none() -> None:
    async with gated() as (engine, gate, url), peer(url, max_queue=1) as it:
        await it.send(msgspec.structs.replace(job("a", "huge", max_steps=400), every_canvas=True))
        gate.release(400)
        await asyncio.to_thread(engine.finished.acquire)
        steps = []
        while isinstance(reply := await it.receive(), Canvas):
            steps.append(reply.step)
        assert isinstance(reply, Filled)
        assert steps == list(range(1, 401))


async def test_canvases_that_nobody_reads_do_not_hold_up_a_cancel() -> None:
    async with gated() as (engine, gate, url), peer(url, max_queue=1) as it:
        await it.send(msgspec.structs.replace(job("a", "huge", max_steps=500), every_canvas=True))
        for step in range(500):
            if step == 350:
                # The first only brings the server to where it asks itself whether there is room.
                await it.send(Cancel("unknown"), Cancel("a"))
            gate.release()
            await asyncio.to_thread(engine.stepped.acquire)
            if engine.cancelled:
                break
        assert engine.cancelled == 1
        while isinstance(reply := await it.receive(), Canvas):
            pass
        assert isinstance(reply, Cancelled)


async def test_running_job_is_cancelled_within_a_step() -> None:
    async with gated() as (_, gate, url), peer(url) as it:
        await it.send(job("a", max_steps=10))
        gate.release()
        first = await it.receive()
        assert isinstance(first, Canvas)
        assert first.gaps == ((Run("draft 1", settled=False),),)
        await it.send(Cancel("a"), Cancel("unknown"))
        # The malformed frame's answer tells that the cancel before it has been read.
        await it.socket.send(b"\xc1")
        assert isinstance(await it.receive(), Failed)
        gate.release()
        assert await it.receive() == Cancelled("a", step=2)


async def test_waiting_job_is_cancelled_at_once() -> None:
    async with gated() as (engine, gate, url), peer(url) as it:
        await it.send(job("a"), job("b"), Cancel("b"))
        assert await it.receive() == Cancelled("b", step=0)
        gate.release(DEFAULT_STEPS)
        ending = await it.ending()
        assert isinstance(ending, Filled)
        assert ending.request_id == "a"
        assert engine.started == ["a"]


async def test_cancel_of_an_ended_job_is_left_alone(url: str) -> None:
    async with peer(url) as it:
        await it.send(job("a"))
        assert isinstance(await it.ending(), Filled)
        await it.send(Cancel("a"), job("b"))
        ending = await it.ending()
        assert isinstance(ending, Filled)
        assert ending.request_id == "b"


async def test_jobs_of_two_clients_run_in_the_order_of_asking() -> None:
    async with gated() as (engine, gate, url), peer(url) as one, peer(url) as two:
        for client, name in ((one, "1"), (two, "2"), (one, "3"), (two, "4")):
            await client.send(job(name))
            await client.socket.send(b"\xc1")  # answered once the job is in the queue
            assert isinstance(await client.receive(), Failed)
        gate.release(4 * DEFAULT_STEPS)
        for client, name in ((one, "1"), (two, "2"), (one, "3"), (two, "4")):
            ending = await client.ending()
            assert isinstance(ending, Filled)
            assert ending.request_id == name
        assert engine.started == ["1", "2", "3", "4"]


async def test_a_client_with_one_job_waits_for_the_running_job_of_another() -> None:
    async with gated() as (engine, gate, url), peer(url) as greedy, peer(url) as honest:
        await greedy.send(*(job(f"greedy {number}") for number in range(5)))
        gate.release()
        assert isinstance(await greedy.receive(), Canvas)
        await honest.send(job("honest"))
        await honest.socket.send(b"\xc1")  # answered once the job is in the queue
        assert isinstance(await honest.receive(), Failed)
        gate.release(6 * DEFAULT_STEPS)
        assert isinstance(await honest.ending(), Filled)
        for _ in range(5):
            assert isinstance(await greedy.ending(), Filled)
    assert engine.started == ["greedy 0", "honest", "greedy 1", "greedy 2", "greedy 3", "greedy 4"]


async def test_an_endless_job_ends_once_another_client_waits() -> None:
    server = Server(load(ScriptedEngine()), token=TOKEN, turn=0.0)
    url = await server.start()
    try:
        async with peer(url) as greedy, peer(url) as honest, asyncio.timeout(20):
            await greedy.send(job("endless", "endless"))
            for _ in range(5):  # alone it may go on for ever
                assert isinstance(await greedy.receive(), Canvas)
            await honest.send(job("honest"))
            failure = await greedy.ending()
            assert isinstance(failure, Failed)
            assert failure.kind == "bad_request"
            assert "Another client waits" in failure.message
            assert isinstance(await honest.ending(), Filled)
    finally:
        await server.close()


async def test_equal_request_ids_of_two_clients_do_not_mix(url: str) -> None:
    async with peer(url) as one, peer(url) as two:
        await one.send(Infill("x", (Gap(),)))
        await two.send(Infill("x", (Gap(), Gap())))
        first, second = await one.ending(), await two.ending()
        assert isinstance(first, Filled)
        assert isinstance(second, Filled)
        assert (len(first.fills), len(second.fills)) == (1, 2)


async def test_client_that_leaves_cancels_its_own_jobs_only() -> None:
    async with gated() as (engine, gate, url), peer(url) as stays:
        async with peer(url) as leaves:
            await leaves.send(job("running", "endless"), job("waiting"))
            gate.release()
            assert isinstance(await leaves.receive(), Canvas)
            await stays.send(job("mine"))
        gate.release(100)
        ending = await stays.ending()
        assert isinstance(ending, Filled)
        assert engine.started == ["running", "mine"]
        assert engine.cancelled == 1


async def test_stopping_the_server_cancels_and_says_so() -> None:
    server = Server(load(ScriptedEngine()), token=TOKEN)
    async with peer(await server.start()) as it:
        await it.send(job("a", "endless"), job("b"))
        assert isinstance(await it.receive(), Canvas)
        closing = asyncio.create_task(server.close())
        endings = [await it.ending(), await it.ending()]
        assert {ending.request_id for ending in endings} == {"a", "b"}
        assert all(isinstance(ending, Cancelled) for ending in endings)
        with pytest.raises(ConnectionClosedOK):
            await it.receive()
        assert await closing
        assert await server.stopped() == 0


# -- what goes wrong


async def test_bad_request_is_told_in_a_sentence(url: str) -> None:
    async with peer(url) as it:
        await it.send(Infill("a", (Fixed("no gap"),)))
        assert await it.ending() == Failed(
            "bad_request", "There is no gap to fill; insert one.", "a"
        )


async def test_fault_of_the_engine_is_logged_and_the_next_job_runs(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with peer(url) as it:
        with caplog.at_level(logging.ERROR):
            await it.send(job("a", "crash"), job("b"))
            failure = await it.ending()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("internal", "a")
        assert "RuntimeError: the script says so)" in failure.message
        assert "Traceback" in caplog.text
        assert isinstance(await it.ending(), Filled)


async def test_malformed_request_names_its_job_where_it_can(url: str) -> None:
    async with peer(url) as it:
        await it.send(Infill("a", (Gap(tokens=0),)))
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("bad_request", "a")
        await it.socket.send("text is no MessagePack")
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("bad_request", None)


async def test_request_id_in_use_is_refused_and_its_job_goes_on() -> None:
    async with gated() as (_, gate, url), peer(url) as it:
        await it.send(job("a"), job("a"))
        failure = await it.receive()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("bad_request", None)
        gate.release(DEFAULT_STEPS)
        assert isinstance(await it.ending(), Filled)


async def test_queue_of_one_client_is_bounded() -> None:
    async with gated() as (_, _, url), peer(url) as it:
        await it.send(*(job(str(i)) for i in range(MAX_JOBS + 1)))
        failure = await it.receive()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("bad_request", str(MAX_JOBS))


async def send_and_read_on(socket: ClientConnection, frame: bytes) -> None:
    await socket.send(frame)
    while True:
        await socket.recv()


async def test_frame_over_the_limit_costs_the_connection_and_nothing_else(url: str) -> None:
    greedy = await connect(url, additional_headers=HEADERS, compression=None, proxy=None)
    async with peer(url) as other:
        with pytest.raises(ConnectionClosed) as closed:
            await send_and_read_on(greedy, bytes(MAX_FRAME_BYTES + 1))
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        await other.send(job("a"))
        assert isinstance(await other.ending(), Filled)


async def test_image_of_the_largest_promised_size_passes(url: str, engine: ScriptedEngine) -> None:
    pixels = bytes(8000 * 8000)
    digest = image_digest(pixels, 8000, 8000)
    async with peer(url) as it:
        await it.send(PutImage(digest, 8000, 8000, pixels), Infill("a", PIECES, image_id=digest))
        assert isinstance(await it.ending(), Filled)
    assert engine.images[0] is not None
    assert engine.images[0].shape == (8000, 8000)


frames = st.one_of(
    st.binary(max_size=64),
    st.text(max_size=20),
    st.recursive(
        st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8) | st.binary(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ).map(msgspec.msgpack.encode),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["put_image", "infill", "cancel", "ready", ""])},
        optional={
            "request_id": st.text(max_size=3) | st.integers(-1, 2**64 - 1),
            "image_id": st.text(max_size=3) | st.none(),
            "pieces": st.lists(st.dictionaries(st.sampled_from(["type", "text"]), st.text())),
            "width": st.integers(-1, 3),
            "height": st.integers(-1, 3),
            "pixels": st.binary(max_size=9),
            "options": st.dictionaries(st.sampled_from(["seed", "max_steps"]), st.integers(-1, 3)),
        },
    ).map(msgspec.msgpack.encode),
    st.integers(1, 2000).map(lambda depth: b"\x91" * depth),
    st.builds(
        lambda frame, at, byte: frame[: at % len(frame)] + byte + frame[at % len(frame) + 1 :],
        st.sampled_from([encode(job("a")), encode(Cancel("a")), encode(image_message())]),
        st.integers(0, 200),
        st.binary(min_size=1, max_size=1),
    ),
)


@settings(max_examples=40)
@given(st.lists(frames, max_size=25))
def test_no_frame_kills_the_worker_or_the_connection(sent: list[bytes | str]) -> None:
    async def run() -> None:
        async with serving(load(ScriptedEngine())) as (_, url), peer(url) as it:
            for frame in sent:
                await it.socket.send(frame)
            last = job("the last of them all")
            await it.send(last)
            while (await it.ending()).request_id != last.request_id:
                pass

    asyncio.run(run())


async def test_reply_that_cannot_be_sent_costs_the_connection_and_leaves_nobody_waiting(
    url: str, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Peer(await connect(url, additional_headers=HEADERS, proxy=None))
    while not isinstance(await it.receive(), Ready):
        pass
    monkeypatch.setattr(engine, "info", msgspec.structs.replace(INFO, checkpoint="\ud83d"))
    await it.send(job("a"))
    with pytest.raises(ConnectionClosed):
        await it.ending()
    assert it.socket.close_code == 1011


# -- images


async def test_image_reaches_the_engine_as_it_was(url: str, engine: ScriptedEngine) -> None:
    pixels = bytes(range(6))
    digest = image_digest(pixels, 3, 2)
    async with peer(url) as it:
        await it.send(
            PutImage(digest, 3, 2, pixels), Infill("a", PIECES, image_id=digest), job("b")
        )
        await it.ending()
        await it.ending()
    first, second = engine.images
    assert first is not None
    np.testing.assert_array_equal(first, [[0, 1, 2], [3, 4, 5]])
    assert second is None


async def test_unknown_image_is_asked_for(url: str, engine: ScriptedEngine) -> None:
    async with peer(url) as it:
        await it.send(Infill("a", PIECES, image_id="never sent"))
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("unknown_image", "a")
    assert engine.started == []


@pytest.mark.parametrize(
    "message",
    [
        msgspec.structs.replace(image_message(), image_id="0" * 64),
        msgspec.structs.replace(image_message(), width=2, height=3),
        msgspec.structs.replace(image_message(), width=4),
    ],
)
async def test_image_that_is_not_what_it_says_is_refused(url: str, message: PutImage) -> None:
    async with peer(url) as it:
        await it.send(message)
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert (failure.kind, failure.request_id) == ("bad_request", None)


def test_cache_keeps_the_images_used_last() -> None:
    cache = ImageCache(count=2)
    first, second, third = (image_message(shade) for shade in (1, 2, 3))
    cache.put(first)
    cache.put(second)
    assert cache.get(first.image_id) is not None
    cache.put(third)
    held = [cache.get(message.image_id) is not None for message in (first, second, third)]
    assert held == [True, False, True]


def test_cache_is_bounded_in_bytes_but_holds_one_image_of_any_size() -> None:
    cache = ImageCache(size=10)
    first, second = image_message(1), image_message(2)
    cache.put(first)
    cache.put(second)
    assert cache.get(first.image_id) is None
    assert cache.get(second.image_id) is not None
    small = ImageCache(size=1)
    small.put(first)
    assert small.get(first.image_id) is not None


def test_image_is_read_only() -> None:
    cache = ImageCache()
    cache.put(image_message())
    image = cache.get(image_message().image_id)
    assert image is not None
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0] = 1
