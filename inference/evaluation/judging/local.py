"""A judge on this machine: a checkpoint folder, asked as a study is asked a question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inference.engines.base import BadRequest
from inference.evaluation.judging.asking import ask
from inference.evaluation.judging.verdicts import Item, JudgeError, Verdict
from inference.protocol import Gap, Infill, Options

if TYPE_CHECKING:
    from inference.engines.base import Engine


class LocalJudge:
    """Asks a loaded model, its likeliest words first. ``fingerprint`` tells its weights."""

    def __init__(self, engine: Engine, name: str, fingerprint: str) -> None:
        self._engine = engine
        self._name = name
        self._fingerprint = fingerprint

    @classmethod
    def load(cls, folder: Path, device: str | None = None) -> LocalJudge:
        """Raises :class:`JudgeError` where the folder holds no model that can be loaded."""
        from inference.checkpoints import CheckpointError, load_either, pick_device, plain_engine
        from inference.evaluation.item_log import checkpoint_fingerprint

        try:
            engine = plain_engine(load_either(folder, pick_device(device)))
        except CheckpointError as error:
            raise JudgeError(str(error), final=True) from None
        return cls(engine, folder.resolve().name, checkpoint_fingerprint(folder))

    @property
    def identity(self) -> str:
        return f"checkpoint {self._fingerprint}"

    @property
    def description(self) -> str:
        return f"{self._name}, a checkpoint on this machine"

    def verdict(self, item: Item) -> Verdict:
        """Raises :class:`JudgeError`."""
        return ask(item, self._reply_to, self._name)

    def close(self) -> None:
        """Nothing to give back: the memory goes with the engine."""

    def _reply_to(self, prompt: str) -> str:
        request = Infill(
            "judge", pieces=(Gap(),), options=Options(seed=0, candidates=1), question=prompt
        )
        try:
            filled = self._engine.infill(request, None, lambda _: None, lambda: False)
        except BadRequest as error:
            raise JudgeError(f"{self._name} cannot judge: {error}") from None
        return filled.fills[0]
