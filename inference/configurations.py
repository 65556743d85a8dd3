"""What a checkpoint's configuration may say, held against bounds and against the weights there.

A number in a JSON file costs nothing to write, and may ask for any number of layers, patches or
gigabytes. Bounds are far beyond every published model; what the headers of the weights tell is
compared before a model is built. A complaint is the part of a sentence that says what is wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from inference.limits import MAX_STEPS
from inference.memory import StoredTensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LARGEST_FILE: Final = 4 * 2**20
_LARGEST_TOKENIZER: Final = 256 * 2**20
"""Bytes of a JSON file, and of a tokenizer; Gemma's has 33 MiB."""

_LARGEST_NUMBER: Final = 2**24
"""Beyond every size in a configuration: vocabularies and positions are below a million."""

_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "canvas_length": (2, 65_536),
    "head_dim": (1, 4_096),
    "hidden_size": (1, 65_536),
    "intermediate_size": (1, 1_048_576),
    "max_denoising_steps": (1, MAX_STEPS),
    "max_new_tokens": (1, 1_048_576),
    "max_position_embeddings": (1, _LARGEST_NUMBER),
    "max_soft_tokens": (1, 1_120),
    "moe_intermediate_size": (1, 1_048_576),
    "num_attention_heads": (1, 1_024),
    "num_experts": (1, 4_096),
    "num_global_key_value_heads": (1, 1_024),
    "num_hidden_layers": (1, 1_024),
    "num_key_value_heads": (1, 1_024),
    "patch_size": (1, 128),
    "pooling_kernel_size": (1, 64),
    "position_embedding_size": (1, 1_048_576),
    "sliding_window": (1, _LARGEST_NUMBER),
    "top_k_experts": (1, 4_096),
    "vocab_size": (1, 4_194_304),
}
"""The least and the most that a whole number of this name may be, wherever it stands."""

_LAYER: Final = re.compile(r"\blayers\.(\d{1,9})\.")
_ROOM: Final = 1.5
"""So many parameters a stored number are believed: what is tied is stored once, or twice."""


class BadConfiguration(Exception):
    """``str()`` says what is wrong with a file, without naming its folder."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises :class:`BadConfiguration`, and :class:`FileNotFoundError` where there is none.
    """
    if not path.is_file() and path.exists():
        raise BadConfiguration("is no file")
    largest = _LARGEST_TOKENIZER if path.name == "tokenizer.json" else _LARGEST_FILE
    if (size := path.stat().st_size) > largest:
        raise BadConfiguration(f"has {size} bytes, and {largest} are the most")
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise BadConfiguration("is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise BadConfiguration("is not a JSON object")
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def number_complaint(content: Mapping[str, Any]) -> str | None:
    """The first number of a file that is beyond its bounds."""
    for path, name, value in _numbers(content, ""):
        if isinstance(value, float) and (name in _BOUNDS or not math.isfinite(value)):
            return f"sets {path} to {value}, which is no number that it can be"
        least, most = _BOUNDS.get(name, (-_LARGEST_NUMBER, _LARGEST_NUMBER))
        if isinstance(value, int) and not least <= value <= most:
            told = value if abs(value) < 10**20 else f"a number of {value.bit_length()} bits"
            return f"sets {path} to {told}, and {least} to {most} is possible"
    return None


def _numbers(content: object, path: str) -> Iterator[tuple[str, str, int | float]]:
    """Every number below ``content``: where it stands, the last name on the way, and itself."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _numbers(value, f"{path}.{name}" if path else str(name))
    elif isinstance(content, list):
        for value in content:
            yield from _numbers(value, path)
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield path, path.rpartition(".")[2], content


def patch_complaint(config: Mapping[str, Any], processor: Mapping[str, Any]) -> str | None:
    """Whether images are cut up in another way than the model was made for."""
    vision = config.get("vision_config")
    cut = processor.get("image_processor", processor)
    for name in ("patch_size", "pooling_kernel_size"):
        if not (isinstance(vision, Mapping) and isinstance(cut, Mapping)):
            break
        ours, theirs = vision.get(name), cut.get(name)
        if ours is not None and theirs is not None and ours != theirs:
            return f"sets {name} to {theirs}, and the model was made for {ours}"
    return None


def layer_complaint(config: Mapping[str, Any], tensors: Sequence[StoredTensor]) -> str | None:
    """Whether a configuration has other layers than the weights."""
    counts = {"text_config": 0, "vision_config": 0}
    for tensor in tensors:
        if (found := _LAYER.search(tensor.name)) is not None and "audio" not in tensor.name:
            part = "vision_config" if "vision" in tensor.name else "text_config"
            counts[part] = max(counts[part], int(found[1]) + 1)
    for part, count in counts.items():
        section = config.get(part)
        told = section.get("num_hidden_layers") if isinstance(section, Mapping) else None
        if count and told is not None and told != count:
            return f"tells of {told} layers in {part}, and the weights have {count}"
    return None


def shape_complaint(empty: PreTrainedModel, tensors: Sequence[StoredTensor]) -> str | None:
    """Whether a model without weights, on the device ``"meta"``, has room for other ones."""
    parameters = empty.state_dict()
    for tensor in tensors:
        there = parameters.get(tensor.name)
        if there is not None and tuple(there.shape) != tensor.shape:
            return (
                f"asks for {tensor.name} of the shape {list(there.shape)}, and the weights have "
                f"{list(tensor.shape)}"
            )
    stored, needed = sum(tensor.elements for tensor in tensors), empty.num_parameters()
    if needed > _ROOM * stored:
        return f"asks for {needed} weights, and there are {stored}"
    return None


def vocabulary_complaint(ids: Mapping[str, int], rows: int) -> str | None:
    """Whether a tokenizer has tokens that the model has no row for."""
    token, highest = max(ids.items(), key=lambda item: item[1], default=("", -1))
    if highest < rows:
        return None
    return f"gives {token!r} the number {highest}, and the model has {rows} tokens"
