"""The window in the states that candidates bring: for :mod:`desktop.screenshots`.

What the model offers differs from run to run, so the candidates of these pictures are made up, and
come in by the way that a job's do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtWidgets import QInputDialog, QWidget

from desktop.main_window import MainWindow
from inference.protocol import Candidate, Filled

Take = Callable[[str, QWidget], None]

_TYPED: Final = (
    "INDICATION:\nShortness of breath.\n\nFINDINGS:\nThe heart is of normal size. There is "
    " The lines are in place.\n\nIMPRESSION:\n"
)
_EFFUSION: Final = (
    ("a small right pleural effusion with mild atelectasis.", "Small right effusion."),
    ("a small left pleural effusion with mild atelectasis.", "Small left effusion."),
    ("no pleural effusion.", "No acute finding."),
    ("a moderate right pleural effusion.", "Moderate right effusion."),
    ("", "Small right effusion."),
)
_DRAFT: Final = (
    "FINDINGS:\nThe heart is mildly enlarged. There is a small right pleural effusion. No "
    "pneumothorax is seen. A nodule of 6 mm lies in the right upper lobe. The bones are intact."
    "\n\nIMPRESSION:\nMild cardiomegaly with a small right effusion."
)
_DRAFTS: Final = (
    _DRAFT,
    _DRAFT.replace("small right", "moderate bilateral"),
    _DRAFT.replace("No pneumothorax", "A small apical pneumothorax").replace("6 mm", "9 mm"),
    _DRAFT.replace("The heart is mildly", "The heart is severely").replace("upper", "lower"),
)


def every_choice(window: MainWindow, take: Take) -> None:
    """Lead a window with an opened study through the states, with ``take`` for each."""
    window.banner.dismiss()
    _offer_phrases(window, [Candidate((phrase,)) for phrase, _ in _EFFUSION])
    take("clinical-marks", window)
    window.commands["next_candidate"].trigger()
    take("candidates", window)
    window.choosing.close()

    _offer_phrases(window, [Candidate(fills) for fills in _EFFUSION])
    window.commands["candidates"].trigger()
    window.choosing.popover.move_highlight(1)
    take("several-gaps", window)
    window.choosing.close()

    _offer_drafts(window)
    take("clinical-marks-of-a-draft", window)
    window.commands["next_candidate"].trigger()
    take("candidates-of-a-draft", window)
    window.choosing.close()

    faulty = ("a small small right effusion. A small small", "Small right")
    _offer_phrases(
        window,
        [Candidate(faulty, ("stutter", "unclosed")), *map(Candidate, _EFFUSION[1:3])],
    )
    take("faults", window)
    window.commands["candidates"].trigger()
    take("faults-in-the-list", window)
    window.choosing.close()

    _offer_phrases(window, [Candidate(fills) for fills in _EFFUSION], unseen=1840)
    take("not-read", window)
    window.banner.dismiss()

    window.commands["gap_of_length"].trigger()
    dialog = window.findChild(QInputDialog)
    assert dialog is not None
    take("gap-of-length", dialog)
    dialog.reject()


def _offer_phrases(window: MainWindow, candidates: Sequence[Candidate], *, unseen: int = 0) -> None:
    """A typed report with as many gaps as the candidates have fills, filled by them."""
    report = window.editor.report
    report.replace(0, len(report.text), _TYPED)
    at = _TYPED.index("There is ") + len("There is ")
    if len(candidates[0].fills) > 1:
        report.insert_gap(len(_TYPED))
    report.insert_gap(at)
    window.editor.take_candidates(report.pieces_for_infill(), candidates)
    window.editor.select(at + 1, at + 1)
    _finish(window, candidates, unseen)


def _offer_drafts(window: MainWindow) -> None:
    report = window.editor.report
    report.delete(0, len(report.text))
    candidates = [Candidate((draft,)) for draft in _DRAFTS]
    window.editor.take_candidates(report.pieces_for_draft(), candidates)
    window.editor.select(0, 0)
    _finish(window, candidates, unseen=0)


def _finish(window: MainWindow, candidates: Sequence[Candidate], unseen: int) -> None:
    window.drafting.finished.emit(
        Filled(
            request_id="",
            candidates=tuple(candidates),
            steps=11,
            forwards=11,
            tokens=96,
            seconds=0.6,
            prefix_seconds=0.0,
            prefix_encodings=0,
            seed=1,
            checkpoint="",
            device="cpu",
            unseen=unseen,
        )
    )
