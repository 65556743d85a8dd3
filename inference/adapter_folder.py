"""What lies in an adapter's folder and what its settings say, before anything is loaded.

Every fault has a sentence of its own: what is damaged is to be copied again, what was set in a way
that cannot work here is to be set otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from inference.allocator import first_line

if TYPE_CHECKING:
    from peft import LoraConfig

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"

_LARGEST: Final = 4 * 2**20
"""Bytes of a file of settings."""

_PICKLED: Final = "adapter_model.bin"
_NAMED: Final = 5
"""Adapter folders that are named where their parent was meant to be one."""
_HUB: Final = "models--"
"""What the Hugging Face cache begins the folder of a repository with."""


class AdapterError(Exception):
    """One sentence: what is wrong with the adapter and what to do."""


def check_files(folder: Path) -> None:
    """Make sure that the folder holds an adapter. Raises :class:`AdapterError`."""
    if not folder.exists():
        raise AdapterError(f"There is no folder {folder}. Name the adapter's folder.")
    if not folder.is_dir():
        raise AdapterError(f"{folder} is a file. Name the adapter's folder instead.")
    if not (folder / CONFIG).is_file():
        raise AdapterError(f"{folder} holds no adapter: it has no {CONFIG}. {_instead(folder)}")
    if (folder / WEIGHTS).is_file():
        return
    if (folder / _PICKLED).is_file():
        raise AdapterError(
            f"The weights of the adapter in {folder} are in {_PICKLED}, a kind of file that can "
            f"run code and is never opened. Save them as {WEIGHTS} (PEFT does by itself)."
        )
    raise AdapterError(
        f"The adapter in {folder} is incomplete: {WEIGHTS} is missing. Copy the whole folder again."
    )


def _instead(folder: Path) -> str:
    """Which folder is to be named."""
    try:
        below = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
    except OSError:
        below = []
    if not below:
        return "Name the folder that training wrote."
    more = f" and {len(below) - _NAMED} more" if len(below) > _NAMED else ""
    one = "the folder" if len(below) == 1 else "one of the folders"
    return f"Name {one} in it that do{'es' if len(below) == 1 else ''}: " + (
        f"{', '.join(below[:_NAMED])}{more}."
    )


def read_config(folder: Path) -> LoraConfig:
    """The settings in an adapter's folder. Raises :class:`AdapterError`."""
    from peft import LoraConfig, PeftConfig

    settings = _json_object(folder / CONFIG)
    if (kind := settings.get("peft_type")) != "LORA":
        raise AdapterError(
            f"{folder} holds an adapter of the kind {kind}, and only LoRA can be used here."
        )
    try:
        config = PeftConfig.from_pretrained(str(folder))
    except Exception as error:  # PEFT checks settings in nearly any way
        raise AdapterError(
            f"{CONFIG} in {folder} holds a setting that PEFT does not take ({first_line(error)}). "
            "Write another there, or train the adapter anew without it."
        ) from error
    if not isinstance(config, LoraConfig):
        raise AdapterError(
            f"{folder} holds an adapter of the kind {config.peft_type}, and only LoRA can be used "
            "here."
        )
    return config


def _json_object(path: Path) -> dict[str, Any]:
    try:
        if (size := path.stat().st_size) > _LARGEST:
            raise AdapterError(
                f"{path} has {size} bytes, and {_LARGEST} are the most that settings take. Copy "
                "the folder again."
            )
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise AdapterError(
            f"{path} cannot be read ({error.strerror}). Check the file and its rights."
        ) from error
    except (ValueError, RecursionError) as error:
        raise AdapterError(
            f"{path} cannot be read: it is cut short or damaged ({first_line(error)}). Copy the "
            "folder again."
        ) from error
    if not isinstance(value, dict):
        raise AdapterError(f"{path} holds no settings. Copy the folder again.")
    return value


def doubt_of(config: LoraConfig, folder: Path, base: Path) -> str:
    """What speaks against an adapter that has no fingerprint of its checkpoint; ``""`` if nothing.

    PEFT writes down the name or the path that a checkpoint was loaded from, which says little where
    folders are moved and renamed; so this is to be told and refuses nothing.
    """
    told = str(config.base_model_name_or_path or "").strip()
    remedy = f'Where they belong, write "base_model_name_or_path": "{base.name}" in its {CONFIG}.'
    if not told:
        return (
            f"The adapter in {folder} does not say which checkpoint it was trained on. Its weights "
            f"fit this one, {base.name}, which is no proof that they belong to it. {remedy}"
        )
    if _last(told) in _names(base):
        return ""
    return (
        f"The adapter in {folder} says that it was trained on top of {told}, and this checkpoint "
        f"is {base.name}. Its weights fit, which is no proof that they belong here. {remedy}"
    )


def _names(base: Path) -> set[str]:
    """What a checkpoint may have been called when an adapter was trained on it."""
    names = {_last(str(base.resolve())), _last(str(base))}
    names |= {part.rpartition("--")[2].casefold() for part in base.parts if part.startswith(_HUB)}
    try:
        recorded = json.loads((base / "config.json").read_bytes()).get("_name_or_path")
    except (OSError, ValueError, AttributeError, RecursionError):
        recorded = None
    return names | ({_last(recorded)} if isinstance(recorded, str) and recorded else set())


def _last(name: str) -> str:
    """The last part of a path or of a repository's name; how it is written is of no account."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()


def adaptable(targets: Collection[str], model: nn.Module) -> set[str]:
    """The full names of the modules that a list of ``target_modules`` means.

    A name like ``q_proj`` is also that of the vision tower's projections, which PEFT refuses: they
    are wrapped, and no adapter can have been trained on them by such a list.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    known = (nn.Linear, nn.Embedding, nn.Conv2d, BaseTunerLayer)
    endings = tuple(f".{target}" for target in targets)
    found = {
        name
        for name, module in model.named_modules()
        if isinstance(module, known) and (name in targets or name.endswith(endings))
    }
    return found or set(targets)
