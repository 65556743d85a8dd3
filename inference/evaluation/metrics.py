"""Metrics of findings and of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import fmean

from inference.ranking import overlap, word_bag
from inference.training.findings import LABELS


def label_f1(
    found: Sequence[Collection[str]], truth: Sequence[Collection[str]]
) -> dict[str, float]:
    """F1 of each label over paired sets; a label that is in neither side anywhere is left out."""
    scores = {}
    for label in LABELS:
        pairs = [(label in ours, label in true) for ours, true in zip(found, truth, strict=True)]
        hits = sum(ours and true for ours, true in pairs)
        wrong = sum(ours != true for ours, true in pairs)
        if hits or wrong:
            scores[label] = 2 * hits / (2 * hits + wrong)
    return scores


def macro_f1(found: Sequence[Collection[str]], truth: Sequence[Collection[str]]) -> float:
    """The mean of :func:`label_f1`; 1.0 where no label occurs on either side."""
    scores = label_f1(found, truth)
    return fmean(scores.values()) if scores else 1.0


def token_recall(candidate: str, reference: str) -> float:
    """The share of the reference's words and punctuation, as a bag, that the candidate has."""
    wanted = word_bag(reference)
    return (word_bag(candidate) & wanted).total() / wanted.total() if wanted else 1.0


def token_f1(candidate: str, reference: str) -> float:
    """F1 over words and punctuation as a bag, letter case ignored; 1.0 for two empty texts."""
    return overlap(word_bag(candidate), word_bag(reference))
