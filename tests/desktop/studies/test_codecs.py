from __future__ import annotations

import shutil
import struct
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from desktop.studies import codecs
from desktop.studies.datasets import open_dataset
from desktop.studies.frame_ends import jpeg_2000_end
from desktop.studies.frames import first_frame
from desktop.studies.reading import StudyError, read_study
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

RADIOGRAPH = gradient(120, 90)


def stored(path: Path) -> np.ndarray:
    return read_study(path).image.stored


def jpeg2000(pixels: np.ndarray, bits: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(pixels, reversible=True, bitspersample=bits, codecformat="j2k")
    )


@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEGLSNearLossless])
def test_jpeg_ls(tmp_path: Path, syntax: UID, level: int) -> None:
    frame = imagecodecs.jpegls_encode(RADIOGRAPH, level=level)
    path = save(tmp_path / "a.dcm", make_dataset(RADIOGRAPH), syntax=syntax, frames=[frame])
    assert np.abs(stored(path).astype(int) - RADIOGRAPH).max() <= level


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEG2000])
def test_jpeg_2000(tmp_path: Path, syntax: UID) -> None:
    path = save(
        tmp_path / "a.dcm",
        make_dataset(RADIOGRAPH),
        syntax=syntax,
        frames=[jpeg2000(RADIOGRAPH, 12)],
    )
    np.testing.assert_array_equal(stored(path), RADIOGRAPH)


def test_high_throughput_jpeg_2000(tmp_path: Path) -> None:
    frame = bytes(imagecodecs.htj2k_encode(RADIOGRAPH, reversible=True))
    dataset = make_dataset(RADIOGRAPH, BitsStored=16, HighBit=15)
    path = save(tmp_path / "a.dcm", dataset, syntax=HTJ2K, frames=[frame])
    np.testing.assert_array_equal(stored(path), RADIOGRAPH)


def test_signed_jpeg_2000(tmp_path: Path) -> None:
    pixels = RADIOGRAPH.astype(np.int16) - 2000
    path = save(
        tmp_path / "a.dcm",
        make_dataset(pixels),
        syntax=JPEG2000Lossless,
        frames=[jpeg2000(pixels, 16)],
    )
    np.testing.assert_array_equal(stored(path), pixels)


def test_signed_pixels_that_were_compressed_as_unsigned(tmp_path: Path) -> None:
    pixels = RADIOGRAPH.astype(np.int16) - 2000
    dataset = make_dataset(pixels, BitsStored=13, HighBit=12)
    unsigned = (pixels.view(np.uint16) & 0x1FFF).astype(np.uint16)
    path = save(
        tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=[jpeg2000(unsigned, 13)]
    )
    np.testing.assert_array_equal(stored(path), pixels)


def twelve_bits() -> tuple[np.ndarray, np.ndarray]:
    """Signed values, and the words of them whose unused high bits are zero (PS3.5 8.1.1)."""
    values = RADIOGRAPH.astype(np.int16) - 2048
    return values, values.view(np.uint16) & 0x0FFF


@pytest.mark.parametrize("above", [0, 0x5000])
@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEGLSLossless, imagecodecs.jpegls_encode),
        (JPEGLosslessSV1, lambda words: imagecodecs.ljpeg_encode(words, bitspersample=16)),
        (JPEG2000Lossless, lambda words: jpeg2000(words, 16)),
        (JPEG2000Lossless, lambda words: jpeg2000(words.view(np.int16), 16)),
    ],
)
def test_signs_of_values_in_deeper_codestreams(
    tmp_path: Path, syntax: UID, encode: Any, above: int
) -> None:
    values, words = twelve_bits()
    dataset = make_dataset(values, BitsStored=12, HighBit=11)
    frame = bytes(encode((words | above).astype(np.uint16)))
    path = save(tmp_path / "a.dcm", dataset, syntax=syntax, frames=[frame])
    np.testing.assert_array_equal(stored(path), values)


@pytest.mark.parametrize("signed", [False, True])
def test_errors_of_lossy_compression_do_not_wrap_around(tmp_path: Path, signed: bool) -> None:
    values = np.where(np.indices((40, 40)).sum(axis=0) % 3 > 0, 2047, -2048).astype(np.int16)
    values = values if signed else (values + 2048).astype(np.uint16)
    frame = imagecodecs.jpegls_encode(values.view(np.uint16) + (0 if signed else 1), level=5)
    dataset = make_dataset(values, BitsStored=12, HighBit=11)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEGLSNearLossless, frames=[frame])
    assert np.abs(stored(path).astype(int) - values).max() <= 6


def test_values_in_a_codestream_are_not_shifted(tmp_path: Path) -> None:
    """The file's words had their values on the left; a codestream of twelve bits has no left."""
    dataset = make_dataset(RADIOGRAPH << 4, HighBit=15)
    frames = {12: jpeg2000(RADIOGRAPH, 12), 16: jpeg2000(RADIOGRAPH << 4, 16)}
    for frame in frames.values():
        path = save(tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=[frame])
        np.testing.assert_array_equal(stored(path), RADIOGRAPH)


def test_a_codestream_that_is_deeper_than_the_words_is_refused(tmp_path: Path) -> None:
    dataset = make_dataset(RADIOGRAPH.astype(np.uint8))
    frame = jpeg2000(RADIOGRAPH, 12)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=[frame])
    with pytest.raises(StudyError, match="JPEG 2000"):
        read_study(path)


def test_eight_bit_frames_in_a_sixteen_bit_file(tmp_path: Path) -> None:
    small = gradient(top=255).astype(np.uint8)
    dataset = make_dataset(small.astype(np.uint16), BitsStored=8, HighBit=7)
    frame = imagecodecs.jpegls_encode(small)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEGLSLossless, frames=[frame])
    np.testing.assert_array_equal(stored(path), small)


def colour_dataset(photometric: str) -> Any:
    return make_dataset(COLOUR, PhotometricInterpretation=photometric)


COLOUR = np.stack([gradient(64, 64, top).astype(np.uint8) for top in (250, 160, 90)], axis=-1)
GREY = ((COLOUR * np.array([299, 587, 114])).sum(axis=2) + 500) // 1000


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
def test_colour_jpeg(tmp_path: Path, photometric: str) -> None:
    space = "YCBCR" if photometric.startswith("YBR") else "RGB"
    frame = imagecodecs.jpeg8_encode(
        COLOUR, level=98, colorspace="RGB", outcolorspace=space, subsampling="444"
    )
    dataset = colour_dataset(photometric)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEGBaseline8Bit, frames=[frame])
    study = read_study(path)
    assert np.abs(study.image.stored.astype(int) - GREY).mean() < 2
    assert any("with loss" in caution for caution in study.cautions)


def adobe(transform: int) -> bytes:
    return b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform])


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
@pytest.mark.parametrize("transform", [0, 1])
def test_an_adobe_segment_knows_the_colours_of_a_jpeg_frame(
    tmp_path: Path, photometric: str, transform: int
) -> None:
    space = "YCBCR" if transform else "RGB"
    frame = imagecodecs.jpeg8_encode(
        COLOUR, level=98, colorspace="RGB", outcolorspace=space, subsampling="444"
    )
    bare = frame[: frame.index(b"\xff\xdb")]  # JFIF and Adobe segments come before the tables
    plain = frame[:2] + b"\xff" + adobe(transform) + frame[len(bare) :]
    plain = plain.replace(b"R\x11\0G\x11\0B\x11\0", b"\1\x11\0\2\x11\0\3\x11\0")
    plain = plain.replace(b"R\0G\0B\0", b"\1\0\2\0\3\0")
    dataset = colour_dataset(photometric)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEGBaseline8Bit, frames=[plain])
    study = read_study(path)
    assert np.abs(study.image.stored.astype(int) - GREY).mean() < 2
    mistaken = (photometric == "RGB") == bool(transform)
    assert any("and its codestream" in text for text in study.cautions) == mistaken


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422", "RGB", "YBR_RCT"])
def test_jpeg_2000_that_mixed_its_components_holds_rgb(tmp_path: Path, photometric: str) -> None:
    frame = bytes(imagecodecs.jpeg2k_encode(COLOUR, reversible=True, codecformat="j2k", mct=True))
    dataset = colour_dataset(photometric)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=[frame])
    study = read_study(path)
    np.testing.assert_array_equal(study.image.stored, GREY)
    mistaken = photometric.startswith("YBR_FULL")
    assert any("and its codestream RGB" in text for text in study.cautions) == mistaken


def test_colour_jpeg_2000(tmp_path: Path) -> None:
    frame = bytes(imagecodecs.jpeg2k_encode(COLOUR, reversible=True, codecformat="j2k", mct=True))
    dataset = colour_dataset("YBR_RCT")
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=[frame])
    np.testing.assert_array_equal(stored(path), GREY)


COMPRESSED = {
    JPEGLSLossless: imagecodecs.jpegls_encode(RADIOGRAPH),
    JPEG2000Lossless: jpeg2000(RADIOGRAPH, 12),
    JPEGLosslessSV1: imagecodecs.ljpeg_encode(RADIOGRAPH, bitspersample=12),
}


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_cut_frame_is_refused(tmp_path: Path, syntax: UID, share: float) -> None:
    whole = bytes(COMPRESSED[syntax])
    dataset = make_dataset(RADIOGRAPH)
    path = save(tmp_path / "whole.dcm", dataset, syntax=syntax, frames=[whole])
    np.testing.assert_array_equal(stored(path), RADIOGRAPH)
    cut = whole[: int(len(whole) * share) // 2 * 2]
    path = save(tmp_path / "cut.dcm", dataset, syntax=syntax, frames=[cut])
    with pytest.raises(StudyError, match="the frame has no end marker, it is cut short"):
        read_study(path)


BEHIND = [
    bytes(13),
    bytes(14),
    bytes(40),
    b" " * 31,
    b"\xff" * 17,
    b"added by an archive",
    b"\0\xff" * 20,
]


@pytest.mark.parametrize("syntax", COMPRESSED, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("behind", BEHIND)
def test_bytes_behind_the_end_marker_are_no_part_of_the_frame(
    tmp_path: Path, syntax: UID, behind: bytes
) -> None:
    whole = bytes(COMPRESSED[syntax])
    dataset = make_dataset(RADIOGRAPH)
    path = save(tmp_path / "a.dcm", dataset, syntax=syntax, frames=[whole + behind])
    np.testing.assert_array_equal(stored(path), RADIOGRAPH)
    path = save(tmp_path / "cut.dcm", dataset, syntax=syntax, frames=[whole[:-40] + behind])
    with pytest.raises(StudyError, match="cut short"):
        read_study(path)


def test_an_end_marker_in_a_thumbnail_is_not_the_end(tmp_path: Path) -> None:
    whole = bytes(COMPRESSED[JPEGLosslessSV1])
    thumbnail = b"\xff\xe0\x00\x06\xff\xd9\xff\xd9"
    framed = whole[:2] + thumbnail + whole[2:]
    dataset = make_dataset(RADIOGRAPH)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEGLosslessSV1, frames=[framed + bytes(30)])
    np.testing.assert_array_equal(stored(path), RADIOGRAPH)
    path = save(tmp_path / "b.dcm", dataset, syntax=JPEGLosslessSV1, frames=[framed[:-60]])
    with pytest.raises(StudyError, match="cut short"):
        read_study(path)


def test_the_end_of_a_jp2_file_is_found(tmp_path: Path) -> None:
    frame = imagecodecs.jpeg2k_encode(
        RADIOGRAPH, reversible=True, bitspersample=12, codecformat="jp2"
    )
    dataset = make_dataset(RADIOGRAPH)
    frames: list[bytes | bytearray] = [bytes(frame) + bytes(50)]
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=frames)
    np.testing.assert_array_equal(stored(path), RADIOGRAPH)


def test_tile_parts_are_stepped_over_to_the_end_of_a_codestream() -> None:
    def tile_part(body: bytes, length: int | None = None) -> bytes:
        length = 14 + len(body) if length is None else length
        return struct.pack(">HHHIBBH", 0xFF90, 10, 0, length, 0, 1, 0xFF93) + body

    comment = b"\xff\x64\x00\x06\xff\xd9\xff\xd9"  # with what looks like an end
    start = b"\xff\x4f" + comment + tile_part(b"a" * 30)
    for last in (tile_part(b"b" * 9), tile_part(b"b" * 9, 0)):
        whole = start + last + b"\xff\xd9"
        assert jpeg_2000_end(whole + b"\0" * 40) == len(whole)
        assert jpeg_2000_end(start + last) is None
    assert jpeg_2000_end(start + tile_part(b"b" * 9)[:-1]) is None


def literal_runs(plane: bytes) -> bytes:
    """PackBits without any repetition (PS3.5 G.3.1)."""
    chunks = (plane[at : at + 128] for at in range(0, len(plane), 128))
    return b"".join(bytes([len(chunk) - 1]) + chunk for chunk in chunks)


@pytest.mark.parametrize("padding", [b"", b"\0", b" ", b"\x80", b"\xff", bytes(3), b"\xff" * 9])
@pytest.mark.parametrize("bits", [8, 16])
def test_rle_segments_may_be_padded_with_anything(
    tmp_path: Path, padding: bytes, bits: int
) -> None:
    pixels: np.ndarray = gradient(21, 13, 255 if bits == 8 else 4095)
    pixels = pixels.astype(np.uint8) if bits == 8 else pixels
    planes = [pixels >> 8, pixels & 255] if bits == 16 else [pixels]
    segments = [literal_runs(plane.astype(np.uint8).tobytes()) + padding for plane in planes]
    starts = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    header = struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(starts)))
    frame = header + b"".join(segments)
    dataset = make_dataset(pixels)
    path = save(tmp_path / "a.dcm", dataset, syntax=RLELossless, frames=[frame])
    np.testing.assert_array_equal(stored(path), pixels)
    path = save(tmp_path / "cut.dcm", dataset, syntax=RLELossless, frames=[frame[:-40]])
    with pytest.raises(StudyError, match="cut short"):
        read_study(path)


def test_pixels_that_are_not_compressed_as_the_file_says(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm")
    old = b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"
    new = b"\x02\0\x10\0UI\x16\x001.2.840.10008.1.2.4.50"
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(StudyError, match=r"Transfer Syntax UID .* compressed .* not in fragments"):
        read_study(path)


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    frame = imagecodecs.jpegls_encode(gradient(10, 10))
    path = save(tmp_path / "a.dcm", syntax=JPEGLSLossless, frames=[frame])
    with pytest.raises(StudyError, match="JPEG-LS Lossless"):
        read_study(path)


@pytest.mark.parametrize("change", ["segments", "length"])
def test_damaged_rle_is_refused(tmp_path: Path, change: str) -> None:
    dataset = make_dataset(RADIOGRAPH)
    save(tmp_path / "plain.dcm", dataset)
    dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    frame = bytearray(get_frame(dataset.PixelData, 0, number_of_frames=1))
    damaged = b"\x03" + frame[1:] if change == "segments" else frame[: len(frame) // 3]
    path = save(tmp_path / "a.dcm", dataset, syntax=RLELossless, frames=[bytes(damaged)])
    with pytest.raises(StudyError, match="RLE Lossless"):
        read_study(path)


@pytest.mark.parametrize(
    ("command", "bits", "signed", "tolerance"),
    [
        ("dcmcjpls", 12, False, 0),
        ("dcmcjpls", 12, True, 0),
        ("dcmcjpls +en +md 2", 12, False, 2),
        ("dcmcjpeg +el", 12, False, 0),
        ("dcmcjpeg +el", 12, True, 0),
        ("dcmcjpeg +e1", 12, False, 0),
        ("dcmcjpeg +e1", 12, True, 0),
        ("dcmcjpeg +ee", 12, False, 60),
        ("dcmcjpeg +eb +q 98", 8, False, 12),
        ("dcmcrle", 12, False, 0),
        ("dcmcrle", 12, True, 0),
        ("dcmcrle", 8, False, 0),
    ],
)
def test_files_compressed_by_dcmtk(
    tmp_path: Path, command: str, bits: int, signed: bool, tolerance: int
) -> None:
    tool, *options = command.split()
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    pixels: np.ndarray = gradient(120, 90, 2**bits - 1)
    pixels = pixels.astype(np.uint8) if bits == 8 else pixels
    if signed:
        pixels = pixels.astype(np.int16) - 2048
    plain = save(tmp_path / "plain.dcm", make_dataset(pixels, BitsStored=bits, HighBit=bits - 1))
    packed = tmp_path / "packed.dcm"
    subprocess.run([tool, *options, plain, packed], check=True, capture_output=True)
    assert pydicom.dcmread(packed).file_meta.TransferSyntaxUID.is_encapsulated
    study = read_study(packed)
    assert np.abs(study.image.stored.astype(int) - pixels).max() <= tolerance
    assert any("with loss" in text for text in study.cautions) == (tolerance > 0)


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEGBaseline8Bit, imagecodecs.jpeg8_encode),
        (JPEGLSLossless, imagecodecs.jpegls_encode),
        (JPEG2000Lossless, lambda pixels: imagecodecs.jpeg2k_encode(pixels, codecformat="j2k")),
    ],
)
def test_a_frame_is_decoded_without_a_copy(
    tmp_path: Path, syntax: UID, encode: Callable[[np.ndarray], bytes]
) -> None:
    """A second copy of the samples would stand between a large picture and its opening."""
    pixels = np.zeros((2048, 1536, 3), np.uint8)
    dataset = make_dataset(pixels)
    path = save(tmp_path / "a.dcm", dataset, syntax=syntax, frames=[bytes(encode(pixels))])
    opened = open_dataset(path)
    first_frame(opened, "a.dcm")  # what codecs keep for good is allocated here
    tracemalloc.start()
    try:
        values, _ = first_frame(opened, "a.dcm")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < pixels.nbytes + values.nbytes + pixels.nbytes // 2


def test_registering_again_is_harmless() -> None:
    codecs.register()
    codecs.register()
    assert not codecs.is_available("1.2.840.10008.1.2.4.102")
