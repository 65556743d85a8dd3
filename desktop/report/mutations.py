"""Mutations of a valid report file, each read as the window reads one.

What comes of a file may be a report that can be drawn, edited and saved, or one of the errors of
:mod:`desktop.report.errors`; nothing else, and soon.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from desktop.report.coding import encode
from desktop.report.errors import StoreError
from desktop.report.model import Report
from desktop.report.picture import picture
from desktop.report.store import ReportStore
from desktop.studies.identity import StudyIdentity

MOST_SECONDS: Final = 10.0

_IDENTITY: Final = StudyIdentity("1.2.826.0.1.3680043.8.498.1", "PF-0042", "", "Morgan^Alex")
_ODD_VALUES: Final[tuple[Callable[[], Any], ...]] = (
    lambda: None,
    lambda: True,
    lambda: -1,
    lambda: 0,
    lambda: 2**63,
    lambda: 10**400,
    lambda: 1e308,
    lambda: float("nan"),
    lambda: "",
    lambda: "\ufffc" * 1_000,
    lambda: "a\u2029b\r\ufdd0",
    lambda: "\ud800",
    lambda: "x" * 1_000_000,
    lambda: [],
    lambda: {},
    lambda: _nested([], 900),
    lambda: [{"length": 1, "origin": "typed", "pinned": True}] * 20_000,
    lambda: [{"position": 0, "tokens": None}] * 20_000,
)


@dataclass
class Summary:
    """What came of all files: how many of each end, the slowest, and what should not be."""

    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ends = ", ".join(f"{count} × {end}" for end, count in self.ends.most_common())
        told = "".join(f"\n  {failure}" for failure in self.failures)
        return (
            f"{self.ends.total():,} report files: {ends}; slowest {self.slowest:.2f} s; "
            f"failed: {len(self.failures)}{told}"
        )


def run(count: int, seed: int) -> Summary:
    """Read ``count`` mutated files."""
    summary = Summary()
    valid = encode(_report(), _IDENTITY)
    with tempfile.TemporaryDirectory(prefix="pinfill-reports-") as folder:
        for number in range(count):
            rng = random.Random(f"{seed}-{number}")
            _try(Path(folder) / str(number), mutated(valid, rng), f"{seed}-{number}", summary)
    return summary


def mutated(valid: bytes, rng: random.Random) -> bytes:
    """One to three changes of a report file's bytes or of its JSON."""
    if rng.random() < 0.1:
        return _written_otherwise(valid, rng)
    data = valid
    for _ in range(rng.randint(1, 3)):
        data = rng.choice((_flip, _cut, _double, _stuff, _change_value, _change_value, _deepen))(
            data, rng
        )
    return data


def _try(folder: Path, data: bytes, name: str, summary: Summary) -> None:
    store = ReportStore(folder)
    store.prepare()
    store.path(_IDENTITY).write_bytes(data)
    began = time.monotonic()
    try:
        end = _use(store)
    except StoreError as error:
        end = type(error).__name__
    except Exception as error:
        end = f"{type(error).__name__}: {error}"[:200]
        summary.failures.append(f"{name}: {end}")
    seconds = time.monotonic() - began
    summary.slowest = max(summary.slowest, seconds)
    if seconds > MOST_SECONDS:
        summary.failures.append(f"{name}: {seconds:.1f} s")
    summary.ends[end] += 1


def _use(store: ReportStore) -> str:
    report = store.load(_IDENTITY)
    if report is None:
        raise AssertionError("the file was not found")
    picture(report)
    report.pin(0, len(report.text))
    report.insert(len(report.text), "More.")
    store.save(_IDENTITY, report)
    return "report"


def _report() -> Report:
    report = Report()
    plan = report.pieces_for_draft()
    report.apply(plan, ["FINDINGS:\nHeart large 🫁. No effusion.\n\nIMPRESSION:\nÖdem."])
    report.pin(10, 21)
    report.insert_gap(len(report.text), tokens=7)
    report.insert(len(report.text), " Typed by hand.")
    report.insert_gap(3)
    return report


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _double(data: bytes, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[start:end] * rng.randint(1, 4) + data[end:]


def _stuff(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    stuff = rng.choice((b"\0", b"\xff\xfe", b'"', b"{", b"]", b"\\ud800", b"1e999", b"[" * 5_000))
    return data[:at] + stuff + data[at:]


def _deepen(data: bytes, rng: random.Random) -> bytes:
    depth = rng.choice((100, 900, 5_000, 100_000))
    head, tail = rng.choice(((b"[", b"]"), (b'{"format":', b"}"), (b'{"spans":[', b"]}")))
    return head * depth + rng.choice((data, b"1", b"")) + tail * depth


def _change_value(data: bytes, rng: random.Random) -> bytes:
    """Another value, or none, at a random place of the JSON; where it is none, a flipped byte."""
    try:
        document = json.loads(data)
        places = list(_places(document))
        holder, key = rng.choice(places)
        if rng.random() < 0.2:
            del holder[key]
        else:
            holder[key] = rng.choice(_ODD_VALUES)()
        return json.dumps(document).encode()
    except (ValueError, RecursionError, IndexError):
        return _flip(data, rng)


def _written_otherwise(data: bytes, rng: random.Random) -> bytes:
    """The same report with other white space, keys in another order, and keys that nobody knows."""
    document = json.loads(data)
    items = [*document.items(), ("unknown", rng.choice(_ODD_VALUES)())]
    rng.shuffle(items)
    return json.dumps(dict(items), indent=rng.choice((None, 0, 7))).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(holder, key) of every value in a document."""
    found: list[tuple[Any, Any]] = []
    rest = [value]
    while rest:
        holder = rest.pop()
        if isinstance(holder, dict | list):
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            found += [(holder, key) for key in keys]
            rest += [holder[key] for key in keys]
    return found


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value
