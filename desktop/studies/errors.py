"""What can go wrong with a study, said to the reader."""

from __future__ import annotations


class StudyError(Exception):
    """``str(error)`` is one sentence for the reader: what is wrong and what to do."""


class NotDicomError(StudyError):
    """The file is of another format."""


class NotAnImageError(StudyError):
    """The file is a DICOM object without a picture, a ``kind`` in the singular."""

    def __init__(self, sentence: str, kind: str = "DICOM object without an image") -> None:
        super().__init__(sentence)
        self.kind = kind


class DamagedError(StudyError):
    """The file is cut short, damaged, or contradicts itself."""


class PassedOver(StudyError):
    """No fault: what a search of folders left out, because no image is in it."""
