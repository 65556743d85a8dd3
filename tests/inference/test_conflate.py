import asyncio

from hypothesis import given
from hypothesis import strategies as st

from inference.conflate import Mailbox


async def drain(mailbox: Mailbox[str]) -> list[str]:
    mailbox.close()
    return [message async for message in mailbox]


async def test_newer_message_takes_the_place_of_the_older() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("canvas 1", key="a")
    mailbox.put("loading")
    mailbox.put("canvas 2", key="a")
    mailbox.put("filled")
    assert await drain(mailbox) == ["canvas 2", "loading", "filled"]


async def test_taken_message_is_not_replaced() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("canvas 1", key="a")
    assert await anext(mailbox) == "canvas 1"
    mailbox.put("canvas 2", key="a")
    assert await drain(mailbox) == ["canvas 2"]


async def test_discard_withdraws_one_key() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("canvas a", key="a")
    mailbox.put("canvas b", key="b")
    mailbox.discard("a")
    mailbox.discard("never put")
    assert await drain(mailbox) == ["canvas b"]


async def test_closed_mailbox_takes_nothing_more() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.put("one")
    mailbox.close()
    mailbox.put("two")
    assert await drain(mailbox) == ["one"]


async def test_close_wakes_a_reader_that_waits() -> None:
    mailbox: Mailbox[str] = Mailbox()
    reader = asyncio.create_task(drain_without_closing(mailbox))
    await asyncio.sleep(0)
    mailbox.close(discard=True)
    assert await reader == []


async def drain_without_closing(mailbox: Mailbox[str]) -> list[str]:
    return [message async for message in mailbox]


async def test_room_waits_for_the_reader_and_not_for_a_closed_mailbox() -> None:
    mailbox: Mailbox[str] = Mailbox(capacity=2)
    mailbox.put("one")
    await mailbox.room()
    mailbox.put("two")
    room = asyncio.create_task(mailbox.room())
    await asyncio.sleep(0)
    assert not room.done()
    await anext(mailbox)
    await room
    mailbox.put("three")
    mailbox.close()
    await mailbox.room()


async def test_what_does_not_count_takes_no_room() -> None:
    mailbox: Mailbox[str] = Mailbox(capacity=1)
    for number in range(3):
        mailbox.put(f"canvas {number}", counts=False)
    await mailbox.room()
    mailbox.put("answer")
    room = asyncio.create_task(mailbox.room())
    for _ in range(3):
        await anext(mailbox)
    await asyncio.sleep(0)
    assert not room.done()
    assert await anext(mailbox) == "answer"
    await room


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers())))
def test_the_last_of_each_key_and_all_without_one_arrive(
    puts: list[tuple[str | None, int]],
) -> None:
    async def run() -> list[tuple[str | None, int]]:
        mailbox: Mailbox[tuple[str | None, int]] = Mailbox()
        for key, value in puts:
            mailbox.put((key, value), key=key)
        mailbox.close()
        return [message async for message in mailbox]

    got = asyncio.run(run())
    for key in ("a", "b"):
        assert [m for m in got if m[0] == key] == [m for m in puts if m[0] == key][-1:]
    assert [m for m in got if m[0] is None] == [m for m in puts if m[0] is None]
