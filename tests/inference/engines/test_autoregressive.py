"""The sibling's engine: the same promises as the denoiser's, and the ways a gap is put to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.canvas import STRETCH, wished_tokens
from inference.checkpoints import load, load_autoregressive
from inference.engines.autoregressive import AutoregressiveEngine, encode_stem
from inference.engines.base import BadRequest, JobCancelled
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.engines.prefixes import branch
from inference.engines.writing import Author, Pen
from inference.prompt import write_ask, write_prompt
from inference.protocol import Canvas, Filled, Fixed, Gap, Infill, Mode, Options, Piece, Prepare

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 80), dtype=np.uint8)
MODES: tuple[Mode, ...] = ("both", "left", "forced")


@pytest.fixture(scope="module")
def engine(random_sibling: Path) -> AutoregressiveEngine:
    return AutoregressiveEngine(load_autoregressive(random_sibling, "cpu"))


def fill(
    engine: AutoregressiveEngine,
    *pieces: Piece,
    canvases: list[Canvas] | None = None,
    image_id: str | None = "image",
    context: str = "",
    steps: int | None = 5,
    **options: Any,
) -> Filled:
    request = Infill("job", pieces, image_id, context, Options(max_steps=steps, **options))
    seen = [] if canvases is None else canvases
    image = None if image_id is None else IMAGE
    return engine.infill(request, image, seen.append, lambda: False)


class Script:
    """A model in whose place stands a text: it writes that on, whatever else it reads."""

    def __init__(self, engine: AutoregressiveEngine, text: str) -> None:
        self._codec = engine.codec
        self._tokens = [*engine.codec.encode(text), engine.codec.end_of_turn]
        self.read: list[int] = []

    def logits(self, tokens: Sequence[int]) -> torch.Tensor:
        """The next token of the script behind each of ``tokens``."""
        rows = []
        for token in tokens:
            self.read.append(token)
            rows.append(self._next())
        return torch.stack(rows)

    def _next(self) -> torch.Tensor:
        logits = torch.full((4000,), -20.0)
        # How much of the script has been read: the longest part of it that was read last.
        for known in range(len(self._tokens) - 1, -1, -1):
            if self.read[len(self.read) - known :] == self._tokens[:known]:
                logits[self._tokens[known]] = 0.0
                return logits
        raise AssertionError


@pytest.fixture
def scripted(
    engine: AutoregressiveEngine, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Script]:
    def install(text: str) -> Script:
        script = Script(engine, text)

        def forward(pen: Pen, cache: Any, tokens: Sequence[int], *, keep: int = 0) -> torch.Tensor:
            pen.forwards += 1
            before = list(script.read)
            rows = script.logits(tokens)
            if keep == 0:  # a look ahead: nothing is taken up
                script.read = before
            return rows[-keep:]

        monkeypatch.setattr(Pen, "_forward", forward)
        return script

    return install


def test_the_study_is_encoded_once_whatever_is_asked_of_it(engine: AutoregressiveEngine) -> None:
    first = fill(engine, Gap(), context="once")
    others = [
        fill(engine, Fixed("The heart "), Gap(2), Fixed("."), context="once", mode=mode)
        for mode in MODES
    ]
    assert [job.prefix_encodings for job in (first, *others)] == [1, 0, 0, 0]
    assert engine.prepare(Prepare("p", "image", "once"), IMAGE).prefix_encodings == 0
    assert engine.prepare(Prepare("p", "image", "twice"), IMAGE).prefix_encodings == 1


def test_a_draft_is_what_transformers_writes(engine: AutoregressiveEngine) -> None:
    """Greedy, through the library's own ``generate``, from the whole prompt at once."""
    ours: list[Canvas] = []
    filled = fill(engine, Gap(), image_id=None, context="CT.", canvases=ours, steps=12)
    prompt = write_prompt(engine._author.tokenizer, "CT.", None)
    banned = [[token] for token in sorted(engine.codec.special - engine.codec.ends)]
    ids = engine.model.generate(
        input_ids=prompt.input_ids,
        attention_mask=torch.ones_like(prompt.input_ids),
        max_new_tokens=12,
        do_sample=False,
        bad_words_ids=banned,
    )[0, prompt.input_ids.shape[1] :].tolist()
    text = engine.codec.decode(engine.codec.answer(ids))
    assert filled.fills[0] == text.removeprefix(" ")


def test_what_is_read_in_parts_is_what_is_read_at_once(engine: AutoregressiveEngine) -> None:
    cache = encode_stem(_checkpoint(engine), IMAGE, "Cough.")
    ask = write_ask(engine._author.tokenizer)
    with torch.inference_mode():
        whole, parts = (Pen(engine._author, branch(cache), None) for _ in range(2))
        whole.read(ask)
        for token in ask:
            parts.read([token])
            parts.choose(may_end=True)
        assert torch.allclose(whole._next(), parts._next(), atol=1e-3)
    assert (whole.forwards, parts.forwards) == (1, len(ask))


def test_what_nothing_comes_behind_is_not_read(engine: AutoregressiveEngine) -> None:
    assert fill(engine, Gap(5)).forwards == 5  # the prompt, and four of the five tokens


def _checkpoint(engine: AutoregressiveEngine) -> Any:
    from inference.engines.autoregressive import Checkpoint as Folder

    author: Author = engine._author
    processor = _processor()
    return Folder(engine.info, engine.model, author.tokenizer, processor, ())


def _processor() -> Any:
    from inference.training.demo_model import image_processor

    return image_processor()


@pytest.mark.parametrize("mode", MODES)
def test_gaps_of_known_length_have_it(engine: AutoregressiveEngine, mode: Mode) -> None:
    canvases: list[Canvas] = []
    pieces = (Gap(3), Fixed(" and "), Gap(2), Fixed("."))
    filled = fill(engine, *pieces, mode=mode, canvases=canvases)
    assert filled.steps == 5 == len(canvases)
    assert [canvas.step for canvas in canvases] == [1, 2, 3, 1, 2]
    shown = tuple("".join(run.text for run in gap) for gap in canvases[-1].gaps)
    assert shown == filled.fills


@pytest.mark.parametrize("mode", MODES)
def test_equal_seeds_repeat(engine: AutoregressiveEngine, mode: Mode) -> None:
    pieces = (Fixed("The heart "), Gap(6), Fixed("."))
    first, again = (
        fill(engine, *pieces, mode=mode, seed=5, candidates=3).candidates for _ in range(2)
    )
    other = fill(engine, *pieces, mode=mode, seed=6, candidates=3).candidates
    assert first == again
    assert {each.fills for each in first} != {each.fills for each in other}
    assert len(first) > 1, "candidates are drawn, each for itself"


@pytest.mark.parametrize("mode", MODES)
def test_a_cancel_answers_within_one_token(engine: AutoregressiveEngine, mode: Mode) -> None:
    canvases: list[Canvas] = []
    pieces = (Fixed("The "), Gap(9), Fixed("."))
    request = Infill("job", pieces, "image", "", Options(mode=mode))
    with pytest.raises(JobCancelled) as caught:
        engine.infill(request, IMAGE, canvases.append, lambda: len(canvases) >= 4)
    assert caught.value.step == 4 == len(canvases)


def test_both_sides_are_in_the_prompt(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    script = scripted(" clear")
    filled = fill(engine, Fixed("Lungs are "), Gap(), Fixed(". No "), Gap(), Fixed("."), steps=9)
    assert filled.fills == ("clear", "clear")
    asked = engine._author.tokenizer.decode(script.read)
    assert "Lungs are[GAP]. No [...]." in asked
    assert "Lungs are clear. No[GAP]." in asked


def test_left_alone_ends_with_its_sentence(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    scripted("Heart is normal. No effusion.\nMore")
    pieces = (Fixed("Heart "), Gap(), Fixed(" Clear lungs."))
    assert fill(engine, *pieces, mode="left", steps=None).fills == ("is normal.",)


def test_left_alone_ends_a_paragraph_with_its_line(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    scripted("FINDINGS:\nHeart is normal. No effusion.\n\nIMPRESSION:")
    pieces = (Fixed("FINDINGS:\n"), Gap(), Fixed("\n\nIMPRESSION:\nNormal."))
    assert fill(engine, *pieces, mode="left", steps=None).fills == (
        "Heart is normal. No effusion.",
    )


def test_forced_ends_where_the_pinned_words_would_come(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    script = scripted("Heart is normal in size. No effusion.")
    pieces = (Fixed("Heart "), Gap(), Fixed(" in size."), Gap())
    filled = fill(engine, *pieces, mode="forced", steps=None)
    assert filled.fills == ("is normal", " No effusion.")
    assert engine._author.tokenizer.decode(script.read).endswith(
        "Heart is normal in size. No effusion."
    )


def test_forced_where_they_never_would_comes_as_near_as_it_can(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    script = " ".join(["Heart is normal."] * 12)
    scripted(script)
    pieces = (Fixed("Heart "), Gap(hint="is big"), Fixed(" zebra."))
    filled = fill(engine, *pieces, mode="forced", steps=None)
    # As far as a denoiser's gap would reach without a filler, and no further.
    wished = wished_tokens(pieces, 1, engine.codec)
    assert filled.steps == round(STRETCH * wished)
    assert script.removeprefix("Heart ").startswith(filled.fills[0])


def test_forced_stays_in_the_line_that_its_pinned_words_are_in(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    scripted("Heart is normal.\n\nIMPRESSION:\nNo acute finding.")
    pieces = (Fixed("Heart "), Gap(), Fixed(" No effusion."))
    assert fill(engine, *pieces, mode="forced", steps=None).fills == ("is normal.",)


@pytest.mark.parametrize(
    "script",
    [
        "Heart in size. Heart in size.",  # the pinned words would come at once
        "Heart",  # the model would end
        "Heart\n\nIMPRESSION:\nFine.",  # it would leave the line
    ],
)
def test_forced_has_a_word_in_its_gap(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script], script: str
) -> None:
    scripted(script)
    pieces = (Fixed("Heart"), Gap(), Fixed(" in size."))
    (text,) = fill(engine, *pieces, mode="forced", steps=None).fills
    assert text
    assert "\n" not in text


def test_forced_ends_behind_the_last_word_where_the_model_would_end(
    engine: AutoregressiveEngine, scripted: Callable[[str], Script]
) -> None:
    scripted("Heart is normal.")
    pieces = (Fixed("Heart "), Gap(), Fixed(" No effusion."))
    assert fill(engine, *pieces, mode="forced", steps=None).fills == ("is normal.",)
    cut = fill(engine, *pieces, mode="forced", steps=2)
    assert cut.steps == 2
    assert "is normal.".startswith(cut.fills[0])
    assert cut.fills[0]


pins = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=25)
@given(st.lists(pins, min_size=1, max_size=4), st.sampled_from(MODES))
def test_any_pins_can_be_asked_around(
    engine: AutoregressiveEngine, texts: list[str], mode: Mode
) -> None:
    pieces = [piece for text in texts for piece in (Fixed(text), Gap())]
    filled = fill(engine, *pieces, mode=mode, steps=2, image_id=None)
    assert len(filled.fills) == len(texts)


def test_what_does_not_fit_is_refused_by_how_much(engine: AutoregressiveEngine) -> None:
    with pytest.raises(BadRequest, match=r"\d+ tokens longer"):
        fill(engine, Fixed("heart " * 4096), Gap(), mode="left")
    with pytest.raises(BadRequest, match=r"holds \d+\. Shorten them"):
        fill(engine, Gap(), context="heart " * 4096)


def test_what_makes_no_sense_is_refused(engine: AutoregressiveEngine, loaded: Checkpoint) -> None:
    with pytest.raises(BadRequest, match="nothing to fill"):
        fill(engine, Fixed("All is said."))
    with pytest.raises(BadRequest, match="cannot begin near"):
        fill(engine, Gap(hint="words"), warm=True)
    request = Infill("job", (Gap(2),), options=Options(mode="left"))
    with pytest.raises(BadRequest, match="always reads both sides"):
        DiffusionEngine(loaded).infill(request, None, lambda _: None, lambda: False)


def test_it_is_not_taken_for_a_denoiser(random_sibling: Path) -> None:
    from inference.checkpoints import CheckpointError

    with pytest.raises(CheckpointError, match="autoregressive checkpoint"):
        load(random_sibling, "cpu")


def test_heat_is_of_what_is_drawn_alone(engine: AutoregressiveEngine) -> None:
    pieces = (Fixed("The heart is "), Gap(6), Fixed("."))
    plain, hot = (
        fill(engine, *pieces, seed=5, candidates=3, heat=heat).candidates for heat in (1.0, 6.0)
    )
    assert plain == fill(engine, *pieces, seed=5, candidates=3).candidates
    assert hot != plain
    surest = fill(engine, *pieces, seed=5, candidates=1)
    assert fill(engine, *pieces, seed=5, candidates=1, heat=6.0).fills == surest.fills
