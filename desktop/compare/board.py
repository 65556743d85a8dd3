"""What the two columns show: nothing yet, a run that goes on, a comparison, named or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from desktop.compare.answering import Arrangement
from desktop.compare.differences import differences
from desktop.compare.figures import rows
from desktop.compare.recording import Timeline
from desktop.compare.reference import Reference
from desktop.compare.runner import NAMES, Frame
from desktop.compare.side import Side
from desktop.compare.ways import TOLD, Way
from desktop.compare.window import CompareWindow
from desktop.report.model import Added, Kept, Plan
from desktop.report.picture import preview
from desktop.studies.reading import Study
from inference.protocol import ModelInfo, Paradigm

EMPTY = (
    "Run lets {name} write the report that is on screen, around the same pins, from the same image "
    "and with the same seed as the other side."
)
BLIND_RUN = "Both texts are shown once both have written, without their names."
PLACES = ("Left", "Right")


class Board:
    """Fills a window. ``hidden`` is whether names and figures are kept back until the answers."""

    def __init__(self, window: CompareWindow) -> None:
        self._window = window
        self.shown: Arrangement | None = None
        self.study: Study | None = None
        self.hidden = False
        self.reference: Reference | None = None

    def show(self, arrangement: Arrangement | None, study: Study | None, *, hidden: bool) -> None:
        """Show a comparison at its end; ``None`` is none yet."""
        self.shown, self.study, self.hidden = arrangement, study, hidden
        self.refresh()

    def refresh(self) -> None:
        """Show all anew, at its end."""
        window, shown = self._window, self.shown
        window.set_questions(on=self.hidden)
        self._show_heads()
        if shown is None:
            for column, name in zip(window.columns, NAMES.values(), strict=True):
                column.view.set_placeholder(EMPTY.format(name=name.lower()))
                column.view.show_picture(None)
            window.player.show(None)
        else:
            left, right = shown.sides
            window.player.show(Timeline(left.recording, right.recording))
        self.show_figures()
        if shown is not None:
            for column, side in zip(window.columns, shown.sides, strict=True):
                column.view.scroll_to(first_hole(side.plan))

    def show_figures(self) -> None:
        told: Iterable[dict[str, str]] = ({}, {})
        if self.shown is not None and not self.hidden:
            reference = self.reference.text if self.reference is not None else None
            told = [dict(rows(side, reference)) for side in self.shown.sides]
        for column, figures in zip(self._window.columns, told, strict=True):
            column.figures.show_rows(figures)
        self._window.study.set_full_text(self._told_study())

    def show_moment(self) -> None:
        """Both texts as they were at the player's moment."""
        player, shown = self._window.player, self.shown
        timeline = player.timeline
        if timeline is None or shown is None:
            return
        left, right = shown.sides
        at_end = player.moment == timeline.last
        marked = at_end and self._window.commands["differences"].isChecked()
        ranges = differences(left.finished.text, right.finished.text) if marked else ([], [])
        frames = timeline.frames(player.moment)
        for column, side, frame, differing in zip(
            self._window.columns, shown.sides, frames, ranges, strict=True
        ):
            column.view.show_picture(side.picture(frame, differing))

    # While both write

    def show_running(self, study: Study, *, blind: bool) -> None:
        """Empty columns for the canvases to come."""
        self._window.study.set_full_text(told_study(study))
        self._window.set_questions(on=False)
        for column, place in zip(self._window.columns, PLACES, strict=True):
            column.view.set_placeholder(BLIND_RUN if blind else "")
            column.view.show_picture(None)
            column.figures.show_rows({})
            if blind:
                column.set_head(place)
        self._window.player.show(None)

    def name_columns(self, models: Mapping[Paradigm, ModelInfo]) -> None:
        """Diffusion left, as far as it is known who will write."""
        for column, (paradigm, name) in zip(self._window.columns, NAMES.items(), strict=True):
            model = models.get(paradigm)
            column.set_head(name, "" if model is None else told_model(model))

    def show_canvas(self, frame: Frame) -> None:
        view = self._window.columns[list(NAMES).index(frame.paradigm)].view
        begins = not view.text
        view.show_picture(preview(frame.content, frame.plan, frame.canvas))
        if begins:
            view.scroll_to(first_hole(frame.plan))

    # Words

    def _show_heads(self) -> None:
        columns, shown = self._window.columns, self.shown
        for number, (column, name) in enumerate(zip(columns, NAMES.values(), strict=True)):
            if shown is None:
                column.set_head(name)
            elif self.hidden:
                column.set_head(PLACES[number])
            else:
                side = shown.sides[number]
                paradigm = side.recording.model.paradigm
                column.set_head(NAMES[paradigm], told_side(side, shown.comparison.way))

    def _told_study(self) -> str:
        study = self.study
        if study is None or self.shown is None:
            return "Nothing was compared yet"
        told = told_study(study)
        return told if self.reference is None else f"{told} · reference: {self.reference.name}"


def told_study(study: Study) -> str:
    who = study.patient_name or study.patient_id or "Unnamed patient"
    parts = (who, study.description, study.view, study.study_date)
    return " · ".join(part for part in parts if part)


def first_hole(plan: Plan) -> int:
    """Where the first words come that a model writes."""
    at = 0
    for part in plan.parts:
        match part:
            case Kept(start, end):
                at += end - start
            case Added(text):
                at += len(text)
            case _:
                break
    return at


def told_model(model: ModelInfo) -> str:
    name = f"{model.name} + {model.adapter}" if model.adapter else model.name
    return f"{name} on {model.device}"


def told_side(side: Side, way: Way) -> str:
    """The model, and how it was asked where there is a choice."""
    model = side.recording.model
    told = told_model(model)
    return told if model.paradigm == "diffusion" else f"{told} · {TOLD[way][0].lower()}"
