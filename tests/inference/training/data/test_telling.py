"""What people are told of rows that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.training.data.rows import Malformed, Origin, Reading
from inference.training.data.telling import tell_left_out


def test_every_line_is_named_and_lines_alike_share_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, other = Path("a.json"), Path("b.json")
    wrong = [(one, 3, "Empty."), (one, 1, "Empty."), (one, 2, "Empty."), (one, 9, "Empty.")]
    wrong += [(one, 4, "Torn."), (other, 5, "Empty.")]
    malformed = tuple(Malformed(Origin(file, line), reason) for file, line, reason in wrong)
    tell_left_out(Reading("plain", "train", (), malformed, {"rows in zh": 7}))
    assert capsys.readouterr().err.splitlines() == [
        "pinfill: left out: a.json:1-3, 9: Empty.",
        "pinfill: left out: a.json:4: Torn.",
        "pinfill: left out: b.json:5: Empty.",
        "pinfill: left out: 7 rows in zh",
    ]
