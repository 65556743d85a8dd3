"""What radiology says in several ways: the words that rules take for the same.

A short list made by hand, for chest radiographs above all, and no dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final


def _of(**groups: str) -> dict[str, str]:
    """``meaning="phrase, phrase"`` turned round; ``_`` stands for a space in a meaning."""
    return {
        phrase.strip(): meaning.replace("_", " ")
        for meaning, phrases in groups.items()
        for phrase in phrases.split(",")
    }


PHRASES: Final[Mapping[str, str]] = {
    # Anatomy.
    **_of(
        heart="cardiac silhouette, heart size, cardiac size, heart shadow, cardiac, "
        "cardiomediastinal silhouette, cardiomediastinal",
        lung="pulmonary, lung fields, parenchyma of the lung, lungs",
        kidney="renal parenchyma, renal, kidneys",
        liver="hepatic",
        spleen="splenic",
        stomach="gastric",
        oesophagus="esophagus",
        costophrenic="costophrenic angle, costophrenic angles, cp angle, cp angles, "
        "costophrenic sulcus",
        vena_cava_superior="superior vena cava, svc",
        vena_cava_inferior="inferior vena cava, ivc",
        subdiaphragm="under the diaphragm, below the diaphragm, beneath the diaphragm, "
        "subdiaphragmatic, subphrenic",
        bone="osseous, bony, skeletal, bones",
        zone="zones, lobe, lobes",
        base="basal, basilar, bases",
        apex="apical, apices",
        chest="thorax, thoracic",
        abdomen="abdominal",
        brain="cerebral, intracranial",
        vessel="vascular, vessels, vasculature, vascularity",
        pleura="pleural",
        gallbladder="gall bladder",
        mediastinum="mediastinal",
        # Their names have a side, which is not that of a finding.
        atrium_dextrum="right atrium, right atrial",
        atrium_sinistrum="left atrium, left atrial",
        ventricle_dextrum="right ventricle, right ventricular",
        ventricle_sinistrum="left ventricle, left ventricular",
    ),
    # Findings.
    **_of(
        heart_enlarged="cardiomegaly",
        liver_enlarged="hepatomegaly",
        spleen_enlarged="splenomegaly",
        enlarged="enlargement, enlarge",
        effusion="pleural effusion, pleural effusions, pleural fluid, effusions, hydrothorax",
        pneumothorax="pneumothoraces",
        atelectasis="collapse, collapsed, atelectatic, volume loss",
        edema="oedema, edematous",
        hemorrhage="haemorrhage, bleed, bleeding, hematoma, haematoma",
        calcification="calcified, calcifications, calcific",
        consolidation="consolidations, consolidated, airspace disease",
        opacity="opacities, opacification",
        fracture="fractures, fractured, broken",
        widened="widening, wide",
        displaced="deviated, shifted, deviation, shift, displacement",
        tortuous="tortuosity, unfolded",
        emphysema="hyperinflation, hyperinflated, hyperexpanded, hyperexpansion",
        heart_failure="congestive heart failure, cardiac failure, chf, congestive cardiac failure",
    ),
    # Nothing found.
    **_of(
        normal="within normal limits, unremarkable, clear, sharp, not enlarged, not widened, "
        "intact, "
        "no abnormality, no abnormalities, nothing abnormal, no significant abnormality, "
        "no acute disease, no acute process, no acute cardiopulmonary process, "
        "no acute cardiopulmonary disease, no acute abnormality, "
        "no acute cardiopulmonary abnormality, no finding, no findings, normal limits",
        without="free of",
    ),
    # Devices.
    **_of(
        tube_endotracheal="endotracheal tube, et tube, ett",
        tube_nasogastric="nasogastric tube, ng tube, ngt, enteric tube",
        tube_chest="chest tube, chest tubes, chest drain, chest drains, pleural drain, drain, "
        "drains",
        catheter_central="central venous catheter, central line, cvc",
        pacemaker="pacing device, cardiac pacemaker",
        tip="ends, end, terminates, tip of the",
        xray="x ray, radiograph, plain film, plain radiograph, radiography",
        weighted="weighting",
        anteroposterior="ap",
        posteroanterior="pa",
    ),
    # Sides.
    **_of(
        bilateral="left and right, right and left, both lungs, both sides, on either side, "
        "bilaterally, both",
        left="left sided, left hand, leftsided, left side",
        right="right sided, right hand, rightsided, right side",
    ),
    # Change over time.
    **_of(
        unchanged="stable, no change, no interval change, no significant change, persists, "
        "persistent, persisting, again seen",
        increased="larger, increasing, worse, worsened, worsening, grown, progressed, "
        "has increased",
        decreased="smaller, decreasing, improved, improving, less",
        resolved="cleared, disappeared",
    ),
    # Severity.
    **_of(
        small="tiny, minimal, trace, slight, slightly, mild, mildly, minor, minimally",
        moderate="moderately, moderate sized, medium",
        large="severe, severely, marked, markedly, massive, gross, grossly, extensive, big, huge",
    ),
    # Numbers in words.
    **{
        word: str(number)
        for number, word in enumerate(
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
        )
        if word != "one"  # "the right one" counts nothing
    },
}
"""Phrases in lower case without punctuation, and the words that stand for them all."""

FINDINGS: Final = frozenset(
    """abnormal abnormality aneurysm atelectasis calcification congestion consolidation disease
    displaced edema effusion emphysema enlarged fracture hemorrhage hernia infarct infiltrate
    lesion mass metastasis nodule opacity pneumonia pneumothorax process thickening thrombus
    tortuous tumor widened
    """.split()  # noqa: SIM905 - forty quoted words are no list to read
)
"""What makes an image not normal."""

GROUPS: Final = (
    frozenset({"small", "moderate", "large"}),
    frozenset({"unchanged", "increased", "decreased", "resolved"}),
    frozenset({"upper", "middle", "lower"}),
    frozenset({"apex", "base"}),
    frozenset({"above", "below"}),
    frozenset({"anterior", "posterior"}),
    frozenset({"stomach", "oesophagus", "duodenum", "trachea"}),
    frozenset({"atrium", "ventricle", "vena"}),
)
"""Of these one excludes the others."""

HOMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(["effusion", "pneumothorax", "costophrenic"], "pleura"),
    **dict.fromkeys(
        ["atelectasis", "consolidation", "edema", "emphysema", "infiltrate", "nodule", "opacity"],
        "lung",
    ),
    "pneumonia": "lung",
    "fracture": "bone",
    "congestion": "vessel",
    **{part: part for part in ("aorta", "bone", "brain", "diaphragm", "heart", "kidney", "liver")},
    **{part: part for part in ("lung", "mediastinum", "pleura", "spleen", "stomach", "vessel")},
}
"""Words, and the part of the body that they are about."""

SIDES: Final = frozenset({"left", "right", "bilateral"})

EMPTY: Final = frozenset(
    """a about again also an and another any appear appearance appears are area as at be been
    before being by can change compatible completely concerning consistent could
    demonstrated did do does evidence find found from further had has have here his identified
    image in into is it its itself lie lies look looks measure measured measures more noted now
    of on one or organ other otherwise part patient place position present previous prior
    project projects scan see seen show shown shows side sided since site size sized some study
    than that the their then there these this those to very view visible visualised visualized
    was were what where which who with within you
    """.split()  # noqa: SIM905 - as above
)
"""Words that do not count."""

HEDGES: Final = re.compile(
    r"\b(?:may|might|maybe|perhaps|possibl[ey]|probabl[ey]|likely|suspicious|suspected|unclear|"
    r"uncertain|cannot|can't|could|unable|difficult|questionable|suggest\w*|not certain|"
    r"hard to (?:say|tell))\b"
)

NEGATIONS: Final = frozenset({"no", "not", "without", "neither", "nor", "none", "never", "nothing"})
"""They deny what follows."""

DENIALS: Final = re.compile(r"\b(?:ruled out|excluded|absent|not seen|not present)\b")
"""They deny the clause that they stand in."""

TURNS: Final = re.compile(r"[.;:!?\n]|\b(?:but|however|although|though|except|whereas|while|yet)\b")
"""Where a clause ends, and what was denied with it."""
