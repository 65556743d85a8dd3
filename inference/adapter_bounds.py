"""Bounds of what an adapter's settings may ask for, before PEFT acts on them.

PEFT matches patterns from the settings against every module, with an engine that a pattern can keep
busy for ever, and allocates ranks as they are told. So patterns are matched here, within a time,
and handed on as the names that they mean; ranks are those of the weights that lie beside them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import regex
from torch import nn

from inference.adapter_folder import CONFIG, AdapterError

if TYPE_CHECKING:
    from peft import LoraConfig

_SECONDS: Final = 0.5
"""What matching one pattern against all modules may take; an honest one takes milliseconds."""

_LONGEST: Final = 20_000
"""Characters of a pattern."""

_PLAIN: Final = re.compile(r"\^?[\w.\\-]+\$?")
"""The name of a module, or the end of one: what a pattern for single modules comes to."""

_ALL: Final = "all-linear"


def bound_settings(
    config: LoraConfig, model: nn.Module, shapes: Iterable[tuple[str, Sequence[int]]], folder: Path
) -> None:
    """Hold settings to their bounds, and name the modules that their patterns mean.

    ``shapes`` are names and shapes of the adapter's weights. Raises :class:`AdapterError`.
    """
    _check_ranks(config, shapes, folder)
    _check_plain(config, folder)
    names = list(_modules(model))
    if isinstance(config.target_modules, str) and config.target_modules.lower() != _ALL:
        found = _matching(config.target_modules, names, "target_modules", folder)
        config.target_modules = found or {config.target_modules}
    if isinstance(config.exclude_modules, str):
        config.exclude_modules = _matching(config.exclude_modules, names, "exclude_modules", folder)


def _check_ranks(
    config: LoraConfig, shapes: Iterable[tuple[str, Sequence[int]]], folder: Path
) -> None:
    """A weight A of LoRA is of the shape (rank, ...)."""
    there = max((shape[0] for name, shape in shapes if "_A" in name and shape), default=0)
    for rank in (config.r, *_values(config.rank_pattern)):
        if not isinstance(rank, int) or not 1 <= rank <= there:
            raise AdapterError(
                f"{CONFIG} in {folder} asks for the rank {str(rank)[:20]}, and the weights beside "
                f"it have {there}. Copy the folder again."
            )


def _check_plain(config: LoraConfig, folder: Path) -> None:
    for setting in ("layers_pattern", "rank_pattern", "alpha_pattern"):
        names = getattr(config, setting) or ()
        if not isinstance(names, str | list | tuple | dict):
            raise AdapterError(
                f"{setting} in {CONFIG} in {folder} is {str(names)[:40]}, which names no modules. "
                "Copy the folder again."
            )
        for name in (names,) if isinstance(names, str) else names:
            if _PLAIN.fullmatch(str(name)) is None:
                raise AdapterError(
                    f"{setting} in {CONFIG} in {folder} is a pattern ({str(name)[:40]}). Write the "
                    "names of modules there."
                )


def _values(pattern: Any) -> Sequence[object]:
    return tuple(pattern.values()) if isinstance(pattern, dict) else ()


def _modules(model: nn.Module) -> Iterator[str]:
    """The names of the modules that an adapter may be put on; not those of other adapters."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    inside: tuple[str, ...] = ()
    for name, module in model.named_modules():
        if not (inside and name.startswith(inside)):
            yield name
            if isinstance(module, BaseTunerLayer):
                inside = (*inside, f"{name}.")


def _matching(pattern: str, names: Sequence[str], setting: str, folder: Path) -> set[str]:
    """The names that a pattern matches as a whole."""
    if len(pattern) > _LONGEST:
        raise AdapterError(
            f"{setting} in {CONFIG} in {folder} has {len(pattern)} characters, and {_LONGEST} are "
            "the most. List the names of the modules."
        )
    end = time.monotonic() + _SECONDS
    try:
        compiled = regex.compile(pattern)
        return {
            name
            for name in names
            # Concurrent: the worker's event loop answers pings meanwhile.
            if compiled.fullmatch(name, timeout=max(0.001, end - time.monotonic()), concurrent=True)
        }
    except TimeoutError:
        raise AdapterError(
            f"{setting} in {CONFIG} in {folder} is a pattern that takes too long to match "
            f"({pattern[:40]}). List the names of the modules."
        ) from None
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise AdapterError(
            f"{setting} in {CONFIG} in {folder} is no pattern ({error}). List the names of the "
            "modules."
        ) from None
