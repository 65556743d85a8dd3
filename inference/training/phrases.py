"""What a radiologist says for each finding of the demo world, and for its absence.

Templates are in US spelling, start in lower case and carry no full stop; the report language
capitalises and closes them. The fields are ``{side}``, ``{size}`` (small, moderate, large),
``{grade}`` (mild, moderate, severe), ``{graded}`` (mildly, ...), ``{lobe}``, ``{mm}``, ``{a_mm}``
(the number with its article) and ``{rib}`` (an ordinal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inference.training.findings import Finding, Kind, Size

Bank = tuple[str, ...]


@dataclass(frozen=True)
class Phrases:
    """The wordings of one fact.

    ``terse`` and ``wordy`` are sentences of FINDINGS; ``brief`` are noun phrases of IMPRESSION
    that can stand in a list.
    """

    terse: Bank
    wordy: Bank
    brief: Bank = ()


_GRADES: Final = {Size.SMALL: "mild", Size.MODERATE: "moderate", Size.LARGE: "severe"}
_GRADED: Final = {Size.SMALL: "mildly", Size.MODERATE: "moderately", Size.LARGE: "severely"}
_ORDINALS: Final = {4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth"}


def fill(template: str, finding: Finding) -> str:
    """Put the attributes of ``finding`` into the fields of ``template``."""
    mm = finding.millimetres
    article = "an" if mm in (8, 11, 18) else "a"
    return template.format(
        side=finding.side,
        size=finding.size,
        grade=_GRADES[finding.size] if finding.size else "",
        graded=_GRADED[finding.size] if finding.size else "",
        lobe=finding.lobe,
        mm=mm,
        a_mm=f"{article} {mm}",
        rib=_ORDINALS[finding.rib] if finding.rib else "",
    )


PRESENT: Final[dict[Kind, Phrases]] = {
    Kind.CARDIOMEGALY: Phrases(
        terse=(
            "{grade} cardiomegaly",
            "{grade} cardiac enlargement",
            "heart is {graded} enlarged",
        ),
        wordy=(
            "the heart is {graded} enlarged",
            "the cardiac silhouette is {graded} enlarged",
            "there is {grade} cardiomegaly",
            "there is {grade} enlargement of the cardiac silhouette",
        ),
        brief=("{grade} cardiomegaly", "cardiomegaly", "{grade} cardiac enlargement"),
    ),
    Kind.EFFUSION: Phrases(
        terse=("{size} {side} pleural effusion", "{size} {side} effusion"),
        wordy=(
            "there is a {size} {side} pleural effusion",
            "a {size} {side} pleural effusion is present",
            "a {size} pleural effusion is present on the {side}",
        ),
        brief=("{size} {side} pleural effusion", "{size} {side} effusion"),
    ),
    Kind.PNEUMOTHORAX: Phrases(
        terse=("{size} {side} pneumothorax", "{side} pneumothorax, {size} in size"),
        wordy=(
            "there is a {size} {side} pneumothorax",
            "a {size} pneumothorax is present on the {side}",
            "{size} {side} pneumothorax with a visible pleural line",
        ),
        brief=("{size} {side} pneumothorax",),
    ),
    Kind.CONSOLIDATION: Phrases(
        terse=(
            "{lobe} consolidation",
            "consolidation in the {lobe}",
            "{lobe} airspace opacity",
        ),
        wordy=(
            "there is consolidation in the {lobe}",
            "focal consolidation is seen in the {lobe}",
            "there is a focal airspace opacity in the {lobe}",
        ),
        brief=("{lobe} consolidation", "{lobe} pneumonia"),
    ),
    Kind.ATELECTASIS: Phrases(
        terse=("{lobe} atelectasis", "atelectasis in the {lobe}"),
        wordy=(
            "there is atelectasis in the {lobe}",
            "there is atelectasis of the {lobe}",
            "opacity in the {lobe} is consistent with atelectasis",
        ),
        brief=("{lobe} atelectasis",),
    ),
    Kind.OEDEMA: Phrases(
        terse=("{grade} pulmonary edema", "{grade} pulmonary edema with Kerley B lines"),
        wordy=(
            "there is {grade} pulmonary edema",
            "increased interstitial markings, consistent with {grade} pulmonary edema",
            "there is {grade} pulmonary edema with perihilar haze",
        ),
        brief=("{grade} pulmonary edema",),
    ),
    Kind.NODULE: Phrases(
        terse=("{mm} mm {lobe} nodule", "{mm} mm nodule in the {lobe}"),
        wordy=(
            "there is {a_mm} mm nodule in the {lobe}",
            "{a_mm} mm pulmonary nodule is seen in the {lobe}",
            "{a_mm} mm nodule projects over the {lobe}",
        ),
        brief=("{mm} mm {lobe} nodule", "{lobe} nodule", "{lobe} pulmonary nodule"),
    ),
    Kind.MASS: Phrases(
        terse=("{mm} mm {lobe} mass", "{mm} mm mass in the {lobe}"),
        wordy=(
            "there is {a_mm} mm mass in the {lobe}",
            "{a_mm} mm mass is seen in the {lobe}",
            "{a_mm} mm mass projects over the {lobe}",
        ),
        brief=("{mm} mm {lobe} mass", "{lobe} mass"),
    ),
    Kind.HYPERINFLATION: Phrases(
        terse=("hyperinflated lungs", "lungs are hyperinflated"),
        wordy=(
            "the lungs are hyperinflated",
            "the lungs are hyperexpanded",
            "there is hyperinflation of the lungs",
        ),
        brief=("hyperinflation", "hyperinflated lungs", "pulmonary hyperinflation"),
    ),
    Kind.HIATAL_HERNIA: Phrases(
        terse=(
            "hiatal hernia",
            "hiatal hernia with retrocardiac air-fluid level",
            "hiatal hernia behind the heart",
        ),
        wordy=(
            "retrocardiac air-fluid level, consistent with a hiatal hernia",
            "there is a hiatal hernia with a retrocardiac air-fluid level",
            "there is a hiatal hernia",
        ),
        brief=("hiatal hernia",),
    ),
    Kind.RIB_FRACTURE: Phrases(
        terse=(
            "{side} {rib} rib fracture",
            "fracture of the {side} {rib} rib",
            "{side} posterior {rib} rib fracture",
        ),
        wordy=(
            "there is a fracture of the {side} {rib} rib",
            "there is a fracture of the {side} posterior {rib} rib",
            "a {side} posterior {rib} rib fracture is seen",
        ),
        brief=("{side} {rib} rib fracture", "{side} rib fracture"),
    ),
    Kind.ENDOTRACHEAL_TUBE: Phrases(
        terse=("endotracheal tube tip above the carina", "endotracheal tube above the carina"),
        wordy=(
            "endotracheal tube with tip above the carina",
            "the endotracheal tube terminates above the carina",
            "an endotracheal tube is in place with its tip above the carina",
        ),
        brief=("endotracheal tube in satisfactory position",),
    ),
    Kind.CENTRAL_LINE: Phrases(
        # The vein of entry is not part of a case, so it is never named.
        terse=(
            "{side} central line tip in the SVC",
            "{side} central venous catheter tip in the SVC",
        ),
        wordy=(
            "{side} central venous catheter with tip in the SVC",
            "a {side} central venous catheter terminates in the SVC",
            "the tip of the {side} central venous catheter projects over the SVC",
        ),
        brief=("{side} central venous catheter in satisfactory position",),
    ),
    Kind.PACEMAKER: Phrases(
        terse=("{side} chest wall pacemaker", "{side} chest wall dual-lead pacemaker"),
        wordy=(
            "{side} chest wall dual-lead pacemaker is in place",
            "there is a {side} chest wall pacemaker",
            "{side} chest wall pacemaker with leads in the right atrium and right ventricle",
        ),
        brief=("pacemaker in place",),
    ),
    Kind.NASOGASTRIC_TUBE: Phrases(
        terse=(
            "nasogastric tube tip below the diaphragm",
            "nasogastric tube below the diaphragm",
        ),
        wordy=(
            "nasogastric tube with tip below the diaphragm",
            "the nasogastric tube terminates below the diaphragm",
            "a nasogastric tube courses below the diaphragm",
        ),
        brief=("nasogastric tube in satisfactory position",),
    ),
}

BILATERAL_EFFUSIONS: Final = Phrases(
    terse=("{size} bilateral pleural effusions", "{size} bilateral effusions"),
    wordy=(
        "there are {size} bilateral pleural effusions",
        "{size} bilateral pleural effusions are present",
        "{size} pleural effusions are present bilaterally",
    ),
    brief=("{size} bilateral pleural effusions", "{size} bilateral effusions"),
)

_SIZED: Final[dict[tuple[Kind, Size], Phrases]] = {
    (Kind.EFFUSION, Size.SMALL): Phrases(
        terse=(),
        wordy=("blunting of the {side} costophrenic angle, consistent with a small effusion",),
    ),
    (Kind.EFFUSION, Size.MODERATE): Phrases(
        terse=(), wordy=("moderate {side} pleural effusion obscuring the hemidiaphragm",)
    ),
    (Kind.EFFUSION, Size.LARGE): Phrases(
        terse=(), wordy=("large {side} pleural effusion obscuring the hemidiaphragm",)
    ),
    (Kind.PNEUMOTHORAX, Size.SMALL): Phrases(
        terse=("small {side} apical pneumothorax",),
        wordy=("there is a small apical pneumothorax on the {side}",),
        brief=("small {side} apical pneumothorax",),
    ),
    (Kind.OEDEMA, Size.SMALL): Phrases(
        terse=("mild interstitial edema", "mild interstitial edema with Kerley B lines"),
        wordy=("there is mild interstitial edema with Kerley B lines",),
        brief=("mild interstitial edema",),
    ),
    (Kind.OEDEMA, Size.LARGE): Phrases(
        terse=("severe pulmonary edema with perihilar opacities",),
        wordy=("there is severe pulmonary edema with bilateral perihilar opacities",),
    ),
}
"""Wordings that fit one size only, beside those of :data:`PRESENT`."""

_FLAT_HEMIDIAPHRAGMS: Final = Phrases(
    terse=("hyperinflated lungs with flattened hemidiaphragms",),
    wordy=(
        "the lungs are hyperinflated with flattened hemidiaphragms",
        "hyperinflation with flattening of the hemidiaphragms",
    ),
)


def phrases(finding: Finding, *, hemidiaphragms_visible: bool = True) -> Phrases:
    """Every wording that fits ``finding``; an effusion hides the hemidiaphragms."""
    base = PRESENT[finding.kind]
    extra = _SIZED.get((finding.kind, finding.size)) if finding.size else None
    if finding.kind is Kind.HYPERINFLATION and hemidiaphragms_visible:
        extra = _FLAT_HEMIDIAPHRAGMS
    if extra is None:
        return base
    return Phrases(base.terse + extra.terse, base.wordy + extra.wordy, base.brief + extra.brief)


HEART_NORMAL: Final = Phrases(
    terse=("heart size normal", "normal heart size"),
    wordy=(
        "heart size is normal",
        "the heart is normal in size",
        "the cardiac silhouette is within normal limits",
    ),
)
MEDIASTINUM_NORMAL: Final = Phrases(
    terse=("normal cardiomediastinal silhouette",),
    wordy=(
        "the cardiomediastinal silhouette is normal",
        "the heart and mediastinum are within normal limits",
    ),
)
LUNGS_CLEAR: Final = Phrases(
    terse=("lungs are clear", "clear lungs"),
    wordy=(
        "the lungs are clear",
        "the lungs are clear without focal consolidation",
        "both lungs are well expanded and clear",
    ),
)
HEART_AND_LUNGS_NORMAL: Final = Phrases(
    terse=("heart size is normal and the lungs are clear",),
    wordy=("the heart is normal in size and the lungs are clear",),
)
NO_CONSOLIDATION: Final = Phrases(
    terse=("no focal consolidation", "no consolidation"),
    wordy=("there is no focal consolidation", "no evidence of pneumonia"),
)
NO_EDEMA: Final = Phrases(
    terse=("no pulmonary edema",),
    wordy=("there is no pulmonary edema", "pulmonary vascularity is normal"),
)
NO_NODULE: Final = Phrases(
    terse=("no nodule or mass",), wordy=("no pulmonary nodule or mass is seen",)
)
NO_EFFUSION: Final = Phrases(
    terse=("no pleural effusion", "no effusion"),
    wordy=("there is no pleural effusion", "the costophrenic angles are sharp"),
)
NO_OTHER_EFFUSION: Final = Phrases(
    terse=("no {side} effusion",), wordy=("no {side} pleural effusion",)
)
NO_PNEUMOTHORAX: Final = Phrases(
    terse=("no pneumothorax",), wordy=("there is no pneumothorax", "no evidence of pneumothorax")
)
PLEURA_NORMAL: Final = Phrases(
    terse=("no pleural effusion or pneumothorax", "no pneumothorax or pleural effusion"),
    wordy=(
        "there is no pleural effusion or pneumothorax",
        "no pleural effusion or pneumothorax is seen",
    ),
)
BONES_NORMAL: Final = Phrases(
    terse=("no acute osseous abnormality", "bones are intact"),
    wordy=("the bones are intact", "no acute osseous abnormality is seen", "no acute fracture"),
)

NORMAL_IMPRESSION: Final[Bank] = (
    "no acute cardiopulmonary abnormality",
    "no acute cardiopulmonary process",
    "no acute cardiopulmonary disease",
    "no acute cardiopulmonary findings",
    "no evidence of acute cardiopulmonary disease",
)
NORMAL_RADIOGRAPH: Final[Bank] = ("normal chest radiograph", "normal chest")
DEVICES_IN_PLACE: Final[Bank] = (
    "support devices in satisfactory position",
    "support devices in expected position",
)
FOLLOW_UP: Final[Bank] = (
    "chest CT is recommended",
    "recommend chest CT",
    "CT is recommended for further evaluation",
)
REMARKS: Final[dict[Kind, Bank]] = {
    Kind.CONSOLIDATION: (
        "{lobe} consolidation, concerning for pneumonia",
        "{lobe} consolidation, consistent with pneumonia",
    ),
    Kind.HYPERINFLATION: ("hyperinflated lungs, suggesting COPD",),
    Kind.MASS: ("{lobe} mass, concerning for malignancy",),
}
"""Wordings of IMPRESSION that hold a comma and so must stand alone."""

PORTABLE: Final[Bank] = ("portable AP view", "AP portable view of the chest")
