"""The process that finds and decodes DICOM files, so that none can end or fill the window.

It answers requests from its standard input one after the other, and ends with that input. Errors
of a file come back as sentences; whatever else happens here is the business of
:mod:`desktop.studies.isolation`, which watches from outside.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import imagecodecs

from desktop.studies import limits, wire
from desktop.studies.codecs import OUT_OF_MEMORY
from desktop.studies.datasets import open_header
from desktop.studies.errors import PassedOver, StudyError
from desktop.studies.folders import find_studies
from desktop.studies.lateness import LONGEST
from desktop.studies.names import shown
from desktop.studies.presentation_states import states_in
from desktop.studies.reading import read_study

_CHUNK: Final = 256 << 10
_SHOWN_BYTES: Final = 2
"""A pixel of the picture that is handed over."""

_BEAT: Final = 1.0
"""Seconds between two signs of life while a slow drive delivers a file."""

_TOLD: Final = 0.1
"""Seconds between two words on how far a listing is."""

_LAST_RESORT: Final = (LONGEST + 1) * limits.SECONDS
"""Seconds after which a hung decoder ends itself: its parent has gone without a word."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who tells us
    source = io.FileIO(os.dup(0), "r")
    sink = io.FileIO(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    _load_codecs()
    base = limits.memory_in_use()
    wire.send(sink, wire.Ready())
    try:
        while True:
            request = wire.receive_request(source)
            limits.cap_memory(base + limits.MEMORY)
            with contextlib.suppress(OSError):  # gone: relative paths are not found then
                os.chdir(os.fsdecode(request.folder))
            match request:
                case wire.Find():
                    _find(request, sink)
                case wire.Read():
                    _read(Path(os.fsdecode(request.path)), sink, base)
            faulthandler.cancel_dump_traceback_later()
    except (EOFError, BrokenPipeError):
        pass


def _find(request: wire.Find, sink: io.FileIO) -> None:
    hopeless = set(request.hopeless)
    told = -math.inf

    def may_look(path: Path) -> bool:
        nonlocal told
        if os.fsencode(path) in hopeless:
            return False
        told = -math.inf
        _work(sink, path)
        return True

    def listed(folder: Path, count: int) -> None:
        nonlocal told
        if time.monotonic() - told > _TOLD:
            told = time.monotonic()
            _list(sink, folder, count)

    paths = [Path(os.fsdecode(path)) for path in request.paths]
    found, errors = find_studies(paths, may_look=may_look, listed=listed)
    notes = [wire.text_bytes(str(note)) for note in errors if isinstance(note, PassedOver)]
    sentences = [wire.text_bytes(str(e)) for e in errors if not isinstance(e, PassedOver)]
    wire.send(sink, wire.Found([os.fsencode(path) for path in found], sentences, notes))


def _read(path: Path, sink: io.FileIO, base: int) -> None:
    _work(sink, path)
    try:
        size = _fetch(path, lambda: _work(sink, path))
        _list(sink, path.parent, 0)
        states_in(path.parent)  # kept for the reading, whose time begins now
        _work(sink, path)
        limits.cap_memory(base + limits.MEMORY + size + _picture_bytes(path))
        record, arrays = wire.packed(read_study(path))
        shapes = [(array.dtype.str, list(array.shape)) for array in arrays]
        opened = wire.encoded(wire.Opened(record, shapes))
    except Exception as error:  # a number beyond 64 bits, say: this process is to go on
        sentence = _sentence(error, path)
        wire.send(sink, wire.Refused(wire.text_bytes(sentence)))
    else:
        wire.write(sink, opened, arrays, _memory())


def _memory() -> int | None:
    """The file in memory that is shared with the parent, where there is one."""
    number = os.environ.get(wire.MEMORY_VARIABLE)
    return int(number) if number else None


def _work(sink: io.FileIO, path: Path) -> None:
    faulthandler.dump_traceback_later(_LAST_RESORT, exit=True)
    wire.send(sink, wire.Working(os.fsencode(path)))


def _list(sink: io.FileIO, folder: Path, count: int) -> None:
    faulthandler.cancel_dump_traceback_later()  # a drive may take its time
    wire.send(sink, wire.Listing(os.fsencode(folder), count))


def _fetch(path: Path, beat: Callable[[], None]) -> int:
    """Bring a file into the system's cache, for a slow drive is no slow file; its size in bytes.

    What is wrong with it is found out, and told, by whoever reads it next.
    """
    scratch = bytearray(_CHUNK)
    size, told = 0, time.monotonic()
    try:
        if not path.is_file():
            return 0
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(scratch):
                size += count
                if time.monotonic() - told > _BEAT:
                    told = time.monotonic()
                    beat()
    except OSError:
        return 0
    return size


def _picture_bytes(path: Path) -> int:
    """What the picture takes by its header; 0 where there is none."""
    try:
        header = open_header(path)
        keywords = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
        rows, columns, samples, bits = (int(header.get(name) or 1) for name in keywords)
    except Exception:  # told where the file is read
        return 0
    return rows * columns * max(samples * bits // 8, _SHOWN_BYTES)


def _sentence(error: Exception, path: Path) -> str:
    """What to say of an error; a lack of memory is looked for at the bottom of it."""
    cause: BaseException | None = error
    while not (cause is None or isinstance(cause, MemoryError) or OUT_OF_MEMORY in str(cause)):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return (
            f"{shown(path.name)} needs far more memory than its picture takes, so it was not "
            "opened: fetch it again from its source."
        )
    if isinstance(error, StudyError):
        return str(error)
    return f"{shown(path.name)} is a damaged DICOM file: fetch it again from its source."


def _load_codecs() -> None:
    """imagecodecs imports each decoder at its first use; that is not to cost the first film."""
    for name in ("jpeg8_decode", "jpegls_decode", "jpeg2k_decode", "dicomrle_decode"):
        getattr(imagecodecs, name)


if __name__ == "__main__":
    main()
