"""Mutations of a model's folder: of one of its JSON files, its chat template or its weights."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2, 3, 7, 64, 1000, 10**6, 2**31, 2**63, 10**12, 10**30,
    0.5, -0.5, 1e-30, 1e30, float("inf"), float("nan"),
    "", "x", "0", "nan", "../../etc/passwd", "\ud83d\ude00", "x" * 10_000,
    "(.*)*(.*)*(.*)*!", r"(?:.|\w|[a-z_.0-9])*[^\w.]",
    [], {}, [[]], [0] * 1000, ["x"] * 100, {"x": {"x": {}}},
)  # fmt: skip

_SNIPPETS: Final = (
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ 'x'.ljust(999999) }}",
    "{{ raise_exception('no') }}",
    "{{ messages.__class__.__mro__ }}",
    "{{ nothing.at.all }}",
    "{% set n = namespace(x='xxxx') %}{% for a in range(50) %}{% set n.x = n.x ~ n.x %}"
    "{% endfor %}",
    "{{ 1 / 0 }}",
    "{% include 'x' %}",
    "{% if",
    "{{ bos_token ~ eos_token }}",
)
"""What a hostile template may hold."""

Mutation = Callable[[bytes, random.Random], bytes]


def mutate(folder: Path, draw: random.Random) -> str:
    """Mutate one file of a folder, by writing it anew; its name is returned."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    # Small files first of all: what they say decides what is done with the large ones.
    path = draw.choices(files, [3 if path.suffix == ".json" else 2 for path in files])[0]
    data = path.read_bytes()
    mutations: dict[str, tuple[Mutation, ...]] = {
        ".json": (mutate_json, mutate_json, mutate_json, mutate_bytes),
        ".jinja": (insert_snippet, mutate_bytes),
        ".safetensors": (mutate_header, mutate_header, put_no_number, mutate_bytes),
    }
    mutation = draw.choice(mutations.get(path.suffix, (mutate_bytes,)))
    path.unlink()  # it may be a link to what other cases begin with
    path.write_bytes(mutation(data, draw))
    return path.name


def mutate_json(data: bytes, draw: random.Random) -> bytes:
    """Some values of a JSON text replaced, deleted or given another name."""
    content = json.loads(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        places = list(_places(content))
        if not places:
            break
        owner, key = draw.choice(places)
        _change(owner, key, draw)
    if draw.random() < 0.03:
        depth = draw.choice((100, 10_000, 200_000))
        return b"[" * depth + json.dumps(content).encode() + b"]" * depth
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _change(owner: Any, key: Any, draw: random.Random) -> None:
    match draw.randrange(6):
        case 0:
            del owner[key]
        case 1 if isinstance(owner, dict):
            owner[f"{key}_"] = owner.pop(key)
        case 2 if isinstance(owner[key], int | float):
            owner[key] = owner[key] * draw.choice((-1, 2, 3, 10, 1000)) + draw.choice((0, 1))
        case 3 if isinstance(owner, list):
            owner.append(owner[key])
        case _:
            owner[key] = draw.choice(_VALUES)


def _places(content: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every place in nested objects and arrays; of long ones the first thousand."""
    if depth > 20 or not isinstance(content, dict | list):
        return
    keys = list(content) if isinstance(content, dict) else range(len(content))
    for key in keys[:1000]:
        yield content, key
        yield from _places(content[key], depth + 1)


def mutate_bytes(data: bytes, draw: random.Random) -> bytes:
    """A few bytes changed, taken out or repeated, or the end cut off."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 5)):
        if not changed:
            break
        at = draw.randrange(len(changed))
        match draw.randrange(5):
            case 0:
                changed[at] ^= 1 << draw.randrange(8)
            case 1:
                changed[at] = draw.randrange(256)
            case 2:
                del changed[at : at + draw.randint(1, 64)]
            case 3:
                changed[at:at] = changed[at : at + draw.randint(1, 64)]
            case _ if draw.random() < 0.3:
                del changed[at:]
    return bytes(changed)


def insert_snippet(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(_SNIPPETS).encode() + data[at:]


def mutate_header(data: bytes, draw: random.Random) -> bytes:
    """The header of a safetensors file: an entry, or the length that it tells of itself."""
    length = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + length], data[8 + length :]
    if draw.random() < 0.2:
        told = draw.choice((0, 1, length - 1, length + 1, 2**31, 2**63, len(data)))
        return told.to_bytes(8, "little") + header + rest
    changed = mutate_json(header, draw)
    return len(changed).to_bytes(8, "little") + changed + rest


def put_no_number(data: bytes, draw: random.Random) -> bytes:
    """Bytes of NaN, infinity or noise somewhere in the weights."""
    length = 8 + int.from_bytes(data[:8], "little")
    at = draw.randrange(length, len(data)) if length < len(data) else 0
    words = (b"\xff\xff\xff\xff", b"\x80\x7f\x80\x7f", b"\x7f\x7f", draw.randbytes(8))
    word = draw.choice(words)
    return data[:at] + word + data[at + len(word) :]
