"""``pinfill bench contract``: does every pin stand, does every cancel answer at once?

Random documents with random pins and gaps go through the engine that the worker runs. Of each
canvas that the decoder is given, every pinned token is compared with the layout, and the layout's
tokens with the bytes that were pinned: nothing here relies on the checks of the sampler itself.
Then jobs are cancelled at random steps, and the steps that they still made are counted.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import torch

from inference.arguments import ArgumentParser
from inference.canvas import Layout, lay_out, merged
from inference.engines import filling
from inference.engines.base import BadRequest, JobCancelled
from inference.protocol import Canvas, Fixed, Gap, Infill, Options, Piece, join
from inference.sampler import FREE, Clamp, Decoder, Step, denoise
from inference.training.demo_corpus import one_thread_each
from inference.training.findings import sample_case
from inference.training.progress import Progress
from inference.training.report_language import write_report

if TYPE_CHECKING:
    from inference.engines.diffusion import DiffusionEngine

_ODD: Final = (
    *("<eos>", "<turn|>", "<|image|>", "<unused0>", "\u2581", "\x00", "\ufeff", "\u200f", " "),
    *("e\u0301", "\U0001f469\u200d\u2695\ufe0f", "\u5fc3\u5f71", "\r\n", "\t", "\u2028", "½ cm"),
)
_ANY: Final = [chr(code) for code in (*range(1, 0xD800, 97), *range(0xE000, 0x110000, 4001))]
_CHUNK: Final = 50


class BrokenContractError(AssertionError):
    """A pin that did not stand, with the document that shows it."""


def main(argv: Sequence[str] | None = None) -> int:
    from inference.checkpoints import CheckpointError, check_diffusion
    from resources import demo_checkpoint

    parser = ArgumentParser("pinfill bench contract", description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first document")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint folder; default: the demo")
    parser.add_argument("--processes", type=int, help="default: one a core")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    try:
        folder = arguments.checkpoint or demo_checkpoint()
        check_diffusion(folder)
    except (CheckpointError, FileNotFoundError) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    counts: Counter[str] = Counter()
    progress = Progress()
    seeds = range(arguments.first, arguments.first + arguments.documents)
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    with one_thread_each(arguments.processes) as pool:
        jobs = [pool.submit(_documents, folder, chunk) for chunk in chunks]
        jobs.append(pool.submit(_cancels, folder, arguments.cancels))
        try:
            for job in progress.track(jobs, "filling documents"):
                counts += job.result()
        except BrokenContractError as error:
            pool.shutdown(cancel_futures=True)
            print(f"pinfill: {error}", file=sys.stderr)
            return 1
    result = {"checkpoint": str(folder), **dict(sorted(counts.items()))}
    print(json.dumps(result, indent=2) if arguments.json else _as_table(counts))
    return 0


def random_document(rng: random.Random) -> list[Piece]:
    """Pins of any characters and gaps of any length in any order; at least one gap."""
    pieces: list[Piece] = []
    while not any(isinstance(piece, Gap) for piece in pieces):
        for _ in range(rng.randint(1, 9)):
            pieces += _random_gap(rng) if rng.random() < 0.5 else [Fixed(_random_text(rng))]
    return pieces


def _random_gap(rng: random.Random) -> list[Piece]:
    tokens = rng.choice([None, None, None, rng.randint(1, 12), rng.randint(1, 160)])
    hint = _random_text(rng)[:60] if rng.random() < 0.3 else ""
    gap = Gap(tokens, hint)
    if rng.random() < 0.2:  # within a word
        word = rng.choice(["effusion", "cardiomegaly", "\u5fc3\u5f71", "12.5"])
        cut = rng.randrange(len(word))
        return [Fixed(word[:cut]), gap, Fixed(word[cut:])]
    return [gap]


def _random_text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.5:
        report = write_report(sample_case(rng.randrange(10**6)), rng)
        start = rng.randrange(len(report))
        return report[start : start + rng.randint(0, 120)]
    if kind < 0.6:
        return write_report(sample_case(rng.randrange(10**6)), rng) * rng.randint(1, 4)
    bank = _ODD if kind < 0.8 else _ANY
    return "".join(rng.choice(bank) for _ in range(rng.randint(0, 12)))


@dataclass
class _Watched:
    """A job's layouts, and the canvases (L,) of the decoder beside the pins (L,) of their batch."""

    layouts: list[Layout] = field(default_factory=list)
    canvases: list[tuple[list[int], list[list[int]]]] = field(default_factory=list)


@contextmanager
def _watched(engine: DiffusionEngine) -> Iterator[_Watched]:
    seen = _Watched()
    pins: list[list[list[int]]] = []

    def laid_out(*args: Any, **kwargs: Any) -> Layout:
        seen.layouts.append(lay_out(*args, **kwargs))
        return seen.layouts[-1]

    def denoised(decoder: Decoder, clamp: Clamp, *args: Any, **kwargs: Any) -> Iterator[Step]:
        pins.append(clamp.pinned.tolist())
        return denoise(decoder, clamp, *args, **kwargs)

    def note(_: object, __: object, kwargs: dict[str, Any]) -> None:
        seen.canvases.extend((row, pins[-1]) for row in kwargs["decoder_input_ids"].tolist())

    hook = engine.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    with patch.multiple(filling, lay_out=laid_out, denoise=denoised):
        try:
            yield seen
        finally:
            hook.remove()


def check_document(engine: DiffusionEngine, seed: int) -> str:
    """Fill the document of ``seed``; returns how it ended.

    Raises :class:`BrokenContractError` if a pin did not stand somewhere.
    """
    rng = random.Random(f"contract {seed}")
    pieces = tuple(random_document(rng))
    options = Options(
        seed=seed, max_steps=2, candidates=rng.choice([None, 1, 3]), warm=rng.random() < 0.2
    )
    request = Infill(f"document {seed}", pieces, options=options)
    with _watched(engine) as seen:
        try:
            filled = engine.infill(request, None, lambda _: None, lambda: False)
        except BadRequest as refusal:
            if not str(refusal):
                raise BrokenContractError(f"document {seed} was refused without a word") from None
            return "refused"

    def broken(what: str) -> BrokenContractError:
        return BrokenContractError(f"{what} (document of seed {seed}: {pieces!r})")

    # Canvases that a draft goes on to are free all over; every other one has a layout's pins.
    known = [list(layout.tokens) for layout in seen.layouts]
    if isinstance(merged(pieces)[-1], Gap):
        known.append([FREE] * engine.info.canvas_length)
    for canvas, pins in seen.canvases:
        if not any(_stands(pinned, canvas) for pinned in pins) or any(
            pinned not in known for pinned in pins
        ):
            raise broken("a canvas went to the decoder without its pins")
    whole = seen.layouts[0]
    # A window may break off within the last character, which is then neither unseen nor whole.
    ends = whole.slots[-1].open_end or engine.codec.end_of_turn in whole.tokens
    is_whole = ends and len(whole.slots) == len(filled.fills) and not (whole.left or whole.unseen)
    if is_whole and not _holds_bytes(engine, whole, pieces):
        raise broken("a layout does not decode to the bytes that were pinned")
    for candidate in filled.candidates:
        if len(candidate.fills) != sum(isinstance(piece, Gap) for piece in pieces):
            raise broken("a candidate has not one fill for each gap")
        text = join(pieces, candidate.fills).encode("utf-8", "surrogatepass")
        at = 0
        for piece in pieces:
            if isinstance(piece, Fixed):
                pinned = piece.text.encode("utf-8", "surrogatepass")
                at = text.find(pinned, at)
                if at < 0:
                    raise broken("a pin is not in the text")
                at += len(pinned)
    return "filled on one canvas" if is_whole else "filled by windows"


def _stands(pinned: Sequence[int], canvas: Sequence[int]) -> bool:
    return all(token in (FREE, shown) for token, shown in zip(pinned, canvas, strict=True))


def _holds_bytes(engine: DiffusionEngine, layout: Layout, pieces: Sequence[Piece]) -> bool:
    """Whether the pinned tokens between the gaps decode to what was pinned there."""
    stops = [0, *(slot.stop for slot in layout.slots)]
    starts = [*(slot.start for slot in layout.slots), len(layout.tokens)]
    shown = [
        engine.codec.decode(layout.tokens[stop:start])
        for stop, start in zip(stops, starts, strict=True)
    ]
    wanted = [""]
    for piece in pieces:
        if isinstance(piece, Gap):
            # The last space before a gap is held back from the canvas, see inference.canvas.
            wanted[-1] = wanted[-1].removesuffix(" ")
            wanted.append("")
        else:
            wanted[-1] += piece.text
    return shown == wanted


@cache
def _engine(folder: Path) -> DiffusionEngine:
    """One a process."""
    from inference.checkpoints import load
    from inference.engines.diffusion import DiffusionEngine

    torch.set_num_threads(1)
    return DiffusionEngine(load(folder, "cpu"))


def _documents(folder: Path, seeds: Sequence[int]) -> Counter[str]:
    return Counter(check_document(_engine(folder), seed) for seed in seeds)


def _cancels(folder: Path, count: int) -> Counter[str]:
    """Cancel drafts at random steps. Raises :class:`BrokenContractError` if one went on."""
    for number in range(count):
        at = random.Random(f"cancel {number}").randint(1, 12)
        canvases: list[Canvas] = []
        options = Options(seed=number, max_steps=48, entropy_bound=1e-6)
        request = Infill(f"cancel {number}", (Gap(),), options=options)

        def asked(seen: list[Canvas] = canvases, at: int = at) -> bool:
            return len(seen) >= at

        try:
            _engine(folder).infill(request, None, canvases.append, asked)
        except JobCancelled as cancelled:
            if cancelled.step != at or len(canvases) != at:
                raise BrokenContractError(
                    f"job {number} was cancelled at step {at} and made {len(canvases)}"
                ) from None
        else:
            raise BrokenContractError(f"job {number} was cancelled at step {at} and went on")
    return Counter({"cancelled within one step": count})


def _as_table(counts: Counter[str]) -> str:
    return "\n".join(f"{name:28} {count:7}" for name, count in sorted(counts.items()))
