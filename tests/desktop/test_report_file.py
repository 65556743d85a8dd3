"""Report files: gaps where they are marked, every other byte pinned."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.report_file import MAX_BYTES, ReportFileError, parse, read
from inference.protocol import Fixed, Gap, join


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("{{gap}}", (Gap(),)),
        ("{{gap 12}}", (Gap(12),)),
        ("{{ gap }}", (Gap(),)),
        ("{{ \tgap  7 }}", (Gap(7),)),
        ("No {{gap}}.", (Fixed("No "), Gap(), Fixed("."))),
        ("{{gap}}{{gap 2}}", (Gap(), Gap(2))),
        ("{{gap: No effusion. }}", (Gap(None, "No effusion."),)),
        ("{{ gap 3 : a\nb }}", (Gap(3, "a\nb"),)),
        ("{{gap:}}", (Gap(),)),
        ("a\r\n{{gap}}\r\n", (Fixed("a\r\n"), Gap(), Fixed("\r\n"))),
        ("{{x}} {{GAP}} {{gape}} {gap} {{gap}}", (Fixed("{{x}} {{GAP}} {{gape}} {gap} "), Gap())),
    ],
)
def test_a_mark_becomes_a_gap_and_the_rest_is_pinned(text: str, pieces: tuple[object, ...]) -> None:
    assert parse(text) == pieces


@pytest.mark.parametrize(
    "mark",
    [
        "{{gap x}}",
        "{{gap 0}}",
        "{{gap -3}}",
        "{{gap 1.5}}",
        "{{gap12}}",
        "{{gap12: words}}",
        "{{gap: a {b} }}",
        "{{gap 12}",
        "{{gap",
        "{{gap ٣}}",
        f"{{{{gap {'9' * 5000}}}}}",
    ],
)
def test_a_malformed_mark_is_an_error_that_names_its_line(mark: str) -> None:
    with pytest.raises(ReportFileError, match="in line 2 is not a gap mark"):
        parse(f"{{{{gap}}}}\n{mark} rest")


def test_a_report_without_a_gap_is_an_error() -> None:
    with pytest.raises(ReportFileError, match="no gap"):
        parse("The lungs are clear.")


@given(parts=st.lists(st.text().filter(lambda part: "{{" not in part), min_size=2, max_size=5))
def test_any_text_around_gaps_stays_as_it_is(parts: list[str]) -> None:
    fills = [""] * (len(parts) - 1)
    # Between marks no part can close or open one, as a brace alone would.
    parts = [part.strip("{}") for part in parts]
    pieces = parse("{{gap}}".join(parts))
    assert join(pieces, fills) == "".join(parts)
    assert [p for p in pieces if isinstance(p, Gap)] == [Gap()] * len(fills)
    assert all(p.text for p in pieces if isinstance(p, Fixed))


@given(text=st.text().filter(lambda text: "{{" not in text and text[:1] != "\ufeff"))
def test_a_file_is_read_without_touching_its_line_ends(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("report") / "report.txt"
    path.write_bytes(text.encode() + b"\r\n{{gap}}\r")
    assert read(path) == (Fixed(text + "\r\n"), Gap(), Fixed("\r"))


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(b"\xef\xbb\xbfA \xef\xbb\xbf{{gap}}")
    assert read(path) == (Fixed("A \ufeff"), Gap())


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x{{gap}}")))
    assert read(Path("-")) == (Fixed("x"), Gap())


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("ok\nSchädel {{gap}}".encode("latin-1"))
    large = tmp_path / "large.txt"
    large.write_bytes(b"a" * (MAX_BYTES + 1))
    cases = {
        tmp_path / "none.txt": "no such file",
        tmp_path: "folder",
        latin: r"not UTF-8 text \(byte 6, line 2\)",
        large: "no report",
    }
    for path, phrase in cases.items():
        with pytest.raises(ReportFileError, match=phrase) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
