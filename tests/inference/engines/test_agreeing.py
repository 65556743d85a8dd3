"""Both engines write again what clashes, within their budget, and do no more where nothing does."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
import torch

import resources
from inference import agreement
from inference.agreement import Verdict, judge
from inference.canvas import lay_out
from inference.checkpoints import load, load_autoregressive
from inference.engines.autoregressive import AutoregressiveEngine
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.protocol import ClashMark, Filled, Fixed, Gap, Infill, Options, Piece
from inference.training.display import window_to_8bit
from radiology.language.spans import Span

PINNED = Fixed("FINDINGS:\nThere is a large right pleural effusion.\n\nIMPRESSION:\n")
CLASH = ClashMark(kind="side", gravity=2, first=(0, 1), second=(2, 3), with_pin=True)


def fill(engine: Any, *pieces: Piece, image: Any = None, **options: Any) -> Filled:
    asked = Options(**{"seed": 1, **options})
    filled: Filled = engine.infill(
        Infill("job", pieces, None if image is None else "image", "", asked),
        image,
        lambda _: None,
        lambda: False,
    )
    return filled


def never_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "judge", lambda *_, **__: Verdict())


def always_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "judge", lambda *_, **__: Verdict((CLASH,)))


class Alternatives:
    """In place of a decoder: of several texts for the one gap, the first that may stand."""

    def __init__(self, engine: DiffusionEngine, pieces: Sequence[Piece], *texts: str) -> None:
        codec = engine.codec
        layout = lay_out(pieces, codec, engine.info.canvas_length)
        self._start = layout.slots[0].start
        self._texts = [codec.encode(text) for text in texts]
        self._vocabulary = engine.model.config.text_config.vocab_size
        self.attempts = 0

    def __call__(self, _: object) -> Any:
        self.attempts += 1

        def decode(canvas: torch.Tensor, _: object, free: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(*canvas.shape, self._vocabulary)
            for place, text in enumerate(self._texts):
                for number, token in enumerate(text):
                    row = logits[:, self._start + number, token]
                    row.clamp_(min=80.0 - 20 * place)
            return logits.flatten(0, 1)[free]

        return decode


def exact(engine: DiffusionEngine, text: str) -> tuple[Piece, ...]:
    return (PINNED, Gap(len(engine.codec.encode(text))))


def scripted(loaded: Checkpoint, *texts: str) -> tuple[DiffusionEngine, Alternatives]:
    engine = DiffusionEngine(loaded)
    script = Alternatives(engine, exact(engine, texts[0]), *texts)
    engine._denoiser = dataclasses.replace(engine._denoiser, decoder=script)
    return engine, script


LEFT, RIGHT = "Large left pleural effusion.", "Large right pleural effusion."


def test_a_word_that_clashes_gives_way_to_another(loaded: Checkpoint) -> None:
    engine, script = scripted(loaded, LEFT, RIGHT)
    filled = fill(engine, *exact(engine, LEFT), max_steps=9)
    assert script.attempts == 2
    assert filled.fills == (RIGHT,)
    first, *_, last = filled.candidates
    assert not first.clashes
    assert last.fills == (LEFT,)
    assert last.clashes, "candidates that clash say so"


def test_what_still_clashes_is_told_at_both_places(loaded: Checkpoint) -> None:
    engine, script = scripted(loaded, LEFT, RIGHT)
    filled = fill(engine, *exact(engine, LEFT), max_steps=1)
    assert script.attempts == 1, "no budget is left"
    (clash,) = filled.candidates[0].clashes
    text = PINNED.text + LEFT
    assert clash.second is not None
    places = [text[slice(*place)] for place in (clash.first, clash.second)]
    assert places == ["large right pleural effusion", LEFT.removesuffix(".")]
    assert clash.with_pin


def test_no_forward_is_made_where_nothing_clashes(
    loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = scripted(loaded, RIGHT)
    judged = fill(engine, *exact(engine, RIGHT), max_steps=9)
    never_object(monkeypatch)
    assert fill(engine, *exact(engine, RIGHT), max_steps=9).forwards == judged.forwards


def test_there_are_three_attempts_at_most(
    loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, script = scripted(loaded, RIGHT)
    always_object(monkeypatch)
    filled = fill(engine, *exact(engine, RIGHT), max_steps=48)
    assert script.attempts == 3
    assert filled.steps <= 48
    assert filled.candidates[0].clashes == (CLASH,)


@pytest.fixture(scope="module")
def author(random_sibling: Path) -> AutoregressiveEngine:
    return AutoregressiveEngine(load_autoregressive(random_sibling, "cpu"))


def test_an_author_makes_no_forward_more_where_nothing_clashes(
    author: AutoregressiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_object(monkeypatch)
    pieces = (Fixed("The heart "), Gap(4), Fixed("."))
    before = fill(author, *pieces, max_steps=40)
    assert before.steps == 4
    always_object(monkeypatch)
    again = fill(author, *pieces, max_steps=40)
    assert again.steps == 3 * 4, "two further attempts"
    assert before.candidates[0].fills in [each.fills for each in again.candidates]
    assert fill(author, *pieces, max_steps=4).steps == 4, "no budget is left"


def test_an_author_goes_on_from_the_first_word_to_blame(
    author: AutoregressiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = (Fixed("The heart "), Gap(4), Fixed("."))
    never_object(monkeypatch)
    whole = fill(author, *pieces).fills[0]
    third = author.codec.decode(author.codec.encode(whole)[:2])
    seen: list[tuple[str, ...]] = []

    def object_to(_: object, fills: tuple[str, ...], **__: object) -> Verdict:
        seen.append(fills)
        text = fills[0]
        if text != whole:
            return Verdict()
        words = Span(len(third), len(text))
        return Verdict((CLASH,), (), (agreement.Blame(0, words, words),))

    monkeypatch.setattr(agreement, "judge", object_to)
    filled = fill(author, *pieces, max_steps=40)
    (first,), (other,) = (candidate.fills for candidate in reversed(filled.candidates))
    assert (first, filled.fills) == (whole, (other,))
    assert other != whole
    assert other.startswith(third.strip())
    assert filled.steps == 4 + 2


@pytest.fixture(scope="module")
def demo() -> DiffusionEngine:
    return DiffusionEngine(load(resources.demo_checkpoint(), "cpu"))


def picture(study: str) -> Any:
    path = next(path for path in resources.demo_studies() if path.stem == study)
    return window_to_8bit(pydicom.dcmread(path).pixel_array)


PINS = [
    (PINNED, Gap()),
    (Fixed("FINDINGS:\nThe lungs are clear. The heart is normal in size.\n\nIMPRESSION:\n"), Gap()),
    (Fixed("FINDINGS:\n"), Gap(), Fixed(" No pleural effusion.")),
]


@pytest.mark.parametrize("pieces", PINS)
def test_the_demo_offers_what_agrees_first_if_anything_does(
    demo: DiffusionEngine, monkeypatch: pytest.MonkeyPatch, pieces: tuple[Piece, ...]
) -> None:
    image = picture("case-1000063")
    filled = fill(demo, *pieces, image=image, candidates=2)
    verdicts = [judge(pieces, candidate.fills) for candidate in filled.candidates]
    assert verdicts[0].agrees or not any(verdict.agrees for verdict in verdicts)
    for verdict, candidate in zip(verdicts, filled.candidates, strict=True):
        assert (verdict.clashes, verdict.faults) == (candidate.clashes, candidate.faults)
    never_object(monkeypatch)
    blind = fill(demo, *pieces, image=image, candidates=2)
    first = [judge(pieces, candidate.fills).agrees for candidate in blind.candidates]
    if any(first):
        assert filled.forwards == blind.forwards
    else:
        assert filled.forwards > blind.forwards
