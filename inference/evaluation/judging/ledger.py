"""Verdicts that are kept: none is asked for twice, and every one can be audited."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from inference.evaluation.judging.asking import PROMPT_VERSION
from inference.evaluation.judging.verdicts import Item, Judge, JudgeError, Kind, Verdict


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file. ``equivalent`` is ``None`` where nobody could judge, and ``reason``
    then says why; such an item is asked for again."""

    key: str
    at: str
    judge: str
    prompt: int
    kind: Kind
    question: str
    reference: str
    alternatives: tuple[str, ...]
    answer: str
    equivalent: bool | None
    by: str
    reason: str


def key_of(item: Item, identity: str) -> str:
    """A digest of all that a verdict depends on."""
    parts = [
        *(identity, PROMPT_VERSION, item.kind),
        *(item.question, item.reference, item.alternatives, item.answer),
    ]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


class Recorded:
    """A judge whose verdicts are remembered; in ``path`` too, a JSON object a line, where given.

    A line is on the disk before its verdict is used. Raises :class:`JudgeError` where the file
    cannot be used.
    """

    def __init__(self, judge: Judge, path: Path | None) -> None:
        self._judge = judge
        self._path = path
        self._known: dict[str, Verdict] = {}
        self._file: BinaryIO | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            self._read(path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise _unusable(path, error) from None

    @property
    def identity(self) -> str:
        return self._judge.identity

    @property
    def description(self) -> str:
        return self._judge.description

    def verdict(self, item: Item) -> Verdict:
        """Raises :class:`JudgeError` as the judge does, and where a verdict cannot be written."""
        key = key_of(item, self._judge.identity)
        if key in self._known:
            return self._known[key]
        try:
            verdict = self._judge.verdict(item)
        except JudgeError as error:
            self._write(key, item, None, "", str(error))
            raise
        self._write(key, item, verdict.equivalent, verdict.by, verdict.reason)
        self._known[key] = verdict
        return verdict

    def close(self) -> None:
        self._judge.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, key: str, item: Item, equivalent: bool | None, by: str, reason: str) -> None:
        if self._file is None or self._path is None:
            return
        record = Record(
            key=key,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            judge=self._judge.identity,
            prompt=PROMPT_VERSION,
            kind=item.kind,
            question=item.question,
            reference=item.reference,
            alternatives=item.alternatives,
            answer=item.answer,
            equivalent=equivalent,
            by=by,
            reason=reason,
        )
        try:
            self._file.write(msgspec.json.encode(record) + b"\n")
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unusable(self._path, error) from None

    def _read(self, path: Path) -> None:
        whole = 0
        for number, line in enumerate(path.read_bytes().splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                break  # the run was broken off while it wrote
            try:
                record = msgspec.json.decode(line, type=Record)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise JudgeError(
                    f"Line {number} of {path} holds no verdict: delete the line, or name another "
                    "file.",
                    final=True,
                ) from None
            if record.equivalent is not None:
                self._known[record.key] = Verdict(record.equivalent, record.by, record.reason)
            whole += len(line)
        if not whole and path.stat().st_size:
            # Perhaps a first verdict that was cut off, perhaps somebody's notes.
            raise JudgeError(
                f"{path} holds no verdict: name another file, or delete this one.", final=True
            )
        with path.open("r+b") as file:
            file.truncate(whole)


def _unusable(path: Path, error: OSError) -> JudgeError:
    return JudgeError(
        f"Verdicts cannot be kept in {path} ({error}): name another file.", final=True
    )
