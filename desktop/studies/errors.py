"""What can go wrong with a study, said to the reader."""

from __future__ import annotations


class StudyError(Exception):
    """``str(error)`` is one sentence for the reader: what is wrong and what to do.

    ``kind`` is what a folder search counts such a file as, in the words of :data:`ONE_AND_MANY`.
    """

    kind: str = "unreadable"


class NotDicomError(StudyError):
    """The file is of another format."""

    kind = "other"


class NotAnImageError(StudyError):
    """The file is a DICOM object without a picture."""

    kind = "object"


class DamagedError(StudyError):
    """The file is cut short, damaged, or contradicts itself."""

    kind = "damaged"
