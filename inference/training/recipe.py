"""What an adapter is trained with: the recipe of arXiv 2607.01436, Table A1, unless set otherwise.

A recipe can be written as a TOML file and changed on the command line; every field has a name that
both know.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from inference.protocol import Paradigm

Objective = Literal["uniform", "infill", "next-token"]
"""``uniform`` is the paper's: canvases noised everywhere at one rate. ``infill`` mixes them with
canvases that have clean text beside noise, as gaps meet it. ``next-token`` is autoregression's."""

Schedule = Literal["cosine", "constant"]
Precision = Literal["bf16", "no"]


class RecipeError(Exception):
    """One sentence: which setting is wrong and what it may be."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    ``batch`` counts examples a step, on all devices together; ``micro_batch`` those in one forward
    of one device, 0 for all that fall to it. ``epochs`` is for the whole run, unless ``steps`` is
    above 0. ``warm_up`` counts steps. ``corruption_floor`` is the smallest share of a canvas that
    is noised. ``self_conditioning`` is the share of the steps that are conditioned on a first pass,
    ``middle`` the share of reports that an autoregressive model is asked to fill a gap of.
    ``held_out`` is the share of images that validation is made on.
    """

    rank: int = 64
    alpha: int = 128
    dropout: float = 0.0
    targets: tuple[str, ...] = (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    )
    learning_rate: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.0
    schedule: Schedule = "cosine"
    warm_up: int = 100
    clip: float = 1.0
    batch: int = 16
    micro_batch: int = 0
    epochs: float = 3.0
    steps: int = 0
    objective: Objective = "infill"
    corruption_floor: float = 0.1
    self_conditioning: float = 0.5
    middle: float = 0.0
    precision: Precision = "bf16"
    checkpointing: bool = False
    held_out: float = 0.1
    evaluate_every: int = 100
    save_every: int = 100
    seed: int = 0


_KINDS: Final[Mapping[str, Any]] = get_type_hints(Recipe)

_OF_AUTOREGRESSION: Final[Mapping[str, Any]] = {
    "middle": 0.4,
    "beta2": 0.999,
    "schedule": "constant",
    "batch": 24,
    "objective": "next-token",
}

_TOLD: Final[Mapping[str, str]] = {
    "rank": "of the LoRA matrices",
    "alpha": "of LoRA; the change is scaled by alpha / rank",
    "dropout": "share of the adapter's inputs left out",
    "targets": "projections that are adapted",
    "learning_rate": "at its height",
    "beta1": "of AdamW",
    "beta2": "of AdamW",
    "weight_decay": "of AdamW",
    "schedule": "cosine or constant, behind the warm-up",
    "warm_up": "steps in which the learning rate rises",
    "clip": "norm that a gradient is cut to; 0 for none",
    "batch": "examples a step, on all devices together",
    "micro_batch": "examples a forward of one device; 0 for all that fall to it",
    "epochs": "times that all examples are taken, unless steps are set",
    "steps": "of the whole run; 0 for what the epochs come to",
    "objective": "uniform (the paper's) or infill; next-token for autoregression",
    "corruption_floor": "smallest share of a canvas that is noised",
    "self_conditioning": "share of the steps conditioned on a first pass",
    "middle": "share of reports shown with a gap, for autoregression",
    "precision": "bf16 or no",
    "checkpointing": "true keeps less of each forward, and takes longer",
    "held_out": "share of the images that the run is looked at by",
    "evaluate_every": "steps between two looks",
    "save_every": "steps between two saved states",
    "seed": "of all that is random",
}
"""What the command line says of each."""

_ABOVE_ZERO: Final = ("rank", "alpha", "learning_rate", "batch", "evaluate_every", "save_every")
_NOT_BELOW_ZERO: Final = (
    "weight_decay",
    "warm_up",
    "clip",
    "micro_batch",
    "epochs",
    "steps",
    "seed",
)
_SHARES: Final = ("dropout", "beta1", "beta2", "corruption_floor", "self_conditioning", "middle")


def usual(paradigm: Paradigm) -> Recipe:
    """The defaults for one of the two ways of writing."""
    return Recipe() if paradigm == "diffusion" else Recipe(**_OF_AUTOREGRESSION)


def read_recipe(
    paradigm: Paradigm, file: Path | None = None, changes: Mapping[str, Any] | None = None
) -> Recipe:
    """The defaults, what a TOML file sets otherwise, and ``changes`` on top of that.

    Raises :class:`RecipeError`.
    """
    settings = {field.name: getattr(usual(paradigm), field.name) for field in _fields()}
    for source, given in ((str(file), _read_toml(file)), ("the command line", changes or {})):
        for name, value in given.items():
            if name not in settings:
                close = difflib.get_close_matches(name, settings, 1)
                hint = f"; {close[0]} may be meant" if close else ""
                raise RecipeError(f"{source} sets {name}, which no recipe has{hint}.")
            if wanted := _refused(_KINDS[name], value):
                raise RecipeError(f"{source} sets {name} to {value!r}, and it has to be {wanted}.")
            settings[name] = value
    recipe = msgspec.convert(settings, Recipe)
    _check(recipe, paradigm)
    return recipe


def _refused(kind: Any, value: Any) -> str:
    """What a setting of that kind has to be, where ``value`` is something else."""
    if get_origin(kind) is Literal:
        *most, last = get_args(kind)
        close = difflib.get_close_matches(str(value), get_args(kind), 1)
        hint = f"; {close[0]} may be meant" if close else ""
        return "" if value in get_args(kind) else f"{', '.join(most)} or {last}{hint}"
    if kind is bool:
        return "" if isinstance(value, bool) else "true or false"
    if kind is int:
        return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    if kind is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if is_number and math.isfinite(value) else "a number"
    texts = isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
    return "" if texts else "a list of texts"


def _read_toml(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"There is no recipe {file}. Name another with --recipe.") from None
    except OSError as error:
        raise RecipeError(
            f"The recipe {file} cannot be read ({error.strerror}). Check the file and its rights."
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(f"The recipe {file} is not UTF-8. Save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"The recipe {file} is not valid TOML ({error}). Mend it.") from None


def _check(recipe: Recipe, paradigm: Paradigm) -> None:
    for name in _ABOVE_ZERO:
        if not getattr(recipe, name) > 0:
            raise RecipeError(f"{name} is {getattr(recipe, name)}, and has to be above zero.")
    for name in _NOT_BELOW_ZERO:
        if not getattr(recipe, name) >= 0:
            raise RecipeError(f"{name} is {getattr(recipe, name)}, and may not be below zero.")
    for name in _SHARES:
        if not 0 <= getattr(recipe, name) <= 1:
            raise RecipeError(f"{name} is {getattr(recipe, name)}, and has to lie from 0 to 1.")
    if not 0 < recipe.held_out < 1:
        raise RecipeError(
            f"held_out is {recipe.held_out}, and has to lie between 0 and 1: without held-out "
            "examples nobody can tell whether a run has learned anything."
        )
    for name in ("beta1", "beta2"):
        if not getattr(recipe, name) < 1:
            raise RecipeError(f"{name} is {getattr(recipe, name)}, and has to be below 1.")
    if recipe.middle and paradigm == "diffusion":
        raise RecipeError(
            f"middle is {recipe.middle}, and a denoiser needs no such examples: leave it at 0."
        )
    if not recipe.targets:
        raise RecipeError("targets is empty: name a projection that is to be adapted.")
    if recipe.steps == 0 and recipe.epochs == 0:
        raise RecipeError("Both epochs and steps are 0: set one of them.")
    if (recipe.objective == "next-token") != (paradigm == "autoregressive"):
        raise RecipeError(
            f"The objective {recipe.objective} is not one of {paradigm}: choose "
            f"{'next-token' if paradigm == 'autoregressive' else 'uniform or infill'}."
        )


def lasting(recipe: Recipe) -> Recipe:
    """The recipe without what may be another on the way: it changes nothing that is learned."""
    passing = ("micro_batch", "checkpointing", "evaluate_every", "save_every")
    return dataclasses.replace(recipe, **{name: getattr(Recipe(), name) for name in passing})


def add_arguments(parser: argparse._ActionsContainer) -> None:
    """An option for every field of a recipe; those not named on the command line stay unset."""
    usually = {paradigm: usual(paradigm) for paradigm in ("diffusion", "autoregressive")}
    for field in _fields():
        values = [str(getattr(recipe, field.name)) for recipe in usually.values()]
        told = values[0] if values[0] == values[1] else " / ".join(values)
        default = getattr(Recipe(), field.name)
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            dest=f"recipe_{field.name}",
            default=None,
            metavar="VALUE",
            type=_parser_of(default),
            help=f"{_TOLD[field.name]} (default: {told})",
        )


def changes_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What of a recipe was set on the command line."""
    named = {field.name: getattr(arguments, f"recipe_{field.name}") for field in _fields()}
    return {name: value for name, value in named.items() if value is not None}


def as_toml(recipe: Recipe) -> str:
    """The recipe as a file that :func:`read_recipe` reads."""
    lines = []
    for field in _fields():
        value = getattr(recipe, field.name)
        match value:
            case bool():
                text = str(value).lower()
            case str():
                text = f'"{value}"'
            case tuple():
                text = "[" + ", ".join(f'"{each}"' for each in value) + "]"
            case _:
                text = repr(value)
        lines.append(f"{field.name} = {text}\n")
    return "".join(lines)


def _fields() -> Sequence[dataclasses.Field[Any]]:
    return dataclasses.fields(Recipe)


def _parser_of(default: Any) -> Any:
    match default:
        case bool():
            return _switch
        case tuple():
            return lambda text: tuple(part for part in text.split(",") if part)
        case _:
            return type(default)


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"
