"""A small data set as somebody's script may have written it, with the defects of such files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.inference.training.data.factory import picture

REPORT = "Heart size is normal. Lungs are clear. No effusion is seen. Bones are intact."

_GOOD: tuple[dict[str, Any], ...] = (
    {"id": 1, "report": REPORT, "patient": "a", "image": "one.png", "author": "Dr. A"},
    {"report": f"FINDINGS:\n{REPORT}\n\nIMPRESSION:\nNormal.", "patient": 2, "context": None},
    {"text": f"{REPORT} No nodule.", "patient": "c", "image": ""},
    {"question": "Is the heart enlarged?", "answer": "no", "image": "one.png", "patient": "a"},
    {"question": "How many nodules are there?", "answer": 2, "image": "one.png", "patient": "d"},
)
_BAD: tuple[bytes, ...] = (
    b'{"report": 12}',
    b'{"report": null}',
    b'{"report": " "}',
    b'{"report": ["Lungs are clear."]}',
    b'{"report": "a", "report": "b"}',
    b'{"report": "Lungs are clear.", "image": "absent.png"}',
    b'{"report": "Lungs are clear.", "image": "../../etc/passwd"}',
    b'{"report": "Lungs are clear.", "image": "damaged.png"}',
    b'{"report": "half \\ud83d"}',
    '{"report": "Größe unverändert."}'.encode("latin-1"),
    b'{"report": "nul \x00"}',
    b'{"question": "Is it?"}',
    b'["Lungs are clear."]',
    b'{"report": NaN}',
    b"[" * 5000,
    b"report;image",
    b'{"report": "cut sh',
)
BAD = len(_BAD)


def write_foreign_data(folder: Path) -> Path:
    """A ``reports.jsonl`` with a byte order mark, line ends of two kinds, empty lines and no
    splits; its bad rows stand between the good ones and behind them."""
    picture(folder / "one.png")
    (folder / "damaged.png").write_bytes((folder / "one.png").read_bytes()[:40])
    good = [json.dumps(row, ensure_ascii=False).encode() for row in _GOOD]
    lines = [line for pair in zip(good, _BAD, strict=False) for line in pair] + [b"", b"  "]
    lines += _BAD[len(good) :]
    content = b"\r\n".join(lines[:6]) + b"\r\n" + b"\n".join(lines[6:])
    (folder / "reports.jsonl").write_bytes(b"\xef\xbb\xbf" + content)
    return folder
