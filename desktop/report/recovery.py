"""Recovery copies: reports that could not be saved, kept in another place until they are.

A copy is a file like any report's (:mod:`desktop.report.store`), under the report's name and the
mark of the run that wrote it, so that two windows never write over each other's. It lies in
``$PINFILL_RECOVERY_DIR``, else in the platform's own place for an application's state, or, where
that cannot be written either, in the folder for temporary files.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import platformdirs

from desktop.report.files import (
    flush_folder,
    make_private,
    read_regular,
    sweep_rests,
    written_beside,
)
from desktop.report.model import Report
from desktop.report.run_lock import RunLock, lives
from desktop.report.store import ReportStore, StoreError, decode, encode
from desktop.studies.identity import StudyIdentity

VARIABLE: Final = "PINFILL_RECOVERY_DIR"
"""The environment variable that names the folder."""

SETTLED_SECONDS: Final = 30 * 24 * 3600
"""How long a copy that the reader passed over is kept."""

_SETTLED: Final = ".settled"


@dataclass(frozen=True)
class RecoveryCopy:
    """A copy that an earlier run left, and when it was written, in local time."""

    path: Path
    written: datetime
    report: Report


class RecoveryCopies:
    """The recovery copies of this user; those that this run writes bear its mark."""

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self.folders = tuple(folders) if folders is not None else recovery_folders()
        self._mark = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lock = RunLock(self._mark)
        self._kept: dict[str, Path] = {}

    def keep(self, identity: StudyIdentity, report: Report) -> Path:
        """Write the copy in the first folder that takes it; returns its place.

        Raises :class:`~desktop.report.store.StoreError` where none does.
        """
        reasons = []
        key = self._key(identity)
        for folder in self.folders:
            path = ReportStore(folder).path(identity)
            path = path.with_name(f"{path.stem}.{self._mark}.json")
            try:
                make_private(folder)
                _check_own(folder)
                with contextlib.suppress(OSError):  # where there are no locks
                    self._lock.hold(folder)  # first, or another window takes the copy for a rest
                _write(path, encode(report, identity))
            except (OSError, ValueError, TypeError, MemoryError, RecursionError) as error:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                reasons.append(f"{folder}: {reason}")
                continue
            before = self._kept.get(key)
            self._kept[key] = path
            if before not in (None, path):
                _remove(before)
            return path
        raise StoreError(f"No recovery copy could be written ({'; '.join(reasons)}).")

    def drop(self, identity: StudyIdentity) -> None:
        """Remove this run's copy, for the report is saved."""
        _remove(self._kept.pop(self._key(identity), None))
        if not self._kept:
            self._lock.release()

    def found(self, identity: StudyIdentity) -> list[RecoveryCopy]:
        """The copies of a study that runs left which have ended, the latest first.

        What cannot be read as a report of that study stays where it is and is passed over.
        """
        copies = []
        for path in self._others(identity):
            with contextlib.suppress(OSError, ValueError, StoreError):
                report = decode(read_regular(path), identity)
                written = datetime.fromtimestamp(path.stat().st_mtime)
                copies.append(RecoveryCopy(path, written, report))
        return sorted(copies, key=lambda copy: copy.written, reverse=True)

    def sweep_settled(self) -> None:
        """Remove the copies that were passed over longer than :data:`SETTLED_SECONDS` ago."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                _check_own(folder)
                for entry in list(os.scandir(folder)):
                    if entry.name.endswith(f".json{_SETTLED}") and _is_outdated(entry):
                        _remove(Path(entry.path))

    def _key(self, identity: StudyIdentity) -> str:
        return ReportStore(self.folders[0]).path(identity).name

    def _others(self, identity: StudyIdentity) -> Iterator[Path]:
        own = self._kept.get(self._key(identity))
        for folder in self.folders:
            stem = ReportStore(folder).path(identity).stem
            with contextlib.suppress(OSError):
                _check_own(folder)
                sweep_rests(folder)
                for entry in list(os.scandir(folder)):
                    name, path = entry.name, Path(entry.path)
                    ours = name.startswith(f"{stem}.") and name.endswith(".json")
                    # A UID may begin another: what lies between is the mark of a run alone.
                    mark = name[len(stem) + 1 : -len(".json")]
                    ours = ours and "." not in mark and "-" in mark and path != own
                    if ours and not lives(folder, mark):  # else it is another window's to keep
                        yield path


def set_aside(copy: RecoveryCopy) -> None:
    """Offer a copy no more; its file stays beside the others, under another name."""
    with contextlib.suppress(OSError):
        os.utime(copy.path)  # from now on it is kept for its time
        copy.path.rename(copy.path.with_name(f"{copy.path.name}{_SETTLED}"))


def remove(copy: RecoveryCopy) -> None:
    """Remove a copy whose words are saved or kept in another."""
    _remove(copy.path)


def recovery_folders() -> tuple[Path, ...]:
    """Where copies are kept, in the order in which they are tried."""
    named = os.environ.get(VARIABLE)
    first = Path(named) if named else platformdirs.user_state_path("pinfill", appauthor=False)
    user = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    return first / "recovery", Path(tempfile.gettempdir()) / f"pinfill-recovery{user}"


def _write(path: Path, data: bytes) -> None:
    with written_beside(path, data) as written:
        os.replace(written, path)
    flush_folder(path.parent)


def _is_outdated(entry: os.DirEntry[str]) -> bool:
    """By the later of its times, for the one of writing is older than the passing over."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    age = time.time() - max(status.st_mtime, status.st_ctime)
    return stat.S_ISREG(status.st_mode) and age > SETTLED_SECONDS


def _check_own(folder: Path) -> None:
    """Raise :class:`OSError` for a folder that another user put there, or that others can enter."""
    if os.name != "posix":
        return
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(20, "it is no folder of its own")
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(1, "the folder is open to other users")


def _remove(path: Path | None) -> None:
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink()
