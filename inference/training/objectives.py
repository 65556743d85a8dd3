"""What an adapter learns: to take noise off a canvas, or to write the next token.

An objective is a module whose forward is the loss of a batch, so that what wraps modules to train
them on several devices wraps all of it. The model in it is the one that the adapter was put into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.engines.prefixes import encode
from inference.training.batches import Asked, Batch
from inference.training.corruption import Example, Marks, Mixture, corrupt, reveal
from inference.training.next_token import NOT_ASKED, fill_line, loss_at
from inference.training.recipe import Recipe
from inference.training.text import Revealer, denoising_loss

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_NEVER: Final = -1
"""Stands for the filler that a checkpoint does not know."""

_REVEALING: Final = 0.7
"""The share of the conditioned steps that take their loss on a later canvas."""


OBJECTIVES_VERSION: Final = 2
"""Another number wherever an equal recipe learns another thing: runs of two are never joined."""


def marks_of(tokenizer: Any) -> Marks:
    """The tokens that structure a canvas, from a checkpoint's own tokenizer."""

    def one(text: str) -> int:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
        return ids[-1]

    filler = getattr(tokenizer, "filler_token", None)
    return Marks(
        end_of_turn=int(tokenizer.convert_tokens_to_ids("<turn|>")),
        eos=int(tokenizer.eos_token_id),
        filler=_NEVER if filler is None else int(tokenizer.convert_tokens_to_ids(filler)),
        newline=one("\n"),
        sentence_ends=frozenset(one(end) for end in (".", "?", "!")),
    )


def chunk(example: Asked, length: int, rng: np.random.Generator) -> tuple[Asked, bool]:
    """The example as one canvas of ``length`` tokens meets it, and whether its answer ends there.

    An answer longer than a canvas is written on several: one of them is drawn, and what stands left
    of it goes into the prompt.
    """
    count = -(-(len(example.answer) + 1) // length)
    number = int(rng.integers(count))
    start = number * length
    left = example.answer[:start]
    here = example.answer[start : start + length]
    ids, types = [*example.prompt, *left], [*example.types, *[0] * len(left)]
    return replace(example, prompt=ids, types=types, answer=here), number == count - 1


def fill(
    example: Asked, tokenizer: PreTrainedTokenizerBase, marks: Marks, rng: np.random.Generator
) -> Asked:
    """The report of an example with one gap, whose words are asked for, as the sibling meets it."""
    line = fill_line(tokenizer, marks, example.answer, rng, Mixture())
    prompt = [*example.prompt[: example.stem], *line.asked]
    types = [*example.types[: example.stem], *[0] * len(line.asked)]
    return replace(example, prompt=prompt, types=types, answer=line.answer[:-1])


class DenoisingObjective(nn.Module):
    """Cross-entropy over the canvas, of the paper's kind or with gaps beside clean text."""

    def __init__(
        self,
        model: Any,
        marks: Marks,
        recipe: Recipe,
        *,
        temperatures: tuple[float, float] = (0.4, 0.8),
    ) -> None:
        super().__init__()
        self.model = model
        self._marks, self._recipe, self._temperatures = marks, recipe, temperatures
        gapped = recipe.objective == "infill"
        self._empty = (marks.eos, marks.filler) if gapped else ()
        usual = Mixture()
        self._mixture = replace(
            usual,
            whole=usual.whole if gapped else 1.0,
            pure_noise=usual.pure_noise if gapped else 0.0,
            exact=1.0 if marks.filler == _NEVER else usual.exact,
            floor=recipe.corruption_floor,
        )

    @property
    def length(self) -> int:
        """Tokens of a canvas."""
        return int(self.model.config.canvas_length)

    def canvas(self, example: Asked, ends: bool, rng: np.random.Generator) -> Example:
        """A noised canvas. One that the answer goes on behind has no gaps, nor has the answer to a
        question: nobody pins words in it, and the whole of it is asked for at once."""
        vocabulary = self.model.config.text_config.vocab_size
        # The last of several canvases may be left empty.
        gapped = ends and example.answer and example.is_report
        mixture = self._mixture if gapped else replace(self._mixture, whole=1.0)
        answer = example.answer
        return corrupt(answer, self._marks, self.length, vocabulary, rng, mixture)

    def forward(self, batch: Batch, ends: list[bool], seed: list[int]) -> Tensor:
        """The mean loss of a batch, in nats a token. ``seed`` is the step's own."""
        rng = np.random.default_rng(seed)
        examples = [
            self.canvas(example, end, np.random.default_rng([*seed, example.number]))
            for example, end in zip(batch.examples, ends, strict=True)
        ]
        conditioned = rng.random() < self._recipe.self_conditioning
        temperature = float(rng.uniform(*self._temperatures))
        later: Revealer | None = None
        if rng.random() < _REVEALING and self._recipe.objective == "infill":
            later = self._revealer(batch, examples, seed)
        image = soft_tokens(self.model.model.encoder, batch)
        cache = encode(self.model, batch.prompt, batch.seen, **image)
        return denoising_loss(
            self.model,
            cache,
            examples,
            temperature if conditioned else None,
            later,
            batch.seen,
            self._empty,
        )

    def _revealer(self, batch: Batch, examples: Sequence[Example], seed: list[int]) -> Revealer:
        """What is revealed of an example is its own, whatever stands beside it in a batch."""
        vocabulary = self.model.config.text_config.vocab_size
        own = {
            id(example): np.random.default_rng([*seed, asked.number, 1])
            for asked, example in zip(batch.examples, examples, strict=True)
        }

        def later(example: Example, entropy: NDArray[np.floating]) -> NDArray[np.int64]:
            return reveal(example, entropy, self._marks, vocabulary, own[id(example)])

        return later


class NextTokenObjective(nn.Module):
    """Cross-entropy of each token of the answer, given all before it."""

    def __init__(self, model: Any, marks: Marks) -> None:
        super().__init__()
        self.model = model
        self._marks = marks

    def forward(self, batch: Batch, ends: list[bool], seed: list[int]) -> Tensor:
        """The mean loss of a batch, in nats a token. Nothing is drawn here."""
        answers = [
            [*example.answer, self._marks.end_of_turn] if end else example.answer
            for example, end in zip(batch.examples, ends, strict=True)
        ]
        longest = max(map(len, answers))
        prompt, device = batch.prompt, batch.seen.device
        written = torch.zeros(len(answers), longest, dtype=torch.long)
        target = torch.full_like(written, NOT_ASKED)
        for row, answer in enumerate(answers):
            written[row, : len(answer)] = target[row, : len(answer)] = torch.tensor(answer)
        # No cache between prompt and answer: gradient checkpointing would drop it in silence. What
        # stands behind an answer is read by nothing, the last token of it by nobody.
        behind = written[:, :-1].to(device)
        types = torch.cat([prompt.token_type_ids, torch.zeros_like(behind)], dim=-1)
        hidden = self.model.model(
            input_ids=torch.cat([prompt.input_ids, behind], dim=-1),
            mm_token_type_ids=types,
            attention_mask=torch.cat([batch.seen, torch.ones_like(behind)], dim=-1),
            use_cache=False,
            **soft_tokens(self.model.model, batch),
        ).last_hidden_state
        # A position tells the token behind it.
        return loss_at(self.model, hidden[:, -longest:], target.to(device))


def soft_tokens(tower: Any, batch: Batch) -> dict[str, Any]:
    """What a model takes of the images of a batch. The tower is frozen."""
    if batch.pixel_values is None:
        return {}
    with torch.no_grad():
        made = tower.get_image_features(batch.pixel_values, batch.position_ids, return_dict=True)
    return {"mm_encoder_outputs": {"image": made}}
