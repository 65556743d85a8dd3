from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from desktop.worker_link import Job, WorkerLink, WorkerState
from inference.client import RequestFailed, WorkerDied
from inference.protocol import Canvas, Gap, Options
from tests.desktop.bench import CHOICE
from tests.desktop.fake_worker import MODEL, FakeClient, FakeLauncher

JOB = Job((Gap(),), np.zeros((4, 4), np.uint8), "Chest radiograph.", Options(seed=3))


class Heard:
    """Every state of a link, in order, and every death."""

    def __init__(self, link: WorkerLink) -> None:
        self.states: list[WorkerState] = []
        self.deaths: list[str] = []
        link.state_changed.connect(lambda: self.states.append(link.state))
        link.died.connect(lambda error: self.deaths.append(str(error)))


async def settle() -> None:
    """Let every task run as far as it can without new events."""
    for _ in range(10):
        await asyncio.sleep(0)


async def started(launcher: FakeLauncher) -> tuple[WorkerLink, FakeClient]:
    link = WorkerLink(launcher, CHOICE)
    link.start()
    await settle()
    client = launcher.ready()
    await link.ready()
    return link, client


def ignore(canvas: Canvas) -> None:
    pass


async def test_starting_tells_its_stages_and_ends_ready() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, CHOICE)
    heard = Heard(link)
    assert link.state.value == "stopped"
    link.start()
    await settle()
    assert link.state.value == "starting"
    assert launcher.on_loading is not None
    launcher.on_loading("reading the weights")
    assert link.stage == "reading the weights"
    launcher.ready()
    await link.ready()
    assert link.state.value == "ready"
    assert link.model == MODEL
    assert link.stage == ""
    starting = WorkerState.STARTING
    assert heard.states == [starting, starting, WorkerState.READY]
    await link.close()


async def test_start_twice_is_one_worker() -> None:
    launcher = FakeLauncher()
    link, _ = await started(launcher)
    link.start()
    await settle()
    assert len(launcher.starts) == 1
    await link.close()


async def test_a_job_is_busy_until_it_ends() -> None:
    link, client = await started(FakeLauncher())
    canvases: list[Canvas] = []
    job = asyncio.create_task(link.run(JOB, canvases.append))
    await settle()
    assert link.state.value == "busy"
    assert client.asked == JOB.pieces
    assert client.image is JOB.image
    assert (client.context, client.seeds) == ("Chest radiograph.", [3])
    client.draw(1, "The heart")
    client.fill("The heart is large.")
    assert (await job).fills == ("The heart is large.",)
    assert [canvas.step for canvas in canvases] == [1]
    assert link.state.value == "ready"
    await link.close()


async def test_a_job_waits_for_the_worker() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, CHOICE)
    link.start()
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    assert not job.done()
    client = launcher.ready()
    await settle()
    assert client.busy
    client.fill("x")
    await job
    await link.close()


async def test_cancelling_the_task_cancels_the_job_and_frees_the_worker() -> None:
    link, client = await started(FakeLauncher())
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert client.cancelled == 1
    assert link.state.value == "ready"
    await link.close()


async def test_a_worker_that_falls_silent_is_so_until_it_answers() -> None:
    link, client = await started(FakeLauncher())
    heard = Heard(link)
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    client.answer(False)
    assert link.state is WorkerState.SILENT
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert link.state.value == "silent"
    client.answer(True)
    assert link.state.value == "ready"
    assert heard.states == ["busy", "silent", "silent", "ready"]
    client.answer(False)
    client.die("The worker was killed by SIGKILL.")
    await settle()
    assert link.state.value == "died"
    await link.close()


async def test_a_refused_job_leaves_the_worker_ready() -> None:
    link, client = await started(FakeLauncher())
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    client.refuse("The pins do not fit the canvas.")
    with pytest.raises(RequestFailed, match="do not fit"):
        await job
    assert link.state.value == "ready"
    await link.close()


async def test_death_in_mid_job_reaches_the_job_and_the_window_once() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    heard = Heard(link)
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    client.die("The worker was killed by SIGKILL.")
    with pytest.raises(WorkerDied):
        await job
    await settle()
    assert heard.deaths == ["The worker was killed by SIGKILL."]
    assert heard.states == [WorkerState.BUSY, WorkerState.DIED]
    assert link.model is None
    assert client.closed

    link.start()
    await settle()
    second = launcher.ready()
    await link.ready()
    assert link.state.value == "ready"
    again = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    second.fill("x")
    assert (await again).fills == ("x",)
    await link.close()


async def test_death_on_a_cancelled_job_never_passes_for_readiness() -> None:
    link, client = await started(FakeLauncher())
    heard = Heard(link)
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    job.cancel()
    client.died.set_result(WorkerDied("The worker was killed by SIGKILL."))
    with pytest.raises(asyncio.CancelledError):
        await job
    await settle()
    assert heard.states == [WorkerState.BUSY, WorkerState.DIED]
    await link.close()


async def test_a_job_that_someone_else_stops_leaves_the_worker_ready() -> None:
    link, client = await started(FakeLauncher())
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    client.stop_job()
    with pytest.raises(WorkerDied):
        await job
    assert link.state.value == "ready"
    await link.close()


async def test_death_is_told_before_the_client_is_put_away() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    client.closing.clear()
    client.die()
    await settle()
    assert link.state.value == "died"
    with pytest.raises(WorkerDied):
        await link.run(JOB, ignore)
    client.closing.set()
    await settle()
    assert client.closed
    await link.close()


async def test_a_worker_that_cannot_start_says_why_to_all_who_wait() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, CHOICE)
    heard = Heard(link)
    link.start()
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    launcher.fail(RequestFailed("checkpoint", "There is no checkpoint in /x; name another."))
    with pytest.raises(RequestFailed, match="no checkpoint"):
        await job
    assert link.state.value == "died"
    assert heard.deaths == ["There is no checkpoint in /x; name another."]
    await link.close()


async def test_close_while_starting_leaves_nothing_running() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, CHOICE)
    heard = Heard(link)
    link.start()
    await settle()
    await link.close()
    assert launcher.starts[0].cancelled()
    assert link.state.value == "stopped"
    assert heard.deaths == []


async def test_close_ends_the_client_without_a_death() -> None:
    link, client = await started(FakeLauncher())
    heard = Heard(link)
    await link.close()
    assert client.closed
    assert heard.deaths == []
    assert link.state.value == "stopped"


async def test_a_worker_that_is_being_stopped_takes_no_job_and_has_no_second() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    client.closing.clear()
    running = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    closing = asyncio.create_task(link.close())
    await settle()
    assert link.state.value == "stopping"
    running.cancel()
    await settle()
    assert running.cancelled()
    assert link.state.value == "stopping"

    waiting = asyncio.create_task(link.run(JOB, ignore))
    link.start()
    await settle()
    assert len(launcher.starts) == 1
    client.closing.set()
    await closing
    assert link.state.value == "stopped"
    link.start()
    await settle()
    second = launcher.ready()
    await settle()
    second.fill("x")
    assert (await waiting).fills == ("x",)
    await link.close()


async def test_closing_twice_waits_for_the_same_end_even_if_the_first_was_cancelled() -> None:
    link, client = await started(FakeLauncher())
    client.closing.clear()
    first = asyncio.create_task(link.close())
    await settle()
    first.cancel()
    second = asyncio.create_task(link.close())
    await settle()
    assert first.cancelled()
    assert not second.done()
    client.closing.set()
    await second
    assert client.closed
    assert link.state.value == "stopped"


async def test_a_start_that_fails_because_it_is_given_up_is_no_death() -> None:
    async def launch(*_: object) -> FakeClient:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise WorkerDied("The worker was killed by SIGTERM.") from None
        raise AssertionError

    link = WorkerLink(launch, CHOICE)
    heard = Heard(link)
    link.start()
    await settle()
    await link.close()
    assert heard.deaths == []
    assert heard.states == [WorkerState.STARTING, WorkerState.STOPPING, WorkerState.STOPPED]


async def test_an_adapter_is_loaded_and_the_next_worker_loads_it_again() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    heard = Heard(link)
    await link.load_adapter(Path("/adapters/chest"))
    assert heard.states == [WorkerState.CHANGING, WorkerState.READY]
    assert link.choice.adapter == Path("/adapters/chest")
    assert link.model is not None
    assert link.model.adapter == "chest"
    client.die()
    await settle()
    link.start()
    await settle()
    launcher.ready()
    await link.ready()
    assert launcher.choices[-1].adapter == Path("/adapters/chest")
    assert link.model.adapter == "chest"
    await link.close()


async def test_a_switched_off_adapter_stays_off() -> None:
    launcher = FakeLauncher()
    link, _ = await started(launcher)
    await link.load_adapter(Path("/adapters/chest"))
    await link.use_adapter(None)
    assert link.choice.adapter is None
    await link.use_adapter("chest")
    assert link.choice.adapter == Path("/adapters/chest")
    await link.remove_adapter("chest")
    assert link.choice.adapter is None
    assert link.model is not None
    assert link.model.adapters == ()
    await link.close()


async def test_a_refused_adapter_leaves_all_as_it_was() -> None:
    launcher = FakeLauncher()
    link, _ = await started(launcher)
    await link.load_adapter(Path("/adapters/chest"))
    with pytest.raises(RequestFailed, match="holds no adapter"):
        await link.load_adapter(Path("/adapters/wrong"))
    assert link.state is WorkerState.READY
    assert link.choice.adapter == Path("/adapters/chest")
    await link.close()


async def test_a_worker_whose_adapter_is_refused_runs_without_and_says_so() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, replace(CHOICE, adapter=Path("/adapters/wrong")))
    refusals: list[str] = []
    link.refused.connect(lambda error: refusals.append(str(error)))
    link.start()
    await settle()
    launcher.ready()
    await link.ready()
    assert refusals == ["/adapters/wrong holds no adapter."]
    assert link.state is WorkerState.READY
    assert link.choice.adapter is None
    await link.close()


async def test_a_worker_that_hangs_over_its_adapter_can_be_ended() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, replace(CHOICE, adapter=Path("/adapters/chest")))
    link.start()
    await settle()
    client = FakeClient()
    client.changing.clear()
    client.deaf = True
    launcher.starts[-1].set_result(client)
    await settle()
    assert link.state is WorkerState.STARTING
    await asyncio.wait_for(link.close(), 5)
    assert client.closed
    assert link.state.value == "stopped"


async def test_a_worker_that_dies_over_its_adapter_is_tried_again_with_it() -> None:
    launcher = FakeLauncher()
    link = WorkerLink(launcher, replace(CHOICE, adapter=Path("/adapters/chest")))
    heard = Heard(link)
    link.start()
    await settle()
    client = FakeClient()
    client.changing.clear()
    launcher.starts[-1].set_result(client)
    await settle()
    client.die()
    await settle()
    assert link.choice.adapter == Path("/adapters/chest")
    assert heard.deaths == ["The worker was killed by SIGKILL."]
    await link.close()


async def test_a_worker_that_is_to_end_takes_no_job_after_a_change() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    client.changing.clear()
    client.closing.clear()
    change = asyncio.create_task(link.load_adapter(Path("/adapters/chest")))
    await settle()
    closing = asyncio.create_task(link.close())
    await settle()
    client.changing.set()
    await change
    waiting = asyncio.create_task(link.ready())
    await settle()
    assert not waiting.done()
    waiting.cancel()
    client.closing.set()
    await closing


async def test_a_job_waits_for_a_change_of_adapters() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    client.changing.clear()
    change = asyncio.create_task(link.load_adapter(Path("/adapters/chest")))
    await settle()
    job = asyncio.create_task(link.run(JOB, ignore))
    await settle()
    assert not client.busy
    client.changing.set()
    await change
    await settle()
    assert client.busy
    client.fill("Clear.")
    assert (await job).fills == ("Clear.",)
    await link.close()


async def test_death_in_a_change_is_told_once_and_frees_those_who_wait() -> None:
    launcher = FakeLauncher()
    link, client = await started(launcher)
    heard = Heard(link)
    client.changing.clear()
    change = asyncio.create_task(link.load_adapter(Path("/adapters/chest")))
    await settle()
    client.die("The worker was killed by SIGKILL.")
    with pytest.raises(WorkerDied):
        await change
    await settle()
    with pytest.raises(WorkerDied):
        await link.run(JOB, ignore)
    assert heard.deaths == ["The worker was killed by SIGKILL."]
    assert link.state.value == "died"
    await link.close()
