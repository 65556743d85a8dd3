"""Whether a model was made for the image at hand, by its declaration and the file's header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from desktop.studies.body_parts import part_of_view, parts_in, views_in
from desktop.studies.context import Header
from inference.protocol import DECLARES_NOTHING, MadeFor, ModelInfo

_CAPTURES: Final = frozenset({"OT", "SC"})
"""Modalities of a secondary capture: a picture of anything, taken from any screen."""

_GREY: Final = frozenset({"CR", "DX", "MG", "IO", "PX", "RG", "CT", "MR"})
_STILL: Final = _GREY - {"CT", "MR"}
"""Modalities whose images are grey, and of these such as are one frame each (PS3.3 A)."""


class Pictured(Header, Protocol):
    """What of a :class:`~desktop.studies.reading.Study` is held against a declaration."""

    @property
    def series_description(self) -> str: ...
    @property
    def in_colour(self) -> bool: ...
    @property
    def frames(self) -> int: ...


@dataclass(frozen=True)
class Fit:
    """How an image suits a model: a sentence each, empty where there is nothing to say.

    ``against`` is why the image is outside the declaration, ``unknown`` what the file does not
    tell, so that nobody can say whether it is.
    """

    against: str = ""
    unknown: str = ""


def fit(study: Pictured, model: ModelInfo) -> Fit:
    """Hold a study against what ``model`` declares; who declares nothing is believed."""
    made_for = model.made_for
    if made_for == DECLARES_NOTHING:
        return Fit()
    name = model.name if model.adapter is None else f"{model.name} with {model.adapter}"
    held = [_modality(study, made_for), _body_part(study, made_for), _view(study, made_for)]
    told = [each.other for each in held if each.other]
    told += _kinds_of_picture(study, made_for)
    if told:
        return Fit(
            against=f"{name} was made for other images ({described(made_for)}), and this is one "
            f"{_listed(told)}: what it writes may mean nothing."
        )
    if unsaid := [each.unsaid for each in held if each.unsaid]:
        return Fit(
            unknown=f"The file does not tell the {_listed(unsaid)} of this image, so nobody can "
            f"say whether {name} was made for it ({described(made_for)})."
        )
    return Fit()


def described(made_for: MadeFor) -> str:
    """For example ``"modality DX or CR, body part CHEST, language en"``."""
    lists = (
        ("modality", made_for.modalities),
        ("body part", made_for.body_parts),
        ("view", made_for.views),
        ("language", made_for.languages),
    )
    return ", ".join(f"{name} {_listed(words, 'or')}" for name, words in lists if words)


@dataclass(frozen=True)
class _Held:
    """One element against the declaration: what of it is another, or goes unsaid."""

    other: str = ""
    unsaid: str = ""


def _modality(study: Pictured, made_for: MadeFor) -> _Held:
    modality = study.modality.strip().upper()
    if not made_for.modalities or modality in made_for.modalities:
        return _Held()
    if not modality:
        return _Held(unsaid="modality")
    if modality in _CAPTURES:
        return _Held(f"that may show anything, a secondary capture (modality {modality})")
    return _Held(f"of the modality {modality}")


def _body_part(study: Pictured, made_for: MadeFor) -> _Held:
    if not made_for.body_parts:
        return _Held()
    if _undeclared(study.body_part, made_for.body_parts):
        parts = parts_in(study.body_part)
    else:
        return _Held()  # the same word, known or not
    parts = (
        parts
        or parts_in(f"{study.description} {study.series_description}")
        or part_of_view(views_in(study.view))
    )
    if not parts:
        return _Held(unsaid="body part")
    declared = frozenset[str]().union(*map(parts_in, made_for.body_parts))
    if parts & declared:
        return _Held()
    return _Held(f"of the body part {_listed(sorted(parts))}")


def _view(study: Pictured, made_for: MadeFor) -> _Held:
    if not made_for.views or not _undeclared(study.view, made_for.views):
        return _Held()
    described_views = views_in(f"{study.description} {study.series_description}")
    # One that names two, "PA and lateral", is of the study and not of this image.
    views = views_in(study.view) or (described_views if len(described_views) == 1 else frozenset())
    if not views:
        return _Held(unsaid="view")
    if views & frozenset[str]().union(*map(views_in, made_for.views)):
        return _Held()
    return _Held(f"of the view {_listed(sorted(views))}")


def _undeclared(said: str, declared: Sequence[str]) -> bool:
    return said.strip().upper() not in declared


def _kinds_of_picture(study: Pictured, made_for: MadeFor) -> Iterator[str]:
    modalities = frozenset(made_for.modalities)
    if modalities and modalities <= _GREY and study.in_colour:
        yield "in colour"
    if modalities and modalities <= _STILL and study.frames > 1:
        yield f"with {study.frames} frames"


def _listed(words: Sequence[str], last: str = "and") -> str:
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end
