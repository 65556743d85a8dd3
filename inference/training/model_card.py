"""What lies beside an adapter's weights: a card for people, a record for the loading code."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from inference.adapters import RECORD
from inference.protocol import Paradigm
from inference.training.recipe import Recipe, as_toml

_LIBRARIES = ("pinfill", "torch", "transformers", "peft", "accelerate")


@dataclass(frozen=True, kw_only=True)
class Card:
    """``base`` and ``data`` are fingerprints, ``figures`` the last ones on held-out examples."""

    base_name: str
    base: str
    paradigm: Paradigm
    recipe: Recipe
    data: str
    source: str
    rows: int
    held_out: int
    figures: Mapping[str, float]


def write_card(card: Card, folder: Path) -> None:
    """Write ``README.md``, the record and the recipe beside the adapter."""
    record = {
        "base": {"name": card.base_name, "fingerprint": card.base},
        "paradigm": card.paradigm,
        "data": {"source": card.source, "fingerprint": card.data},
        "figures": dict(card.figures),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    (folder / "recipe.toml").write_text(as_toml(card.recipe), "utf-8")
    (folder / "README.md").write_text(_as_text(card), "utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a folder that is not installed
        return "not installed"


def _as_text(card: Card) -> str:
    figures = "\n".join(f"| {name} | {value:.4f} |" for name, value in card.figures.items())
    versions = "\n".join(f"| {name} | {_version(name)} |" for name in _LIBRARIES)
    return f"""\
# A LoRA adapter for {card.base_name}

Made with `pinfill train --paradigm {card.paradigm}`. It belongs on top of {card.base_name}
(fingerprint {card.base}) and on nothing else, and is never merged into it. For research only, not
a medical device.

| data | |
|---|---|
| read as | {card.source} |
| examples trained on | {card.rows} |
| examples held out | {card.held_out} |
| fingerprint | {card.data} |

On the held-out examples, at the end:

| figure | |
|---|---|
{figures}

The settings are in `recipe.toml`, the curves in `log/`.

| version of | |
|---|---|
| Python | {platform.python_version()} |
{versions}
"""
