"""Opening, feeding and closing a WebSocket connection; what both ends do alike."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import CloseCode
from websockets.protocol import State

from inference.conflate import Mailbox
from inference.errors import WorkerError
from inference.protocol import MAX_FRAME_BYTES

log = logging.getLogger(__name__)
T = TypeVar("T")

MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a frame from outside can raise."""

CLOSE_TIMEOUT: Final = 2.0
"""Seconds that a peer has to take part in the closing handshake."""

# The state is asked before every call: CPython 3.11 leaves a transport that was closed with bytes
# still to flush half torn down, and websockets' send() and close() then fail with AttributeError
# instead of ConnectionClosed.


async def open_connection(url: str, token: str, *, ping_interval: float | None) -> ClientConnection:
    """Connect to a worker; ``ping_interval`` (seconds) finds out a peer that fell silent.

    Raises :class:`WorkerError` with what is wrong: the address, the token, or nobody there.
    """
    try:
        return await connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            max_size=MAX_FRAME_BYTES,
            proxy=None,  # the token and the patient's image go to the worker alone
            ping_interval=ping_interval,
            ping_timeout=60.0,
            close_timeout=CLOSE_TIMEOUT,
        )
    except InvalidStatus as error:
        if error.response.status_code in (401, 403):
            raise WorkerError(f"The worker at {url} refuses this token; check it.") from error
        raise WorkerError(f"What answers at {url} is no worker; check the address.") from error
    except (InvalidURI, ValueError) as error:
        raise WorkerError(f"{url!r} is no address of a worker, like ws://host:8080.") from error
    except (OSError, InvalidHandshake, EOFError) as error:
        raise WorkerError(f"No worker answers at {url}; check that it runs.") from error


async def send_all(
    connection: Connection, mailbox: Mailbox[T], encode: Callable[[T], bytes]
) -> None:
    """Send what comes into the mailbox until that is closed, or else the connection.

    Encodes a message only when its turn comes: a canvas that was replaced costs nothing.
    """
    try:
        async for message in mailbox:
            if connection.state is not State.OPEN:
                return
            await connection.send(encode(message))
    except ConnectionClosed:
        pass
    except Exception:
        # Whoever waits for this message would wait for ever.
        log.exception("A message could not be sent")
        await connection.close(CloseCode.INTERNAL_ERROR)
    finally:
        mailbox.close(discard=True)


async def close(connection: Connection) -> bool:
    """Close the connection, with a handshake; whether the peer took part in one."""
    closing = connection.close if connection.state is State.OPEN else connection.wait_closed
    try:
        # The connection's own close_timeout does not count while a peer that has stopped reading
        # keeps the closing frame from being written.
        await asyncio.wait_for(closing(), CLOSE_TIMEOUT)
    except TimeoutError:
        connection.transport.abort()
    return connection.protocol.close_rcvd is not None  # its own timeout is silent
