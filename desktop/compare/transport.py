"""The bar that replays: play, restart, a scrubber over every step and token, where it is."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSlider, QToolButton, QWidget

from desktop.actions import Actions
from desktop.compare.player import SLOW, Player
from desktop.compare.recording import Recording, Timeline
from desktop.theme import GRID
from desktop.widgets.elided_label import ElidedLabel

_LONGEST: Final = "100.00 s · step 100 of 100 · token 1000 of 1000 "


class Transport(QFrame):
    """A view of a :class:`Player`."""

    def __init__(self, player: Player, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self._player = player
        self._actions = actions
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setObjectName("scrubber")
        self.slider.setAccessibleName("Steps and tokens")
        self.slider.setMinimumWidth(8 * GRID)
        self.slider.setToolTip("Every step and every token (arrow keys)")
        self._where = ElidedLabel(self)
        self._where.setObjectName("where")
        # It needs its room more than the slider does, and never more than this.
        self._where.setMaximumWidth(self._where.fontMetrics().horizontalAdvance(_LONGEST))

        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        row.setSpacing(GRID // 2)
        for name in ("restart", "back", "play", "forward"):
            row.addWidget(button(actions, name, self))
        row.addSpacing(GRID)
        row.addWidget(self.slider, 1)
        row.addSpacing(GRID)
        row.addWidget(self._where, 3)
        row.addWidget(button(actions, "slow", self))
        row.addWidget(button(actions, "differences", self))

        self.slider.valueChanged.connect(player.seek)
        player.moved.connect(self._show_moment)
        player.playing_changed.connect(self._show_playing)
        actions["play"].triggered.connect(player.toggle)
        actions["restart"].triggered.connect(player.restart)
        actions["back"].triggered.connect(lambda: player.seek(player.moment - 1))
        actions["forward"].triggered.connect(lambda: player.seek(player.moment + 1))
        actions["slow"].toggled.connect(lambda on: player.set_speed(SLOW if on else 1.0))
        self._show_moment(0)

    @property
    def where(self) -> str:
        return self._where.full_text

    def _show_moment(self, moment: int) -> None:
        timeline = self._player.timeline
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, timeline.last if timeline is not None else 0)
            self.slider.setValue(moment)
        self._where.set_full_text(told_moment(timeline, moment) if timeline is not None else "")

    def _show_playing(self, playing: bool) -> None:
        self._actions["play"].setIconText("Pause" if playing else "Play")


def told_moment(timeline: Timeline, moment: int) -> str:
    """Where both are, in the words of each: ``0.42 s · step 3 of 9 · token 17 of 40``."""
    parts = [f"{timeline.moments[moment]:.2f} s"]
    for recording, frame in zip(
        (timeline.left, timeline.right), timeline.frames(moment), strict=True
    ):
        parts.append(_told_frame(recording, frame))
    return " · ".join(parts)


def _told_frame(recording: Recording, frame: int) -> str:
    word = "step" if recording.model.paradigm == "diffusion" else "token"
    if frame == recording.last:
        return f"{word}s done"
    return f"{word} {frame} of {len(recording.canvases)}"


def button(actions: Actions, name: str, parent: QWidget) -> QToolButton:
    made = QToolButton(parent)
    made.setObjectName(f"{name}Button")
    made.setDefaultAction(actions[name])
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAccessibleName(actions[name].iconText())
    return made
