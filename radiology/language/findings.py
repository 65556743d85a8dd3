"""The findings of chest reports: their concepts, and the phrases that mean them.

Spelling variants, synonyms and abbreviations stand beside each other; the notation is that of
:func:`radiology.language.lexicon.expand`. Radiography and CT share the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from radiology.language.lexicon import Role, Term

_PROCESS: Final = (
    "disease/abnormality/abnormalities/process/processes/finding/findings/pathology/disorder"
)

FINDINGS: Final[Mapping[str, str]] = {
    "effusion": """
        (pleural/parapneumonic/subpulmonic) effusion~ | pleural parapneumonic effusion~ |
        pleural fluid | fluid in the (left/right/both) pleural space~ | hydrothorax |
        hemothorax | haemothorax | empyema | fluid in the (major/minor) fissure~ |
        fissural/layering fluid | pleural collection~""",
    "pneumothorax": "pneumothorax | pneumothoraces | ptx | pneumo",
    "pneumothorax+effusion": "hydropneumothorax | hydropneumothoraces",
    "consolidation": """
        consolidation~ | consolidative change~/opacity/opacities/process | (broncho) pneumonia~ |
        bronchopneumonia~ | (pneumonic/infective/inflammatory) consolidation/infiltrate~ |
        pneumonic/infective/inflammatory change~ | infiltration~ |
        airspace/alveolar opacity/opacities/opacification~/disease/process |
        air space opacity/opacities/opacification~/disease/consolidation~/process |
        airspace consolidation~ | airspace/alveolar/air-space shadowing/infiltrate~ |
        air space shadowing | (lung/pulmonary) infection | infectious process/infiltrate~ |
        pneumonitis | aspiration (pneumonia/pneumonitis)""",
    "opacity": """
        opacity | opacities | opacification~ | haziness | haze | shadowing |
        airspace/lung/pulmonary abnormality/abnormalities | hazy opacity/opacities |
        streaky/linear/patchy/hazy density/densities""",
    "density": "density | densities",
    "ground glass": """
        groundglass (nodular) (opacity/opacities/change~/opacification/attenuation) |
        ground glass (nodular) opacity/opacities/change~/opacification/attenuation | ggo~ |
        ground glass""",
    "atelectasis": """
        atelectasis | atelectases | atelectatic (change~) |
        (subsegmental/lobar/lung/lobe/segmental) collapse |
        (linear/discoid/platelike) atelectasis | plate like atelectasis | atelectatic band~""",
    "oedema": """
        (pulmonary/interstitial/alveolar/lung) (interstitial/alveolar) edema/oedema | edematous |
        oedematous | interstitial fluid overload | cardiogenic edema/oedema""",
    "congestion": """
        (pulmonary) (vascular/venous) congestion | vascular engorgement |
        (pulmonary) vascular prominence | congestive change~ | fluid/volume overload |
        (upper) (lobe) blood diversion | vascular redistribution | (vascular) cephalization |
        (pulmonary) venous hypertension""",
    "septal lines": """
        kerley (b/a) lines | (inter) septal lines | septal thickening |
        interlobular septal thickening""",
    "heart failure": """
        (congestive) heart/cardiac failure | chf | failure | cardiac decompensation |
        (left) ventricular failure | lvf""",
    "cardiomegaly": """
        cardiomegaly | large/big heart | heart (size) is large | cardiac/heart enlargement |
        (left/right) ventricular/atrial enlargement""",
    "nodule": """
        (pulmonary/lung/noncalcified) (noncalcified) nodule~ |
        nodular opacity/opacities/density/densities/lesion~ | nodularity | micronodule~ |
        coin lesion~ | nodular shadow~ | pulmonary nodularity | spn""",
    "mass": """
        (pulmonary/lung/hilar/mediastinal/pleural/perihilar) mass/masses |
        mass like opacity/opacities/density | masslike opacity |
        (lung) tumor~/tumour~/neoplasm~ | lung/pulmonary/parenchymal lesion~ |
        space occupying lesion~""",
    "cavity": """
        cavity | cavities | cavitation |
        cavitary/cavitating/cavitated (lung) lesion~/nodule~/opacity/opacities/mass | abscess |
        abscesses""",
    "malignancy": """
        malignancy | malignancies | (lung/bronchogenic) carcinoma | (lung) cancer |
        bronchogenic carcinoma | metastasis | metastases | metastatic disease/lesion~/deposits |
        neoplastic process""",
    "tuberculosis": "(active/pulmonary) tuberculosis | tb | mycobacterial infection",
    "fracture": """
        (rib/compression/clavicle/clavicular/sternal/vertebral/wedge) fracture~ | fractured |
        (rib/fracture) deformity of the (left/right) rib~ | vertebral compression fracture~ |
        rib/wedge/compression deformity/deformities |
        wedge compression deformity/deformities/fracture~ | fracture deformity/deformities |
        vertebral (body) height loss | loss of vertebral (body) height""",
    "dislocation": "dislocation~ | subluxation~",
    "bone lesion": """
        (lytic/sclerotic/blastic/destructive/aggressive) osseous/bony/bone lesion~ |
        lytic/sclerotic/blastic lesion~ |
        lytic/sclerotic or blastic/sclerotic/lytic (osseous/bony) lesion~ |
        bone/bony/osseous destruction/metastasis/metastases""",
    "bone abnormality": """
        (acute/focal) osseous/bony/skeletal/bone/musculoskeletal
        abnormality/abnormalities/pathology |
        (acute) osseous/bony/skeletal/bone finding~/process/injury/injuries |
        abnormality of the bones/skeleton""",
    "hyperinflation": """
        hyperinflation | hyperexpansion | hyperaeration | overinflation | overexpansion |
        hyper inflation | hyperinflated | hyper inflated | hyperexpanded | hyper expanded |
        hyperaerated | overinflated | hyperlucent |
        (bullous/centrilobular/paraseptal/pulmonary) emphysema | emphysematous (change~) | copd |
        air trapping | chronic obstructive pulmonary/lung/airways disease |
        obstructive lung/airways/airway disease |
        flattening of the (left/right/both) diaphragm~/hemidiaphragm~/diaphragmatic |
        diaphragmatic flattening | flattened (hemi) diaphragm~/hemidiaphragm~ |
        increased ap diameter | barrel chest | increased retrosternal airspace |
        increased retrosternal air space""",
    "bulla": "bulla | bullae | bleb~ | bullous change~/disease",
    "fibrosis": """
        (pulmonary/interstitial/lung) fibrosis |
        fibrotic/fibrous (lung) change~/disease/scarring | (chronic) interstitial lung disease~ |
        ild | uip | honeycombing | pulmonary/interstitial fibrotic change~ | reticulation""",
    "interstitial markings": """
        (increased/prominent/coarse/coarsened/accentuated) interstitial/bronchovascular/reticular
        markings/prominence/pattern/change~ |
        (reticular) interstitial/reticular opacity/opacities/thickening/abnormality/disease |
        interstitial/reticular infiltrate~/densities |
        reticulonodular opacity/opacities/pattern/shadowing/markings |
        interstitial pneumonia/pneumonitis |
        increased/prominent/coarse (pulmonary/lung) markings |
        prominence of the interstitial markings/interstitium""",
    "scarring": """
        scarring | scar~ |
        fibrotic/parenchymal/pleuroparenchymal/apical/pleural band~/scar~/scarring | cicatrix |
        postinflammatory/post inflammatory change~ | pleural parenchymal scarring""",
    "granuloma": """
        (calcified) granuloma~ | granulomata |
        (old/prior/healed/remote/chronic) granulomatous disease/change~/infection |
        calcified (lung/pulmonary/hilar/mediastinal) (lymph) node~/nodule~ | calcific nodule~ |
        calcified focus/foci/density/densities | granulomatous calcification~ |
        ghon complex/lesion""",
    "hilar enlargement": """
        hilar enlargement/prominence/fullness | bulky hilum/hila | enlargement of the hilum/hila""",
    "lymphadenopathy": """
        (hilar/mediastinal/axillary/paratracheal) adenopathy/lymphadenopathy |
        enlarged (hilar/mediastinal) (lymph) node~ | (lymph) node enlargement""",
    "mediastinal widening": """
        (superior) mediastinal widening/enlargement | widened (superior) mediastinum |
        widening of the (superior) mediastinum""",
    "mediastinal shift": """
        mediastinal shift/displacement | shift of the mediastinum | tracheal shift |
        shift of midline structures""",
    "tracheal deviation": """
        (rightward/leftward) tracheal deviation/displacement | deviation of the trachea""",
    "pneumomediastinum": "pneumomediastinum | mediastinal emphysema/air | pneumopericardium",
    "hiatal hernia": """
        (sliding) hiatal/hiatus/paraesophageal/diaphragmatic hernia~ | intrathoracic stomach |
        retrocardiac air fluid level""",
    "raised hemidiaphragm": """
        hemidiaphragm/diaphragm/hemidiaphragmatic/diaphragmatic elevation/eventration |
        eventration of the (left/right) hemidiaphragm/diaphragm | eventration""",
    "free air": """
        free (subdiaphragmatic/intraperitoneal/intraabdominal/abdominal/peritoneal/subphrenic)
        air/gas | (free) subdiaphragmatic/subphrenic/intraperitoneal (free) air/gas |
        pneumoperitoneum | free intra abdominal/peritoneal air/gas |
        air under the (right/left/hemi) diaphragm~/hemidiaphragm~""",
    "subcutaneous emphysema": """
        subcutaneous/surgical (soft tissue) emphysema/air/gas | soft tissue emphysema/air/gas""",
    "scoliosis": """
        scoliosis | dextroscoliosis | levoscoliosis | scoliotic (curvature/deformity) |
        dextrocurvature | levocurvature | kyphoscoliosis | curvature of the spine""",
    "kyphosis": "kyphosis | kyphotic | kyphotic deformity",
    "degenerative change": """
        (multilevel) degenerative (spine/spinal/endplate/disc/joint/bony/osseous)
        change~/disease/spurring | spondylosis |
        spondylitic/spondylotic/hypertrophic/osteophytic/osteoarthritic/arthritic
        change~/spurring | osteophyte~ | osteophytosis | osteoarthritis | arthrosis | dish |
        disc space narrowing | spurring | diffuse idiopathic skeletal hyperostosis""",
    "osteopenia": """
        osteopenia | osteoporosis | osteopenic | osteoporotic | demineralization |
        demineralisation | demineralized | demineralised""",
    "aortic calcification": """
        (atherosclerotic/vascular) calcification~ of the (thoracic) (aortic) aorta/arch/knob |
        calcified (thoracic/aortic) aorta/arch/knob |
        aortic (arch/knob/wall) (atherosclerotic/vascular) calcification~ | arch calcification~ |
        aortic atherosclerosis/atheroma |
        atherosclerotic (vascular/aortic) calcification~/disease/change~ |
        (calcific) atherosclerosis""",
    "vascular calcification": "vascular/arterial calcification~",
    "coronary calcification": "coronary (artery) calcification~ | coronary (artery) stent~",
    "aortic tortuosity": """
        (thoracic) aortic tortuosity/ectasia/unfolding/elongation | uncoiled aorta |
        ectatic (thoracic) aorta | (thoracic) aortic tortuosity""",
    "aneurysm": """
        (aortic) (thoracic) (aortic) aneurysm~ | aneurysmal dilatation/dilation |
        aortic dilatation/dilation""",
    "dissection": "(aortic) dissection",
    "embolism": """
        pulmonary embolism | pulmonary embolus/emboli | pe | (pulmonary) thromboembolism |
        filling defect~""",
    "pulmonary hypertension": """
        pulmonary (arterial) hypertension | enlarged (main) pulmonary artery/arteries |
        (pulmonary) artery enlargement""",
    "pleural thickening": """
        (apical) pleural (apical) (parenchymal) thickening | pleural scarring | apical cap~ |
        pleural reaction""",
    "pleural plaque": """
        (calcified) pleural plaque~ | (calcified) plaques | pleural calcification~ |
        calcified pleura""",
    "blunting": "(costophrenic/cp) angle blunting | blunting",
    "bronchiectasis": "bronchiectasis | bronchiectatic change~ | bronchiectases",
    "bronchial wall thickening": """
        peribronchial/bronchial (wall) thickening/cuffing | airway (wall) thickening |
        bronchitis | bronchitic change~ | peribronchovascular thickening |
        reactive airway/airways disease | (peri) bronchial cuffing""",
    "pericardial effusion": "pericardial effusion~/fluid",
    "low volumes": """
        low/small/reduced/decreased/diminished lung/inspiratory volume~ | hypoinflation |
        hypoinflated | hypoventilatory change~ | hypoventilation | underinflation |
        shallow/poor/suboptimal/low inspiration | poor/low/suboptimal inspiratory effort""",
    "volume loss": "volume loss | loss of (lung) volume",
    "foreign body": """
        (radiopaque) foreign body/bodies | bullet (fragment~) | metallic (foreign) fragment~ |
        shrapnel""",
    "acute disease": f"""
        (acute/active) cardiopulmonary/intrathoracic/cardiothoracic/cardiac/pulmonary {_PROCESS} |
        (acute/active) thoracic/chest/lung/pleural {_PROCESS} | acute/active {_PROCESS}/changes |
        acute cardiac or pulmonary/cardiopulmonary {_PROCESS} |
        acute pulmonary or pleural {_PROCESS} | acute airspace {_PROCESS} |
        acute/active lung/pulmonary parenchymal {_PROCESS}""",
}
"""Concept to phrases; "a+b" are phrases that mean both."""


def finding_table() -> Iterator[tuple[str, Term]]:
    """The phrases of all findings for a :class:`~radiology.language.lexicon.Lexicon`."""
    for concepts, phrases in FINDINGS.items():
        yield phrases, Term(Role.FINDING, tuple(concepts.split("+")))
