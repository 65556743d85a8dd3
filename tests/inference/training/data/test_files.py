"""Text files are read whole or refused with a sentence; array elements know their lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.training.data.files import (
    NotUtf8,
    RepeatedKey,
    decode,
    elements,
    is_utf_8,
    lines,
    read_text,
)
from inference.training.data.rows import DataError
from tests.inference.training.data.factory import sentence, written

values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
spaces = st.text(alphabet=" \n\t", max_size=4)


@given(st.lists(st.tuples(values, spaces, spaces)), st.sampled_from([None, 0, 2]))
def test_every_element_is_found_in_the_line_that_it_begins_in(
    tmp_path_factory: pytest.TempPathFactory, parts: list[Any], indent: int | None
) -> None:
    text, expected = " \n[", []
    for number, (value, before, behind) in enumerate(parts):
        text += ("," if number else "") + before
        expected.append((text.count("\n") + 1, value))
        text += json.dumps(value, indent=indent) + behind
    path = tmp_path_factory.getbasetemp() / "array.json"
    path.write_text(f"{text}]\n", encoding="utf-8")
    assert list(elements(path)) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1,\n2", 2),
        ("[1,\n{]", 2),
        ("[1,\n2\n3]", 3),
        ("[1,]", 1),
        ("[1]\n\nrest", 3),
        ("[NaN]", 1),
        ("[", 1),
        ("[\n1,\n" + "[" * 100_000, 3),
    ],
)
def test_broken_arrays_are_refused_with_the_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(DataError) as error:
        list(elements(written(tmp_path / "a.json", text)))
    assert f"not valid JSON at line {line}" in sentence(error)


@pytest.mark.parametrize("text", ["", '{"a": 1}', "words"])
def test_what_is_no_array_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError) as error:
        list(elements(written(tmp_path / "a.json", text)))
    assert "not a JSON array" in sentence(error)


def test_a_key_that_stands_twice_is_not_swallowed() -> None:
    value = decode('{"a": 1, "b": 2, "b": 3}')
    assert isinstance(value, RepeatedKey)
    assert value.key == "b"


@pytest.mark.parametrize("text", ["", "{", "1 2", "Infinity", "[" * 100_000])
def test_decoding_takes_one_value_only(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


def test_lines_end_at_line_feeds_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "\ufeffone\r\n\n \ntwo\u2028three\n")
    assert list(lines(path)) == [(1, "one"), (4, "two\u2028three")]


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n"))
    assert read_text(path) == "a,b\n"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(DataError) as error:
        read_text(path)
    assert "not a whole gzip file" in sentence(error)


def test_a_line_in_another_encoding_costs_none_of_those_around_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\n\xe4rger\n\xc3\xa4rger\n")
    assert [is_utf_8(text) for _, text in lines(path)] == [True, False, True]
    path.write_bytes(b'["fine",\n"\xe4rger",\n"\xc3\xa4rger"]')
    first, second, third = (value for _, value in elements(path))
    assert (first, third) == ("fine", "\u00e4rger")
    assert isinstance(second, NotUtf8)


def test_utf_16_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("fine".encode("utf-16"))
    with pytest.raises(DataError) as error:
        read_text(path)
    assert "save it as UTF-8" in sentence(error)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_text(tmp_path)
    assert "cannot be read" in sentence(error)
