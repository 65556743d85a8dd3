"""Teach the sibling to write reports from left to right, and to fill a gap that its prompt shows.

Two kinds of lines are mixed. In a *report* the model writes all of it behind the image. In a *fill*
the prompt shows the report around a gap, as it does at the workstation, and the model writes the
words that are missing: the sibling is not to be compared by what it was never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from inference.engines.decoder import head
from inference.prompt import LATER_MARK, Prompt, fill_instruction, write_ask
from inference.training.corruption import Marks, Mixture, draw_gaps
from inference.training.loop import Watch, run_steps
from inference.training.run_state import RunState
from inference.training.text import ReportCorpus, compile_layers, muon_and_adamw

if TYPE_CHECKING:
    from transformers import Cache, Gemma4ForConditionalGeneration, PreTrainedTokenizerBase

NOT_ASKED: Final = -100
"""What cross-entropy leaves out."""


@dataclass(frozen=True)
class SiblingSettings:
    """``prefixes`` studies a step, each with ``lines`` behind it; a share ``fills`` of these fills.

    ``gaps`` says how the gaps of fills are drawn.
    """

    steps: int = 2000
    prefixes: int = 10
    lines: int = 3
    fills: float = 0.4
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    save_every: int = 250
    seed: int = 0
    gaps: Mixture = field(default_factory=Mixture)


@dataclass(frozen=True)
class Line:
    """What stands behind a study's stem: ``asked`` is read, ``answer`` is to be written."""

    asked: list[int]
    answer: list[int]


def stem_of(prompt: Prompt, ask: Sequence[int]) -> Prompt:
    """Prompts (B, P) without what they ask at their end."""
    return Prompt(prompt.input_ids[:, : -len(ask)], prompt.token_type_ids[:, : -len(ask)])


def report_line(corpus: ReportCorpus, report: Sequence[int]) -> Line:
    """Asks for a whole report."""
    return Line(corpus.ask, [*report, corpus.marks.end_of_turn])


def fill_line(
    tokenizer: PreTrainedTokenizerBase,
    marks: Marks,
    report: Sequence[int],
    rng: np.random.Generator,
    gaps: Mixture,
) -> Line:
    """Asks for one gap of a report; those before it are filled, those behind it are open."""
    spans = draw_gaps(report, marks, rng, gaps)
    here = int(rng.integers(len(spans)))

    def text(start: int, stop: int) -> str:
        return str(tokenizer.decode(report[start:stop], clean_up_tokenization_spaces=False))

    span, *later = spans[here:]
    right, at = "", span.stop
    for other in later:
        right += text(at, other.start) + LATER_MARK
        at = other.stop
    right += text(at, len(report))
    ask = write_ask(tokenizer, fill_instruction(text(0, span.start), right))
    return Line(ask, [*report[span.start : span.stop], marks.end_of_turn])


def encode_stems(model: Gemma4ForConditionalGeneration, stem: Prompt, soft_tokens: Tensor) -> Cache:
    """Keys and values of stems (B, P) whose images are given as soft tokens (B, 64, D)."""
    from transformers import DynamicCache
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    cache = DynamicCache(config=model.config.get_text_config())
    image = model.model.embed_vision(inputs_embeds=soft_tokens.float()).flatten(0, 1)
    model.model(
        input_ids=stem.input_ids,
        mm_token_type_ids=stem.token_type_ids,
        mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=(image,))},
        past_key_values=cache,
        use_cache=True,
    )
    return cache


def next_token_loss(
    model: Gemma4ForConditionalGeneration,
    cache: Cache,
    lines: Sequence[Line],
) -> Tensor:
    """Cross-entropy of the answers behind stems (B, ...) that are encoded; every line counts alike.

    Lines are as many as the stems. The cache takes them up.
    """
    longest = max(len(line.asked) + len(line.answer) for line in lines)
    ids = torch.zeros(len(lines), longest, dtype=torch.long)
    target = torch.full_like(ids, NOT_ASKED)
    for row, line in enumerate(lines):
        both = [*line.asked, *line.answer]
        ids[row, : len(both)] = torch.tensor(both)
        # A position tells the token behind it.
        target[row, len(line.asked) - 1 : len(both) - 1] = torch.tensor(line.answer)
    hidden = model.model(
        input_ids=ids.to(model.device), past_key_values=cache, use_cache=True
    ).last_hidden_state
    return loss_at(model, hidden, target.to(model.device))


def loss_at(model: Gemma4ForConditionalGeneration, hidden: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of ``target`` (B, K) at hidden states (B, K, D); every row counts alike.

    Positions whose target is :data:`NOT_ASKED` are left out.
    """
    asked = target.ne(NOT_ASKED)
    logits = head(model, hidden[asked])
    losses = nn.functional.cross_entropy(logits, target[asked], reduction="none")
    share = asked / asked.sum(dim=-1, keepdim=True)
    return (losses * share[asked]).sum() / len(target)


def train_next_token(
    model: Gemma4ForConditionalGeneration,
    corpus: ReportCorpus,
    soft_tokens: Tensor,
    settings: SiblingSettings,
    folder: Path,
    watch: Watch,
    *,
    compiled: bool = False,
    stop_after: int | None = None,
) -> None:
    """Train everything but the vision tower, in place; resumes from ``folder``.

    ``soft_tokens`` (N, 64, D) belong to the corpus's cases. ``compiled`` trains through
    TorchInductor, which needs a C++ compiler. ``stop_after`` so many steps it ends, on the way of a
    longer run.
    """
    torch.manual_seed(settings.seed)
    model.model.vision_tower.requires_grad_(False)
    optimizers = muon_and_adamw(model, settings.learning_rate, settings.weight_decay)
    made_with = corpus.made_with(replace(settings, save_every=1), soft_tokens)
    state = RunState(folder / f"{watch.name}.pt", model, optimizers, made_with)
    if compiled:
        compile_layers(model.model.language_model.layers)

    def loss_at(step: int, rng: np.random.Generator) -> Tensor:
        rows, prompt = corpus.draw(settings.prefixes, rng)
        lines = [
            fill_line(corpus.tokenizer, corpus.marks, report, rng, settings.gaps)
            if rng.random() < settings.fills
            else report_line(corpus, report)
            for report in (corpus.report(row, rng) for row in rows for _ in range(settings.lines))
        ]
        with torch.autocast("cpu", torch.bfloat16):
            cache = encode_stems(model, stem_of(prompt, corpus.ask), soft_tokens[rows])
            cache.batch_repeat_interleave(settings.lines)
            return next_token_loss(model, cache, lines)

    run_steps(model, optimizers, state, settings, watch, loss_at, stop_after=stop_after)
