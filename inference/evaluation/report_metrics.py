"""Metrics of report text that others use, item by item, behind one interface.

Those of words and letters come with ``pinfill[bench]``. METEOR wants WordNet's data, and
RadGraph-F1, RaTEScore and CheXbert-F1 packages and weights of their own: a metric that lacks
something is left out, with a sentence that says what, and never counted as zero. Nothing is
downloaded from here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from inference.evaluation.metrics import token_f1

Pair = tuple[str, str]
"""A candidate and its reference, in this order."""

_BENCH: Final = "pip install 'pinfill[bench]'"
_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


class ReportMetric(Protocol):
    """One metric; 1.0 is best, 0.0 worst."""

    name: str

    def available(self) -> str | None:
        """``None`` where it can be used, or a sentence that says how to get what it lacks."""
        ...

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """A score a pair, in their order. To be asked where it is available."""
        ...


@dataclass(frozen=True)
class ReportScores:
    """``scores[name]`` (N,) in the order of the pairs; ``left_out[name]`` is a sentence."""

    scores: dict[str, list[float]]
    left_out: dict[str, str] = field(default_factory=dict)


class TokenF1:
    """:func:`~inference.evaluation.metrics.token_f1`."""

    name = "token-F1"

    def available(self) -> str | None:
        return None

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        return [token_f1(candidate, reference) for candidate, reference in pairs]


class Bleu:
    """BLEU-4 a sentence, over as many orders as it has words, with sacrebleu's smoothing."""

    name = "BLEU"

    def available(self) -> str | None:
        return _package(self.name, "sacrebleu", _BENCH)

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        from sacrebleu.metrics.bleu import BLEU

        metric = BLEU(effective_order=True)
        return [metric.sentence_score(ours, [theirs]).score / 100 for ours, theirs in pairs]


class Chrf:
    """chrF2: F2 over one to six letters."""

    name = "chrF"

    def available(self) -> str | None:
        return _package(self.name, "sacrebleu", _BENCH)

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        from sacrebleu.metrics.chrf import CHRF

        metric = CHRF()
        return [metric.sentence_score(ours, [theirs]).score / 100 for ours, theirs in pairs]


class RougeL:
    """F1 of the longest common subsequence of words, which are not stemmed."""

    name = "ROUGE-L"

    def available(self) -> str | None:
        return _package(self.name, "rouge_score", _BENCH)

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer(["rougeL"])
        return [float(scorer.score(theirs, ours)["rougeL"].fmeasure) for ours, theirs in pairs]


class Meteor:
    """METEOR: words, their stems and their synonyms in WordNet, in runs as long as can be."""

    name = "METEOR"

    def available(self) -> str | None:
        lacking = _package(self.name, "nltk", _BENCH)
        if lacking is not None:
            return lacking
        from nltk.corpus import wordnet

        try:
            wordnet.ensure_loaded()
        except LookupError:
            return (
                "METEOR needs the data of WordNet: run `python -m nltk.downloader wordnet`, or put "
                "corpora/wordnet into a folder that the environment variable NLTK_DATA names."
            )
        return None

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        from nltk.translate.meteor_score import single_meteor_score

        return [
            float(single_meteor_score(_tokens(reference), _tokens(candidate)))
            for candidate, reference in pairs
        ]


class RadGraphF1:
    """F1 of the entities that RadGraph-XL finds, with whether they have relations ("partial").

    Runs on the CPU: only there does the package read its weights as data and nothing else.
    """

    name = "RadGraph-F1"
    _MODEL: Final = "radgraph-xl"

    def available(self) -> str | None:
        fetch = f'from radgraph import RadGraph; RadGraph(model_type="{self._MODEL}", cuda=-1)'
        lacking = _package(self.name, "radgraph", f"pip install radgraph, then {_python(fetch)}")
        if lacking is not None:
            return lacking
        from radgraph.radgraph import CACHE_DIR

        return _weights(self.name, Path(CACHE_DIR) / self._MODEL / "weights.th", fetch)

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        candidates, references = _sides(pairs)
        _, scores, *_ = self._scorer()(hyps=candidates, refs=references)
        return [float(score) for score in scores]

    @cache  # noqa: B019 - one a process, as large as the model that it holds
    def _scorer(self) -> Any:
        from radgraph import F1RadGraph

        return F1RadGraph(reward_level="partial", model_type=self._MODEL, cuda=-1)


class RateScore:
    """RaTEScore: medical entities, held against each other by their meaning."""

    name = "RaTEScore"
    _MODELS: Final = ("Angelakeke/RaTE-NER-Deberta", "FremyCompany/BioLORD-2023-C")

    def available(self) -> str | None:
        fetch = "from RaTEScore import RaTEScore; RaTEScore(use_gpu=False)"
        lacking = _package(self.name, "RaTEScore", f"pip install RaTEScore, then {_python(fetch)}")
        if lacking is None and not all(map(_snapshot, self._MODELS)):
            lacking = _no_weights(self.name, fetch)
        return lacking

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        candidates, references = _sides(pairs)
        return [float(score) for score in self._scorer().compute_score(candidates, references)]

    @cache  # noqa: B019 - as above
    def _scorer(self) -> Any:
        from RaTEScore import RaTEScore

        entities, meanings = (str(_snapshot(model)) for model in self._MODELS)
        return RaTEScore(bert_model=entities, eval_model=meanings, use_gpu=False)


class ChexbertF1:
    """F1 of the findings that CheXbert calls present or uncertain, over 14 labels a report.

    1.0 where neither side has one.
    """

    name = "CheXbert-F1"

    def available(self) -> str | None:
        fetch = 'from f1chexbert import F1CheXbert; F1CheXbert(device="cpu")'
        lacking = _package(
            self.name, "f1chexbert", f"pip install f1chexbert, then {_python(fetch)}"
        )
        if lacking is not None:
            return lacking
        from f1chexbert.f1chexbert import CACHE_DIR

        if _snapshot("bert-base-uncased") is None:
            return _no_weights(self.name, fetch)
        return _weights(self.name, Path(CACHE_DIR) / "chexbert.pth", fetch)

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        label = self._labeller().get_label
        return [_binary_f1(label(ours), label(theirs)) for ours, theirs in pairs]

    @cache  # noqa: B019 - as above
    def _labeller(self) -> Any:
        from f1chexbert import F1CheXbert

        return F1CheXbert(device="cpu")


METRICS: Final[tuple[ReportMetric, ...]] = (
    *(TokenF1(), Bleu(), Chrf(), RougeL(), Meteor()),
    *(RadGraphF1(), RateScore(), ChexbertF1()),
)


def score_pairs(pairs: Sequence[Pair], metrics: Sequence[ReportMetric] = METRICS) -> ReportScores:
    """Score (candidate, reference) pairs by every metric that can be used here."""
    scores: dict[str, list[float]] = {}
    left_out: dict[str, str] = {}
    for metric in metrics:
        try:
            lacking = metric.available()
            if lacking is None:
                scores[metric.name] = metric.score(pairs)
        except Exception as error:
            # What others' packages raise is not known beforehand, and one that does not get on
            # with a newer library must not cost the other metrics.
            reason = " ".join(str(error).split())[:200]
            lacking = f"{metric.name} failed ({type(error).__name__}: {reason}): look at its setup."
        if lacking is not None:
            left_out[metric.name] = lacking
    return ReportScores(scores, left_out)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _sides(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    return [candidate for candidate, _ in pairs], [reference for _, reference in pairs]


def _binary_f1(ours: Sequence[int], theirs: Sequence[int]) -> float:
    hits = sum(bool(one) and bool(other) for one, other in zip(ours, theirs, strict=True))
    marked = sum(map(bool, ours)) + sum(map(bool, theirs))
    return 2 * hits / marked if marked else 1.0


def _package(metric: str, package: str, how: str) -> str | None:
    if find_spec(package) is None:
        return f"{metric} needs the package {package}: {how}."
    return None


def _weights(metric: str, path: Path, fetch: str) -> str | None:
    return None if path.is_file() else _no_weights(metric, fetch)


def _no_weights(metric: str, fetch: str) -> str:
    return f"{metric} needs its weights, which come from the Hugging Face Hub: {_python(fetch)}."


def _python(code: str) -> str:
    return f"run once, online, python -c '{code}'"


def _snapshot(model: str) -> Path | None:
    """Where the hub's cache on this machine holds a model, without asking the hub."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(model, "config.json")
    return Path(config).parent if isinstance(config, str) else None
