"""Reports on disk: one JSON file a study of a patient, written whole or not at all.

A file is named by the Study Instance UID and a digest of the patient's part of the identity, so
that two patients who share a UID never share a file. Its bytes are those of
:mod:`~desktop.report.coding`. Until format version 2 a file was named by the UID alone; such a one
is left in its place.

The folder is ``$PINFILL_DATA_DIR/reports``, else ``reports`` in the platform's own place for an
application's data. It is kept from other users, for reports name patients.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import platformdirs

from desktop.report.coding import decode, decode_any, encode
from desktop.report.errors import DamagedReport, NewerReport, StoreConflict, StoreError
from desktop.report.files import (
    LARGEST_BYTES,
    flush_folder,
    make_private,
    read_regular,
    sweep_rests,
    written_beside,
)
from desktop.report.model import Report
from desktop.report.save_lock import save_lock
from desktop.studies.identity import StudyIdentity

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_NAME: Final = 64

__all__ = [
    "DamagedReport",
    "NewerReport",
    "ReportStore",
    "StoreConflict",
    "StoreError",
    "data_dir",
    "decode",
    "encode",
]


def data_dir() -> Path:
    """Where Pinfill keeps what it writes: ``$PINFILL_DATA_DIR`` or the platform's own place."""
    named = os.environ.get("PINFILL_DATA_DIR")
    return Path(named) if named else platformdirs.user_data_path("pinfill", appauthor=False)


class ReportStore:
    """The reports of a folder.

    It remembers each file as it was last read or written here, so that it notices when another
    window or program has written it since.
    """

    def __init__(self, folder: Path | None = None) -> None:
        root = data_dir() if folder is None else folder
        self.folder = folder or root / "reports"
        self._folders = (root, self.folder)
        self.open_to_others = ""
        """Why other users can look into the folder, where they can."""
        self._known: dict[Path, str] = {}
        self._swept = False

    def path(self, identity: StudyIdentity) -> Path:
        """The file of a study of a patient."""
        return self.folder / f"{_stem(identity.study)}_{identity.digest}.json"

    def path_of_version_1(self, identity: StudyIdentity) -> Path:
        """Where a report was kept while the study alone said whose it is."""
        return self.folder / f"{_stem(identity.study)}.json"

    def others(self, identity: StudyIdentity) -> list[tuple[Path, StudyIdentity | None]]:
        """The files of other patients with the same study, and whose each is.

        ``None`` where a file does not say so, e.g. one that was set aside damaged.
        """
        mine = self.path(identity).name
        names = [name for name in self._of_study(identity.study) if not name.startswith(mine)]
        return [(self.folder / name, self._owner(self.folder / name)) for name in names]

    def was_ever_kept(self, study: str) -> bool:
        """Whether there is a file of any patient with this study, or one that was set aside."""
        return bool(self._of_study(study))

    def _of_study(self, study: str) -> list[str]:
        prefix = f"{_stem(study)}_"
        try:
            names = [entry.name for entry in os.scandir(self.folder)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _refused("looked for", self.folder, error) from error
        return sorted(name for name in names if name.startswith(prefix))

    def _owner(self, path: Path) -> StudyIdentity | None:
        try:
            return decode_any(read_regular(path))[1]
        except (OSError, ValueError, StoreError):
            return None

    def read_other(self, path: Path, study: str) -> Report:
        """The report of a study in a file that is not its own, which is left as it is.

        Raises :class:`StoreError` if it holds none.
        """
        try:
            report, owner = decode_any(read_regular(path))
        except OSError as error:
            raise _refused("read", path, error) from error
        except ValueError as error:
            raise StoreError(f"The report in {path} cannot be read ({error}).") from error
        if owner.study != study:
            raise StoreError(f"The report in {path} is of another study ({owner.study[:64]}).")
        return report

    def is_current(self, identity: StudyIdentity) -> bool:
        """Whether the file is the one last read or written here."""
        return not self._clash(self.path(identity))

    def load(self, identity: StudyIdentity) -> Report | None:
        """The saved report, or ``None`` if there is none.

        Raises :class:`DamagedReport` after moving a damaged file aside (the next call then finds
        none), :class:`NewerReport`, or :class:`StoreError` if the file cannot be read.
        """
        path = self.path(identity)
        if self.folder.is_dir():
            with contextlib.suppress(OSError):
                self.prepare()
        data = self._read(path)
        if data is None:
            self._known.pop(path, None)
            return None
        try:
            report = decode(data, identity)
        except ValueError as error:  # msgspec's errors and UnicodeDecodeError are such, too
            kept_at = self._set_damaged_aside(path, data)
            if kept_at is None:
                return self.load(identity)
            raise DamagedReport(
                f"The saved report cannot be read ({error}). "
                f"It was kept as {kept_at}; the study opens with an empty report.",
                kept_at,
            ) from error
        self._known[path] = _digest(data)
        return report

    def save(self, identity: StudyIdentity, report: Report, *, overwrite: bool = False) -> Path:
        """Write the report whole or not at all, readable by this user alone.

        Raises :class:`StoreConflict` if the file is not the one last read or written here. With
        ``overwrite`` that file is kept aside. Raises :class:`StoreError` if the disk says no; the
        file is then as it was.
        """
        path = self.path(identity)
        try:
            return self._save(path, identity, report, overwrite=overwrite)
        except OSError as error:
            raise _refused("saved", path, error) from error
        except (ValueError, TypeError, MemoryError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            message = f"The report could not be saved ({path}: {reason})."
            raise StoreError(message, reason) from error

    def _save(
        self, path: Path, identity: StudyIdentity, report: Report, *, overwrite: bool
    ) -> Path:
        self.prepare()
        clash = self._clash(path)
        if clash and not overwrite:
            raise StoreConflict(clash, "the file on disk is not the one opened here")
        data = encode(report, identity)
        if len(data) > LARGEST_BYTES:
            raise StoreError(
                f"The report could not be saved: it takes {len(data) / 2**20:.0f} MiB and may "
                f"take {LARGEST_BYTES / 2**20:.0f}. Shorten it.",
                "it is too long",
            )
        with written_beside(path, data) as written, save_lock(path):
            # Asked again, for flushing to a slow disk takes long enough for another window to save.
            if not clash and (clash := self._clash(path)) and not overwrite:
                raise StoreConflict(clash, "the file on disk is not the one opened here")
            if clash:  # only now: a full disk would leave nothing in its place
                self._replace_keeping(path, written)
            else:
                os.replace(written, path)
        flush_folder(path.parent)
        self._known[path] = _digest(data)
        return path

    def prepare(self) -> None:
        """Make the folder, close it to other users, and sweep what a killed process left in it.

        Raises :class:`OSError` if the folder cannot be made.
        """
        told = [make_private(folder) for folder in self._folders]
        self.open_to_others = next(filter(None, told), "")
        if not self._swept:
            self._swept = True
            sweep_rests(self.folder)

    def _clash(self, path: Path) -> str:
        """Why a file is not to be overwritten unasked, or nothing."""
        try:
            on_disk = read_regular(path)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return (
                f"What stands in the report's place cannot be read ({path}: "
                f"{error.strerror or error}). Save over it, and it is kept aside; or move it away."
            )
        if _digest(on_disk) == self._known.get(path):
            return ""
        return (
            "The report was changed by another window or program since it was opened "
            "here. Save over it, and that version is kept aside; or give up your changes: "
            "reload the report."
        )

    def _set_damaged_aside(self, path: Path, data: bytes) -> Path | None:
        """``None`` where another window has put another file in the place of the damaged one."""
        try:
            with save_lock(path):
                return self._set_aside(path, "damaged") if self._read(path) == data else None
        except TimeoutError as error:
            raise _refused("read", path, error) from error

    def _replace_keeping(self, path: Path, written: Path) -> None:
        aside = self._set_aside(path, "replaced")
        try:
            os.replace(written, path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.rename(path)
            raise

    def _read(self, path: Path) -> bytes | None:
        try:
            return read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused("read", path, error) from error

    def _set_aside(self, path: Path, why: str) -> Path:
        """Rename a file to a name that no other has, beside its old place."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        target = path.with_name(f"{path.name}.{why}-{stamp}")
        number = 1
        while target.exists():
            number += 1
            target = path.with_name(f"{path.name}.{why}-{stamp}-{number}")
        try:
            path.rename(target)
        except OSError as error:
            raise _refused("moved aside", path, error) from error
        self._known.pop(path, None)
        return target


def _stem(study: str) -> str:
    """A study as a part of a file's name: its UID, made safe where it is none (PS3.5, 9.1)."""
    if _UID.fullmatch(study) and len(study) <= _LONGEST_NAME:
        return study
    safe = re.sub(r"[^0-9A-Za-z]+", "-", study).strip("-")[:40]
    return (
        f"{safe or 'study'}-{hashlib.sha256(study.encode(errors='surrogatepass')).hexdigest()[:16]}"
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refused(verb: str, path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(f"The report could not be {verb} ({path}: {reason}).", reason)
