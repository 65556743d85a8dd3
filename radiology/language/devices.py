"""The devices of chest reports: their concepts, and the phrases that mean them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from radiology.language.lexicon import Role, Term

DEVICES: Final[Mapping[str, str]] = {
    "endotracheal tube": """
        endotracheal/et/orotracheal tube~ | tracheal tube~ | ett | endotracheal intubation""",
    "tracheostomy": "tracheostomy (tube/cannula/appliance) | trach (tube)",
    "nasogastric tube": """
        nasogastric/orogastric/nasoenteric/nasojejunal (feeding) tube~ |
        enteric/feeding/gastric/ng/og/nj/dobbhoff/dobhoff (feeding) tube~ |
        ngt | ogt | dobhoff | dobbhoff | enteric catheter""",
    "central line": """
        (ij/jugular/subclavian/femoral) (approach) central (venous) (access)
        line~/catheter~/access/device | cvc~ | cvl |
        internal jugular (central) (venous) line~/catheter~/sheath |
        ij (venous) line~/catheter~/sheath | ij | internal jugular |
        jugular/subclavian (venous) line~/catheter~ | venous catheter~ |
        vascular/introducer sheath | hickman (line/catheter) | internal jugular central line""",
    "picc": "picc (line/catheter) | peripherally inserted central (venous) catheter/line",
    "port": """
        (chest) port a cath | portacath | port | mediport |
        (infusion/chemotherapy/power/implanted/chest/venous) port (catheter) | infusaport""",
    "dialysis catheter": """
        (tunneled) dialysis/hemodialysis/haemodialysis catheter~/line~ | vascath | permcath |
        permacath""",
    "pulmonary artery catheter": """
        swan ganz (catheter) | pulmonary artery/arterial catheter | swan""",
    "pacemaker": """
        (dual/single) (chamber/lead) (cardiac/permanent) pacemaker~
        (device/generator/lead~/wires) |
        biventricular/cardiac/transvenous/lead/permanent pacemaker~ |
        pacer~ (wires/leads/device) | aicd | icd | ppm | pacing device/lead~/wire~/system |
        (automatic/implantable/implanted/cardiac) (cardioverter) defibrillator~ |
        icd/defibrillator lead~ | cardiac conduction/rhythm device | crt device""",
    "loop recorder": "(implantable) loop recorder",
    "balloon pump": "(intra) (aortic) balloon pump | intraaortic balloon pump | iabp",
    "chest tube": """
        (pigtail) chest/thoracostomy/pleural/intercostal tube~/drain~/catheter~ |
        mediastinal/surgical drain~ | pigtail (catheter/drain)""",
    "sternotomy wires": """
        (median/midline) (sternal) sternotomy (wire~/suture~/changes) | sternal wire~/suture~ |
        cerclage wires""",
    "valve prosthesis": """
        (prosthetic/mechanical/bioprosthetic/artificial) (aortic/mitral/tricuspid)
        (heart/cardiac) valve~ prosthesis/replacement~/prostheses |
        prosthetic/mechanical/bioprosthetic/artificial (aortic/mitral/tricuspid) (heart/cardiac)
        valve~ | valvular prosthesis/replacement~ | tavr | tavi | avr | mvr""",
    "surgical clips": """
        (surgical/vascular/metallic/cabg/cholecystectomy) clip~ | surgical suture~/staple~ |
        suture line/material | staple line""",
    "stent": "stent~ (graft)",
    "hardware": "(fixation) screw~ | (fixation) plate~ | fixation hardware | hardware",
    "spinal hardware": """
        (spinal/spine) (fixation/fusion) hardware/rods | spinal fusion/stimulator |
        orthopedic/orthopaedic hardware | fixation hardware | vertebroplasty | fusion hardware |
        plate and screws""",
    "shunt": "vp shunt | ventriculoperitoneal shunt | shunt catheter/tubing",
}


def device_table() -> Iterator[tuple[str, Term]]:
    """The phrases of all devices for a :class:`~radiology.language.lexicon.Lexicon`."""
    for concept, phrases in DEVICES.items():
        yield phrases, Term(Role.DEVICE, (concept,))
