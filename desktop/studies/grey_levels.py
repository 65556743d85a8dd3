"""How a dataset asks to be shown: modality LUT, VOI LUTs and windows, spacing, orientation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from desktop.studies.cautions import contradicting_shape, made_visible, misfilled
from desktop.studies.colour import PALETTE
from desktop.studies.elements import element_name
from desktop.studies.errors import DamagedError
from desktop.studies.lookup_tables import grey_table, is_big_endian, palette
from desktop.studies.names import shown
from desktop.studies.numbers import (
    ASPECTS,
    COSINES,
    LEAST_SLOPE,
    LEVELS,
    SLOPES,
    SPACINGS,
    Bounds,
    numbers,
)
from desktop.studies.ultrasound import region_spacing
from desktop.viewer.pixels import (
    MIN_EXACT_WIDTH,
    LookupTable,
    Preset,
    StoredImage,
    VoiFunction,
    Window,
)
from desktop.viewer.resampling import Stored

_AXES: Final = ("LR", "PA", "HF")
"""Letters along +x, -x; +y, -y; +z, -z of the patient (PS3.3 C.7.6.2.1.1)."""


def stored_image(dataset: Dataset, stored: Stored, name: str) -> tuple[StoredImage, list[str]]:
    """The image with all that the dataset says about showing it, and cautions.

    Raises :class:`StudyError` where the values cannot be told for certain.
    """
    cautions: list[str] = []
    photometric = str(dataset.PhotometricInterpretation)
    monochrome = photometric.startswith("MONOCHROME")
    slope, intercept, table = _modality(dataset, name) if monochrome else (1.0, 0.0, None)
    presets: tuple[Preset, ...] = ()
    if monochrome:
        negative = table is None and _goes_below_zero(dataset, slope, intercept)
        presets = (*_voi_tables(dataset, negative, cautions), *_windows(dataset, cautions))
        if not presets:
            usable = "usable " if cautions else ""  # those left out are told above
            cautions.append(
                f"The file gives no {usable}display window: contrast was set from the image itself."
            )
    else:
        presets = _whole_ranges(dataset, cautions)
    if photometric == "MONOCHROME1":
        cautions.append("Stored with low values white (MONOCHROME1): inverted for display.")
    cautions += contradicting_shape(dataset)
    spacing = _spacing(dataset, cautions)
    image = StoredImage(
        stored=stored,
        slope=slope,
        intercept=intercept,
        modality_lut=table,
        presets=presets,
        inverted=photometric == "MONOCHROME1",
        padding=_padding(dataset, stored, cautions) if monochrome else None,
        pixel_spacing=spacing,
        pixel_aspect=_aspect(dataset, spacing, cautions),
        orientation=_orientation(dataset, cautions),
        unit=shown(
            str(_scope(dataset, "PixelValueTransformationSequence").get("RescaleType") or "")
        ),
    )
    image, nothing_to_see = made_visible(image)
    return image, [*nothing_to_see, *cautions]


def _scope(dataset: Dataset, macro: str) -> Dataset:
    """The dataset that holds a macro's attributes.

    In enhanced objects that is the functional group of the first frame or the one that all frames
    share (PS3.3 C.7.6.16), elsewhere the dataset itself.
    """
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = dataset.get(groups)
        if items and (found := items[0].get(macro)):
            group: Dataset = found[0]
            return group
    return dataset


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [shown(str(text)) for text in (value if isinstance(value, MultiValue) else [value])]


def _modality(dataset: Dataset, name: str) -> tuple[float, float, LookupTable | None]:
    """Rescale slope and intercept, or the modality LUT (PS3.3 C.11.1)."""
    item = next(_filled(dataset.get("ModalityLUTSequence")), None)
    if item is not None:
        signed = int(dataset.get("PixelRepresentation") or 0) == 1
        try:
            big_endian = is_big_endian(dataset)
            return 1.0, 0.0, grey_table(item, signed=signed, big_endian=big_endian)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            table = element_name("ModalityLUTSequence")
            raise DamagedError(
                f"{name} has a damaged modality lookup table, {table}, so its values would be "
                "wrong: export it again from its source."
            ) from error
    scope = _scope(dataset, "PixelValueTransformationSequence")
    slope = _rescale(scope, "RescaleSlope", SLOPES, 1.0, name)
    intercept = _rescale(scope, "RescaleIntercept", LEVELS, 0.0, name)
    if abs(slope) < LEAST_SLOPE:
        told = f"{slope:g}" if slope else "zero"
        raise DamagedError(
            f"{element_name('RescaleSlope')} of {name} is {told}, so its values would be lost: "
            "export it again from its source."
        )
    return slope, intercept, None


def _rescale(scope: Dataset, keyword: str, bounds: Bounds, default: float, name: str) -> float:
    unusable: list[str] = []
    found = numbers(scope, keyword, bounds, unusable)
    if unusable or len(found) > 1:
        raise DamagedError(
            f"{element_name(keyword)} of {name} is not one usable number, so its values would be "
            "wrong: export it again from its source."
        )
    return found[0] if found else default


def _filled(sequence: Any) -> Iterator[Dataset]:
    """The items of a sequence that hold anything; writers leave empty ones where they mean none."""
    for item in sequence or ():
        if any(element.value not in (None, "", b"", []) for element in item):
            yield item


def _goes_below_zero(dataset: Dataset, slope: float, intercept: float) -> bool:
    """Whether modality values can be negative, so that a VOI LUT counts with signs.

    What a modality LUT gives never is (PS3.3 C.11.2.1.1).
    """
    bits = int(dataset.BitsStored)
    lowest = -(2 ** (bits - 1)) if int(dataset.PixelRepresentation) == 1 else 0
    return any((lowest + reach) * slope + intercept < 0 for reach in (0, 2**bits - 1))


def _voi_tables(dataset: Dataset, signed: bool, cautions: list[str]) -> list[Preset]:
    presets = []
    for number, item in enumerate(_filled(dataset.get("VOILUTSequence")), start=1):
        try:
            table = grey_table(item, signed=signed, big_endian=is_big_endian(dataset))
        except (ValueError, TypeError, AttributeError, KeyError):
            cautions.append("A damaged display lookup table (VOI LUT) of the file was left out.")
            continue
        presets += _with_meant(Preset(table.explanation or f"VOI LUT {number}", table), cautions)
    return presets


def _with_meant(preset: Preset, cautions: list[str]) -> list[Preset]:
    """A preset of a table and, where its depth is wrong, another of what was meant."""
    assert isinstance(preset.voi, LookupTable)
    name = f"{preset.name}, as meant"
    told, meant = misfilled(name, preset.voi)
    cautions += told
    return [preset, Preset(name, meant)] if meant else [preset]


def _windows(dataset: Dataset, cautions: list[str]) -> list[Preset]:
    scope = _scope(dataset, "FrameVOILUTSequence")
    centers = numbers(scope, "WindowCenter", LEVELS, cautions)
    widths = numbers(scope, "WindowWidth", LEVELS, cautions)
    names = _texts(scope.get("WindowCenterWidthExplanation"))
    asked = str(scope.get("VOILUTFunction") or VoiFunction.LINEAR).strip().upper()
    try:
        function = VoiFunction(asked)
    except ValueError:
        function = VoiFunction.LINEAR
        cautions.append(
            f"The file asks for an unknown window function ({shown(asked)}); LINEAR is used."
        )
    presets = []
    pairs = list(zip(centers, widths, strict=False))
    names += [""] * len(pairs)
    for number, ((center, width), name) in enumerate(zip(pairs, names, strict=False), start=1):
        shape = function
        if function is VoiFunction.LINEAR and 0 < width < 1:
            # Not allowed, yet found where the rescaled values are fractions.
            shape = VoiFunction.LINEAR_EXACT
        if width < MIN_EXACT_WIDTH:
            cautions.append(f"A display window of the file has the width {width:g}; left out.")
            continue
        presets.append(Preset(name or f"Window {number}", Window(center, width, shape)))
    return presets


def _whole_ranges(dataset: Dataset, cautions: list[str]) -> tuple[Preset, ...]:
    """Grey made from colour: black to the brightest value that the pixels can hold."""
    name, bits = "Whole range", int(dataset.BitsStored)
    if str(dataset.PhotometricInterpretation) != PALETTE:
        return (Preset(name, _whole_range(bits)),)
    table = palette(dataset)
    told, meant = misfilled(f"{name}, as meant", table)
    cautions += told
    tables = [(name, table), (f"{name}, as meant", meant)]
    return tuple(Preset(name, _whole_range(table.bits)) for name, table in tables if table)


def _whole_range(bits: int) -> Window:
    return Window(2 ** (bits - 1), 2**bits)


def _padding(dataset: Dataset, stored: Stored, cautions: list[str]) -> tuple[int, int] | None:
    """The inclusive range of stored values that are padding (PS3.3 C.7.5.1.1.2)."""
    value = numbers(dataset, "PixelPaddingValue", LEVELS, cautions)
    if not value:
        return None
    limit = numbers(dataset, "PixelPaddingRangeLimit", LEVELS, cautions) or value
    kind = stored.dtype.type
    ends = [int(np.array(int(end) & 0xFFFF, np.uint16).astype(kind)) for end in (*value, *limit)]
    return min(ends), max(ends)


def _pair(
    dataset: Dataset, keyword: str, bounds: Bounds, cautions: list[str]
) -> tuple[float, float] | None:
    """Two numbers that make pixels of a shape that can be shown."""
    pair = numbers(dataset, keyword, bounds, cautions)
    if len(pair) != 2:
        return None
    least, most = ASPECTS
    if not least * pair[1] <= pair[0] <= most * pair[1]:
        cautions.append(
            f"{element_name(keyword)} of the file makes pixels of an impossible shape "
            f"({pair[0]:g} : {pair[1]:g}): left out."
        )
        return None
    return pair[0], pair[1]


_AT_DETECTOR: Final = "Distances are at the detector: the body was magnified onto it."


def _spacing(dataset: Dataset, cautions: list[str]) -> tuple[float, float] | None:
    """mm between rows and between columns (PS3.3 10.7.1.3)."""
    told = len(cautions)
    at_detector = _pair(dataset, "ImagerPixelSpacing", SPACINGS, cautions)
    measures = _scope(dataset, "PixelMeasuresSequence")
    if spacing := _pair(measures, "PixelSpacing", SPACINGS, cautions):
        if spacing == at_detector and not dataset.get("PixelSpacingCalibrationType"):
            cautions.append(_AT_DETECTOR)
        return spacing
    if at_detector:
        cautions.append(_AT_DETECTOR)
        return at_detector
    if spacing := _pair(dataset, "NominalScannedPixelSpacing", SPACINGS, cautions):
        cautions.append("Distances are those of the scanned film.")
        return spacing
    spacing, why_not = region_spacing(dataset)
    if spacing is None:
        usable = "usable " if len(cautions) > told else ""  # those left out are told above
        why_not = why_not or f"The file gives no {usable}pixel spacing: nothing can be measured."
        cautions.append(why_not)
    return spacing


def _aspect(dataset: Dataset, spacing: tuple[float, float] | None, cautions: list[str]) -> float:
    """Height of a pixel over its width, from the spacing or Pixel Aspect Ratio (0028,0034)."""
    ratio = spacing or _pair(dataset, "PixelAspectRatio", (1, 2**31), cautions)
    vertical, horizontal = ratio or (1.0, 1.0)
    return vertical / horizontal


def _orientation(dataset: Dataset, cautions: list[str]) -> tuple[str, str] | None:
    """Where rows and columns point to: Patient Orientation, else from the direction cosines."""
    letters = _texts(dataset.get("PatientOrientation"))
    if len(letters) == 2 and all(letters) and set("".join(letters)) <= set("LRPAHF"):
        return letters[0], letters[1]
    plane = _scope(dataset, "PlaneOrientationSequence")
    cosines = numbers(plane, "ImageOrientationPatient", COSINES, cautions)
    if len(cosines) != 6:
        return None
    row, column = _direction(cosines[:3]), _direction(cosines[3:])
    return (row, column) if row and column else None


def _direction(cosines: Sequence[float]) -> str:
    """The letters of a direction, the strongest first, slight tilts left out."""
    strongest = sorted(range(3), key=lambda axis: -abs(cosines[axis]))
    return "".join(
        _AXES[axis][0 if cosines[axis] > 0 else 1]
        for axis in strongest
        if abs(cosines[axis]) > 0.25
    )
