"""Teach the text side to write reports: block diffusion over reports, the vision tower frozen."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.engines.decoder import logits_at, signal_of
from inference.engines.prefixes import encode, extend
from inference.prompt import Prompt, write_ask, write_prompt
from inference.sampler import token_entropy
from inference.training.corruption import Example, Marks, Mixture, corrupt, reveal
from inference.training.demo_model import SOFT_TOKENS_SIDE
from inference.training.findings import Case
from inference.training.loop import Watch, run_steps
from inference.training.report_language import prompt_context, write_report
from inference.training.run_state import RunState

if TYPE_CHECKING:
    from transformers import (
        Cache,
        DiffusionGemmaForBlockDiffusion,
        PreTrainedModel,
        PreTrainedTokenizerBase,
    )

_SENTENCE_ENDS: Final = (".", "?", "!")


@dataclass(frozen=True)
class TextSettings:
    """``prefixes`` studies a step, each with ``canvases`` differently worded, noised reports.

    In the share ``continued`` of the steps the first tokens of every report, ``shortest_left`` to
    ``longest_left`` of them, stand in the prompt, and the canvas goes on from there.

    Over the first share ``young`` of the steps the noise rises to its full range. Of the steps
    with self-conditioning, the share ``revealing`` goes on to a later canvas than the one that
    conditions it.
    """

    steps: int = 4000
    prefixes: int = 10
    canvases: int = 3
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warm_up: int = 50
    young: float = 0.12
    self_conditioning: float = 0.5
    revealing: float = 0.7
    continued: float = 0.15
    shortest_left: int = 8
    longest_left: int = 60
    t_min: float = 0.4
    t_max: float = 0.8
    save_every: int = 250
    seed: int = 0
    mixture: Mixture = field(default_factory=Mixture)


class ReportCorpus:
    """Reports for the cases whose soft tokens are at hand, worded anew at every draw.

    ``ask`` are the tokens that every prompt ends with.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        cases: Sequence[Case],
        canvas_length: int,
        *,
        held_out: bool = False,
    ) -> None:
        self.tokenizer, self.cases, self.canvas_length = tokenizer, cases, canvas_length
        self.held_out = held_out
        encode = tokenizer.encode
        token_id = tokenizer.convert_tokens_to_ids
        self.marks = Marks(
            end_of_turn=int(token_id("<turn|>")),
            eos=int(tokenizer.eos_token_id),
            filler=int(token_id(tokenizer.filler_token)),
            newline=int(encode("\n", add_special_tokens=False)[0]),
            sentence_ends=frozenset(int(token_id(end)) for end in _SENTENCE_ENDS),
        )
        self.ask = write_ask(tokenizer)
        soft = SOFT_TOKENS_SIDE**2
        self._prompts = [write_prompt(tokenizer, prompt_context(case), soft) for case in cases]
        by_length: dict[int, list[int]] = {}
        for row, prompt in enumerate(self._prompts):
            by_length.setdefault(prompt.input_ids.shape[1], []).append(row)
        self._buckets = list(by_length.values())
        self._shares = np.array([len(bucket) for bucket in self._buckets]) / len(cases)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[list[int], Prompt]:
        """Rows of ``count`` cases whose prompts are equally long, and those prompts stacked."""
        bucket = self._buckets[rng.choice(len(self._buckets), p=self._shares)]
        rows = [bucket[index] for index in rng.integers(len(bucket), size=count)]
        prompts = [self._prompts[row] for row in rows]
        return rows, Prompt(
            torch.cat([prompt.input_ids for prompt in prompts]),
            torch.cat([prompt.token_type_ids for prompt in prompts]),
        )

    def made_with(self, settings: object, soft_tokens: Tensor) -> str:
        """All that a run on these reports depends on: another one's state is not gone on from."""
        words = self.tokenizer.backend_tokenizer.to_str().encode()
        return (
            f"{len(self.cases)} studies, {settings}, "
            f"soft tokens {_digest(soft_tokens.numpy().tobytes())}, tokenizer {_digest(words)}"
        )

    def report(self, row: int, rng: np.random.Generator) -> list[int]:
        """The tokens of a report of the case in ``row``, fewer than the canvas holds."""
        wording = random.Random(int(rng.integers(2**31)))
        report = write_report(self.cases[row], wording, held_out=self.held_out)
        ids: list[int] = self.tokenizer.encode(report, add_special_tokens=False)
        return ids[: self.canvas_length - 1]


def encode_prompts(model: DiffusionGemmaForBlockDiffusion, prompt: Prompt, tokens: Tensor) -> Cache:
    """Encode prompts (B, P) whose images are given as soft tokens (B, 64, D)."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    embedded = model.model.encoder.embed_vision(inputs_embeds=tokens.float()).flatten(0, 1)
    image = BaseModelOutputWithPooling(pooler_output=embedded)
    return encode(model, prompt, mm_encoder_outputs={"image": image})


Revealer = Callable[[Example, NDArray[np.floating]], NDArray[np.int64]]
"""(example, entropies (L,) at its canvas) -> the later canvas (L,)."""


def denoising_loss(
    model: DiffusionGemmaForBlockDiffusion,
    cache: Cache,
    examples: Sequence[Example],
    temperature: float | None = None,
    later: Revealer | None = None,
    seen: Tensor | None = None,
    empty: Sequence[int] = (),
) -> Tensor:
    """Cross-entropy over the asked positions of canvases (B, L), not weighted by the noise rate.

    Every canvas counts the same: the few positions of a gap would drown in the whole canvases. With
    the tokens that stand for ``empty`` places, words and empty places of a canvas count the same
    together, too: the one word of an answer would drown in the tail behind it.

    With a ``temperature``, a first pass without gradient gives the self-conditioning logits, as
    a sampler's previous step would: cooled, and one-hot where the text is pinned. ``later`` then
    makes the canvases that the loss is taken on. ``seen`` (B, P) marks what is no padding of the
    prompts.
    """
    device = model.device
    target = _stack([example.target for example in examples]).to(device)
    canvas = _stack([example.canvas for example in examples]).to(device)
    asked = _stack([example.asked for example in examples]).to(device)
    signal: Tensor | None = None
    if temperature is not None:
        free = ~_stack([example.held for example in examples]).to(device)
        places = free.flatten().nonzero().squeeze(-1)
        with torch.no_grad():
            first = logits_at(model, cache, canvas, None, places, seen) / temperature
            if later is not None:
                entropy = torch.zeros(canvas.shape)
                entropy[free.cpu()] = token_entropy(first, first.softmax(-1)).cpu()
                pairs = zip(examples, entropy.numpy(), strict=True)
                canvas = _stack([later(*pair) for pair in pairs]).to(device)
        signal = signal_of(model, canvas, first, places)
    where = asked.flatten().nonzero().squeeze(-1)
    logits = logits_at(model, cache, canvas, signal, where, seen)
    losses = nn.functional.cross_entropy(logits, target[asked], reduction="none")
    share = shares(asked, torch.isin(target, target.new_tensor(list(empty))))
    return (losses * share[asked]).sum() / len(examples)


def shares(asked: Tensor, empty: Tensor) -> Tensor:
    """What each ``asked`` position (B, L) counts in its canvas's mean; 0 elsewhere, 1 together.

    Where a canvas has more ``empty`` places than others, both kinds count one half; else all places
    count alike, so that a few empty ones do not drown the words in turn.
    """
    words, blanks = asked & ~empty, asked & empty
    word_count, blank_count = words.sum(-1, keepdim=True), blanks.sum(-1, keepdim=True)
    outnumbered = (word_count > 0) & (word_count < blank_count)
    alike = asked / (word_count + blank_count).clamp(min=1)
    halves = words / (2 * word_count).clamp(min=1) + blanks / (2 * blank_count).clamp(min=1)
    return torch.where(outnumbered, halves, alike)


_SHORTEST_REST: Final = 8
"""So many tokens of the shortest report stay on the canvas, whatever stands left of it."""


def _tokens_left(
    settings: TextSettings, reports: Sequence[Sequence[int]], rng: np.random.Generator
) -> int:
    """How many tokens of each report go into the prompt at a step; mostly none."""
    if rng.random() >= settings.continued:
        return 0
    wished = int(rng.integers(settings.shortest_left, settings.longest_left + 1))
    return min(wished, min(map(len, reports)) - _SHORTEST_REST)


def _stack(rows: Sequence[NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(rows))


def compile_layers(layers: nn.ModuleList) -> None:
    """Fuse what a layer does to its elements, where most of a step's time goes on a CPU.

    Every layer is compiled for itself, with a gradient and without.
    """
    torch._dynamo.config.recompile_limit = 4 * len(layers)
    for layer in layers:
        layer.compile()


def _digest(content: bytes) -> str:
    """Tells one frozen tower's soft tokens, or one tokenizer, from another."""
    return hashlib.sha256(content).hexdigest()[:12]


def muon_and_adamw(
    model: PreTrainedModel, rate: float, decay: float
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings, experts and vectors.

    Muon's updates are scaled to the size of AdamW's, so that both have one learning rate.
    """
    hidden, others, vectors = [], [], []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim < 2:
            vectors.append(parameter)
        elif parameter.ndim == 2 and name.endswith("_proj.weight") and "embed" not in name:
            hidden.append(parameter)
        else:
            others.append(parameter)
    return [
        torch.optim.Muon(hidden, rate, decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [
                {"params": others, "weight_decay": decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            rate,
            (0.9, 0.98),
        ),
    ]


def train_text(
    model: DiffusionGemmaForBlockDiffusion,
    corpus: ReportCorpus,
    soft_tokens: Tensor,
    settings: TextSettings,
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
    model.model.encoder.vision_tower.requires_grad_(False)
    optimizers = muon_and_adamw(model, settings.learning_rate, settings.weight_decay)
    made_with = corpus.made_with(replace(settings, save_every=1), soft_tokens)
    state = RunState(folder / "text.pt", model, optimizers, made_with)
    if compiled:
        compile_layers(model.model.decoder.layers)
    vocabulary = model.config.text_config.vocab_size

    def loss_at(step: int, rng: np.random.Generator) -> Tensor:
        rows, prompt = corpus.draw(settings.prefixes, rng)
        youth = settings.young * settings.steps
        most_noise = min(1.0, 0.2 + 0.8 * step / youth) if youth else 1.0
        reports = [corpus.report(row, rng) for row in rows for _ in range(settings.canvases)]
        left = _tokens_left(settings, reports, rng)
        examples = [
            corrupt(
                report,
                corpus.marks,
                corpus.canvas_length,
                vocabulary,
                rng,
                settings.mixture,
                most_noise,
                left,
            )
            for report in reports
        ]
        temperature = (
            float(rng.uniform(settings.t_min, settings.t_max))
            if rng.random() < settings.self_conditioning
            else None
        )
        later = (
            partial(reveal, marks=corpus.marks, vocabulary=vocabulary, rng=rng)
            if rng.random() < settings.revealing
            else None
        )
        with torch.autocast("cpu", torch.bfloat16):
            cache = encode_prompts(model, prompt, soft_tokens[rows])
            cache.batch_repeat_interleave(settings.canvases)
            if left:
                extend(model, cache, torch.tensor([report[:left] for report in reports]))
            loss = denoising_loss(model, cache, examples, temperature, later)
        return loss

    run_steps(model, optimizers, state, settings, watch, loss_at, stop_after=stop_after)
