"""What a checkpoint or an adapter says that it was made for, in a file of its folder.

``pinfill.json`` holds it under ``made_for`` (``docs/made-for.md``). Who declares nothing is
believed; who declares something that cannot be read is refused, for a declaration that is dropped
in silence would let every image through that it was written to hold back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from inference.configurations import BadConfiguration, read_object
from inference.protocol import DECLARES_NOTHING, MadeFor

FILE: Final = "pinfill.json"
"""An adapter's also tells what it was trained on top of."""

_KEY: Final = "made_for"


class _Declared(MadeFor, frozen=True, forbid_unknown_fields=True):
    """The same as a file has it, where a word that is not known is most likely misspelt."""


def read_declaration(folder: Path) -> MadeFor:
    """What is declared in ``folder``; all empty where nothing is.

    Raises :class:`BadConfiguration`, whose words say what is wrong with :data:`FILE`.
    """
    try:
        declared = read_object(folder / FILE).get(_KEY)
    except FileNotFoundError:
        return DECLARES_NOTHING
    if declared is None:
        return DECLARES_NOTHING
    try:
        read = msgspec.convert(declared, _Declared)
    except msgspec.ValidationError as error:
        complaint = str(error).replace("`$", f"`{_KEY}").replace("`", '"')
        raise BadConfiguration(
            f"declares in {_KEY} what cannot be read ({complaint[:1].lower()}{complaint[1:]})"
        ) from None
    return MadeFor(
        modalities=_capitals(read.modalities),
        body_parts=_capitals(read.body_parts),
        views=_capitals(read.views),
        languages=tuple(language.strip().lower() for language in read.languages),
    )


def write_declaration(folder: Path, made_for: MadeFor) -> None:
    """Write it into ``folder``; what else :data:`FILE` holds there stays.

    Raises :class:`BadConfiguration` where that file holds no object.
    """
    path = folder / FILE
    try:
        content: dict[str, Any] = read_object(path)
    except FileNotFoundError:
        content = {}
    content[_KEY] = msgspec.to_builtins(made_for)
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def _capitals(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip().upper() for word in words)
