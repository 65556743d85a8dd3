"""Which transfer syntaxes are read, and what the others are."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MPEGTransferSyntaxes,
)

from desktop.studies import codecs
from desktop.studies.elements import element_name
from desktop.studies.errors import DamagedError, StudyError

NATIVE: Final = frozenset(
    {
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    }
)
"""Transfer syntaxes whose pixels are not compressed."""

_NEWER: Final = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
}
"""Names that pydicom does not know (PS3.6 annex A)."""

_VIDEO: Final = ("1.2.840.10008.1.2.7.", "1.2.840.10008.1.2.4.10")
"""SMPTE ST 2110 and MPEG, whose UIDs begin so."""

_COMPRESSED: Final = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.")


def syntax_name(syntax: UID) -> str:
    """A transfer syntax as the standard names it, else its number."""
    return _NEWER.get(syntax, syntax.name)


def refuse_unknown_syntax(dataset: FileDataset, name: str) -> None:
    """Raises :class:`StudyError` for pixels that are stored in a way that is not read."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if not isinstance(syntax, UID) or not syntax:
        raise DamagedError(
            f"{name} does not say how its pixels are stored, it has no "
            f"{element_name('TransferSyntaxUID')}: export it again from its source."
        )
    if syntax in codecs.SYNTAXES or syntax in NATIVE:
        return
    told = syntax_name(syntax)
    if syntax in MPEGTransferSyntaxes or syntax.startswith(_VIDEO):
        raise StudyError(
            f"{name} is a video ({told}), which Pinfill does not play: "
            "open a still image of the study."
        )
    if "Referenced" in told:
        raise StudyError(
            f"{name} holds no pixels, only where a server keeps them ({told}): "
            "fetch the image itself from its source."
        )
    how = "compressed" if syntax.startswith(_COMPRESSED) else "stored"
    raise StudyError(
        f"{name} is {how} in a way that Pinfill cannot decode ({told}): "
        "export it uncompressed or in JPEG 2000."
    )
