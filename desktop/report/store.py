"""Reports on disk: one JSON file a study, written whole or not at all.

A file, format version 1:

.. code-block:: json

    {
      "format": "pinfill-report",
      "version": 1,
      "study_uid": "1.2.826.0.1.3680043.8.498.1",
      "saved": "2026-03-01T09:30:00+00:00",
      "revision": 12,
      "text": "FINDINGS:\\nNo effusion.",
      "spans": [
        {"length": 10, "origin": "template", "pinned": true},
        {"length": 12, "origin": "generated", "pinned": false}
      ],
      "gaps": []
    }

``text`` holds U+FFFC where a gap mark stands; ``gaps`` has one ``{"position": …, "tokens": …}``
for each, ``tokens`` being ``null`` where the length is left to the model. Lengths and positions
are code points. The spans cover the text from left to right. ``version`` rises with every change
that an older Pinfill would misread.

The folder is ``$PINFILL_DATA_DIR/reports``, else ``reports`` in the platform's own place for an
application's data. It is kept from other users, for reports name patients.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from desktop.report.files import (
    LARGEST_BYTES,
    flush_folder,
    make_private,
    read_regular,
    sweep_rests,
    written_beside,
)
from desktop.report.model import Report
from desktop.report.spans import Content, GapMark, Origin, Span, check_characters

FORMAT: Final = "pinfill-report"
VERSION: Final = 1

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_NAME: Final = 64


class StoreError(Exception):
    """A report could not be read or written; the message says why and what to do."""


class StoreConflict(StoreError):
    """The file changed on disk since it was read here; it was not overwritten."""


class DamagedReport(StoreError):
    """The file is no report. It was moved to ``kept_at``, so that the study can go on."""

    def __init__(self, message: str, kept_at: Path) -> None:
        super().__init__(message)
        self.kept_at = kept_at


class NewerReport(StoreError):
    """The file was written by a newer Pinfill; it was left as it is."""


class _SavedSpan(msgspec.Struct, frozen=True):
    length: int
    origin: Origin
    pinned: bool


class _SavedGap(msgspec.Struct, frozen=True):
    position: int
    tokens: int | None = None


class _SavedReport(msgspec.Struct, frozen=True):
    format: str
    version: int
    study_uid: str
    saved: str
    revision: int
    text: str
    spans: tuple[_SavedSpan, ...]
    gaps: tuple[_SavedGap, ...]


class _Header(msgspec.Struct, frozen=True):
    """What every version has."""

    format: str
    version: int


def data_dir() -> Path:
    """Where Pinfill keeps what it writes: ``$PINFILL_DATA_DIR`` or the platform's own place."""
    named = os.environ.get("PINFILL_DATA_DIR")
    return Path(named) if named else platformdirs.user_data_path("pinfill", appauthor=False)


def encode(report: Report, study_uid: str) -> bytes:
    """The file's bytes."""
    content = report.content
    saved = _SavedReport(
        format=FORMAT,
        version=VERSION,
        study_uid=_told(study_uid),
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=report.revision,
        text=content.text,
        spans=tuple(
            _SavedSpan(span.end - span.start, span.origin, span.pinned) for span in content.spans
        ),
        gaps=tuple(_SavedGap(gap.position, gap.tokens) for gap in content.gaps),
    )
    return msgspec.json.format(msgspec.json.encode(saved), indent=2) + b"\n"


def _told(study_uid: str) -> str:
    """The study as it stands in the file: a path that is no Unicode has its bytes escaped."""
    return study_uid.encode(errors="backslashreplace").decode()


def decode(data: bytes, study_uid: str) -> Report:
    """Read a file's bytes.

    Raises :class:`ValueError` if they are no report of that study, :class:`NewerReport` if the
    format is of a later version.
    """
    try:
        return _decode(data, study_uid)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _decode(data: bytes, study_uid: str) -> Report:
    header = msgspec.json.decode(data, type=_Header)
    if header.format != FORMAT:
        raise ValueError(f"it calls itself {header.format[:40]!r}")
    if header.version < 1:
        raise ValueError(f"there is no format {header.version}")
    if header.version > VERSION:
        raise NewerReport(
            f"The report was saved by a newer Pinfill (format {header.version}, this one reads "
            f"up to {VERSION}). Update Pinfill to open it; the file was left as it is."
        )
    saved = msgspec.json.decode(data, type=_SavedReport)
    if saved.study_uid != _told(study_uid):
        raise ValueError(f"it belongs to study {saved.study_uid[:64]}")
    if saved.revision < 0:
        raise ValueError(f"there is no revision {saved.revision}")
    check_characters(saved.text)
    ends = list(accumulate(span.length for span in saved.spans))
    spans = tuple(
        Span(end - span.length, end, span.origin, span.pinned)
        for span, end in zip(saved.spans, ends, strict=True)
    )
    gaps = tuple(GapMark(gap.position, gap.tokens) for gap in saved.gaps)
    return Report(Content(saved.text, spans, gaps), revision=saved.revision)


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

    def path(self, study_uid: str) -> Path:
        """The file of a study: its UID, made safe where it is none of DICOM's (PS3.5, 9.1)."""
        if _UID.fullmatch(study_uid) and len(study_uid) <= _LONGEST_NAME:
            return self.folder / f"{study_uid}.json"
        safe = re.sub(r"[^0-9A-Za-z]+", "-", study_uid).strip("-")[:40]
        digest = hashlib.sha256(study_uid.encode(errors="surrogatepass")).hexdigest()[:16]
        return self.folder / f"{safe or 'study'}-{digest}.json"

    def load(self, study_uid: str) -> Report | None:
        """The saved report, or ``None`` if there is none.

        Raises :class:`DamagedReport` after moving a damaged file aside (the next call then finds
        none), :class:`NewerReport`, or :class:`StoreError` if the file cannot be read.
        """
        path = self.path(study_uid)
        if self.folder.is_dir():
            with contextlib.suppress(OSError):
                self.prepare()
        data = self._read(path)
        if data is None:
            self._known.pop(path, None)
            return None
        try:
            report = decode(data, study_uid)
        except ValueError as error:  # msgspec's errors and UnicodeDecodeError are such, too
            kept_at = self._set_aside(path, "damaged")
            raise DamagedReport(
                f"The saved report cannot be read ({error}). "
                f"It was kept as {kept_at}; the study opens with an empty report.",
                kept_at,
            ) from error
        self._known[path] = _digest(data)
        return report

    def save(self, study_uid: str, report: Report, *, overwrite: bool = False) -> Path:
        """Write the report whole or not at all, readable by this user alone.

        Raises :class:`StoreConflict` if the file is not the one last read or written here. With
        ``overwrite`` that file is kept aside. Raises :class:`StoreError` if the disk says no; the
        file is then as it was.
        """
        path = self.path(study_uid)
        try:
            return self._save(path, study_uid, report, overwrite=overwrite)
        except OSError as error:
            raise _refused("saved", path, error) from error
        except (ValueError, TypeError, MemoryError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            raise StoreError(f"The report could not be saved ({path}: {reason}).") from error

    def _save(self, path: Path, study_uid: str, report: Report, *, overwrite: bool) -> Path:
        self.prepare()
        clash = self._clash(path)
        if clash and not overwrite:
            raise StoreConflict(clash)
        data = encode(report, study_uid)
        if len(data) > LARGEST_BYTES:
            raise StoreError(
                f"The report could not be saved: it takes {len(data) / 2**20:.0f} MiB and may "
                f"take {LARGEST_BYTES / 2**20:.0f}. Shorten it."
            )
        with written_beside(path, data) as written:
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


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _refused(verb: str, path: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(f"The report could not be {verb} ({path}: {reason}).")
