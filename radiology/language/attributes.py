"""What is said of a finding beside its name: phrases of sides, levels, severity, change, tips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from radiology.language.lexicon import Role, Term

_PLACES: Final[Mapping[str, str]] = {
    "side:left": """
        left (sided) | l | lt | left sided | leftward | left hemithorax | left chest wall""",
    "side:right": "right (sided) | r | rt | rightward | right hemithorax | right chest wall",
    "side:left+side:right": """
        bilateral | bilaterally | both | both sides/hemithoraces | either side/lung""",
    "side:left+side:right+level:basal": """
        bibasilar | bibasal | bibasally | both bases | both lung bases |
        bilateral bases/basilar/basal""",
    "side:left+side:right+level:apical": "biapical | both apices | bilateral apices",
    "side:left+side:right+level:perihilar": "bihilar",
    "side:left+level:upper": "lul | left upper lobe/zone",
    "side:left+level:lower": "lll | left lower lobe/zone",
    "side:right+level:upper": "rul | right upper lobe/zone",
    "side:left+level:middle": "left middle lobe/zone",
    "side:right+level:middle": "middle lobe | rml | right middle lobe/zone",
    "side:right+level:lower": "rll | right lower lobe/zone",
    "side:left+level:lingula": "lingula | lingular",
    "level:upper": "upper lobe~/zone~/lung (zone/field) | upper",
    "level:middle": "mid/middle zone~/lung (zone/field) | mid | middle | midzone~ | midlung~",
    "level:lower": "lower lobe~/zone~/lung (zone/field) | lower",
    "level:apical": "apical | apex | apices | lung apex/apices",
    "level:basal": """
        basal | basilar | base~ | (lung) base~ | basally | bibasilarly | infrabasal |
        costophrenic region""",
    "level:perihilar": "perihilar | parahilar | central lung",
    "level:hilar": "hilar",
    "level:retrocardiac": "retrocardiac (region) | behind the heart",
    "level:suprahilar": "suprahilar",
    "level:infrahilar": "infrahilar",
}
_SEVERITIES: Final[Mapping[str, str]] = {
    "severity:minimal": """
        minimal | minimally | tiny | trace | minute | punctate | miniscule | trivial""",
    "severity:small": """
        small (sized) | small volume | mild | mildly | slight | slightly | minor |
        small amount of | small sized | smallish | little""",
    "severity:minimal+severity:small": "tiny/minimal/trace to small/mild | minimally to mildly",
    "severity:small+severity:moderate": "small/mild to moderate (sized) | mildly to moderately",
    "severity:moderate+severity:large": """
        moderate to large/severe (sized) | moderately to severely""",
    "severity:moderate": """
        moderate (sized) | moderately (sized) | moderate amount of | moderate sized""",
    "severity:large": """
        large (sized) | large volume | large amount of | severe | severely | massive | marked |
        markedly | huge | extensive | sizeable | sizable | gross | big""",
}
_CHANGES: Final[Mapping[str, str]] = {
    "change:new": """
        not (clearly/definitely) seen/present/identified/visible on/in (the) prior/previous |
        new | newly | newly seen/appeared/developed | interval development of |
        interval appearance of | has developed | have developed""",
    "change:increased": """
        increased (in/size) | increased in size/extent | increasing | worse | worsened |
        worsening | progressed | progression (of) | progressive | enlarging | larger |
        larger than before | has grown | grown | bigger | more extensive | more prominent |
        interval increase/worsening/progression (in/of) | increase in (the/size) | has enlarged |
        deteriorated | deterioration""",
    "change:decreased": """
        decreased (in/size) | decreasing | improved | improving | improvement (of/in) | smaller |
        smaller than before | diminished | reduced | reduction in | less extensive/prominent |
        regressed | regression | resolving | clearing (of) |
        partially/partly/incompletely resolved/cleared |
        interval decrease/improvement/clearing (in/of) (the) | decrease in (the/size) |
        partial resolution/clearing (of) | near/nearly complete resolution of |
        nearly/almost (completely/entirely) resolved/cleared |
        has/have nearly/almost (completely/entirely) resolved/cleared |
        not (yet) (completely) resolved""",
    "change:unchanged": """
        unchanged | stable | unchanged/stable position/appearance/size/configuration (of) (the) |
        no (significant/substantial/relevant/appreciable/definite/real/short) (interval) change
        (in) (the) | without (significant/substantial/appreciable) (interval) change | similar |
        similar to prior/before | persistent | persists | persisting | persist |
        again seen/noted/demonstrated/identified | again | constant | static |
        no (significant/substantial/appreciable) (interval)
        increase/progression/worsening/improvement (in/of) (the) | not (significantly) changed |
        have/has not (significantly) changed | unaltered | remains/remain (in) (place) |
        as before | longstanding | not increased | not worse | no longer increasing | no worse""",
}
_COUNTS: Final[Mapping[str, str]] = {
    "count:1": "single | solitary",
    "count:2": "two | a pair of",
    "count:3": "three",
    "count:4": "four",
    "count:5": "five",
    "count:6": "six",
    "count:many": "multiple | several | numerous | innumerable | few",
}
_QUALIFIERS: Final[Mapping[str, str]] = {
    "qualifier:acute": "acute | recent",
    "qualifier:chronic": """
        old | chronic | healed | healing | remote | known | subacute | long standing |
        age indeterminate""",
    "qualifier:restricted": """
        since (the) prior/previous/last | residual | other | additional | further | otherwise |
        elsewhere | remaining | remainder | rest of the | definite | definitely | significant |
        suspicious | discrete | tension | recurrent | displaced | obvious | grossly |
        essentially | worrisome | aggressive | gross | overt | predominantly | mostly | frank |
        concerning | confluent | lobar | well defined | relatively | major""",
    "qualifier:nondisplaced": "nondisplaced | undisplaced | non displaced",
    "qualifier:plain": """
        focal | patchy | diffuse | dense | streaky | linear | subsegmental | loculated |
        layering | pleural | pulmonary | interstitial | spiculated""",
}
_TIPS: Final[Mapping[str, str]] = {
    "tip:svc": """
        (mid/upper/lower/distal/proximal) svc |
        (mid/upper/lower/distal/proximal) superior vena cava""",
    "tip:cavoatrial junction": """
        cavoatrial junction | cavo atrial junction | atriocaval junction | svc ra junction |
        svc right atrial junction | superior cavoatrial junction""",
    "tip:right atrium": "(high) right atrium | right atrial (appendage)",
    "tip:right ventricle": "right ventricle | right ventricular (apex/outflow/tract) | rv",
    "tip:brachiocephalic vein": """
        (left/right) brachiocephalic (vein) | (left/right) innominate (vein)""",
    "tip:subclavian vein": "(left/right) subclavian vein",
    "tip:jugular vein": "(left/right) internal jugular vein",
    "tip:azygos vein": "azygos (vein)",
    "tip:ivc": "ivc | inferior vena cava",
    "tip:pulmonary artery": """
        (main) pulmonary artery | right/left (main) pulmonary artery | pulmonary outflow tract |
        right/left interlobar artery""",
    "tip:right main bronchus": "right main/mainstem (stem) bronchus | right mainstem",
    "tip:left main bronchus": "left main/mainstem (stem) bronchus",
    "tip:carina": """
        carina | carinal | thoracic inlet | clavicular heads | clavicles | medial clavicles |
        midtrachea | mid trachea""",
    "tip:stomach": """
        (proximal/distal) stomach | gastric body/fundus/antrum | fundus of the stomach |
        left upper quadrant""",
    "tip:below diaphragm": """
        below the (left) diaphragm/hemidiaphragm | beneath the diaphragm | subdiaphragmatic""",
    "tip:oesophagus": "(distal/mid/proximal) oesophagus/esophagus | gastroesophageal/ge junction",
    "tip:duodenum": "(proximal) duodenum | post pyloric | pylorus | jejunum",
    "tip:aorta": "descending thoracic aorta",
}
ORGANS: Final = frozenset(
    {"thyroid", "breast", "axilla", "chest wall", "abdomen", "kidney", "adrenal", "neck", "limb"}
    | {"mediastinum", "hardware"}
)
"""Sites of findings that are none of the lung: a nodule of the thyroid is another nodule."""

_ORGANS: Final[Mapping[str, str]] = {
    "site:thyroid": "thyroid (gland/lobe)",
    "site:breast": "breast~",
    "site:axilla": "axilla | axillary | subpectoral | axillae",
    "site:chest wall": "chest wall | subcutaneous | soft tissue",
    "site:abdomen": """
        liver | hepatic | spleen | splenic | gallbladder | pancreas | pancreatic | abdominal |
        bowel""",
    "site:kidney": "kidney~ | renal",
    "site:adrenal": "adrenal (gland~)",
    "site:neck": "neck | laryngeal | epiglottic | cervical | supraclavicular",
    "site:mediastinum": "mediastinal | paratracheal | anterior/posterior/middle mediastinum",
    "site:limb": """
        shoulder~ | humerus | humeral (head) | scapula | scaphoid | wrist | hand | elbow | knee |
        hip | femur | femoral | acromioclavicular (joint)""",
}
_ATTRIBUTES: Final = (_PLACES, _SEVERITIES, _CHANGES, _COUNTS, _QUALIFIERS, _TIPS, _ORGANS)


def attribute_table() -> Iterator[tuple[str, Term]]:
    """The phrases of attributes for a :class:`~radiology.language.lexicon.Lexicon`."""
    for table in _ATTRIBUTES:
        for meaning, phrases in table.items():
            pairs = [pair.partition(":") for pair in meaning.split("+")]
            yield (
                phrases,
                Term(Role.ATTRIBUTE, (), tuple((name, value) for name, _, value in pairs)),
            )
