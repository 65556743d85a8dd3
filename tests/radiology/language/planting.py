"""Contradictions planted into clean reports."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MARKED = re.compile(r"\[(side|size|severity|number):([^\]]+)\]")
_OTHERS: dict[str, dict[str, tuple[str, ...]]] = {
    "severity": {
        "small": ("moderate", "large"),
        "mild": ("moderate", "severe"),
        "moderate": ("small", "large", "severe"),
        "large": ("small", "moderate", "tiny"),
        "severe": ("mild", "moderate"),
    },
    "side": {"left": ("right",), "right": ("left",)},
    "number": {
        "two": ("three", "four"),
        "three": ("two", "four"),
        "solitary": ("two", "three"),
        "single": ("two", "three"),
        "sixth": ("fifth", "seventh", "eighth"),
        "fourth and fifth": ("sixth and seventh", "second"),
        "sixth and seventh": ("third", "eighth and ninth"),
        "t8": ("T9", "T11", "L1"),
    },
}
_FORMS = (
    *(("FINDINGS:\n", "IMPRESSION:\n"), ("Findings: ", "Impression: ")),
    *(("findings - ", "conclusion - "), ("Findings\n", "Opinion\n")),
    *(("REPORT: ", "SUMMARY: "), ("Findings:\n1. ", "Impression:\n1. ")),
)
_FORMS_OF = {"negation": 1, "section": 3, "severity": 4, "size": 4, "side": 6, "number": 6}
_FACTORS = (0.5, 0.7, 1.5, 2.0)

Planted = tuple[str, str]
"""A kind of clash, and a report that has one."""


def clean_reports() -> list[str]:
    return [_MARKED.sub(lambda match: match[2], base["text"]) for base in _bases()]


def planted_reports() -> Iterator[Planted]:
    """Every plant, under as many forms of the headings as make a hundred of each kind."""
    for kind, text in _planted():
        for findings, impression in _FORMS[: _FORMS_OF[kind]]:
            yield kind, _reheaded(text, findings, impression)


def _planted() -> Iterator[Planted]:
    for base in _bases():
        text = base["text"]
        for marked in _MARKED.finditer(text):
            for other in _exchanged(marked[1], marked[2]):
                changed = text[: marked.start()] + other + text[marked.end() :]
                yield marked[1], _clean(changed)
        clean = _clean(text)
        for sentence in base["denied"]:
            yield "negation", clean.rstrip() + " " + sentence
            yield "negation", _first_in_findings(clean, sentence)
        for sentence in base["unfounded"]:
            yield "section", clean.rstrip() + " " + sentence
        for sentence in base["silent"]:
            yield "section", _impression_instead(clean, sentence)


def _bases() -> list[dict[str, Any]]:
    path = Path(__file__).parent / "planted.toml"
    bases: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["base"]
    return bases


def _clean(text: str) -> str:
    return _MARKED.sub(lambda match: match[2], text)


def _exchanged(kind: str, word: str) -> Iterator[str]:
    if kind == "size":
        number, unit = word.split()
        for factor in _FACTORS:
            yield f"{round(float(number) * factor, 1):g} {unit}"
        return
    for other in _OTHERS[kind][word.lower()]:
        yield other.capitalize() if word[0].isupper() else other


_HEADINGS = re.compile(
    r"(?i)(?:findings|report)(?:\n|:)\s*|(?:impression|conclusion|opinion)(?:\n|:)\s*"
)


def _first_in_findings(text: str, sentence: str) -> str:
    first = next(_HEADINGS.finditer(text)).end()
    return f"{text[:first]}{sentence} {text[first:]}"


def _reheaded(text: str, findings: str, impression: str) -> str:
    first, *_, last = _HEADINGS.finditer(text)
    before, told = text[: first.start()], text[first.end() : last.start()].rstrip()
    return f"{before}{findings}{told}\n\n{impression}{text[last.end() :]}"


def _impression_instead(text: str, sentence: str) -> str:
    *_, last = _HEADINGS.finditer(text)
    return text[: last.end()] + sentence
