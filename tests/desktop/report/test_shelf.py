"""Reports that were left stay at hand while anything is bound to them."""

from __future__ import annotations

import pytest

from desktop.report import shelf as shelf_module
from desktop.report.model import Report
from desktop.report.shelf import MOST_REPORTS, Shelf


@pytest.mark.parametrize("bound", ["words", "job"])
@pytest.mark.parametrize("limit", ["number", "size"])
def test_a_report_with_undone_work_never_goes(
    bound: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Report()
    first.insert(0, "Words")
    shelf = Shelf(lambda report: bound == "job" and report is first)
    shelf.put(("first",), first, first.revision - (bound == "words"))
    if limit == "size":
        monkeypatch.setattr(shelf_module, "MOST_CHARACTERS", 1)
    for number in range(MOST_REPORTS + 5):
        report = Report()
        report.insert(0, "Saved")
        shelf.put((str(number),), report, report.revision)
    kept = shelf.get(("first",))
    assert kept is not None
    assert kept[0] is first
    assert shelf.get(("0",)) is None, "what is done goes"
    assert len(shelf) == (MOST_REPORTS if limit == "number" else 2)
