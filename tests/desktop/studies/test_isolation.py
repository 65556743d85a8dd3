from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desktop.studies import isolation, reading
from desktop.studies.errors import PassedOver
from desktop.studies.isolation import Reader
from desktop.studies.reading import StudyError
from desktop.viewer.pixels import StoredImage
from tests.desktop.studies.factory import gradient, make_dataset, save
from tests.desktop.studies.faulty import faulty_reader

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def faulty() -> Iterator[Reader]:
    reader = faulty_reader(seconds=1.0)
    yield reader
    reader.close()


def assert_same(one: object, other: object) -> None:
    """Equal in every field, arrays and types included."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple):
        assert isinstance(other, tuple)
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other


def test_a_study_comes_through_whole(tmp_path: Path, reader: Reader) -> None:
    for path in (
        save(tmp_path / "grey.dcm"),
        save(tmp_path / "signed.dcm", make_dataset(gradient().astype(np.int16) - 2000)),
        save(tmp_path / "bare.dcm", make_dataset(WindowCenter=None, PixelSpacing=None)),
    ):
        assert_same(reader.read(path), reading.read_study(path))


def test_pictures_pass_through_a_pipe_where_no_memory_can_be_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_shared_memory", lambda: None)
    path = save(tmp_path / "a.dcm", make_dataset(gradient(900, 700)))
    piped = Reader()
    assert_same(piped.read(path), reading.read_study(path))
    piped.close()


def test_shared_memory_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "_KEPT_BYTES", 10_000)
    large = save(tmp_path / "a.dcm", make_dataset(gradient(100, 100)))
    small = save(tmp_path / "b.dcm")
    reader = Reader()
    for path in (large, small, large):
        assert_same(reader.read(path), reading.read_study(path))
    assert reader._memory is None or os.fstat(reader._memory).st_size == 0
    reader.close()
    assert reader._memory is None


def test_names_that_are_no_text_come_through(tmp_path: Path, reader: Reader) -> None:
    path = save(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.dcm")))
    assert reader.read(path).path == path
    text = path.with_suffix(".txt")
    text.write_text("hello")
    found, errors = reader.find([path, text])
    assert found == [path]
    assert "caf[U+DCE9].txt" in str(errors[0])
    assert [type(note) for note in reader.find([tmp_path])[1]] == [PassedOver]


def test_relative_paths_follow_this_process(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        save(tmp_path / folder / f"{folder}.dcm")
        monkeypatch.chdir(tmp_path / folder)
        assert reader.read(Path(f"{folder}.dcm")).path == Path(f"{folder}.dcm")


def test_what_a_bad_file_is_told_of_is_what_reading_says(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "text.dcm"
    path.write_text("hello")
    with pytest.raises(StudyError) as here:
        reading.read_study(path)
    with pytest.raises(StudyError) as there:
        reader.read(path)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("crash", "made the process that decodes it crash"),
        ("hang", "seconds to read"),
        ("busy", "seconds to read"),
        pytest.param(
            "memory",
            "needs far more memory than its picture",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="no cap elsewhere"),
        ),
        ("odd", "damaged"),
    ],
)
def test_a_file_that_ends_the_process_is_told_and_the_next_opens(
    tmp_path: Path, faulty: Reader, name: str, cause: str
) -> None:
    bad, good = save(tmp_path / f"{name}.dcm"), save(tmp_path / "good.dcm")
    with pytest.raises(StudyError, match=cause) as told:
        faulty.read(bad)
    assert bad.name in str(told.value)
    assert faulty.read(good).path == good


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the clock counts alone")
def test_a_file_that_waits_for_the_processor_is_no_slow_file(
    tmp_path: Path, faulty: Reader
) -> None:
    path = save(tmp_path / "starved.dcm")
    assert faulty.read(path).path == path


def test_files_that_end_a_search_keep_no_other_from_being_found(
    tmp_path: Path, faulty: Reader
) -> None:
    names = ("a", "crash1", "crash2", "hang", "odd", "z")
    paths = {name: save(tmp_path / "disc" / f"{name}.dcm") for name in names}
    found, errors = faulty.find([tmp_path / "disc"])
    assert found == [paths["a"], paths["z"]]
    told = " ".join(map(str, errors))
    assert all(paths[name].name in told for name in ("crash1", "crash2", "hang"))


def test_a_folder_that_is_slow_to_list_is_no_fault_of_a_file(
    tmp_path: Path, faulty: Reader
) -> None:
    """Neither of the one before it in the search, nor of one that lies in it."""
    before, inside = save(tmp_path / "a.dcm"), save(tmp_path / "slow" / "b.dcm")
    told: list[tuple[Path, int]] = []
    found, errors = faulty.find([tmp_path], listed=lambda *how_far: told.append(how_far))
    assert (found, errors) == ([before, inside], [])
    assert (inside.parent, 2) in told
    assert faulty.read(inside).path == inside


def test_a_sign_of_life_behind_a_large_picture_takes_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_KEPT_BYTES", 10_000)
    path = save(tmp_path / "slow.dcm", make_dataset(gradient(100, 100)))
    reader = faulty_reader(seconds=60)
    try:
        assert_same(reader.read(path), reading.read_study(path))
    finally:
        reader.close()


def test_a_listing_without_end_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "endless").mkdir()
    reader = faulty_reader(seconds=0.0)
    stop = threading.Event()
    try:
        found = reader.find([tmp_path / "endless"], stop, lambda *_: stop.set())
        assert found == ([], [])
    finally:
        reader.close()


@pytest.mark.parametrize("question", ["read", "find"])
def test_a_stop_ends_what_hangs(tmp_path: Path, question: str) -> None:
    path = save(tmp_path / "hang.dcm")
    reader = faulty_reader(seconds=60)
    reader.start()
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    try:
        if question == "read":
            with pytest.raises(StudyError, match="stopped"):
                reader.read(path, stop)
        else:
            assert reader.find([tmp_path], stop) == ([], [])
        assert reader.pid is None
    finally:
        reader.close()


def test_a_stop_is_heard_while_another_question_is_answered(tmp_path: Path) -> None:
    reader = faulty_reader(seconds=60)
    first, second = threading.Event(), threading.Event()
    asking = threading.Thread(target=reader.find, args=([save(tmp_path / "hang.dcm")], first))
    asking.start()
    try:
        while not reader._turn.locked():
            time.sleep(0.001)
        second.set()
        with pytest.raises(StudyError, match="stopped"):
            reader.read(tmp_path / "other.dcm", second)
    finally:
        first.set()
        asking.join()
        reader.close()


def test_a_process_that_cannot_start_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm")
    with pytest.raises(StudyError, match="cannot be started"):
        Reader((str(tmp_path / "nothing"),)).read(path)
    reader = Reader((sys.executable, "-c", "pass"))
    with pytest.raises(StudyError, match="pinfill doctor"):
        reader.read(path)
    found, errors = reader.find([path])
    assert found == []
    assert len(errors) == 1
    reader.close()


def test_an_answer_that_is_none_is_a_crash(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm")
    script = textwrap.dedent(
        """
        import os
        from desktop.studies import wire
        class Out:
            def write(self, data):
                return os.write(1, data)
        wire.send(Out(), wire.Ready())
        os.read(0, 4)
        wire.send(Out(), wire.Working(b"a.dcm"))
        wire.send(Out(), wire.Opened({"kind": "Study", "path": b"/", "image": 7}, []))
        os.read(0, 1 << 20)
        """
    )
    reader = Reader((sys.executable, "-P", "-c", script))
    with pytest.raises(StudyError, match=r"a\.dcm made the process"):
        reader.read(path)
    reader.close()


def test_the_process_ends_with_the_one_that_asks(tmp_path: Path) -> None:
    script = (
        "from desktop.studies import isolation; from pathlib import Path; import os, signal\n"
        f"isolation.read_study(Path({str(save(tmp_path / 'a.dcm'))!r}))\n"
        "print(isolation._shared.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.01)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # nobody may be there to reap it


def test_the_process_needs_neither_qt_nor_torch() -> None:
    script = (
        "import sys; from desktop.studies import reading_process\n"
        "print({'PySide6', 'torch'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_one_process_reads_file_after_file(tmp_path: Path, reader: Reader) -> None:
    path = save(tmp_path / "a.dcm")
    reader.read(path)
    first = reader.pid
    assert first is not None
    reader.find([tmp_path])
    with pytest.raises(StudyError):
        reader.read(tmp_path / "nothing.dcm")
    reader.read(path)
    assert reader.pid == first


def test_the_shared_process_serves_and_is_replaced(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm")
    isolation.warm_up()
    first = isolation._shared.pid
    assert first is not None
    assert isinstance(isolation.read_study(path).image, StoredImage)
    os.kill(first, signal.SIGKILL)
    isolation._shared._process.wait()  # type: ignore[union-attr]
    assert isolation.find_studies([path]) == ([path], [])
    assert isolation._shared.pid != first
