"""A real HTTP server on this machine that plays an endpoint from a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = '{"equivalent": true, "reason": "Same finding."}'


@dataclass(frozen=True)
class Reply:
    """``text`` is what the model writes, ``body`` all that is sent instead of that."""

    text: str = GOOD
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    hangs: bool = False
    breaks: bool = False


@dataclass(frozen=True)
class Received:
    path: str
    headers: Message
    body: dict[str, Any]


@dataclass
class Server:
    """Gives the replies in turn, the last of them for ever; ``received`` holds what came."""

    url: str
    received: list[Received] = field(default_factory=list)


@contextmanager
def serving(*replies: Reply) -> Iterator[Server]:
    over = threading.Event()
    script: Sequence[Reply] = replies

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.received.append(Received(self.path, self.headers, body))
            reply = script[min(len(server.received), len(script)) - 1]
            if reply.hangs:
                over.wait(30)
            if reply.hangs or reply.breaks:
                self.close_connection = True
                return
            sent = reply.body if reply.body is not None else _body(self.path, reply.text)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}/v1")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            over.set()
            http.shutdown()
            thread.join()


def _body(path: str, text: str) -> bytes:
    if path.endswith("/messages"):
        content = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": text}]
        return json.dumps({"id": "m", "content": content, "stop_reason": "end_turn"}).encode()
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "c", "choices": [{"index": 0, "message": message}]}).encode()
