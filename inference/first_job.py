"""The first job of an engine: whether the files that it was loaded from fit one another.

Configuration, template, tokenizer and image processor may each be sound and not belong together: a
template that names two images, a processor that cuts other patches than the model pools. Nothing
but a forward tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from inference.allocator import first_line, is_exhaustion
from inference.protocol import Gap, Infill, Options

if TYPE_CHECKING:
    from inference.engines.base import Engine

_IMAGE: Final = np.full((67, 45), 128, np.uint8)
"""Of a size that no processor takes as it is."""

_JOB: Final = Infill(
    "first",
    (Gap(tokens=1),),
    context="Chest radiograph.",
    options=Options(seed=0, candidates=1, max_steps=1),
)


def misfit(engine: Engine) -> str | None:
    """Why ``engine`` cannot fill one token from a small image, in the words of what failed.

    ``None`` where it can. Raises what a lack of memory raises.
    """
    try:
        engine.infill(_JOB, _IMAGE, lambda _: None, lambda: False)
    except Exception as error:  # files that do not fit fail in nearly any way
        if is_exhaustion(error):
            raise
        return first_line(error)
    return None
