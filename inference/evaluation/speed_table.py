"""Diffusion beside autoregression at equal length: latency, throughput and speed-up.

As arXiv 2607.01436, Table 2: a fixed number of denoising steps writes one canvas, and the sibling
writes as many tokens, one by one. Beside them stands Pinfill's own sampler, which ends when its
canvas stands still, at the same length; and both kinds as they are at the workstation, where a
draft ends by itself. All take turns, so that a machine with other work to do changes the ratios
little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from inference.engines.autoregressive import AutoregressiveEngine
from inference.engines.autoregressive import Checkpoint as AutoregressiveCheckpoint
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.protocol import Gap, Infill, Options, Prepare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BUDGETS: Final = (16, 32, 48)
"""Denoising steps of the paper's Table 2."""

SIBLING: Final = "autoregressive"
_SIDE: Final = 512
_CONTEXT: Final = "Chest radiograph, PA view. 50-year-old man."


@dataclass(frozen=True)
class Job:
    """``seconds`` leave out the encoding of the prompt; ``tokens`` are those of the text."""

    seconds: float
    tokens: int
    forwards: int


@dataclass(frozen=True)
class Arm:
    """One way to write: ``run(seed)`` is one job."""

    name: str
    run: Callable[[int], Job]


def measure(
    diffusion: Checkpoint,
    sibling: AutoregressiveCheckpoint,
    *,
    budgets: Sequence[int] = BUDGETS,
    repeat: int,
    warm_ups: int,
    drafts: bool = True,
) -> dict[str, Any]:
    """The figures of every arm; times are in seconds, and the encoding of the prompt is no part.

    Without ``drafts`` only texts of one length are written: random weights would never end one.
    """
    length = diffusion.info.canvas_length - 1  # the end of the turn takes one
    arms = _arms(diffusion, sibling, budgets, length, drafts=drafts)
    for number in range(warm_ups):
        for arm in arms:
            arm.run(number)
    jobs: dict[str, list[Job]] = {arm.name: [] for arm in arms}
    for number in range(repeat):
        turn = number % len(arms)
        for arm in (*arms[turn:], *arms[:turn]):
            jobs[arm.name].append(arm.run(number))
    theirs = [job.seconds for job in jobs[SIBLING]]
    return {
        "length": length,
        "repeat": repeat,
        "warm_ups": warm_ups,
        "arms": {
            name: _figures(done, theirs if done[0].tokens == length else None)
            for name, done in jobs.items()
        },
    }


def _arms(
    diffusion: Checkpoint,
    sibling: AutoregressiveCheckpoint,
    budgets: Sequence[int],
    length: int,
    *,
    drafts: bool,
) -> list[Arm]:
    unstopped = replace(diffusion.settings, confidence_threshold=0.0)
    fixed = DiffusionEngine(replace(diffusion, settings=unstopped))
    own, writing = DiffusionEngine(diffusion), AutoregressiveEngine(sibling)
    image = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE), dtype=np.uint8)

    def arm(
        name: str, engine: DiffusionEngine | AutoregressiveEngine, gap: Gap, options: Options
    ) -> Arm:
        engine.prepare(Prepare("bench", "image", _CONTEXT), image)

        def run(seed: int) -> Job:
            seeded = msgspec.structs.replace(options, seed=seed, candidates=1)
            request = Infill("bench", (gap,), "image", _CONTEXT, seeded)
            filled = engine.infill(request, image, lambda _: None, lambda: False)
            tokens = gap.tokens
            if tokens is None:
                tokens = len(diffusion.tokenizer.encode(filled.fills[0], add_special_tokens=False))
            return Job(filled.seconds - filled.prefix_seconds, tokens, filled.forwards)

        return Arm(name, run)

    whole = Gap(length)
    arms = [
        arm(SIBLING, writing, whole, Options()),
        *(
            arm(f"diffusion, {budget} steps", fixed, whole, Options(max_steps=budget))
            for budget in budgets
        ),
        arm("diffusion, Pinfill's sampler", own, whole, Options()),
    ]
    if drafts:
        arms += [
            arm(f"{SIBLING}, a draft", writing, Gap(), Options()),
            arm("Pinfill's sampler, a draft", own, Gap(), Options()),
        ]
    return arms


def _figures(jobs: Sequence[Job], theirs: Sequence[float] | None) -> dict[str, Any]:
    """``theirs`` are the sibling's seconds of the same turns, where as many tokens were written."""
    throughput = [job.tokens / job.seconds for job in jobs]
    return {
        "seconds": median(job.seconds for job in jobs),
        "forwards": median(job.forwards for job in jobs),
        "tokens": median(job.tokens for job in jobs),
        "tokens_per_second": median(throughput),
        "tokens_per_second_all": throughput,
        "speed_up": None
        if theirs is None
        else median(their / job.seconds for their, job in zip(theirs, jobs, strict=True)),
    }


def table_rows(result: Mapping[str, Any]) -> list[dict[str, object]]:
    """One row an arm, as a CSV file has them."""
    return [
        {"arm": name}
        | {key: value for key, value in figures.items() if key != "tokens_per_second_all"}
        for name, figures in result["arms"].items()
    ]


def as_table(result: Mapping[str, Any]) -> str:
    """The same figures for people."""
    lines = [
        f"{result['length']} tokens each (drafts: as many as they have), medians of "
        f"{result['repeat']} after {result['warm_ups']} warm-ups",
        f"{'':32} {'seconds':>8} {'tokens':>7} {'tokens/s':>9} {'forwards':>9} {'speed-up':>9}",
    ]
    for name, figures in result["arms"].items():
        faster = "-" if figures["speed_up"] is None else f"{figures['speed_up']:.2f}"
        lines.append(
            f"{name:32} {figures['seconds']:8.3f} {figures['tokens']:7.0f} "
            f"{figures['tokens_per_second']:9.1f} {figures['forwards']:9.0f} {faster:>9}"
        )
    return "\n".join(lines)


def drawing(result: Mapping[str, Any], where: str) -> Callable[[Figure], None]:
    """Draws the throughput of every arm, ``where`` it was measured; every job is a point."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        names = list(result["arms"])
        for place, figures in enumerate(result["arms"].values()):
            own = names[place].startswith(SIBLING)
            axes.barh(
                place,
                figures["tokens_per_second"],
                color="#9a5b00" if own else "#00539c",
                hatch="//" if own else "",
                edgecolor="white",
            )
            axes.plot(
                figures["tokens_per_second_all"],
                [place] * len(figures["tokens_per_second_all"]),
                "k.",
                markersize=3,
            )
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("tokens a second (bar: median, points: every job)")
        axes.set_title(f"{result['length']} tokens, {where}", fontsize=9)
        axes.grid(axis="x", alpha=0.3)

    return draw
