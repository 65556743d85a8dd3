"""What can go wrong with a study, said to the reader."""

from __future__ import annotations


class StudyError(Exception):
    """``str(error)`` is one sentence for the reader: what is wrong and what to do."""
