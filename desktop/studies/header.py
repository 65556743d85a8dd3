"""What the header of a study says that its report is held against."""

from __future__ import annotations

from typing import Final, Literal, Protocol

from radiology.language.study import StudyFacts, View

_VIEWS: Final[dict[str, View]] = {
    "AP": "AP",
    "PA": "PA",
    **dict.fromkeys(("LATERAL", "LAT", "LL", "RL"), "LATERAL"),
}
_OF_BOTH_SIDES: Final = frozenset({"", "CHEST", "THORAX"})


class Header(Protocol):
    """The part of a :class:`~desktop.studies.reading.Study` that is held against a report."""

    @property
    def sex(self) -> str: ...
    @property
    def view(self) -> str: ...
    @property
    def body_part(self) -> str: ...


def study_facts(study: Header, *, alone: bool = True) -> StudyFacts:
    """What the header of one image says of its study.

    Where the image is not ``alone``, a lateral view may be among the others. A chest has both
    sides, whatever side a lateral view of it was taken from.
    """
    *side, position = study.view.split() or [""]
    view = _VIEWS.get(position.upper())
    views: frozenset[View] = frozenset({view} if view is not None else ())
    if views and not alone:
        views |= {"LATERAL"}
    told = side[0] if side else position
    laterality: Literal["L", "R"] | None = None
    if study.body_part.upper() not in _OF_BOTH_SIDES and told in ("L", "R"):
        laterality = "L" if told == "L" else "R"
    sex: Literal["F", "M"] | None = None
    if study.sex in ("F", "M"):
        sex = "F" if study.sex == "F" else "M"
    return StudyFacts(sex=sex, views=views, laterality=laterality)
