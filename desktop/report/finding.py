"""The saved report of a study, and what is doubtful about whose it is.

A report is found without a word where study and patient are the file's own. Whatever else is kept
under the same study is never taken in silence: a report of the time before patients were told
apart goes to the first patient who opens the study, once and with a notice; one of a patient who
may be the same is offered; one of another patient is told of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.report.errors import StoreError
from desktop.report.model import Report
from desktop.report.store import ReportStore
from desktop.studies.identity import StudyIdentity
from desktop.studies.names import shown

Owned = Sequence[tuple[Path, StudyIdentity]]
"""Reports of the same study, and whose each is."""


@dataclass(frozen=True)
class Doubt:
    """A sentence for the reader; ``offer`` is a file whose report may be taken for ``identity``."""

    identity: StudyIdentity
    text: str
    offer: Path | None = None


def find_report(store: ReportStore, identity: StudyIdentity) -> tuple[Report | None, Doubt | None]:
    """The report of a study, ``None`` where there is none, and what the reader must know.

    Raises as :meth:`ReportStore.load` does.
    """
    report = store.load(identity)
    if report is not None:
        return report, None if identity.named else nameless(identity)
    old = store.path_of_version_1(identity)
    owned = [
        (path, owner)
        for path, owner in store.others(identity)
        if owner is not None and owner.study == identity.study
    ]
    if old.exists():
        if not owned and not store.was_ever_kept(identity.study):
            return _take_over(store, identity, old)
        return None, _of_the_same(identity, owned) or _of_the_old_one(identity, old, owned)
    return None, _of_the_same(identity, owned) or _of_another(identity, owned)


def nameless(identity: StudyIdentity) -> Doubt:
    """A file without a patient ID: what it is kept under may be another patient's, too."""
    return Doubt(
        identity,
        "The file has no patient ID, so its report is kept by study number, name and birth date "
        f"alone ({identity.who}): check that the report is this patient's.",
    )


def _take_over(
    store: ReportStore, identity: StudyIdentity, old: Path
) -> tuple[Report | None, Doubt]:
    """Claim a report that says of its patient nothing; the file itself is left as it is."""
    try:
        report = store.read_other(old, identity.study)
    except StoreError as error:
        return None, Doubt(identity, f"{error} It was left as it is; this report begins empty.")
    try:
        store.save(identity, report)
    except StoreError as error:  # shown all the same, it would be shown to the next patient, too
        return None, Doubt(identity, f"{error} {_of_the_old_one(identity, old, ()).text}", old)
    return report, Doubt(
        identity,
        "This report was saved by an earlier Pinfill, which did not note the patient. It was "
        f"taken to be of {identity.who}: check that it is. The old file stays at {old}.",
    )


def _of_the_same(identity: StudyIdentity, owned: Owned) -> Doubt | None:
    for path, owner in owned:
        if owner.may_be(identity):
            return Doubt(
                identity,
                f"A report with the same study number is kept for {owner.who}"
                f"{_born(owner)}, who may be {identity.who}{_born(identity)}. It is not shown: "
                "take it only if both are one patient.",
                path,
            )
    return None


def _of_the_old_one(identity: StudyIdentity, old: Path, owned: Owned) -> Doubt:
    taken = f" It was taken to be of {owned[0][1].who}." if owned else ""
    return Doubt(
        identity,
        f"An earlier Pinfill has saved a report of this study without its patient ({old}).{taken} "
        f"It is not shown: take it only if it is of {identity.who}.",
        old,
    )


def _of_another(identity: StudyIdentity, owned: Owned) -> Doubt | None:
    if not owned:
        return None
    return Doubt(
        identity,
        f"Another patient, {owned[0][1].who}, has a report with the same study number. "
        f"{identity.who} has one of their own.",
    )


def _born(identity: StudyIdentity) -> str:
    return f", born {shown(identity.birth_date)}" if identity.birth_date else ""
