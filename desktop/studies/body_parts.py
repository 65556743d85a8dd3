"""Body parts and views as headers name them, one word for each.

Body Part Examined (0018,0015) is meant to hold a defined term (PS3.16 annex L) and holds what the
console, the language of the house and the typist make of it; descriptions are free text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

_PARTS: Final[Mapping[str, str]] = {
    # Also inside a longer term: CHESTABDPELVIS, NECKCHEST.
    "CHEST": r"CHEST|\bTHORA(?!CIC SPINE|CIC VERT|CIC INLET|COLUMB|COTOM)|\bTORA[XC]|\bLUNGS?\b"
    r"|\bPULMO|\bCXR\b|\bPOUMON",
    "ABDOMEN": r"ABDOM|ABD(?=PELV)|\bABD\b|\bBAUCH\b|\bKUB\b|\bLIVER\b|\bKIDNEYS?\b",
    "PELVIS": r"PELV|\bBECKEN",
    "HEAD": r"\bHEAD|\bSKULL\b|\bBRAIN\b|\bCRANI|\bCEREBR|\bSCHADEL|\bKOPF|\bFACE\b|\bFACIAL\b"
    r"|\bSINUS(?:ES)?\b|\bORBITS?\b",
    "NECK": r"\bNECK|HEADNECK|\bLARYNX\b|\bTHYROID\b|\bCAROTID",
    "SPINE": r"\b[CTLS]{0,2}SPINE\b|\bSPINAL\b|\bVERTEBRA|\bLUMBAR|\bCERVICAL|\bSACR(?:UM|AL)|"
    r"\bCOCCYX\b|\bWIRBEL|\bLWS\b|\bHWS\b|\bBWS\b",
    "BREAST": r"\bBREASTS?\b|\bMAMMO|\bMAMMA\b",
    "HEART": r"\bHEART\b|\bCARDI|\bCORONARY\b|\bECHOCARD|\bHERZ",
    "RIB": r"\bRIBS?\b|\bSTERNUM\b",
    "SHOULDER": r"\bSHOULDER\b|\bSCHULTER",
    "CLAVICLE": r"\bCLAVICLE\b",
    "SCAPULA": r"\bSCAPULA\b",
    "HUMERUS": r"\bHUMERUS\b|\bUPPER ARM\b",
    "ELBOW": r"\bELBOW\b",
    "FOREARM": r"\bFOREARM\b|\bRADIUS\b|\bULNA\b",
    "WRIST": r"\bWRIST\b",
    "HAND": r"\bHANDS?\b|\bFINGERS?\b|\bTHUMB\b",
    "HIP": r"\bHIPS?\b",
    "FEMUR": r"\bFEMUR\b|\bTHIGH\b",
    "KNEE": r"\bKNEES?\b|\bPATELLA\b",
    "LEG": r"\bLEGS?\b|\bTIBIA\b|\bFIBULA\b|\bLOWER LIMB\b",
    "ANKLE": r"\bANKLES?\b",
    "FOOT": r"\bFOOT\b|\bFEET\b|\bTOES?\b|\bHEEL\b|\bCALCANE",
    "JAW": r"\bJAW\b|\bMANDIBLE\b|\bMAXILLA\b|\bDENTAL\b|\bTEETH\b|\bTOOTH\b",
    "UTERUS": r"\bUTERUS\b|\bFETUS\b|\bFETAL\b|\bOBSTETRIC",
    "PROSTATE": r"\bPROSTATE\b",
}
_PATTERNS: Final = {part: re.compile(pattern) for part, pattern in _PARTS.items()}

_SIDE: Final = {"LL", "RL", "LAT", "LLAT", "RLAT", "LATERAL"}
_OBLIQUE: Final = {"LLO", "RLO", "LAO", "RAO", "LPO", "RPO", "OBL", "OBLIQUE"}
_AS_THEY_ARE: Final = {"PA", "AP", "LLD", "RLD", "CC", "MLO", "ML", "LM", "LMO", "XCCL", "AXIAL"}
_VIEWS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_SIDE, "LATERAL"),
    **dict.fromkeys(_OBLIQUE, "OBLIQUE"),
    **{view: view for view in _AS_THEY_ARE},
}
_BREAST_ALONE: Final = frozenset({"CC", "MLO", "LMO", "XCCL"})


def parts_in(text: str) -> frozenset[str]:
    """The body parts that a text names, under the defined term or the commonest word of each."""
    plain = _plain(text)
    return frozenset(part for part, pattern in _PATTERNS.items() if pattern.search(plain))


def views_in(text: str) -> frozenset[str]:
    """The views that a text names: ``LL``, ``RL`` and ``LAT`` are ``LATERAL``."""
    return frozenset(_VIEWS[word] for word in _plain(text).split() if word in _VIEWS)


def part_of_view(views: frozenset[str]) -> frozenset[str]:
    """The body part that only these views are of, if there is one."""
    return frozenset({"BREAST"}) if views and views <= _BREAST_ALONE else frozenset()


def _plain(text: str) -> str:
    """In capitals without accents, and a space for all that is no letter or digit."""
    bare = unicodedata.normalize("NFKD", text.upper())
    return " ".join("".join(c if c.isalnum() else " " for c in bare if not _is_mark(c)).split())


def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) != 0
