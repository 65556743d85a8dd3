from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import (
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from desktop.studies.codestreams import Extent, hold_jpeg, hold_jpeg_2000, hold_rle
from desktop.studies.reading import StudyError, read_study
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

GREY = gradient(48, 40, top=255).astype(np.uint8)
COLOUR = np.dstack([GREY, GREY[::-1], GREY])

FRAMES = [
    (JPEGBaseline8Bit, imagecodecs.jpeg8_encode, hold_jpeg),
    (JPEGLossless, lambda p: imagecodecs.jpeg8_encode(p, lossless=True), hold_jpeg),
    (JPEGLSLossless, imagecodecs.jpegls_encode, hold_jpeg),
    (JPEG2000Lossless, lambda p: imagecodecs.jpeg2k_encode(p, codecformat="j2k"), hold_jpeg_2000),
    (JPEG2000Lossless, lambda p: imagecodecs.jpeg2k_encode(p, codecformat="jp2"), hold_jpeg_2000),
]
Hold = Callable[[bytes, Extent], None]


def rle_frame(*segments: bytes) -> bytes:
    offsets = [64]
    for segment in segments[:-1]:
        offsets.append(offsets[-1] + len(segment))
    header = struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments)))
    return header + b"".join(segments)


@pytest.mark.parametrize(("syntax", "encode", "hold"), FRAMES)
@pytest.mark.parametrize("pixels", [GREY, COLOUR], ids=["grey", "colour"])
def test_the_size_of_a_frame_is_held_against_the_files(
    syntax: UID, encode: Callable[[np.ndarray], bytes], hold: Hold, pixels: np.ndarray
) -> None:
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    frame = encode(pixels)
    hold(frame, Extent(48, 40, samples))
    for other in (Extent(47, 40, samples), Extent(48, 41, samples), Extent(48, 40, samples + 1)):
        with pytest.raises(ValueError, match="the frame holds 40 x 48 pixels"):
            hold(frame, other)
    for cut in range(0, 24):
        with pytest.raises(ValueError, match="the frame"):
            hold(frame[:cut], Extent(48, 40, samples))


@pytest.mark.parametrize(("syntax", "encode", "hold"), FRAMES)
def test_a_frame_that_claims_to_be_huge_is_never_decoded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    syntax: UID,
    encode: Callable[[np.ndarray], bytes],
    hold: Hold,
) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    for name in ("jpeg8_decode", "jpegls_decode", "jpeg2k_decode"):
        monkeypatch.setattr(imagecodecs, name, decode)
    frame = encode(GREY)
    size = struct.pack(">HH", 48, 40), struct.pack(">HH", 65535, 65535)
    if hold is hold_jpeg_2000:
        size = struct.pack(">II", 40, 48), struct.pack(">II", 65535, 65535)
    assert size[0] in frame
    path = save(
        tmp_path / "a.dcm", make_dataset(GREY), syntax=syntax, frames=[frame.replace(*size)]
    )
    with pytest.raises(StudyError) as told:
        read_study(path)
    assert "65535 x 65535" in str(told.value.__cause__)


def test_tiles_are_counted_before_they_are_allocated() -> None:
    claimed = Extent(48, 40, 1)
    whole = imagecodecs.jpeg2k_encode(GREY, codecformat="j2k")

    def tiled(width: int, height: int) -> bytes:
        return bytes(whole[:24] + struct.pack(">II", width, height) + whole[32:])

    assert tiled(40, 48) == whole
    hold_jpeg_2000(tiled(8, 8), claimed)
    with pytest.raises(ValueError, match="1920 tiles"):
        hold_jpeg_2000(tiled(1, 1), claimed)
    with pytest.raises(ValueError, match="no tiles"):
        hold_jpeg_2000(tiled(0, 8), claimed)


def test_rle_segments_lie_inside_their_frame() -> None:
    frame = rle_frame(b"\x01ab\0", b"\xff\x07")
    hold_rle(frame, 2)
    with pytest.raises(ValueError, match="2 RLE segments, the file says 1"):
        hold_rle(frame, 1)
    for offsets in [(64, 70), (64, 71), (64, 64), (68, 64), (0, 64), (64, 2**32 - 1)]:
        changed = frame[:4] + struct.pack("<II", *offsets) + frame[12:]
        with pytest.raises(ValueError, match="lie outside"):
            hold_rle(changed, 2)
    for cut in range(64):
        with pytest.raises(ValueError, match="shorter than its header"):
            hold_rle(frame[:cut], 2)


def test_an_rle_offset_behind_the_frame_is_refused(tmp_path: Path) -> None:
    frame = bytearray(rle_frame(b"\xc1\x07" * 30))
    frame[4:8] = struct.pack("<I", 0x00FFFFFF)
    path = save(tmp_path / "a.dcm", make_dataset(GREY), syntax=RLELossless, frames=[frame])
    with pytest.raises(StudyError, match="cannot be decoded"):
        read_study(path)
