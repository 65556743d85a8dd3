"""How concepts stand to each other: what is one finding, what denies it, what bears it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from radiology.language.fact import Change, Fact, Kind, Presence, Severity
from radiology.language.findings import FINDINGS

_FAMILIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("nodule", "mass", "cavity"), "lesion"),
    **dict.fromkeys(("consolidation", "opacity", "ground glass"), "opacity"),
    **dict.fromkeys(("oedema", "congestion", "heart failure"), "failure"),
    **dict.fromkeys(("central line", "picc", "port", "dialysis catheter"), "venous catheter"),
}
_OPACITIES: Final = frozenset(
    [
        "consolidation",
        "opacity",
        "atelectasis",
        "mass",
        "nodule",
        "cavity",
        "oedema",
        "embolism",
        "scarring",
        "fibrosis",
        "tuberculosis",
        "malignancy",
        "bronchiectasis",
        "aspiration",
    ]
) | {"ground glass", "interstitial markings", "volume loss", "bronchial wall thickening"}

_SUPPORT: Final[Mapping[str, frozenset[str]]] = {
    "effusion": frozenset({"blunting", "opacity", "pleural thickening"}),
    "pneumothorax": frozenset(),
    "consolidation": _OPACITIES,
    "atelectasis": _OPACITIES | {"low volumes", "raised hemidiaphragm", "effusion", "blunting"},
    "oedema": frozenset(
        {"consolidation", "opacity", "ground glass", "interstitial markings", "congestion"}
    )
    | {"heart failure", "septal lines", "effusion", "cardiomegaly", "bronchial wall thickening"},
    "cardiomegaly": frozenset({"heart failure", "pericardial effusion"}),
    "nodule": _OPACITIES | {"granuloma", "lymphadenopathy"},
    "mass": _OPACITIES
    | {"lymphadenopathy", "hilar enlargement", "mediastinal widening", "hiatal hernia"},
    "cavity": _OPACITIES | {"bulla"},
    "fracture": frozenset(
        {"bone lesion", "bone abnormality", "degenerative change", "kyphosis", "osteopenia"}
    ),
    "hiatal hernia": frozenset({"opacity", "mass"}),
    "free air": frozenset(),
    "pneumomediastinum": frozenset({"subcutaneous emphysema"}),
    "mediastinal widening": frozenset({"mass", "lymphadenopathy", "aortic tortuosity", "aneurysm"}),
    "subcutaneous emphysema": frozenset(),
}
"""What in the Findings bears out a finding of the Impression, besides its like."""

_LUNGS: Final = frozenset(
    {
        "consolidation",
        "oedema",
        "opacity",
        "mass",
        "nodule",
        "cavity",
        "ground glass",
    }
)
_ACUTE: Final = frozenset(
    [
        "pneumothorax",
        "consolidation",
        "oedema",
        "effusion",
        "pneumomediastinum",
        "embolism",
        "dissection",
        "cavity",
    ]
) | {"free air", "heart failure", "mediastinal shift"}
_TRIFLES: Final = frozenset(
    ["granuloma", "scarring", "scoliosis", "kyphosis", "osteopenia", "hyperinflation"]
) | {
    "degenerative change",
    "aortic calcification",
    "aortic tortuosity",
    "coronary calcification",
    "vascular calcification",
    "low volumes",
    "blunting",
}

_DENIED: Final[Mapping[str, frozenset[str]]] = {
    "lungs": _LUNGS,
    "heart": frozenset({"cardiomegaly"}),
    "mediastinum": frozenset({"mediastinal widening", "mediastinal shift", "pneumomediastinum"}),
    "hila": frozenset({"hilar enlargement"}),
    "pleura": frozenset({"effusion", "blunting"}),
    "bones": frozenset({"fracture", "bone lesion"}),
    "vessels": frozenset({"congestion"}),
    "diaphragm": frozenset({"raised hemidiaphragm"}),
    "aorta": frozenset({"aneurysm", "dissection"}),
    "airway": frozenset({"tracheal deviation"}),
    "abdomen": frozenset({"free air"}),
    "chest": frozenset(FINDINGS) - _TRIFLES,
    "acute disease": _ACUTE,
    "bone abnormality": frozenset({"fracture", "bone lesion"}),
}
"""What cannot be there where a region is normal, or where "no acute disease" is said."""

HARMLESS: Final = frozenset({"granuloma", "scarring"})
"""What a shadow may be and the lungs still be clear."""

GRAVE: Final = frozenset(
    {"pneumothorax", "consolidation", "mass", "cavity", "oedema", "pneumomediastinum"}
) | {"free air"}
"""What an Impression does not leave out; a nodule and an effusion where they are large."""

SINGLE: Final = frozenset({"cardiomegaly", "hiatal hernia", "scoliosis", "hyperinflation"})
"""What a patient has once: told of twice it is the same."""

_LEAST_NODULE: Final = 8.0
"""mm of a nodule that an Impression does not leave out."""

_SMALL_NODULE: Final = 6.0
"""mm under which a nodule may stand beside "the lungs are clear": most are granulomas."""

SHADOWS: Final = frozenset({"consolidation", "opacity", "nodule"})
"""What may turn out to be atelectasis or a scar."""

RESTRICTING: Final = frozenset({"restricted", "borderline"})


def family(concept: str) -> str:
    """What a finding is compared as: a nodule of the Findings may be a mass of the Impression."""
    return _FAMILIES.get(concept, concept)


def supports(fact: Fact, claim: Fact) -> bool:
    """Whether ``fact`` bears out that the ``claim`` of an Impression was found."""
    if fact.kind is Kind.NORMAL:
        return "borderline" in fact.qualifiers and claim.concept in _DENIED.get(fact.concept, ())
    same = family(fact.concept) == family(claim.concept)
    return same or claim.concept not in _SUPPORT or fact.concept in _SUPPORT[claim.concept]


def is_checkable(claim: Fact) -> bool:
    """Whether it is known what would bear out the ``claim`` of an Impression."""
    return claim.concept in _SUPPORT


def answers(fact: Fact, finding: Fact) -> bool:
    """Whether ``fact`` of an Impression speaks of the ``finding``."""
    return supports(finding, fact) or supports(fact, finding)


def denies(statement: Fact, fact: Fact) -> bool:
    """Whether a region that is normal, or the lack of acute disease, excludes ``fact``."""
    if statement.qualifiers & RESTRICTING:
        return False
    if statement.kind is not Kind.NORMAL and statement.presence is not Presence.ABSENT:
        return False
    if fact.concept not in _DENIED.get(statement.concept, ()) or fact.kind is not Kind.FINDING:
        return False
    if statement.concept in {"acute disease", "bone abnormality"}:
        return is_acute(fact)
    if statement.concept in {"lungs", "bones", "chest"} and (
        fact.qualifiers & {"chronic", "calcified"}
        or fact.change in {Change.UNCHANGED, Change.DECREASED}
    ):
        return False
    return not is_slight(fact)


def is_acute(fact: Fact) -> bool:
    """Whether a finding is one that "no acute disease" cannot stand beside."""
    if "chronic" in fact.qualifiers or fact.change in {Change.UNCHANGED, Change.DECREASED}:
        return False
    return not (fact.concept == "effusion" and is_slight(fact))


def is_slight(fact: Fact) -> bool:
    """Whether nothing but the least degrees of ``fact`` is told, or a trace of atelectasis."""
    if fact.concept in {"effusion", "atelectasis", "opacity"}:
        return bool(fact.severities) and max(fact.severities) <= Severity.SMALL
    if fact.concept == "nodule" and fact.size_mm is not None:
        return fact.size_mm < _SMALL_NODULE
    return bool(fact.severities) and max(fact.severities) <= Severity.MINIMAL


def is_grave(fact: Fact) -> bool:
    """Whether an Impression has to speak of ``fact``."""
    if fact.presence is not Presence.PRESENT or not is_acute(fact) or fact.kind is not Kind.FINDING:
        return False
    if fact.concept == "effusion":
        return any(severity >= Severity.MODERATE for severity in fact.severities)
    if fact.concept == "nodule":
        return (fact.size_mm or 0.0) >= _LEAST_NODULE
    return fact.concept in GRAVE and not is_slight(fact)
