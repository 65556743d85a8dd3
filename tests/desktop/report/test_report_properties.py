"""What holds for a report whatever is done to it, in any order, in any script."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from desktop.report.candidates import Place
from desktop.report.model import GAP_CHAR, Content, NothingToFill, Origin, Plan, Report, clean
from desktop.report.store import decode, encode
from desktop.studies.identity import StudyIdentity
from inference.protocol import Candidate, join

WORDS = st.sampled_from(
    [
        "effusion",
        "No ",
        "right ",
        "heart. ",
        "FINDINGS:\n",
        "\n\nIMPRESSION:\n",
        "IMPRESSION:",
        " ",
        "\n",
    ]
)
SCRIPTS = st.sampled_from(
    ["𝒳🫁", "e\u0301", "ريه", "שלום ", "👩🏽‍⚕️", "\u202e", "胸水", GAP_CHAR, "\r\n"]
)
TEXT = st.one_of(WORDS, SCRIPTS, st.text(max_size=8), st.just(""))
PLACE = st.floats(0, 1)
MORGAN = StudyIdentity("1.2.3", "PF-0042", "", "Morgan^Alex")


def pinned_text(content: Content) -> str:
    return "".join(content.text[span.start : span.end] for span in content.spans if span.pinned)


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(char in rest for char in part)


class ReportMachine(RuleBasedStateMachine):
    """Any reader and any model at work on one report."""

    @initialize(start=TEXT)
    def begin(self, start: str) -> None:
        self.report = Report()
        self.report.insert(0, start, Origin.TEMPLATE)
        self.report = Report(self.report.content)
        self.states = [self.report.content]

    def place(self, fraction: float) -> int:
        return round(fraction * len(self.report.text))

    def places(self, one: float, other: float) -> tuple[int, int]:
        low, high = sorted((self.place(one), self.place(other)))
        return low, high

    @rule(at=PLACE, text=TEXT, origin=st.sampled_from([Origin.TYPED, Origin.TEMPLATE]))
    def insert(self, at: float, text: str, origin: Origin) -> None:
        position = self.place(at)
        before = self.report.text
        self.report.insert(position, text, origin)
        assert self.report.text == before[:position] + clean(text) + before[position:]

    @rule(at=PLACE, text=st.text(min_size=1, max_size=5))
    def type_letters(self, at: float, text: str) -> None:
        position = self.place(at)
        for char in text:
            self.report.insert(position, char)
            position = self.report.caret

    @rule(one=PLACE, other=PLACE, text=TEXT)
    def replace(self, one: float, other: float, text: str) -> None:
        start, end = self.places(one, other)
        before = self.report.text
        self.report.replace(start, end, text)
        assert self.report.text == before[:start] + clean(text) + before[end:]
        fresh = self.report.content.clip(start, start + len(clean(text)))
        assert {(span.origin, span.pinned) for span in fresh} <= {(Origin.TYPED, True)}

    @rule(one=PLACE, other=PLACE)
    def pin(self, one: float, other: float) -> None:
        before = self.report.text
        self.report.pin(*self.places(one, other))
        assert self.report.text == before

    @rule(one=PLACE, other=PLACE)
    def unpin(self, one: float, other: float) -> None:
        before = self.report.text
        self.report.unpin(*self.places(one, other))
        assert self.report.text == before

    @rule(at=PLACE, tokens=st.none() | st.integers(1, 30))
    def insert_gap(self, at: float, tokens: int | None) -> None:
        self.report.insert_gap(self.place(at), tokens)

    @precondition(lambda self: self.report.gaps)
    @rule(data=st.data())
    def remove_gap(self, data: st.DataObject) -> None:
        gap = data.draw(st.sampled_from(self.report.gaps))
        self.report.remove_gap(gap.position)

    @rule(
        one=PLACE, other=PLACE, kind=st.sampled_from(["draft", "infill", "refill"]), data=st.data()
    )
    def fill(self, one: float, other: float, kind: str, data: st.DataObject) -> None:
        plan: Plan
        try:
            if kind == "draft":
                plan = self.report.pieces_for_draft()
            elif kind == "infill":
                plan = self.report.pieces_for_infill()
            else:
                plan = self.report.pieces_for_refill(*self.places(one, other))
        except NothingToFill:
            return
        before = self.report.content
        count = len(plan.holes)
        job = st.lists(st.lists(TEXT, min_size=count, max_size=count), min_size=1, max_size=3)
        candidates = data.draw(job)
        fills = candidates[0]
        self.report.apply_candidates(plan, [Candidate(tuple(each)) for each in candidates])
        places = self.report.candidate_sets[-1].places
        stayed = [place.start for place in places if self.at(place) == GAP_CHAR]
        fills = [
            "" if place.start in stayed else clean(f)
            for place, f in zip(places, fills, strict=True)
        ]
        assert self.report.plain_text() == join(plan.pieces, fills)
        self.check_pins(before, plan)
        if kind != "refill":
            assert [gap.position for gap in self.report.gaps] == stayed

    @precondition(lambda self: self.report.candidate_sets)
    @rule(data=st.data())
    def choose(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self.report.candidate_sets))
        index = data.draw(st.integers(0, len(chosen.candidates) - 1))
        before = self.report.content
        if not self.report.choose(chosen, index, chosen.places[-1].end):
            assert self.report.content == before
            return
        pins = [pinned_text(part) for part in (before, self.report.content)]
        words = before.text.replace(GAP_CHAR, "")  # a gap may have come into a heading since
        if "FINDINGS:" not in words and "IMPRESSION:" not in words:
            assert is_subsequence(pins[0], pins[1])

    @precondition(lambda self: self.report.differences)
    @rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        mark = data.draw(st.sampled_from(self.report.differences))
        self.report.dismiss(mark)
        assert mark not in self.report.differences

    def at(self, place: Place) -> str:
        return self.report.text[place.start : place.end]

    def check_pins(self, before: Content, plan: Plan) -> None:
        """No hole holds a pinned character, so all of them stand, in order."""
        for hole in plan.holes:
            assert not any(span.pinned for span in before.clip(hole.start, hole.end))
        assert is_subsequence(pinned_text(before), pinned_text(self.report.content))

    @rule()
    def undo(self) -> None:
        before, could = self.report.content, self.report.can_undo
        assert self.report.undo() is could
        if could:
            assert self.report.redo()
            assert self.report.content == before
            assert self.report.undo()

    @rule()
    def redo(self) -> None:
        could = self.report.can_redo
        assert self.report.redo() is could

    @invariant()
    def agrees_with_itself(self) -> None:
        self.report.content.check()
        assert 0 <= self.report.caret <= len(self.report.text)
        assert not any("\ud800" <= char <= "\udfff" for char in self.report.text)

    @invariant()
    def candidates_are_where_they_are_said_to_be(self) -> None:
        for each in self.report.candidate_sets:
            for place, fill in zip(each.places, each.current.fills, strict=True):
                stays_open = self.at(place) == GAP_CHAR and not fill.strip()
                assert stays_open or self.at(place) == fill

    @invariant()
    def survives_the_file(self) -> None:
        again = decode(encode(self.report, MORGAN), MORGAN)
        assert again.content == self.report.content
        assert again.revision == self.report.revision

    def teardown(self) -> None:
        if not hasattr(self, "report"):
            return
        end = self.report.content
        steps = 0
        while self.report.undo():
            steps += 1
        assert self.report.content == self.states[0]
        for _ in range(steps):
            assert self.report.redo()
        assert self.report.content == end


ReportMachine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestReport = ReportMachine.TestCase
