"""The metrics of others: figures worked out by hand, and what is told where one cannot be used.

RadGraph, RaTEScore and CheXbert come with weights that no test may fetch: stand-ins with their
packages' names and signatures show what Pinfill asks of them and does with the answers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import nltk
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.corpus.reader.api import CorpusReader
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.corpus.util import LazyCorpusLoader

from inference.evaluation import report_metrics
from inference.evaluation.report_metrics import (
    METRICS,
    Bleu,
    ChexbertF1,
    Chrf,
    Meteor,
    Pair,
    RadGraphF1,
    RateScore,
    RougeL,
    TokenF1,
    score_pairs,
)

LEXICAL = (TokenF1(), Bleu(), Chrf(), RougeL())
TEXTS = st.text("abc de. ", min_size=1, max_size=30).filter(
    lambda text: any(map(str.isalpha, text))
)


def test_rouge_is_of_the_longest_common_subsequence() -> None:
    # "the heart is large" and "the heart looks large": three words of four in order on both sides.
    pairs = [("the heart is large", "the heart looks large"), ("large heart", "heart large")]
    assert RougeL().score(pairs) == pytest.approx([0.75, 0.5])


def test_bleu_is_the_mean_of_what_its_orders_find() -> None:
    # All three words stand in the reference, but not one pair of them in order: precisions 3/3,
    # then nothing, smoothed to 1/2 of 1/2 and 1/4 of 1/1; as long as the reference.
    (score,) = Bleu().score([("c b a", "a b c")])
    assert score == pytest.approx((1 * (1 / 4) * (1 / 4)) ** (1 / 3))


def test_chrf_is_of_letters() -> None:
    # Without spaces "ab" and "abc": precision 1, recall 2/3 of letters and 1/2 of pairs. The order
    # of three, which only one side has, does not count.
    (score,) = Chrf().score([("ab", "abc")])
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    assert score == pytest.approx(5 * precision * recall / (4 * precision + recall))


@given(TEXTS, TEXTS)
def test_scores_lie_between_nothing_and_all(candidate: str, reference: str) -> None:
    scores = score_pairs([(candidate, reference), (reference, reference)], LEXICAL).scores
    assert set(scores) == {"token-F1", "BLEU", "chrF", "ROUGE-L"}
    for different, same in scores.values():
        assert 0.0 <= different <= same + 1e-9
        assert same == pytest.approx(1.0)


def test_an_empty_fill_scores_nothing() -> None:
    scores = score_pairs([("", "The heart is large.")], LEXICAL).scores
    assert {name: row for name, row in scores.items() if row != [0.0]} == {}


@pytest.fixture
def no_wordnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nowhere")])
    _fresh_wordnet(monkeypatch)


def _fresh_wordnet(monkeypatch: pytest.MonkeyPatch) -> None:
    """NLTK keeps the first WordNet that it finds; each test shall find its own."""
    fresh = LazyCorpusLoader(
        "wordnet", WordNetCorpusReader, LazyCorpusLoader("omw-1.4", CorpusReader, "*")
    )
    monkeypatch.setattr("nltk.corpus.wordnet", fresh)
    scored = sys.modules["nltk.translate.meteor_score"].single_meteor_score
    monkeypatch.setattr(
        scored, "__defaults__", (*scored.__defaults__[:2], fresh, *scored.__defaults__[3:])
    )


@pytest.fixture
def small_wordnet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """WordNet's own file format with two nouns of one meaning."""
    folder = tmp_path / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    for part in ("adj", "adv", "noun", "verb"):
        for name in (f"index.{part}", f"data.{part}", f"{part}.exc"):
            (folder / name).write_text("")
    for name in ("cntlist.rev", "index.sense"):
        (folder / name).write_text("")
    (folder / "lexnames").write_text("00\tnoun.body\t1\n")
    (folder / "data.noun").write_text("00000000 00 n 02 heart 0 ticker 0 000 | it pumps  \n")
    (folder / "index.noun").write_text("heart n 1 0 1 1 00000000  \nticker n 1 0 1 1 00000000  \n")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    _fresh_wordnet(monkeypatch)


@pytest.mark.usefixtures("no_wordnet")
def test_without_wordnet_meteor_is_left_out_and_says_how_to_get_it() -> None:
    result = score_pairs([("The heart.", "The heart.")], [TokenF1(), Meteor()])
    assert result.scores == {"token-F1": [1.0]}
    assert result.left_out["METEOR"].startswith("METEOR needs the data of WordNet: run `python -m")


@pytest.mark.usefixtures("small_wordnet")
def test_meteor_knows_stems_and_synonyms() -> None:
    pairs = [("the heart", "the heart"), ("the ticker", "the heart"), ("the lungs", "the lung")]
    result = score_pairs([*pairs, ("the liver", "the heart")], [Meteor()])
    assert result.left_out == {}
    # One run of two words out of two: 1 - 0.5 * (1 / 2) ** 3; one word of two: half of 1 - 0.5.
    assert result.scores["METEOR"] == pytest.approx([0.9375, 0.9375, 0.9375, 0.25])


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_metrics, "find_spec", lambda _: None)
    result = score_pairs([("a", "b")])
    assert set(result.scores) == {"token-F1"}
    assert set(result.left_out) == {metric.name for metric in METRICS[1:]}
    assert (
        result.left_out["BLEU"] == "BLEU needs the package sacrebleu: pip install 'pinfill[bench]'."
    )
    assert "pip install radgraph" in result.left_out["RadGraph-F1"]
    assert "pip install RaTEScore" in result.left_out["RaTEScore"]
    assert "pip install f1chexbert" in result.left_out["CheXbert-F1"]


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **content: object) -> None:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.__dict__.update(content)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def radgraph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    class F1RadGraph:
        def __init__(self, reward_level: str, model_type: str, cuda: int) -> None:
            assert (reward_level, model_type, cuda) == ("partial", "radgraph-xl", -1)

        def __call__(self, refs: list[str], hyps: list[str]) -> tuple[object, ...]:
            return 0.0, [len(hyp) / len(ref) for hyp, ref in zip(hyps, refs, strict=True)], [], []

    stand_in(monkeypatch, "radgraph", F1RadGraph=F1RadGraph)
    stand_in(monkeypatch, "radgraph.radgraph", CACHE_DIR=str(tmp_path))
    return tmp_path


PAIRS: Sequence[Pair] = [("ab", "abcd"), ("abc", "abcd")]


def test_radgraph_waits_for_its_weights(radgraph: Path) -> None:
    metric = RadGraphF1()
    assert (
        "python -c 'from radgraph import RadGraph"
        in score_pairs(PAIRS, [metric]).left_out[metric.name]
    )
    (radgraph / "radgraph-xl").mkdir()
    (radgraph / "radgraph-xl" / "weights.th").touch()
    assert score_pairs(PAIRS, [metric]).scores == {metric.name: [0.5, 0.75]}


@pytest.fixture
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hub's cache as it lies on a disk, empty."""
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put_into(cache: Path, model: str) -> Path:
    folder = cache / f"models--{model.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "snapshots" / "abc" / "config.json").write_text("{}")
    return folder / "snapshots" / "abc"


def test_ratescore_takes_its_models_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, hub_cache: Path
) -> None:
    made: dict[str, object] = {}

    class RaTEScore:
        def __init__(self, bert_model: str, eval_model: str, use_gpu: bool) -> None:
            made.update(bert=bert_model, eval=eval_model, gpu=use_gpu)

        def compute_score(self, candidates: list[str], references: list[str]) -> list[float]:
            return [
                len(one) / len(other) for one, other in zip(candidates, references, strict=True)
            ]

    stand_in(monkeypatch, "RaTEScore", RaTEScore=RaTEScore)
    metric = RateScore()
    entities = put_into(hub_cache, "Angelakeke/RaTE-NER-Deberta")
    assert "needs its weights" in score_pairs(PAIRS, [metric]).left_out[metric.name]
    meanings = put_into(hub_cache, "FremyCompany/BioLORD-2023-C")
    assert score_pairs(PAIRS, [metric]).scores == {metric.name: [0.5, 0.75]}
    assert made == {"bert": str(entities), "eval": str(meanings), "gpu": False}


def test_chexbert_counts_the_labels_of_each_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hub_cache: Path
) -> None:
    class F1CheXbert:
        def __init__(self, device: str) -> None:
            assert device == "cpu"

        def get_label(self, report: str) -> list[int]:
            return [int(letter in report) for letter in "abcd"]

    stand_in(monkeypatch, "f1chexbert", F1CheXbert=F1CheXbert)
    stand_in(monkeypatch, "f1chexbert.f1chexbert", CACHE_DIR=str(tmp_path))
    metric = ChexbertF1()
    assert "needs its weights" in score_pairs(PAIRS, [metric]).left_out[metric.name]
    put_into(hub_cache, "bert-base-uncased")
    (tmp_path / "chexbert.pth").touch()
    scores = score_pairs([*PAIRS, ("x", "y")], [metric]).scores[metric.name]
    assert scores == pytest.approx([2 * 2 / 6, 2 * 3 / 7, 1.0])


def test_a_metric_that_breaks_costs_no_other() -> None:
    class Broken:
        name = "Broken"

        def available(self) -> str | None:
            return None

        def score(self, pairs: Sequence[Pair]) -> list[float]:
            raise AttributeError("no such\n  tokenizer")

    result = score_pairs(PAIRS, [Broken(), TokenF1()])
    assert list(result.scores) == ["token-F1"]
    assert result.left_out == {
        "Broken": "Broken failed (AttributeError: no such tokenizer): look at its setup."
    }
