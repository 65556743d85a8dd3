"""A reading process in which files fail by their names."""

from __future__ import annotations

import sys

from desktop.studies.isolation import Reader

FAULTS = """
import os, sys, time
from pathlib import Path
from desktop.studies import folders, reading_process, reading, wire

read, open_header = reading.read_study, folders.open_header

list_folder = os.scandir

def scandir(folder):
    time.sleep({"slow": 1.2, "endless": 60}.get(Path(folder).name, 0))
    return list_folder(folder)

os.scandir = scandir

def fault(path):
    name = fault.name = Path(path).name
    if name.startswith("crash"):
        os.abort()
    if name.startswith("hang"):
        time.sleep(60)
    if name.startswith("starved"):
        end = time.monotonic() + 2
        while time.monotonic() < end:
            spent = time.process_time() + 0.01
            while time.process_time() < spent:
                pass
            time.sleep(0.05)
    if name.startswith("busy"):
        while True:
            pass
    if name.startswith("memory"):
        bytearray(2 << 30)
    if name.startswith("rubbish"):
        os.write(3, b"junk" * 1000)
    if name.startswith("odd"):
        raise NotImplementedError("VR")

def faulty(inner):
    def look(path):
        fault(path)
        return inner(path)
    return look

write = wire.write

def write_slowly(sink, frame, arrays=(), memory=None):
    if arrays and memory is not None and fault.name.startswith("slow"):
        os.lseek(memory, 0, os.SEEK_SET)
        for array in arrays:
            os.write(memory, array.data.cast("B"))
        wire.send(sink, wire.Working(b"slow"))
        end = time.monotonic() + 0.3
        while time.monotonic() < end and os.fstat(memory).st_size:
            time.sleep(0.01)
        arrays = memory = ()
    write(sink, frame, arrays, memory or None)

wire.write = write_slowly
folders.open_header = faulty(open_header)
reading_process.read_study = faulty(read)
reading_process.main()
"""
"""The process, with decoders that crash, hang, fill the memory or answer rubbish."""


def faulty_reader(seconds: float) -> Reader:
    """A reader whose files named ``crash…``, ``hang…`` and so on do just that."""
    return Reader((sys.executable, "-P", "-c", FAULTS), seconds=seconds)
