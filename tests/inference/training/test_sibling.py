"""The sibling: DiffusionGemma's encoder as a Gemma 4, and the lines that it is trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inference.checkpoints import load_engine
from inference.engines.autoregressive import AutoregressiveEngine
from inference.engines.diffusion import Checkpoint
from inference.engines.prefixes import encode
from inference.placement import Placement
from inference.prompt import GAP_MARK, LATER_MARK, write_ask, write_prompt
from inference.protocol import Fixed, Gap, Infill, Options
from inference.training import demo_corpus, train_demo, train_sibling
from inference.training.corruption import Mixture
from inference.training.findings import sample_case
from inference.training.next_token import (
    Line,
    encode_stems,
    fill_line,
    next_token_loss,
    report_line,
    stem_of,
)
from inference.training.sibling import sibling_of
from inference.training.text import ReportCorpus


@pytest.fixture(scope="module")
def corpus(loaded: Checkpoint) -> ReportCorpus:
    return ReportCorpus(loaded.tokenizer, [sample_case(seed) for seed in range(4)], 128)


def test_it_reads_a_prompt_just_as_the_encoder_does(loaded: Checkpoint) -> None:
    from transformers import DynamicCache

    sibling = sibling_of(loaded.model).eval()
    prompt = write_prompt(loaded.tokenizer, "Chest radiograph, cough.", None)
    with torch.inference_mode():
        theirs = encode(loaded.model, prompt)
        ours = DynamicCache(config=sibling.config.get_text_config())
        sibling(input_ids=prompt.input_ids, past_key_values=ours)
    for mine, yours in zip(ours.layers, theirs.layers, strict=True):
        assert torch.equal(mine.keys, yours.keys)
        assert torch.equal(mine.values, yours.values)


def test_it_does_not_share_the_weights_that_it_begins_with(loaded: Checkpoint) -> None:
    sibling = sibling_of(loaded.model)
    before = loaded.model.get_input_embeddings().weight.clone()
    with torch.no_grad():
        sibling.get_input_embeddings().weight.zero_()
    assert torch.equal(loaded.model.get_input_embeddings().weight, before)
    assert not sibling.lm_head.weight.any(), "the head is tied to the embeddings"


@pytest.mark.parametrize("seed", range(20))
def test_a_fill_line_shows_the_report_around_one_gap(corpus: ReportCorpus, seed: int) -> None:
    rng = np.random.default_rng(seed)
    report = corpus.report(seed % 4, rng)
    line = fill_line(corpus.tokenizer, corpus.marks, report, rng, Mixture())
    decode = corpus.tokenizer.decode
    shown = decode(line.asked).split("\n\n", 1)[1]
    assert shown.count(GAP_MARK) == 1
    assert line.answer[-1] == corpus.marks.end_of_turn
    fill = decode(line.answer[:-1])
    left, right = shown.removesuffix("<turn|>\n<|turn>model\n").split(GAP_MARK)
    assert LATER_MARK not in left
    whole = decode(report)
    assert whole.startswith(left + fill)
    rest = whole[len(left + fill) :]
    for part in right.split(LATER_MARK):
        assert part in rest
        rest = rest[rest.index(part) + len(part) :]


def test_only_answers_are_asked_and_every_line_counts_alike(
    loaded: Checkpoint, corpus: ReportCorpus
) -> None:
    """Held against a forward for each line by itself, without padding."""
    sibling = sibling_of(loaded.model).eval()
    rng = np.random.default_rng(0)
    rows, prompt = corpus.draw(2, rng)
    soft = torch.randn(2, 64, loaded.model.config.vision_config.hidden_size)
    report = corpus.report(rows[0], rng)
    lines = [report_line(corpus, report), Line([5, 6, 7], [9, 8])]
    stem = stem_of(prompt, write_ask(corpus.tokenizer))
    with torch.inference_mode():
        loss = next_token_loss(sibling, encode_stems(sibling, stem, soft), lines)
        told = []
        for row, line in enumerate(lines):
            one = type(stem)(stem.input_ids[[row]], stem.token_type_ids[[row]])
            cache = encode_stems(sibling, one, soft[[row]])
            ids = torch.tensor([[*line.asked, *line.answer]])
            logits = sibling(input_ids=ids, past_key_values=cache).logits[0]
            behind = logits[len(line.asked) - 1 : -1].log_softmax(-1)
            told.append(-behind.gather(-1, torch.tensor(line.answer)[:, None]).mean())
    assert loss.item() == pytest.approx(torch.stack(told).mean().item(), rel=1e-4)


def test_the_command_trains_goes_on_and_its_checkpoint_writes(
    random_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(demo_corpus, "SHARD", 4)
    monkeypatch.setattr(demo_corpus, "RENDER_ROWS", 256)
    monkeypatch.setattr(train_demo, "VALIDATION_DRAFTS", 1)

    def train(name: str, run: str, *more: str) -> Path:
        out = tmp_path / name
        sizes = ["--studies", "8", "--validation", "4", "--steps", "6", "--save-every", "3"]
        folders = ["--start-from", str(random_checkpoint), "--run", str(tmp_path / run)]
        arguments = [*folders, "--out", str(out), *sizes, "--threads", "1", *more]
        assert train_sibling.main(arguments) == 0
        return out

    whole = train("whole", "one")
    train("part", "two", "--stop-after", "3")
    assert "going on" not in capsys.readouterr().err
    resumed = train("resumed", "two")
    assert "going on from step 3 of 6" in capsys.readouterr().err
    weights = "model.safetensors"
    assert (resumed / weights).read_bytes() == (whole / weights).read_bytes()
    assert (tmp_path / "two" / "sibling.csv").read_text() == (
        tmp_path / "one" / "sibling.csv"
    ).read_text()

    engine = load_engine(whole, Placement("cpu"), lambda _: None)
    assert isinstance(engine, AutoregressiveEngine)
    request = Infill("job", (Fixed("FINDINGS:\nHeart "), Gap(3)), options=Options(seed=1))
    assert len(engine.infill(request, None, lambda _: None, lambda: False).fills) == 1


def test_what_is_no_diffusion_checkpoint_is_refused(
    random_sibling: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--start-from", str(random_sibling), "--out", str(tmp_path), "--run", "unused"]
    assert train_sibling.main(arguments) == 2
    assert "diffusion one is needed" in capsys.readouterr().err
