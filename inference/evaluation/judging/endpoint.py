"""A judge at an endpoint: a language model behind ``/chat/completions`` or ``/messages``.

Questions, references and answers are sent to it, and nothing else.
"""

from __future__ import annotations

import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from inference.evaluation.judging.asking import ask
from inference.evaluation.judging.verdicts import Item, JudgeError, Verdict

if TYPE_CHECKING:
    import httpx2

Dialect = Literal["openai", "anthropic"]

_OF_ONE_ITEM: Final = (400, 413, 422)
"""What a filter or a limit says of one request; so many in a row end it all the same."""

_TRIES: Final = 3
_LONGEST_WAIT: Final = 60.0
"""Seconds that an endpoint may ask for before it is left for another day."""
_FAILURES: Final = 3
"""After so many items in a row that it failed on, an endpoint is not asked again."""
_REPLY_TOKENS: Final = 400
_BUSY: Final = frozenset({429, 529})


@dataclass(frozen=True)
class Endpoint:
    """Where a model is and how it is spoken to.

    ``key_variable`` names the environment variable that holds the key, ``None`` where none is
    wanted; ``timeout`` is in seconds, for a connection and for each piece of a reply.
    """

    url: str
    model: str
    dialect: Dialect = "openai"
    key_variable: str | None = None
    timeout: float = 60.0

    @property
    def local(self) -> bool:
        """Whether it is a server on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


class _Choice(msgspec.Struct):
    message: _Message


class _Message(msgspec.Struct):
    content: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class _Block(msgspec.Struct):
    type: str
    text: str = ""


class _Answer(msgspec.Struct):
    content: list[_Block]


class EndpointJudge:
    """Asks a model at an :class:`Endpoint`, at temperature 0; says on stderr what it will send.

    What cannot be mended by asking again soon (a refused key, nobody there, a limit that lasts)
    ends it: every item after that is refused at once with the same sentence, so that a long run
    keeps what it has and comes to its end. ``wait`` sleeps for so many seconds.
    """

    def __init__(self, endpoint: Endpoint, wait: Callable[[float], None] = time.sleep) -> None:
        try:
            import httpx2
        except ModuleNotFoundError:
            raise JudgeError(
                "An endpoint needs the package httpx2: pip install 'pinfill[bench]'.", final=True
            ) from None
        _check_url(endpoint.url)
        self._endpoint = endpoint
        self._wait = wait
        self._failures = 0
        self._ended: str | None = None
        self._key = _key(endpoint)
        self._client = httpx2.Client(
            headers=self._headers(),
            timeout=endpoint.timeout,
            # A proxy from the environment would carry off what shall stay on this machine.
            trust_env=not endpoint.local,
        )
        print(f"pinfill: {_warning(endpoint, bool(self._key))}", file=sys.stderr)

    @property
    def identity(self) -> str:
        return f"{self._endpoint.dialect} {self._endpoint.url.rstrip('/')} {self._endpoint.model}"

    @property
    def description(self) -> str:
        return f"{self._endpoint.model} at {self._endpoint.url}"

    def verdict(self, item: Item) -> Verdict:
        """Raises :class:`JudgeError`."""
        if self._ended is not None:
            raise JudgeError(self._ended, final=True)
        return ask(item, self._reply_to, self._endpoint.model)

    def close(self) -> None:
        self._client.close()

    def _headers(self) -> dict[str, str]:
        if self._endpoint.dialect == "anthropic":
            headers = {"anthropic-version": "2023-06-01"}
            return headers | ({"x-api-key": self._key} if self._key else {})
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def _body(self, prompt: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "temperature": 0,
            "messages": [{"role": "user", "content": prompt}],
        }
        # Endpoints in OpenAI's manner do not agree on what this limit is called; here it must be.
        if self._endpoint.dialect == "anthropic":
            body["max_tokens"] = _REPLY_TOKENS
        return body

    def _reply_to(self, prompt: str) -> str:
        try:
            text = self._asked(prompt)
        except JudgeError as error:
            self._failures += 1
            if error.final or self._failures >= _FAILURES:
                self._ended = str(error)
            raise
        self._failures = 0
        return text

    def _asked(self, prompt: str) -> str:
        path = "messages" if self._endpoint.dialect == "anthropic" else "chat/completions"
        url = f"{self._endpoint.url.rstrip('/')}/{path}"
        for attempt in range(1, _TRIES + 1):
            response = self._post(url, self._body(prompt))
            if response.status_code not in _BUSY and response.status_code < 500:
                break
            seconds = _pause(response.headers, attempt)
            if seconds > _LONGEST_WAIT:
                raise JudgeError(
                    f"{self._at} wants {seconds:.0f} seconds of rest (HTTP "
                    f"{response.status_code}): run the same command again then.",
                    final=True,
                )
            if attempt < _TRIES:
                self._wait(seconds)
        self._check(response)
        return self._text(response)

    def _post(self, url: str, body: dict[str, Any]) -> httpx2.Response:
        import httpx2

        try:
            return self._client.post(url, json=body)
        except httpx2.TimeoutException:
            raise JudgeError(
                f"{self._at} did not answer within {self._endpoint.timeout:g} seconds: run the "
                "same command again, or give it longer with --judge-timeout."
            ) from None
        except httpx2.ConnectError as error:
            if _is_tls(error):
                raise JudgeError(
                    f"No secure connection to {self._endpoint.url} could be made ({error}): "
                    "check its address and its certificate.",
                    final=True,
                ) from None
            raise JudgeError(
                f"Nobody answers at {self._endpoint.url} ({error}): start the server, or check "
                "--judge-url.",
                final=True,
            ) from None
        except httpx2.HTTPError as error:
            raise JudgeError(
                f"The connection to {self._endpoint.url} broke "
                f"({str(error) or type(error).__name__}): run the same command again."
            ) from None

    def _check(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            name = self._endpoint.key_variable
            what = f"check what {name} holds" if name else "name a key with --judge-key-variable"
            raise JudgeError(f"{self._at} refused the key (HTTP {status}): {what}.", final=True)
        if status == 404:
            raise JudgeError(
                f"{self._at} knows no such address or no model {self._endpoint.model!r} (HTTP 404"
                f"{_told(response)}): check --judge-url, --judge-model and --judge-dialect.",
                final=True,
            )
        if status in _BUSY:
            raise JudgeError(
                f"{self._at} is asked too often (HTTP {status}, {_TRIES} times): run the same "
                "command again later.",
                final=True,
            )
        if status >= 500:
            raise JudgeError(
                f"{self._at} failed {_TRIES} times (HTTP {status}{_told(response)}): run the same "
                "command again later."
            )
        if status in _OF_ONE_ITEM:
            raise JudgeError(
                f"{self._at} refused this one (HTTP {status}{_told(response)}): others may fare "
                "better; if none does, check --judge-model and --judge-dialect."
            )
        if status != 200:
            raise JudgeError(
                f"{self._at} refused the request (HTTP {status}{_told(response)}): check "
                "--judge-url, --judge-model and --judge-dialect.",
                final=True,
            )

    def _text(self, response: httpx2.Response) -> str:
        try:
            if self._endpoint.dialect == "anthropic":
                answer = msgspec.json.decode(response.content, type=_Answer)
                return "".join(block.text for block in answer.content if block.type == "text")
            completion = msgspec.json.decode(response.content, type=_Completion)
            return completion.choices[0].message.content or ""
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
            raise JudgeError(
                f"{self._at} does not answer as an {self._endpoint.dialect} endpoint does: check "
                "--judge-url and --judge-dialect.",
                final=True,
            ) from None

    @property
    def _at(self) -> str:
        return f"The endpoint {self._endpoint.url}"


def _check_url(url: str) -> None:
    import httpx2

    try:
        parts = urlsplit(url)
        httpx2.URL(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        whole = whole and not any(char.isspace() for char in url)
    except (ValueError, httpx2.InvalidURL):
        whole = False
    if not whole or parts.username or parts.password or parts.query or parts.fragment:
        raise JudgeError(
            "The judge's address must be like https://host/v1, without a password or a query in "
            "it: name another with --judge-url.",
            final=True,
        )


def _key(endpoint: Endpoint) -> str:
    name = endpoint.key_variable
    if name is None:
        return ""
    key = os.environ.get(name, "").strip()
    if not key:
        raise JudgeError(
            f"The environment variable {name}, which should hold the judge's key, is empty: set "
            "it and run the command again.",
            final=True,
        )
    if not (key.isascii() and key.isprintable()):
        raise JudgeError(
            f"What the environment variable {name} holds cannot be a key: set it anew.", final=True
        )
    return key


def _warning(endpoint: Endpoint, with_key: bool) -> str:
    sent = "questions, references and answers, the words of reports among them,"
    if endpoint.local:
        return f"{sent} are sent to the server at {endpoint.url} on this machine."
    warning = f"warning: {sent} leave this machine for {endpoint.url}."
    if endpoint.url.startswith("http:"):
        also = ", the key too" if with_key else ""
        warning += f" They are not encrypted on the way{also}."
    return warning


def _pause(headers: Mapping[str, str], attempt: int) -> float:
    """Seconds until the next try: what ``Retry-After`` asks for, or 1, 2, 4 …"""
    asked = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 2.0 ** (attempt - 1)


def _told(response: httpx2.Response) -> str:
    """What an endpoint says of its refusal, shortened; ``""`` where that cannot be read."""
    try:
        error = msgspec.json.decode(response.content)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
        return ""
    return f": {' '.join(str(message).split())[:200]}"


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
