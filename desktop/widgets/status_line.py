"""The line at the foot of the window: the worker, the model, the job, and what this is not."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QWidget

from desktop import theme
from desktop.theme import GRID, Palette
from desktop.widgets.elided_label import ElidedLabel
from inference.protocol import Canvas, Filled, ModelInfo

DISCLAIMER: Final = "Research use only, not a medical device"


class StatusLine(QFrame):
    """Glyph and word for the worker's state; model and device; the job; the disclaimer."""

    def __init__(self, colors: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self._colors = colors
        self._state = "stopped"
        self._of_text = False

        self._glyph = QLabel(self)
        self._glyph.setFixedWidth(2 * GRID)
        self._worker = QLabel(self)
        self._worker.setObjectName("workerState")
        self._model = ElidedLabel(self)
        self._model.setObjectName("modelLine")
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(12 * GRID)
        self._bar.setAccessibleName("Denoising steps")
        self._bar.hide()
        self._job = QLabel(self)
        self._job.setObjectName("jobLine")
        self._job.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._unsaved = QLabel("Not saved", self)
        self._unsaved.setObjectName("unsavedWord")
        self._unsaved.hide()
        self._disclaimer = QLabel(DISCLAIMER, self)
        self._disclaimer.setObjectName("disclaimer")

        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID + GRID // 2, GRID // 2)
        row.setSpacing(GRID)
        row.addWidget(self._unsaved)
        row.addWidget(self._glyph)
        row.addWidget(self._worker)
        row.addSpacing(GRID)
        row.addWidget(self._model, 1)
        row.addWidget(self._bar)
        row.addWidget(self._job)
        row.addSpacing(2 * GRID)
        row.addWidget(self._disclaimer)
        self.show_worker("stopped", "No worker")

    @property
    def text(self) -> str:
        """All that the line says, for tests and for screen readers."""
        unsaved = "" if self._unsaved.isHidden() else self._unsaved.text()
        parts = (unsaved, self._worker.text(), self._model.full_text, self._job.text(), DISCLAIMER)
        return " · ".join(part for part in parts if part)

    def show_worker(self, state: str, text: str) -> None:
        """``state`` is stopped, starting, ready, busy, changing, silent, stopping or died."""
        self._state = state
        self._worker.setText(text)
        self.recolor(self._colors)

    def show_unsaved(self, unsaved: bool) -> None:
        """Whether words of a report are not on disk; the mark in the report pane says why."""
        self._unsaved.setVisible(unsaved)

    def show_model(self, model: ModelInfo | None) -> None:
        if model is None:
            self._model.set_full_text("")
            self._model.setToolTip("")
            return
        name = f"{model.name} + {model.adapter}" if model.adapter else model.name
        self._model.set_full_text(f"{name} on {model.device}")
        self._model.setToolTip(
            f"{model.architecture}, {model.parameters / 1e6:,.1f} million parameters, "
            f"{model.dtype}\n{way_of_writing(model)}\n{model.checkpoint}"
        )

    def show_text(self, text: str) -> None:
        """A word on what just happened, in the place of the job's figures."""
        self._bar.hide()
        self._of_text = False
        self._job.setText(text)
        self._job.setToolTip("")

    def tell_of_text(self, text: str) -> None:
        """The same, where it is said of the report as it reads now."""
        self.show_text(text)
        self._of_text = True

    def outdate(self) -> None:
        """The report reads otherwise: nothing that was said of it stays."""
        if self._of_text:
            self.show_text("")

    def show_canvas(self, canvas: Canvas) -> None:
        self._bar.setRange(0, canvas.max_steps)
        self._bar.setValue(canvas.step)
        self._bar.show()
        self._job.setText(
            f"step {canvas.step} of {canvas.max_steps} · {_tokens(canvas.tokens)} · "
            f"{canvas.seconds:.1f} s"
        )

    def show_filled(self, filled: Filled) -> None:
        self._bar.hide()
        self._of_text = True
        steps = "1 step" if filled.steps == 1 else f"{filled.steps} steps"
        parts = [steps, _tokens(filled.tokens), f"{filled.seconds:.1f} s"]
        if (count := len(filled.candidates)) > 1:
            parts.append(f"{count} candidates")
        if empty := sum(not fill for fill in filled.fills):
            parts.append("1 gap left empty" if empty == 1 else f"{empty} gaps left empty")
        self._job.setText(" · ".join(parts))
        prefix = (
            f"{filled.prefix_seconds:.2f} s on reading the image"
            if filled.prefix_encodings
            else "the image was known already"
        )
        self._job.setToolTip(f"Seed {filled.seed}; {filled.forwards} decoder forwards; {prefix}")

    def recolor(self, colors: Palette) -> None:
        self._colors = colors
        color = {
            "ready": colors.accent,
            "busy": colors.accent,
            "starting": colors.warning,
            "changing": colors.warning,
            "stopping": colors.warning,
            "silent": colors.warning,
            "died": colors.error,
        }.get(self._state, colors.muted)
        scale = self.devicePixelRatioF()
        waits = self._state in ("stopping", "changing")
        name = {"silent": "died"}.get(self._state, "starting" if waits else self._state)
        self._glyph.setPixmap(theme.glyph(name, color, scale=scale))


def way_of_writing(model: ModelInfo) -> str:
    """How a model writes, and how much of it at most."""
    if model.paradigm == "autoregressive":
        return f"Writes from left to right, at most {model.max_steps} tokens"
    return f"Canvas of {model.canvas_length} tokens, at most {model.max_steps} steps"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"
