"""Whether a study can be shown: all that its first picture needs, computed before it is."""

from __future__ import annotations

import math

from desktop.studies.context import prompt_context
from desktop.studies.errors import StudyError
from desktop.studies.reading import Study
from desktop.viewer import overlay
from desktop.viewer.framing import Framing
from desktop.viewer.pixels import LookupTable, StoredImage, voi_lookup

_TRIAL: tuple[int, int] = (640, 480)
"""Width and height of the viewport that is tried, in device pixels; any other would do."""


def check_showable(study: Study) -> None:
    """Compute what is made of ``study`` when it goes on screen, off the window's thread.

    Its image keeps what it computed. Raises :class:`StudyError` where numbers come out that no
    picture can have.
    """
    try:
        _compute(study)
    except Exception as error:  # whatever the numbers of a header may lead to
        reason = str(error) or type(error).__name__
        raise StudyError(
            f"{study.path.name} cannot be shown ({reason}): the numbers in its "
            "header cannot be right, so fetch it again from its source."
        ) from error


def _compute(study: Study) -> None:
    image = study.image
    voi = image.default_voi
    window = voi.window if isinstance(voi, LookupTable) else voi
    framing = Framing.fit(image.rows, image.columns, image.pixel_aspect, *_TRIAL)
    for name, numbers in (
        ("window", (window.center, window.width)),
        ("rescaling", (image.slope, image.intercept)),
        ("pixel spacing", image.pixel_spacing or (1.0, 1.0)),
        ("shape of a pixel", (image.pixel_aspect, framing.zoom)),
    ):
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"its {name} is not finite")
    if framing.zoom <= 0 or min(image.pixel_spacing or (1.0, 1.0)) <= 0:
        raise ValueError("its pixels have no size")
    _ = image.solid
    voi_lookup(image, voi)
    overlay.corners(study, window, framing.zoom, inverted=False)
    overlay.EdgeLetters.of(image)
    _scale_bar(image, framing)
    prompt_context(study)


def _scale_bar(image: StoredImage, framing: Framing) -> None:
    if image.pixel_spacing is not None:
        overlay.ScaleBar.within(image.pixel_spacing[1] / framing.zoom, framing.width / 4)
