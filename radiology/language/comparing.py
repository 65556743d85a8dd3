"""Two facts held against each other: whether they may be of one finding, and where they differ."""

from __future__ import annotations

from typing import Final

from radiology.language.attributes import ORGANS
from radiology.language.clash import ClashKind, Found
from radiology.language.fact import Change, Fact

_LEVELS: Final = (
    frozenset({"upper", "apical", "suprahilar"}),
    frozenset({"lower", "basal", "retrocardiac", "infrahilar"}),
    frozenset({"middle", "lingula", "perihilar", "hilar", "suprahilar", "infrahilar"}),
    frozenset({"lingula", "upper"}),
    frozenset({"middle", "basal", "lingula"}),
)
"""Levels that may be said of one place."""

_TIPS: Final = (
    frozenset({"svc", "cavoatrial junction", "brachiocephalic vein"}),
    frozenset({"right atrium", "cavoatrial junction", "ivc"}),
    frozenset({"right atrium", "right ventricle"}),
    frozenset({"stomach", "below diaphragm", "duodenum"}),
    frozenset({"stomach", "oesophagus"}),
)
"""Places where one tip may be said to lie, or to lead to."""


_OF_ORGANS: Final = frozenset(
    {"nodule", "mass", "cavity", "opacity", "density", "fracture", "lymphadenopathy", "oedema"}
    | {
        "calcification",
        "granuloma",
        "acute disease",
        "aneurysm",
        "bone lesion",
        "bone abnormality",
        "malignancy",
    }
)
"""What other organs have as well."""


_DIFFERS: Final = {
    ClashKind.SIDE: "the sides differ",
    ClashKind.LEVEL: "the places differ",
    ClashKind.SIZE: "the sizes differ",
    ClashKind.SEVERITY: "the degrees differ",
    ClashKind.NUMBER: "the numbers differ",
    ClashKind.CHANGE: "the courses differ",
    ClashKind.TIP: "the tip lies elsewhere",
}


def differing(kind: ClashKind, one: Fact, other: Fact) -> Found:
    """The clash of two facts that differ in ``kind``."""
    return Found(kind, one, other, f"{{one}} and {{other}}: {_DIFFERS[kind]}.")


def differences(one: Fact, other: Fact) -> frozenset[ClashKind]:
    """The attributes that both facts tell, and in which they cannot be of one finding."""
    found = set()
    if organs(one) != organs(other):
        return frozenset()
    if _apart(one.sides, other.sides):
        found.add(ClashKind.SIDE)
    if not _meet(one.levels, other.levels, _LEVELS):
        found.add(ClashKind.LEVEL)
    if one.sizes and other.sizes and not any(a.agrees(b) for a in one.sizes for b in other.sizes):
        found.add(ClashKind.SIZE)
    if _severity_differs(one, other):
        found.add(ClashKind.SEVERITY)
    if _apart(one.sites, other.sites) or _counts_differ(one, other):
        found.add(ClashKind.NUMBER)
    if {one.change, other.change} == {Change.INCREASED, Change.DECREASED}:
        found.add(ClashKind.CHANGE)
    if not _meet(one.tips, other.tips, _TIPS):
        found.add(ClashKind.TIP)
    return frozenset(found)


def covers(denial: Fact, fact: Fact) -> bool:
    """Whether the place that ``denial`` speaks of holds the place of ``fact``."""
    if organs(denial) != organs(fact):
        return False
    if denial.sides and not denial.sides & fact.sides:
        return False
    if denial.levels and (not fact.levels or not _meet(denial.levels, fact.levels, _LEVELS)):
        return False
    return not denial.sites or bool(denial.sites & fact.sites)


def organs(fact: Fact) -> frozenset[str]:
    """What a lesion is of, if not of the lungs or the bones of the chest."""
    return fact.sites & ORGANS if fact.concept in _OF_ORGANS else frozenset()


def _apart(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other and not one & other)


def _meet(one: frozenset[str], other: frozenset[str], alike: tuple[frozenset[str], ...]) -> bool:
    """Whether two sets share a member or have alike ones; what is not told meets everything."""
    if not one or not other or one & other:
        return True
    return any(one & group and other & group for group in alike)


def _severity_differs(one: Fact, other: Fact) -> bool:
    """A minimal and a small effusion are told of one another every day; small and moderate not."""
    if not one.severities or not other.severities:
        return False
    low, high = sorted((one.severities, other.severities), key=max)
    return max(low) < min(high) and min(high) > 2


def _counts_differ(one: Fact, other: Fact) -> bool:
    return one.count is not None and other.count is not None and one.count != other.count
