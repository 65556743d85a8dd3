"""A short run of the mutated report files; ``make fuzz`` has the long one."""

from __future__ import annotations

import pytest

from desktop.report import mutations


def test_a_mutated_file_is_a_report_or_an_error_that_is_told() -> None:
    summary = mutations.run(150, seed=1)
    assert summary.failures == []
    assert {"report", "DamagedReport"} <= set(summary.ends)


def test_what_is_neither_is_counted_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr("desktop.report.store.ReportStore.load", failing)
    summary = mutations.run(3, seed=1)
    assert len(summary.failures) == 3
    assert "KeyError" in str(summary)
