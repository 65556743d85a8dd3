"""A judge at an endpoint, played by a real server on this machine: what is sent, and every way in
which it may fail."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from inference.evaluation.judging.endpoint import Dialect, Endpoint, EndpointJudge
from inference.evaluation.judging.verdicts import (
    Item,
    JudgeError,
    Unjudged,
    Verdict,
    judge_all,
)
from tests.inference.evaluation.judging.endpoint_server import Reply, Server, serving

ITEM = Item("Where is it?", "left", "On the left-hand side.")
NONSENSE = Reply("I think so.")


class Waits(list[float]):
    """Takes the place of sleeping; the seconds that were asked for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@contextmanager
def judging(server: Server, waits: Waits, **more: object) -> Iterator[EndpointJudge]:
    settings = {"url": server.url, "model": "some-model", **more}
    judge = EndpointJudge(Endpoint(**settings), waits)  # type: ignore[arg-type]
    try:
        yield judge
    finally:
        judge.close()


def failure(waits: Waits, *replies: Reply, **more: object) -> tuple[JudgeError, Server]:
    """The error that the first item ends in."""
    with (
        serving(*replies) as server,
        judging(server, waits, **more) as judge,
        pytest.raises(JudgeError) as raised,
    ):
        judge.verdict(ITEM)
    assert str(raised.value).endswith(".")
    return raised.value, server


def test_a_chat_endpoint_is_asked_at_temperature_zero(waits: Waits) -> None:
    with serving(Reply()) as server, judging(server, waits) as judge:
        assert judge.verdict(ITEM) == Verdict(True, "some-model", "Same finding.")
    (received,) = server.received
    assert received.path == "/v1/chat/completions"
    assert received.headers["Authorization"] is None
    assert received.body["model"] == "some-model"
    assert received.body["temperature"] == 0
    (message,) = received.body["messages"]
    assert message["role"] == "user"
    assert '"answer":"On the left-hand side."' in message["content"]


def test_a_messages_endpoint_is_spoken_to_in_its_way(
    waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", " secret \n")
    with (
        serving(Reply()) as server,
        judging(server, waits, dialect="anthropic", key_variable="JUDGE_KEY") as judge,
    ):
        assert judge.verdict(ITEM).equivalent
    (received,) = server.received
    assert received.path == "/v1/messages"
    assert received.headers["x-api-key"] == "secret"
    assert received.headers["anthropic-version"]
    assert received.body["temperature"] == 0
    assert received.body["max_tokens"] > 100


def test_a_key_goes_into_the_header_and_nowhere_else(
    waits: Waits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "secret")
    error, server = failure(waits, Reply(status=401), key_variable="JUDGE_KEY")
    (received,) = server.received
    assert received.headers["Authorization"] == "Bearer secret"
    assert "secret" not in json.dumps(received.body)
    assert "secret" not in str(error)
    assert "secret" not in capsys.readouterr().err


def test_what_is_meant_for_this_machine_goes_through_no_proxy(
    waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(Reply()) as server, judging(server, waits) as judge:
        assert judge.verdict(ITEM).equivalent


def test_no_model_that_is_judged_is_named(waits: Waits) -> None:
    """The answers of two models go out shuffled, and nothing tells them apart."""
    answers = {"diffusiongemma": ["left", "In the left lung."], "gemma-4": ["right", "Right base."]}
    items = [Item("Where is it?", "left", text) for said in answers.values() for text in said]
    with serving(Reply()) as server, judging(server, waits) as judge:
        judge_all(judge, items, seed=3)
    assert len(server.received) == 4
    for received in server.received:
        sent = f"{received.path} {received.headers} {json.dumps(received.body)}".lower()
        for name in ("gemma", "diffusion", "autoregress", "pinfill", "baseline", "candidate"):
            assert name not in sent


def test_nonsense_is_asked_about_once_more(waits: Waits) -> None:
    with serving(NONSENSE, Reply()) as server, judging(server, waits) as judge:
        assert judge.verdict(ITEM).equivalent
    assert len(server.received) == 2


def test_an_item_that_gets_nonsense_stays_unjudged_and_the_others_go_on(waits: Waits) -> None:
    with serving(NONSENSE, NONSENSE, Reply()) as server, judging(server, waits) as judge:
        unjudged, judged = judge_all(judge, [ITEM, ITEM])
    assert isinstance(judged, Verdict)
    assert isinstance(unjudged, Unjudged)
    assert "twice (it wrote 'I think so.')" in unjudged.reason
    assert len(server.received) == 3


def test_always_nonsense_is_never_a_verdict(waits: Waits) -> None:
    with serving(NONSENSE) as server, judging(server, waits) as judge:
        verdicts = judge_all(judge, [ITEM] * 5)
    assert all(isinstance(verdict, Unjudged) for verdict in verdicts)
    assert len(server.received) == 10  # each was asked, and asked again


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_it(waits: Waits, status: int) -> None:
    with serving(Reply(status=status)) as server, judging(server, waits) as judge:
        verdicts = judge_all(judge, [ITEM] * 4)
    assert {verdict.reason for verdict in verdicts} == {
        f"The endpoint {server.url} refused the key (HTTP {status}): name a key with "
        "--judge-key-variable."
    }
    assert len(server.received) == 1


def test_an_unknown_model_is_said_with_the_endpoints_own_words(waits: Waits) -> None:
    body = json.dumps({"error": {"message": "no model\nsome-model"}}).encode()
    error, server = failure(waits, Reply(status=404, body=body))
    assert "no model 'some-model' (HTTP 404: no model some-model)" in str(error)
    assert error.final
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_of_one_item_does_not_end_it(waits: Waits, status: int) -> None:
    error, server = failure(waits, Reply(status=status, body=b"<html>"))
    assert f"refused this one (HTTP {status})" in str(error)
    assert not error.final
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [301, 405, 410])
def test_other_refusals_end_it_too(waits: Waits, status: int) -> None:
    error, server = failure(waits, Reply(status=status, body=b"<html>"))
    assert f"refused the request (HTTP {status}): check" in str(error)
    assert error.final
    assert len(server.received) == 1


def test_a_limit_is_waited_for_as_long_as_it_asks(waits: Waits) -> None:
    busy = Reply(status=429, headers={"Retry-After": "7"})
    with serving(busy, busy, Reply()) as server, judging(server, waits) as judge:
        assert judge.verdict(ITEM).equivalent
    assert waits == [7.0, 7.0]
    assert len(server.received) == 3


def test_a_limit_may_name_a_date(waits: Waits) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    busy = Reply(status=429, headers={"Retry-After": until})
    with serving(busy, Reply()) as server, judging(server, waits) as judge:
        assert judge.verdict(ITEM).equivalent
    (seconds,) = waits
    assert 20 < seconds <= 30


def test_a_limit_that_stays_ends_it_after_a_bounded_number_of_tries(waits: Waits) -> None:
    error, server = failure(waits, Reply(status=429))
    assert "is asked too often (HTTP 429, 3 times)" in str(error)
    assert error.final
    assert (waits, len(server.received)) == ([1.0, 2.0], 3)


def test_nobody_waits_for_hours(waits: Waits) -> None:
    error, server = failure(waits, Reply(status=429, headers={"Retry-After": "86400"}))
    assert "wants 86400 seconds of rest (HTTP 429)" in str(error)
    assert error.final
    assert (waits, len(server.received)) == ([], 1)


def test_a_failing_server_is_tried_again_and_then_told(waits: Waits) -> None:
    with serving(Reply(status=503), Reply()) as server, judging(server, waits) as judge:
        assert judge.verdict(ITEM).equivalent
    body = json.dumps({"error": "out of memory"}).encode()
    error, server = failure(waits, Reply(status=500, body=body))
    assert "failed 3 times (HTTP 500: out of memory)" in str(error)
    assert not error.final
    assert len(server.received) == 3


def test_a_server_that_keeps_failing_is_left_alone(waits: Waits) -> None:
    with serving(Reply(status=500)) as server, judging(server, waits) as judge:
        verdicts = judge_all(judge, [ITEM] * 10)
    assert all(isinstance(verdict, Unjudged) for verdict in verdicts)
    assert len(server.received) == 9  # three items, three times each


def test_what_was_judged_before_a_failure_is_kept(waits: Waits) -> None:
    with serving(Reply(), Reply(), Reply(status=403)) as server, judging(server, waits) as judge:
        verdicts = judge_all(judge, [ITEM] * 5)
    assert sum(isinstance(verdict, Verdict) for verdict in verdicts) == 2
    assert len(server.received) == 3


def test_a_server_that_hangs_is_given_up(waits: Waits) -> None:
    error, server = failure(waits, Reply(hangs=True), timeout=0.2)
    assert "did not answer within 0.2 seconds" in str(error)
    assert not error.final
    assert len(server.received) == 1


def test_a_connection_that_breaks_is_told(waits: Waits) -> None:
    error, _ = failure(waits, Reply(breaks=True))
    assert "broke (" in str(error)
    assert not error.final


def test_nobody_there_ends_it(waits: Waits) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        port = closed.getsockname()[1]
        server = Server(f"http://127.0.0.1:{port}/v1")
        with judging(server, waits) as judge:
            verdicts = judge_all(judge, [ITEM] * 3)
    (reason,) = {verdict.reason for verdict in verdicts}
    assert reason.startswith(f"Nobody answers at {server.url} (")


def test_a_connection_that_is_not_secure_ends_it(waits: Waits) -> None:
    with serving(Reply()) as plain:
        server = Server(plain.url.replace("http:", "https:"))
        with judging(server, waits) as judge, pytest.raises(JudgeError) as raised:
            judge.verdict(ITEM)
    assert str(raised.value).startswith(f"No secure connection to {server.url} could be made")
    assert raised.value.final


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"{}", b'{"choices": []}', b"\xff"])
def test_something_else_than_an_endpoint_ends_it(
    waits: Waits, dialect: Dialect, body: bytes
) -> None:
    error, _ = failure(waits, Reply(body=body), dialect=dialect)
    assert f"does not answer as an {dialect} endpoint does" in str(error)
    assert error.final


def test_an_empty_reply_is_nonsense(waits: Waits) -> None:
    body = json.dumps({"choices": [{"message": {"content": None}}]}).encode()
    error, server = failure(waits, Reply(body=body))
    assert "twice (it wrote '')" in str(error)
    assert len(server.received) == 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/v1",
        "ftp://example.org/v1",
        "http://",
        "https://user:password@example.org/v1",
        "https://example.org/v1?key=secret",
        "https://example.org:port/v1",
        "https://exam ple.org/v1",
        "https://example.org/\x00",
    ],
)
def test_an_address_that_cannot_be_is_refused_at_once(url: str) -> None:
    with pytest.raises(JudgeError, match=r"must be like https://host/v1") as raised:
        EndpointJudge(Endpoint(url, "some-model"))
    assert "secret" not in str(raised.value)
    assert "password@" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "told"), [(None, "is empty"), ("  ", "is empty"), ("kéy", "cannot be a key")]
)
def test_a_key_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, content: str | None, told: str
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    if content is not None:
        monkeypatch.setenv("JUDGE_KEY", content)
    with pytest.raises(JudgeError, match=f"JUDGE_KEY.* {told}") as raised:
        EndpointJudge(Endpoint("https://example.org/v1", "m", key_variable="JUDGE_KEY"))
    assert "kéy" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://example.org/v1", "leave this machine for https://example.org/v1.\n"),
        ("http://example.org/v1", "They are not encrypted on the way, the key too.\n"),
        ("http://127.0.0.1:8000/v1", "are sent to the server at http://127.0.0.1:8000/v1 on this"),
        ("http://localhost/v1", "on this machine.\n"),
    ],
)
def test_what_leaves_the_machine_is_said_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, told: str
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "secret")
    EndpointJudge(Endpoint(url, "m", key_variable="JUDGE_KEY")).close()
    warning = capsys.readouterr().err
    assert warning.startswith("pinfill: ")
    assert told in warning
    assert ("warning:" in warning) is ("example.org" in warning)


def test_verdicts_of_another_model_or_place_are_not_reused() -> None:
    identities = set()
    for endpoint in (
        Endpoint("https://example.org/v1", "m"),
        Endpoint("https://example.org/v1", "n"),
        Endpoint("https://example.net/v1", "m"),
        Endpoint("https://example.org/v1", "m", "anthropic"),
    ):
        judge = EndpointJudge(endpoint)
        identities.add(judge.identity)
        judge.close()
    assert len(identities) == 4
