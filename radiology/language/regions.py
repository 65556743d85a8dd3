"""Regions of the chest, the states that are said of them, and what a region in a state means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from radiology.language.lexicon import Role, Term

REGIONS: Final[Mapping[str, str]] = {
    "lungs": """
        lung~ | (both) lung field~/parenchyma/zones | lung fields | pulmonary parenchyma |
        lung parenchyma | lungs and airways | lung bases | airspaces""",
    "heart": """
        heart (size) | heart size and configuration/shape/contour |
        cardiac silhouette/size/shadow/contour~/outline/border~ | cardiac silhouette size |
        size of the heart | transverse diameter of the heart | cardiothoracic ratio |
        heart shadow/silhouette/contour~ | cardiac and pericardial silhouette""",
    "heart+mediastinum": """
        cardiomediastinal silhouette~/contour~/structures/outline/size/shadow (size) |
        cardio mediastinal silhouette/contour~ | heart/cardiac and mediastinum |
        mediastinal and cardiac silhouette~/contours |
        cardiac and mediastinal silhouette~/contour~ | cardiomediastinum |
        cardiac mediastinal silhouette/contour~""",
    "mediastinum": """
        mediastinum |
        (superior/upper) mediastinal contour~/silhouette/structures/width/border~/outline/shadow""",
    "hila": """
        hila | hilum | hilar contour~/structure~/region~/shadow~/vasculature/silhouette |
        pulmonary hila | hilus""",
    "hila+mediastinum": """
        mediastinal and hilar contours/structures | hilar and mediastinal contours/structures""",
    "pleura": """
        pleura | pleural space~/surface~/margins/reflections |
        (lateral/posterior) costophrenic angle~/sulcus/sulci/recess/recesses | cp angle~ |
        costophrenic""",
    "bones": """
        (visualized/visible) bone~ | osseous/bony/skeletal structure~ |
        bony thorax/skeleton/structures | osseous thorax | skeleton | skeletal thorax |
        (visualized) ribs | bony elements | thoracic cage | rib cage | regional skeleton""",
    "spine": "(thoracic/dorsal/lumbar) spine | vertebral bodies",
    "vessels": """
        pulmonary vascularity/vasculature/vessels/vessel |
        pulmonary vascular pattern/markings/distribution | vascularity | vasculature |
        vascular pattern/markings | pulmonary venous pattern""",
    "pulmonary arteries": "(main) pulmonary artery | pulmonary arteries",
    "diaphragm": "diaphragm~ | hemidiaphragm~ | hemi diaphragm~ | diaphragmatic contour~",
    "aorta": "(thoracic/descending/ascending) aorta | aortic contour/arch/knob/shadow/knuckle",
    "airway": """
        trachea | (central) airways | tracheobronchial tree | tracheal air column | tracheal""",
    "abdomen": """
        (visualized/imaged) (upper) abdomen | upper abdominal structures | bowel gas pattern |
        stomach bubble""",
    "soft tissues": "soft tissue~ | (extrathoracic/overlying) soft tissues | chest wall",
    "nodes": "lymph node~ | nodes",
    "volumes": "lung/inspiratory volumes | inspiration | inspiratory effort",
    "chest": """
        chest (radiograph/film/examination/study) | radiograph | film | study | examination |
        exam | chest x ray | chest xray | cxr | chest ct | ct of the chest""",
}

STATES: Final[Mapping[str, str]] = {
    "normal": """
        normal (in) size and/or configuration/contour/shape/morphology (of) (the) |
        normal (limits/in/size/appearance/caliber) |
        normal in size/appearance/caliber/calibre (and) (contour/configuration/shape) |
        unremarkable | within normal limits | within limits of normal | within normal range |
        wnl | of normal size | intact | midline | smooth | sharp | sharply defined |
        clear | not remarkable | patent | preserved | symmetric | symmetrical | maintained |
        normal for age | negative""",
    "expanded": """
        well/normally/fully/symmetrically/adequately expanded/aerated/inflated/ventilated |
        expanded | aerated | inflated""",
    "central": "central",
    "borderline": """
        top normal (in/size) | upper limits (of) normal | at the upper limits (of) normal |
        upper limit of normal | borderline (in/enlarged/size) | borderline (in) size |
        top normal in size | upper normal | at upper limits (of) normal | borderline enlargement""",
    "enlarged": """
        enlarged | enlargement | bulky | full | fullness | dilated | dilatation | dilation |
        prominent | prominence""",
    "widened": "widened | widening | wide | broadened",
    "tortuous": """
        tortuous | unfolded | unfolding | ectatic | ectasia | elongated | uncoiled | uncoiling |
        tortuosity""",
    "aneurysmal": "aneurysmal",
    "calcified": "calcified | calcification~ | atherosclerotic | atheromatous",
    "raised": "elevated | raised | elevation | high riding | higher",
    "low": "low | shallow | poor | suboptimal",
    "flattened": "flattened | flattening | flat",
    "blunted": "blunted | obscured | effaced | blunting",
    "congested": """
        congested | engorged | indistinct | cephalized | engorgement | redistribution""",
    "osteopenic": "demineralized | demineralised",
    "deviated": "deviated | displaced | shifted | deviation",
    "thickened": "thickened | thickening",
    "collapsed": "collapsed",
    "consolidated": "consolidated",
    "opacified": "opacified | white out",
}

MEANINGS: Final[Mapping[tuple[str, str], str]] = {
    ("heart", "enlarged"): "cardiomegaly",
    ("heart", "widened"): "cardiomegaly",
    ("mediastinum", "widened"): "mediastinal widening",
    ("mediastinum", "enlarged"): "mediastinal widening",
    ("mediastinum", "deviated"): "mediastinal shift",
    ("volumes", "low"): "low volumes",
    ("pulmonary arteries", "enlarged"): "pulmonary hypertension",
    ("hila", "enlarged"): "hilar enlargement",
    ("hila", "calcified"): "granuloma",
    ("nodes", "enlarged"): "lymphadenopathy",
    ("nodes", "calcified"): "granuloma",
    ("aorta", "tortuous"): "aortic tortuosity",
    ("aorta", "aneurysmal"): "aneurysm",
    ("aorta", "enlarged"): "aneurysm",
    ("aorta", "calcified"): "aortic calcification",
    ("vessels", "congested"): "congestion",
    ("vessels", "enlarged"): "congestion",
    ("lungs", "collapsed"): "atelectasis",
    ("lungs", "consolidated"): "consolidation",
    ("lungs", "opacified"): "opacity",
    ("diaphragm", "raised"): "raised hemidiaphragm",
    ("diaphragm", "flattened"): "hyperinflation",
    ("pleura", "blunted"): "blunting",
    ("pleura", "thickened"): "pleural thickening",
    ("pleura", "calcified"): "pleural plaque",
    ("bones", "osteopenic"): "osteopenia",
    ("airway", "deviated"): "tracheal deviation",
}
"""The concept that a region in an abnormal state is."""


def region_table() -> Iterator[tuple[str, Term]]:
    """The phrases of regions and states for a :class:`~radiology.language.lexicon.Lexicon`."""
    for regions, phrases in REGIONS.items():
        yield phrases, Term(Role.REGION, tuple(regions.split("+")))
    for state, phrases in STATES.items():
        yield phrases, Term(Role.STATE, (state,))
