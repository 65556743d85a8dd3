"""What the engines of all families do alike: keep prefixes, switch adapters, tell their memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.adapter_folder import AdapterError
from inference.adapters import Adapters
from inference.codec import Codec
from inference.engines.base import BadRequest
from inference.engines.prefixes import StudyPrefixes
from inference.memory import used_memory
from inference.protocol import AdapterRequest, ModelInfo, Prepare, Prepared

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Kept = TypeVar("Kept", bound=StudyPrefixes)


class Loaded(Protocol):
    """What is asked of a checkpoint of any family."""

    @property
    def info(self) -> ModelInfo: ...
    @property
    def model(self) -> PreTrainedModel: ...
    @property
    def tokenizer(self) -> PreTrainedTokenizerBase: ...
    @property
    def end_ids(self) -> Sequence[int]: ...


class LoadedEngine(ABC, Generic[Kept]):
    """One loaded checkpoint, the prefixes it has read, and the adapters on top of it."""

    def __init__(self, checkpoint: Loaded, prefixes: Kept) -> None:
        self.info = self._own_info = checkpoint.info
        self.codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
        self._prefixes = prefixes
        self._device = str(checkpoint.model.device)
        self._adapters = Adapters(
            checkpoint.model,
            torch.inference_mode()(self._probe),
            Path(checkpoint.info.checkpoint),
        )

    def adapt(self, request: AdapterRequest) -> ModelInfo:
        """Load, switch or remove an adapter.

        Raises :class:`~inference.engines.base.BadRequest`, and then nothing has changed.
        """
        try:
            self.info = self._adapters.do(request, self._own_info)
        except AdapterError as error:
            raise BadRequest(str(error)) from error
        self._prefixes.forget()
        return self.info

    def memory(self) -> tuple[int, int]:
        """See :class:`~inference.engines.base.Engine`."""
        return used_memory(self._device)

    def prepare(self, request: Prepare, image: NDArray[np.uint8] | None) -> Prepared:
        """Encode a study's prefix; later jobs on the same image and context find it."""
        return self._prefixes.prepare(request, image)

    def length(self, text: str) -> int:
        """Tokens that a gap must have for this text to fill it exactly, behind a space."""
        return len(self.codec.encode(f" {text}"))

    @abstractmethod
    def _probe(self) -> Tensor:
        """Logits of an empty prompt, from the model as it stands."""
