"""A report as the bytes of a file.

Format version 2:

.. code-block:: json

    {
      "format": "pinfill-report",
      "version": 2,
      "study_uid": "1.2.826.0.1.3680043.8.498.1",
      "patient": {"id": "PF-0042", "issuer": "", "name": "Morgan^Alex", "birth_date": "19610203"},
      "saved": "2026-03-01T09:30:00+00:00",
      "revision": 12,
      "text": "FINDINGS:\\nNo effusion.",
      "spans": [
        {"length": 10, "origin": "template", "pinned": true},
        {"length": 12, "origin": "generated", "pinned": false}
      ],
      "gaps": [],
      "dismissed": []
    }

``text`` holds U+FFFC where a gap mark stands; ``gaps`` has one ``{"position": …, "tokens": …}``
for each, ``tokens`` being ``null`` where the length is left to the model. Lengths and positions
are code points. ``dismissed``, which may be missing, has one ``{"kind": …, "words": […],
"reason": …}`` for each clash that the reader put away: the words of the sentences it lies in.
The spans cover the text from left to right. ``version`` rises with every change that an older
Pinfill would misread; version 1 had no ``patient``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

import msgspec

from desktop.report.clashes import DismissedClash
from desktop.report.errors import NewerReport
from desktop.report.model import Report
from desktop.report.spans import Content, GapMark, Origin, Span, check_characters
from desktop.studies.identity import StudyIdentity

FORMAT: Final = "pinfill-report"
VERSION: Final = 2


class _SavedSpan(msgspec.Struct, frozen=True):
    length: int
    origin: Origin
    pinned: bool


class _SavedGap(msgspec.Struct, frozen=True):
    position: int
    tokens: int | None = None


class _SavedDismissal(msgspec.Struct, frozen=True):
    kind: str
    words: tuple[str, ...]
    reason: str = ""


class _SavedPatient(msgspec.Struct, frozen=True):
    id: str
    issuer: str
    name: str
    birth_date: str


class _SavedReport(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    version: int
    study_uid: str
    patient: _SavedPatient | None = None
    saved: str
    revision: int
    text: str
    spans: tuple[_SavedSpan, ...]
    gaps: tuple[_SavedGap, ...]
    dismissed: tuple[_SavedDismissal, ...] = ()


class _Header(msgspec.Struct, frozen=True):
    """What every version has."""

    format: str
    version: int


def encode(report: Report, identity: StudyIdentity) -> bytes:
    """The file's bytes."""
    content = report.content
    saved = _SavedReport(
        format=FORMAT,
        version=VERSION,
        study_uid=identity.study,
        patient=_SavedPatient(
            identity.patient_id, identity.issuer, identity.name, identity.birth_date
        ),
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=report.revision,
        text=content.text,
        spans=tuple(
            _SavedSpan(span.end - span.start, span.origin, span.pinned) for span in content.spans
        ),
        gaps=tuple(_SavedGap(gap.position, gap.tokens) for gap in content.gaps),
        dismissed=tuple(
            _SavedDismissal(each.kind, each.words, each.reason)
            for each in report.dismissed
            if each.stands_in(content.text)
        ),
    )
    return msgspec.json.format(msgspec.json.encode(saved), indent=2) + b"\n"


def decode(data: bytes, identity: StudyIdentity) -> Report:
    """Read a file's bytes.

    Raises :class:`ValueError` if they are no report of that study of that patient,
    :class:`NewerReport` if the format is of a later version.
    """
    report, owner = decode_any(data)
    if owner.study != identity.study:
        raise ValueError(f"it belongs to study {owner.study[:64]}")
    if owner.key != identity.key:
        raise ValueError(f"it belongs to {owner.who[:80]}")
    return report


def decode_any(data: bytes) -> tuple[Report, StudyIdentity]:
    """A report and whose it is; version 1 knows the study alone. Raises as :func:`decode` does."""
    try:
        return _decode(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _decode(data: bytes) -> tuple[Report, StudyIdentity]:
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
    if header.version > 1 and saved.patient is None:
        raise ValueError("it does not say whose it is")
    if saved.revision < 0:
        raise ValueError(f"there is no revision {saved.revision}")
    check_characters(saved.text)
    for told in saved.dismissed:
        for words in (told.kind, told.reason, *told.words):
            check_characters(words)
    ends = list(accumulate(span.length for span in saved.spans))
    spans = tuple(
        Span(end - span.length, end, span.origin, span.pinned)
        for span, end in zip(saved.spans, ends, strict=True)
    )
    gaps = tuple(GapMark(gap.position, gap.tokens) for gap in saved.gaps)
    dismissed = [DismissedClash(each.kind, each.words, each.reason) for each in saved.dismissed]
    report = Report(Content(saved.text, spans, gaps), revision=saved.revision, dismissed=dismissed)
    patient = saved.patient
    if header.version == 1 or patient is None:
        return report, StudyIdentity(saved.study_uid)
    return report, StudyIdentity(
        saved.study_uid, patient.id, patient.issuer, patient.name, patient.birth_date
    )
