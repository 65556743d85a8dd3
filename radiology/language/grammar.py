"""The little words of a sentence, what recommends, what is no finding, and the whole lexicon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from radiology.language.attributes import attribute_table
from radiology.language.devices import device_table
from radiology.language.findings import finding_table
from radiology.language.lexicon import Item, Lexicon, Role, Term
from radiology.language.negation import cue_table
from radiology.language.regions import region_table
from radiology.language.spans import Word

_JOINS: Final = """
    and | or | , | / | & | as well as | and or | plus | + | along with | together with"""
_GLUE: Final[Mapping[str, str]] = {
    "contrast": "compared/relative to/with the left/right (side/lung/base)",
    "article": "a | an | the | this | that | these | those | its | their | some | any",
    "of": "of | of the",
    "preposition": """
        in | on | at | over | within | near | along | to | for | with | by | from | into |
        under | above | below | involving | through | throughout | overlying | projecting over |
        projects over""",
    "verb": """
        is | are | was | were | has | have | been | be | shows | show | showing | seen | noted |
        identified | present | appears | appear | measures | measuring | measured |
        demonstrates | there | it | they | now""",
    "explains": """
        to suggest/indicate | c / w | (most) consistent/compatible/associated with |
        in keeping with | representing | represents | represent | reflecting | reflects |
        denoting | indicating | due to | secondary to | related to""",
    "comparison": """
        greater/worse/larger/more/less/smaller/bigger than |
        larger/greater/more/worse/smaller/less on/in/at | > | < |
        the larger/largest/smaller/smallest/dominant |
        more pronounced/marked/prominent/extensive/severe (than/on/in/at) |
        most pronounced/marked/prominent/severe (in/at)""",
}
_ADVICE: Final = """
    recommend | recommended | recommends | recommendation~ | recommending | advised | advise |
    advisable | is/are/may be warranted | warranted | is suggested for follow up | follow up to |
    follow up until | follow up recommended"""
_CORRELATE: Final = (
    "clinical correlation | correlate clinically | clinically correlate | correlate | correlation"
)
_STUDIES: Final = """
    (chest) ct (scan/chest) | computed tomography | mri | pet ct | pet | hrct | ultrasound |
    bronchoscopy | biopsy | thoracentesis |
    (short interval/interval/clinical/radiographic) follow up (chest/imaging)
    (radiograph~/film~/ct/x ray/imaging/study/studies/evaluation/examination/exam) |
    repeat (chest/pa) (radiograph~/film~/x ray/imaging/study/ct/examination) |
    further (evaluation/imaging/assessment/characterization/workup/investigation) |
    (dedicated) (rib/lateral/shallow oblique/two view) views |
    (pa and lateral/two view) radiographs/views | surveillance | followup"""
_NO_FINDINGS: Final = """
    not only | respiratory/renal/hepatic/liver failure | mass effect | bone/bony density |
    bone mineral density | soft tissue density/mass | joint effusion~ | shoulder/knee effusion~ |
    left/right ventricular/atrial configuration/prominence/contour | left atrium |
    left ventricular | right heart (strain/border) | left heart border |
    (right/left) paratracheal stripe | upper extremity | right upper quadrant |
    right/left lower quadrant | right/left upper/lower extremity | upper abdominal | lower neck |
    lower thoracic/cervical (spine) | mid thoracic/dorsal (spine) |
    upper thoracic/lumbar (spine) | right middle bronchus | left/right arm |
    right sided aortic arch | right aortic arch | right and left ventricle | high density |
    metallic/calcific density/densities | no comparison~ |
    no prior (study/studies/exam/examination/film/films/radiographs/imaging) |
    no previous (study/studies/film/films/radiographs) | not included | not available |
    no contrast | without (a/any) comparison (study) | catheter/wire/lead fracture |
    fractured wire/lead/catheter |
    not well/fully/optimally/completely seen/evaluated/visualized/included/assessed/imaged |
    not significantly displaced | not imaged | nipple shadow~ | skin fold~ |
    overlying soft tissue~ | failure to | heart rate | heart valve | large bore |
    large body habitus"""


def _glue_table() -> Iterator[tuple[str, Term]]:
    yield _JOINS, Term(Role.JOIN)
    for name, phrases in _GLUE.items():
        yield phrases, Term(Role.GLUE, (name,))
    yield _ADVICE, Term(Role.ADVICE)
    yield _CORRELATE, Term(Role.ADVICE, ("correlate",))
    yield _STUDIES, Term(Role.STUDY)
    yield _NO_FINDINGS, Term(Role.OTHER)


LEXICON: Final = Lexicon(
    (
        *_glue_table(),
        *finding_table(),
        *device_table(),
        *cue_table(),
        *attribute_table(),
        *region_table(),
    )
)
"""Every phrase that is known; of two tables with one phrase the first counts."""


def find_items(words: Sequence[Word], measures: Sequence[Item]) -> list[Item]:
    """The items of a sentence from its ``words`` and ``measures``."""
    items: list[Item] = []
    begin = 0
    for measure in measures:
        first = next(
            (n for n in range(begin, len(words)) if words[n].end > measure.start), len(words)
        )
        items.extend(LEXICON.items(words[begin:first]))
        items.append(measure)
        begin = next(
            (n for n in range(first, len(words)) if words[n].start >= measure.end), len(words)
        )
    items.extend(LEXICON.items(words[begin:]))
    return items
