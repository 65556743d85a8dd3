"""``pinfill bench speed``: where the time of an infill goes, and how fast the sibling is beside it.

Everything is measured in one process, through the engine that the worker runs, what is compared
by turns, and reported as medians, so that a machine with other work to do changes the ratios
little. After every denoising step of a draft the decoder is run once more on the inputs that the
step gave it: the step over that bare forward is what the sampler costs.

Then the autoregressive sibling and the denoiser write as many tokens, by turns: the denoiser in
fixed numbers of steps, as in arXiv 2607.01436, Table 2, and with Pinfill's own sampler.

On a GPU, the step is also held against reading the decoder's weights once, at the bandwidth that a
large copy reaches there: no step in which every expert is used can be faster.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from inference.arguments import ArgumentParser
from inference.counting import counted
from inference.evaluation.outputs import OutputError, check_folder, write_outputs
from inference.protocol import Filled, Fixed, Gap, Infill, Options, Piece, Prepare

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from transformers import Cache

    from inference.engines.diffusion import Checkpoint
    from inference.sampler import Decoder

CANDIDATES: Final = 5
_SIDE: Final = 512
"""Rows and columns of the image; the processor makes of it what the checkpoint takes."""

_CONTEXT: Final = "Chest radiograph, PA view. 50-year-old man."
_DRAFT: Final[tuple[Piece, ...]] = (Gap(),)
_REFILL: Final[tuple[Piece, ...]] = (
    Fixed("FINDINGS: The heart is of normal size."),
    Gap(12),
    Fixed(" There is no pleural effusion. No pneumothorax.\n\nIMPRESSION: No acute finding."),
)
_COPY: Final = 2**30
"""Bytes of the tensor that is copied to measure a GPU's bandwidth."""


def main(argv: Sequence[str] | None = None) -> int:
    from inference.checkpoints import (
        CheckpointError,
        check_diffusion,
        check_paradigm,
        load,
        load_autoregressive,
        pick_device,
    )
    from inference.evaluation import speed_table
    from inference.random_weights import PRESETS, random_checkpoint, random_sibling
    from resources import demo_checkpoint

    parser = ArgumentParser("pinfill bench speed", description=__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--checkpoint", type=Path, help="a checkpoint folder; default: the demo")
    source.add_argument("--preset", choices=PRESETS, help="a size, for --random-weights")
    parser.add_argument("--random-weights", action="store_true", help="build the preset's size")
    parser.add_argument("--layers", type=int, help="text layers of --random-weights; default: all")
    parser.add_argument("--sibling", type=Path, metavar="DIR", help="default: the demo's")
    parser.add_argument(
        "--budgets",
        type=int,
        nargs="+",
        default=list(speed_table.BUDGETS),
        metavar="N",
        help="numbers of steps beside the sibling (default: 16 32 48)",
    )
    parser.add_argument("--device", help="cpu, cuda or auto")
    parser.add_argument("--steps", type=int, default=16, help="denoising steps a job, at most")
    parser.add_argument("--repeat", type=int, default=7, help="jobs of each kind")
    parser.add_argument("--warm-ups", type=int, default=2, help="jobs beforehand, not counted")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the figures, a table and its drawing there"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    if min(arguments.budgets) < 1 or arguments.warm_ups < 0:
        parser.error("--budgets must be at least 1, and --warm-ups not below 0")
    if arguments.steps < 2 or arguments.repeat < 1:
        parser.error("--steps must be at least 2, and --repeat at least 1")
    if arguments.random_weights != (arguments.preset is not None):
        parser.error("--preset and --random-weights go together; weights come with --checkpoint")
    if arguments.layers is not None and not arguments.random_weights:
        parser.error("--layers is for --random-weights")
    if arguments.random_weights and arguments.sibling is not None:
        parser.error("--sibling is for a checkpoint; random weights make their own")
    try:
        if arguments.out is not None:
            check_folder(arguments.out)
        device = pick_device(arguments.device)
        if arguments.random_weights:
            checkpoint = random_checkpoint(arguments.preset, device, arguments.layers)
            sibling = random_sibling(checkpoint)
        else:
            folder = arguments.checkpoint or demo_checkpoint()
            check_diffusion(folder)
            checkpoint = load(folder, device)
            beside = arguments.sibling or demo_checkpoint("autoregressive")
            check_paradigm(beside, "autoregressive")
            sibling = load_autoregressive(beside, device)
        result = measure(checkpoint, arguments.steps, arguments.repeat)
        table = speed_table.measure(
            checkpoint,
            sibling,
            budgets=arguments.budgets,
            repeat=arguments.repeat,
            warm_ups=arguments.warm_ups,
            drafts=not arguments.random_weights,
        )
        result["beside_sibling"] = table | {"sibling": sibling.info.checkpoint}
        if arguments.out is not None:
            where = f"{result['device']}, {result['threads']} threads"
            drawn = speed_table.drawing(table, where)
            write_outputs(arguments.out, result, speed_table.table_rows(table), drawn)
    except (CheckpointError, FileNotFoundError, OutputError) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2) if arguments.json else as_table(result))
    return 0


def measure(checkpoint: Checkpoint, steps: int, repeat: int) -> dict[str, Any]:
    """Every figure of the benchmark; times are in seconds."""
    bench = _Bench(checkpoint, steps)
    study = bench.new_study()
    bench.refill(study)  # the first job of a process pays for much else
    pairs: list[tuple[float, float]] = []
    first_canvases: list[float] = []
    prefixes: list[float] = []
    one: list[_Job] = []
    several: list[_Job] = []
    bench.prepare(study)
    for _ in range(repeat):
        prefixes.append(bench.prepare(bench.new_study()))
        first_canvases.append(bench.first_canvas(bench.new_study()))
        bench.prepare(study)  # where other studies have pushed it out
        pairs += bench.paired_steps(study)
        one.append(bench.refill(study))
        several.append(bench.refill(study, CANDIDATES))
    refills = [job.filled for job in one + several]
    step = median(pair[0] for pair in pairs)
    return {
        **_surroundings(checkpoint),
        "steps": steps,
        "repeat": repeat,
        "step_seconds": step,
        "forward_seconds": median(pair[1] for pair in pairs),
        "outside_decoder": median(step / forward for step, forward in pairs) - 1,
        "prefix_seconds": median(prefixes),
        "first_canvas_seconds": median(first_canvases),
        "refill_seconds": median(job.seconds for job in one),
        "refill_forwards": median(job.filled.forwards for job in one),
        "candidates": {
            "asked": CANDIDATES,
            "got": median(len(job.filled.candidates) for job in several),
            "seconds": median(job.seconds for job in several),
            "cost": median(
                many.seconds / lone.seconds for many, lone in zip(several, one, strict=True)
            ),
        },
        "prefix_encodings_on_refills": sum(filled.prefix_encodings for filled in refills),
        "weights": weights_against(checkpoint, step)
        if checkpoint.model.device.type == "cuda"
        else None,
    }


@dataclass
class _Job:
    """A filled request, and the seconds of the whole."""

    filled: Filled
    seconds: float


@dataclass
class _Study:
    image_id: str
    image: NDArray[np.uint8]


class _Repeatable:
    """Decoders whose last forward can be repeated as it was."""

    def __init__(self, behind: Callable[[Cache], Decoder]) -> None:
        self._behind = behind
        self._last: Callable[[], object] | None = None
        self.bound = 0
        """How many canvases, or batches of them, have been begun."""

    def __call__(self, prefix: Cache) -> Decoder:
        decode = self._behind(prefix)
        self.bound += 1

        def watched(canvas: Tensor, self_conditioning: Tensor | None, free: Tensor) -> Tensor:
            self._last = partial(decode, canvas, self_conditioning, free)
            return decode(canvas, self_conditioning, free)

        return watched

    def again(self) -> None:
        assert self._last is not None, "there is no forward to repeat before the first step"
        self._last()


class _Bench:
    """Runs jobs on an engine of its own and times them."""

    def __init__(self, checkpoint: Checkpoint, steps: int) -> None:
        from inference.engines.decoder import decoder_behind
        from inference.engines.diffusion import DiffusionEngine

        self._device = checkpoint.model.device
        self._steps = steps
        self._numbers = count()
        self._decoder = _Repeatable(partial(decoder_behind, checkpoint.model))
        self._engine = DiffusionEngine(checkpoint, decoder=self._decoder)

    def new_study(self) -> _Study:
        """A study that no prefix is encoded of yet."""
        number = next(self._numbers)
        noise = np.random.default_rng(number).integers(0, 256, (_SIDE, _SIDE), dtype=np.uint8)
        return _Study(f"study {number}", noise)

    def prepare(self, study: _Study) -> float:
        """Seconds to encode a study's prefix; next to none where it is there."""
        started = self._now()
        self._engine.prepare(Prepare("bench", study.image_id, _CONTEXT), study.image)
        return self._now() - started

    def refill(self, study: _Study, candidates: int = 1) -> _Job:
        """Fill one sentence."""
        started = self._now()
        filled = self._run(_REFILL, study, candidates, lambda: None, lambda: False)
        return _Job(filled, self._now() - started)

    def first_canvas(self, study: _Study) -> float:
        """Seconds until the first canvas of a draft."""
        times: list[float] = []
        started = self._now()
        self._draft(study, lambda: times.append(self._now()), lambda: bool(times))
        return times[0] - started

    def paired_steps(self, study: _Study) -> list[tuple[float, float]]:
        """Seconds of each step of a draft, and of the bare forward run right after it.

        The first step is left out: it has no self-conditioning, and the study to look up. So is
        what a draft writes on further canvases.
        """
        pairs: list[tuple[float, float]] = []
        resumed = 0.0
        done = 0
        first = self._decoder.bound + 1

        def after_step() -> None:
            nonlocal resumed, done
            ended = self._now()
            self._decoder.again()
            again = self._now()
            if done and self._decoder.bound == first:
                pairs.append((ended - resumed, again - ended))
            done += 1
            resumed = self._now()

        self._draft(study, after_step, lambda: done == self._steps or self._decoder.bound > first)
        return pairs

    def _draft(
        self, study: _Study, after_step: Callable[[], None], cancelled: Callable[[], bool]
    ) -> None:
        from inference.engines.base import JobCancelled

        with suppress(JobCancelled):
            self._run(_DRAFT, study, 1, after_step, cancelled)

    def _run(
        self,
        pieces: tuple[Piece, ...],
        study: _Study,
        candidates: int,
        after_step: Callable[[], None],
        cancelled: Callable[[], bool],
    ) -> Filled:
        options = Options(seed=0, candidates=candidates, max_steps=self._steps)
        request = Infill("bench", pieces, study.image_id, _CONTEXT, options)
        return self._engine.infill(request, study.image, lambda _: after_step(), cancelled)

    def _now(self) -> float:
        """The time, once the device has done what it was given."""
        _finish(self._device)
        return time.perf_counter()


def _finish(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _surroundings(checkpoint: Checkpoint) -> dict[str, Any]:
    import torch
    import transformers

    info = checkpoint.info
    return {
        "checkpoint": info.checkpoint,
        "parameters": info.parameters,
        "device": info.device,
        "dtype": info.dtype,
        "canvas_length": info.canvas_length,
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
    }


def weights_against(checkpoint: Checkpoint, step: float) -> dict[str, float]:
    """A step of ``step`` seconds against reading the weights it touches once, on their device."""
    touched = touched_bytes(checkpoint)
    bandwidth = copy_bandwidth(checkpoint.model.device)
    return {
        "bytes": touched,
        "bytes_per_second": bandwidth,
        "read_seconds": touched / bandwidth,
        "step_over_read": step * bandwidth / touched,
    }


def touched_bytes(checkpoint: Checkpoint) -> int:
    """Bytes of the weights that a step reads: the decoder's, of its experts those that are chosen.

    Each token of the canvas chooses some experts; all are taken to be equally likely.
    """
    model = checkpoint.model
    text = model.config.text_config
    missed = 0.0
    if text.num_experts is not None:
        missed = (1 - text.top_k_experts / text.num_experts) ** model.config.canvas_length
    named = [*model.model.decoder.named_parameters(), *model.lm_head.named_parameters()]
    unique = {id(parameter): (name, parameter) for name, parameter in named}
    return round(
        sum(
            parameter.numel() * parameter.element_size() * (1 - missed * (".experts." in name))
            for name, parameter in unique.values()
        )
    )


def copy_bandwidth(device: torch.device, size: int = _COPY, repeat: int = 9) -> float:
    """Bytes a second that a large copy reads and writes."""
    import torch

    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    seconds = []
    for _ in range(repeat):
        _finish(device)
        started = time.perf_counter()
        target.copy_(source)
        _finish(device)
        seconds.append(time.perf_counter() - started)
    return 2 * size / median(seconds)


def as_table(result: dict[str, Any]) -> str:
    """The same figures for people."""

    def ms(seconds: float) -> str:
        return f"{seconds * 1000:.1f} ms"

    several = result["candidates"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"{result['checkpoint']}: {result['parameters'] / 1e6:,.1f} M parameters, "
        f"canvas of {result['canvas_length']} tokens",
        f"{result['device']}, {result['dtype']}, "
        f"{counted(result['threads'], 'threads')}, {versions}",
        f"medians of {counted(result['repeat'], 'jobs')} of at most {result['steps']} steps",
        "",
        f"one denoising step                {ms(result['step_seconds'])}",
        f"the bare decoder forward          {ms(result['forward_seconds'])}",
        f"the sampler outside the decoder   {result['outside_decoder']:.1%} of the forward",
        f"prefix of a new study             {ms(result['prefix_seconds'])}",
        f"first canvas of a new study       {ms(result['first_canvas_seconds'])}",
        f"refill of one sentence            {ms(result['refill_seconds'])}, "
        f"{result['refill_forwards']:.0f} forwards",
        f"{several['asked']} candidates, {several['got']:.0f} different    "
        f"{ms(several['seconds'])}, {several['cost']:.2f} times one",
        f"prefix encodings in all refills   {result['prefix_encodings_on_refills']}",
    ]
    if (weights := result["weights"]) is not None:
        lines += [
            f"weights that a step reads         {weights['bytes'] / 1e9:.1f} GB "
            f"at {weights['bytes_per_second'] / 1e12:.2f} TB/s",
            f"reading them once                 {ms(weights['read_seconds'])}; a step takes "
            f"{weights['step_over_read']:.1f} times that",
        ]
    if "beside_sibling" in result:
        from inference.evaluation import speed_table

        lines += ["", speed_table.as_table(result["beside_sibling"])]
    return "\n".join(lines)
