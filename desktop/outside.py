"""Images that a model says it was not made for: what waits for the reader's word, and has it."""

from __future__ import annotations

from collections.abc import Callable

from desktop.studies.made_for import Fit, fit
from desktop.studies.reading import Study
from desktop.widgets.banner import Notice, NoticeKind
from inference.protocol import ModelInfo

_Key = tuple[tuple[str, ...], str, str]
"""A study, a checkpoint, and what speaks against the one for the other."""


class Outside(Exception):
    """Nothing was written, for the image is outside what a model declares; ``str()`` says so.

    ``keys`` are what :meth:`Consent.give` takes.
    """

    def __init__(self, told: str, *keys: _Key) -> None:
        super().__init__(told)
        self.keys = keys


class Consent:
    """What a reader has agreed to have written all the same, until the window is closed.

    Asked for once a study and checkpoint: what speaks against it is that of the study's image, and
    names the adapter that is on, so that another image or adapter asks anew.
    """

    def __init__(self) -> None:
        self._given: set[_Key] = set()
        self._told: set[_Key] = set()

    def check(self, study: Study, *models: ModelInfo) -> None:
        """Raises :class:`Outside` where a model was not made for the image and nobody agreed."""
        held = [
            (fitting.against, key)
            for fitting, key in (self._fit(study, model) for model in models)
            if fitting.against and key not in self._given
        ]
        if held:
            told, keys = zip(*held, strict=True)
            raise Outside(" ".join(told), *keys)

    def holds(self, study: Study, model: ModelInfo) -> bool:
        """Whether a model has to wait for a word before it writes about a study."""
        fitting, key = self._fit(study, model)
        return bool(fitting.against) and key not in self._given

    def give(self, outside: Outside) -> None:
        self._given.update(outside.keys)

    def unknown(self, study: Study, model: ModelInfo) -> str:
        """What the file leaves out that would tell, once; then and else empty."""
        fitting, key = self._fit(study, model)
        if key in self._told:
            return ""
        self._told.add(key)
        return fitting.unknown

    @staticmethod
    def _fit(study: Study, model: ModelInfo) -> tuple[Fit, _Key]:
        fitting = fit(study, model)
        return fitting, (study.identity.key, model.checkpoint, fitting.against or fitting.unknown)


def notice_of(outside: Outside, go_on: Callable[[], None]) -> Notice:
    """What waits for a word; ``go_on`` is the reader's consent."""
    return Notice(
        NoticeKind.WARNING,
        str(outside),
        action=("Do It Anyway", go_on),
        decline="Leave It",
        topic="job",
    )
