"""The report as the reader and the model write it: text, origins, pins, gaps, revisions.

A :class:`Report` is the truth of which the editor is a view. It knows nothing of Qt. Offsets are
code points. Whatever enters as text goes through :func:`~desktop.report.spans.clean`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from desktop.report.candidates import (
    CandidateSet,
    Edit,
    caret_after,
    cleaned,
    edits_of,
    exchanged,
    filled,
    follow,
    put,
)
from desktop.report.clashes import (
    UNKNOWN,
    DismissedClash,
    ReportClash,
    report_clashes,
    unresolved,
)
from desktop.report.edits import touched
from desktop.report.history import History, Kind, State, Step
from desktop.report.marks import (
    DifferenceMark,
    Dismissal,
    FaultMark,
    difference_marks,
    fault_marks,
)
from desktop.report.other_wordings import sound, with_others
from desktop.report.plans import (
    Added,
    Hole,
    Kept,
    NothingToFill,
    Part,
    Plan,
    plan_draft,
    plan_infill,
    plan_refill,
    plan_section,
)
from desktop.report.sections import SECTIONS, Section, find_sections, is_heading
from desktop.report.spans import (
    GAP_CHAR,
    GAP_MARK,
    Content,
    GapMark,
    Mark,
    Origin,
    Span,
    clean,
)
from inference.protocol import Candidate, Gap
from radiology.language.sections import SectionName
from radiology.language.study import StudyFacts

__all__ = [
    "GAP_CHAR",
    "SECTIONS",
    "Added",
    "CandidateSet",
    "Content",
    "DifferenceMark",
    "FaultMark",
    "GapMark",
    "Hole",
    "Kept",
    "NothingToFill",
    "Origin",
    "Part",
    "Plan",
    "Report",
    "Section",
    "Span",
    "StaleReport",
    "clean",
    "find_sections",
    "is_heading",
]


class StaleReport(Exception):
    """The report has changed since the plan was made; the fills were not taken."""


class Report:
    """A report that is being written.

    Every change raises ``revision``, undo and redo too, so that a plan fits one state alone.
    Offsets outside the text raise :class:`IndexError`.
    """

    def __init__(
        self,
        content: Content | None = None,
        *,
        revision: int = 0,
        dismissed: Sequence[DismissedClash] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises :class:`ValueError` if ``content`` contradicts itself."""
        self._content = content or Content()
        self._content.check()
        self._revision = revision
        self._caret = 0
        self._sets: tuple[CandidateSet, ...] = ()
        self._sets_made = 0
        self._dismissed = tuple(dismissed)
        self._marks_away: set[Dismissal] = set()
        self._history = History()
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []

    # What there is

    @property
    def content(self) -> Content:
        """The present state, immutable."""
        return self._content

    @property
    def text(self) -> str:
        """The text with its gap marks."""
        return self._content.text

    @property
    def spans(self) -> tuple[Span, ...]:
        return self._content.spans

    @property
    def gaps(self) -> tuple[GapMark, ...]:
        return self._content.gaps

    @property
    def sections(self) -> tuple[Section, ...]:
        return find_sections(self.text)

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def caret(self) -> int:
        """Where the last change would put the caret."""
        return self._caret

    @property
    def candidate_sets(self) -> tuple[CandidateSet, ...]:
        """The candidates at hand, oldest job first. They are not saved with the report."""
        return self._sets

    def candidates_at(self, position: int) -> CandidateSet | None:
        """The set with a fill at ``position``, the latest where two fills meet."""
        found = [each for each in self._sets if each.place_at(position) is not None]
        inside = [s for s in found if any(p.start <= position < p.end for p in s.places)]
        return next(reversed(inside or found), None)

    @property
    def differences(self) -> tuple[DifferenceMark, ...]:
        """The words of fills that decide clinically and read otherwise in other candidates."""
        marks = difference_marks(self._content, self._sets)
        return tuple(mark for mark in marks if mark.dismissal not in self._marks_away)

    @property
    def faults(self) -> tuple[FaultMark, ...]:
        """The fills in which a known fault of the model was found."""
        return tuple(fault_marks(self._content, self._sets))

    @property
    def dismissed(self) -> tuple[DismissedClash, ...]:
        """The clashes that the reader put away; they are kept with the report."""
        return self._dismissed

    def clashes(self, study: StudyFacts = UNKNOWN) -> tuple[ReportClash, ...]:
        """What clashes in the report or with the header of its study, and was not dismissed."""
        return unresolved(report_clashes(self._content, study, self.faults), self._dismissed)

    @property
    def can_undo(self) -> bool:
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        return self._history.can_redo

    @property
    def characters_kept(self) -> int:
        """How many characters this and all states that undo and redo lead to hold together."""
        return len(self.text) + self._history.characters

    def plain_text(self) -> str:
        """The text without its gap marks, as it is copied out."""
        return self.text.replace(GAP_CHAR, "")

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after every change, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # What the reader does

    def insert(self, position: int, text: str, origin: Origin = Origin.TYPED) -> None:
        """Put in text by hand or, with ``Origin.TEMPLATE``, from a template. It is pinned."""
        self.replace(position, position, text, origin)

    def delete(self, start: int, end: int) -> None:
        self.replace(start, end, "")

    def replace(self, start: int, end: int, text: str, origin: Origin = Origin.TYPED) -> None:
        """Put pinned ``text`` in place of ``start:end``.

        What is left of the model's words that this changes becomes edited and pinned: words that
        it generated, and any that are not pinned.
        """
        self._check_range(start, end)
        text = clean(text)
        before = self._content
        generated = any(
            _is_the_model_s(span)
            and before.text[span.start : span.end].replace(GAP_CHAR, "").strip()
            for span in before.clip(start, end)
        )
        low, high = touched(before.text, start, end, text, generated=generated)
        marked = before.remark(low, start, _edited).remark(end, high, _edited)
        kind = Kind.OTHER
        letters = text[1:] if text[:1] == " " else text  # a letter may bring its space along
        if origin is Origin.TYPED and start == end and len(letters or text) == 1 and text != "\n":
            kind = Kind.TYPING
        elif not text and end - start == 1:
            kind = Kind.ERASING
        spaced = letters != text or before.text[start - 1 : start].isspace()
        starts_word = kind is Kind.TYPING and not text.isspace() and spaced
        after = marked.splice(start, end, text, (origin, True))
        edit = Edit(start, end, len(text))
        self._do(after, start + len(text), end, [edit], kind, starts_word=starts_word)

    def pin(self, start: int, end: int) -> None:
        """Pin the characters of ``start:end``; a gap mark cannot be pinned."""
        self._check_range(start, end)
        self._do(self._content.remark(start, end, lambda span: (span.origin, True)), end, end)

    def unpin(self, start: int, end: int) -> frozenset[Origin]:
        """Unpin ``start:end`` and return the origins of what had to stay pinned.

        Typed text stays, for the model never changes it; so do headings with their line breaks,
        for they are what a later fill is told apart by.
        """
        self._check_range(start, end)
        skipped: set[Origin] = set()

        def unpinned(span: Span) -> Mark:
            if span.origin is Origin.TYPED:
                skipped.add(Origin.TYPED)
                return span.origin, True
            return span.origin, False

        after = self._content
        position = start
        for section in self.sections:
            low, high = section.frame(self.text)
            if high <= start or low >= end:
                continue
            low, high = max(low, position), min(high, end)
            skipped.update(span.origin for span in after.clip(low, high) if span.pinned)
            after = after.remark(position, low, unpinned)
            position = high
        after = after.remark(position, end, unpinned)
        self._do(after, end, end)
        return frozenset(skipped)

    def insert_gap(self, position: int, tokens: int | None = None) -> None:
        """Put a gap mark where the model may write ``tokens`` tokens, or as many as it likes."""
        self.replace_by_gap(position, position, tokens)

    def replace_by_gap(self, start: int, end: int, tokens: int | None = None) -> None:
        """Put a gap mark in place of ``start:end``."""
        self._check_range(start, end)
        if tokens is not None and tokens < 1:
            raise ValueError("a gap has at least one token")
        after = self._content.splice(start, end, GAP_CHAR, GAP_MARK, [tokens])
        self._do(after, start + 1, end, [Edit(start, end, 1)])

    def remove_gap(self, position: int) -> None:
        """Take out the gap mark at ``position``. Raises :class:`ValueError` if there is none."""
        if not any(gap.position == position for gap in self.gaps):
            raise ValueError(f"there is no gap at character {position}")
        after = self._content.splice(position, position + 1, "", GAP_MARK)
        self._do(after, position, position + 1, [Edit(position, position + 1, 0)])

    def dismiss(self, mark: DifferenceMark) -> None:
        """Put a mark away for good. This is no change of the report."""
        self._marks_away.add(mark.dismissal)
        self._notify()

    def dismiss_clash(self, clash: ReportClash, reason: str) -> None:
        """Put a clash away as long as its words stand, as a step that undo takes back."""
        fresh = DismissedClash(clash.kind, clash.words, " ".join(clean(reason).split()))
        kept = [each for each in self._dismissed if (each.kind, each.words) != clash.identity]
        self._take(self._content, self._caret, self._caret, self._sets, dismissed=(*kept, fresh))

    def restore(self, content: Content, dismissed: Sequence[DismissedClash] = ()) -> None:
        """Put a whole state in place as one step, e.g. one that was saved elsewhere.

        Raises :class:`ValueError` if ``content`` contradicts itself.
        """
        content.check()
        sets = follow(self._sets, [Edit(0, len(self.text), len(content.text))], content)
        self._take(content, 0, self._caret, sets, dismissed=tuple(dismissed))

    # What the model does

    def pieces_for_draft(self) -> Plan:
        return plan_draft(self._content, self._revision)

    def pieces_for_infill(self) -> Plan:
        return plan_infill(self._content, self._revision)

    def pieces_for_refill(self, start: int, end: int) -> Plan:
        self._check_range(start, end)
        return plan_refill(self._content, start, end, self._revision)

    def pieces_for_section(self, name: SectionName) -> Plan:
        """Findings from the Impression, or the other way round, all else held."""
        return plan_section(self._content, name, self._revision)

    def apply(self, plan: Plan, fills: Sequence[str]) -> None:
        """Take the fills of ``plan`` as one edit, without any others to choose from.

        They come in as generated and unpinned; headings among them become template, pinned. Empty
        ones take out what stood there, and no gap stays.
        Raises :class:`StaleReport` if the report has changed since, :class:`ValueError` if there
        are not as many fills as holes; the report is then as it was.
        """
        self.apply_candidates(plan, [Candidate(tuple(fills))], keep_open=False)

    def apply_candidates(
        self, plan: Plan, candidates: Sequence[Candidate], *, keep_open: bool = True
    ) -> None:
        """Take the first candidate as :meth:`apply` does and keep the others at hand.

        Where an empty fill would leave half a sentence the gap stays, if ``keep_open``.
        """
        if plan.before_revision != self._revision:
            raise StaleReport("The report has changed since the model began; ask it again.")
        for candidate in candidates:
            if (count := len(candidate.fills)) != len(plan.holes):
                raise ValueError(f"{len(plan.holes)} gaps were to be filled, {count} fills came")
        candidates = cleaned(candidates)
        content, places = filled(self._content, plan, candidates[0].fills, keep_open=keep_open)
        kept = follow(self._sets, list(edits_of(plan, places)), content)
        self._sets_made += 1
        gaps = tuple(piece for piece in plan.pieces if isinstance(piece, Gap))
        fresh = CandidateSet(self._sets_made, candidates, places, gaps=gaps)
        caret = places[-1].end if places else 0
        self._take(content, caret, self._caret, (*kept, fresh))

    def can_choose(self, candidate_set: CandidateSet, index: int) -> bool:
        """Whether a candidate of a set at hand can stand there: it may change no pinned word."""
        return put(self._content, candidate_set, index) is not None

    def choose(self, candidate_set: CandidateSet, index: int, caret: int) -> bool:
        """Put a candidate of a set at hand in place of the one that stands.

        Choosing again and again is one step. ``caret`` stays where it is in its fill. Returns
        ``False``, and does nothing, where a pinned word would change.
        """
        put_in = put(self._content, candidate_set, index)
        if put_in is None:
            return False
        content, places = put_in
        sets = exchanged(self._sets, candidate_set, index, places, content)
        after = caret_after(candidate_set.places, places, caret)
        number = candidate_set.number
        self._take(content, after, caret, sets, Kind.CHOOSING, chosen_in=number)
        return True

    def offer_others(self, number: int, others: Sequence[Candidate]) -> CandidateSet | None:
        """Add other wordings to a set, where it is still at hand; it is sought for from then on.

        This is no change of the report. Returns the set as it is now.
        """
        found = next((each for each in self._sets if each.number == number), None)
        if found is None:
            return None
        fresh = with_others(found, cleaned(sound(others)))
        self._sets = tuple(fresh if each is found else each for each in self._sets)
        self._notify()
        return fresh

    # Back and forth

    def undo(self) -> bool:
        """Take back one step. Returns whether there was one."""
        return self._go(self._history.undo())

    def redo(self) -> bool:
        return self._go(self._history.redo())

    def _go(self, state: State | None) -> bool:
        if state is None:
            return False
        self._set(state)
        return True

    def _do(
        self,
        content: Content,
        caret: int,
        caret_before: int,
        edits: Sequence[Edit] = (),
        kind: Kind = Kind.OTHER,
        *,
        starts_word: bool = False,
    ) -> None:
        """A change by the reader's hand, which ``edits`` did to the text."""
        if content != self._content:
            sets = follow(self._sets, edits, content)
            self._take(content, caret, caret_before, sets, kind, starts_word=starts_word)

    def _take(
        self,
        content: Content,
        caret: int,
        caret_before: int,
        sets: tuple[CandidateSet, ...],
        kind: Kind = Kind.OTHER,
        *,
        starts_word: bool = False,
        chosen_in: int | None = None,
        dismissed: tuple[DismissedClash, ...] | None = None,
    ) -> None:
        """Go on to a new state, as a step that can be taken back if the text is another."""
        before = State(self._content, caret_before, self._sets, self._dismissed)
        after = State(content, caret, sets, self._dismissed if dismissed is None else dismissed)
        if content != self._content or after.dismissed != self._dismissed:
            is_open = kind is not Kind.OTHER
            step = Step(before, after, kind, self._clock(), open=is_open, chosen_in=chosen_in)
            self._history.push(step, starts_word=starts_word)
            self._set(after)
        elif sets != self._sets:
            self._sets = sets
            self._notify()

    def _set(self, state: State) -> None:
        self._content = state.content
        self._sets = state.sets
        self._dismissed = state.dismissed
        self._caret = min(state.caret, len(state.content.text))
        self._revision += 1
        self._notify()

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _check_range(self, start: int, end: int) -> None:
        if not 0 <= start <= end <= len(self.text):
            raise IndexError(f"{start}:{end} is outside a report of {len(self.text)} characters")


def _is_the_model_s(span: Span) -> bool:
    """Whether the model wrote it or may change it."""
    return span.origin is Origin.GENERATED or not span.pinned


def _edited(span: Span) -> Mark:
    return (Origin.EDITED, True) if _is_the_model_s(span) else (span.origin, span.pinned)
