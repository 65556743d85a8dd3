"""The reports of the demo's own world: their facts are known, and they contradict nothing."""

from __future__ import annotations

import random

from inference.training.findings import Kind, sample_case
from inference.training.report_language import write_report
from radiology.language.clashes import clashes_among
from radiology.language.fact import Presence
from radiology.language.facts import read_facts
from radiology.language.form import find_form_faults

CONCEPTS = {
    Kind.RIB_FRACTURE: {"fracture"},
    Kind.CENTRAL_LINE: {"central line", "picc", "port"},
}


def test_reports_of_the_demo_are_read_whole_and_raise_no_alarm() -> None:
    missed, alarms = [], []
    for seed in range(500):
        case = sample_case(seed)
        text = write_report(case, random.Random(seed))
        facts = read_facts(text)
        present = {fact.concept for fact in facts if fact.presence is Presence.PRESENT}
        for finding in case.findings:
            concepts = CONCEPTS.get(finding.kind, {str(finding.kind).replace("_", " ")})
            if not concepts & present:
                missed.append((str(finding.kind), text))
        alarms += [clash.why for clash in clashes_among(text, facts)]
        alarms += [fault.why for fault in find_form_faults(text)]
    assert missed == []
    assert len(alarms) <= 0.02 * 500, alarms
