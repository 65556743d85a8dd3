"""Pins that came back untouched, counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop.compare.fidelity import fidelity, pinned_phrases
from inference.protocol import Fixed, Gap, Piece, join

PHRASES = ("FINDINGS:", "The heart is normal.", "No effusion.")


def test_phrases_are_what_is_pinned_of_a_sentence_on_one_line() -> None:
    pieces = (Fixed("FINDINGS:\nThe heart is "), Gap(), Fixed(" No effusion. No \n\n"), Gap())
    assert pinned_phrases(pieces) == ("FINDINGS:", "The heart is", "No effusion.", "No")


def test_what_is_changed_by_a_letter_is_lost() -> None:
    told = fidelity(PHRASES, "FINDINGS:\nThe heart is normal. no effusion.")
    assert told.kept == len("FINDINGS:" + "The heart is normal.")
    assert told.share == told.kept / len("".join(PHRASES))


def test_what_stands_in_another_place_is_lost() -> None:
    told = fidelity(PHRASES, "FINDINGS:\nNo effusion. The heart is normal.")
    assert [found.phrase for found in told.found] == [0, 1]  # the longer of the two counts


def test_a_phrase_that_comes_early_by_chance_does_not_cost_the_others() -> None:
    text = "No effusion. The heart is normal. No effusion."
    told = fidelity(("The heart is normal.", "No effusion."), text)
    assert told.share == 1
    told = fidelity(("No", "The heart is normal."), "The heart is normal. No")
    assert told.kept == len("The heart is normal.")


def test_without_pins_there_is_no_share() -> None:
    assert fidelity((), "anything").share is None
    assert fidelity(pinned_phrases((Gap(),)), "anything").share is None


words = st.text("ab. \nN:🫁", max_size=12)


@given(st.lists(words.map(Fixed) | st.just(Gap()), max_size=6), st.data())
def test_pins_that_the_window_puts_back_are_all_there(
    pieces: list[Piece], data: st.DataObject
) -> None:
    gaps = sum(isinstance(piece, Gap) for piece in pieces)
    text = join(pieces, data.draw(st.lists(words, min_size=gaps, max_size=gaps)))
    phrases = pinned_phrases(pieces)
    told = fidelity(phrases, text)
    assert told.kept == told.pinned
    assert told.share == (1 if phrases else None)


@given(st.lists(st.text("ab ", min_size=1, max_size=3), max_size=5), st.text("ab ", max_size=20))
def test_what_is_found_is_there_in_order_and_is_the_most_there_is(
    phrases: list[str], text: str
) -> None:
    told = fidelity(phrases, text)
    end = 0
    for found in told.found:
        assert text[found.start : found.end] == phrases[found.phrase]
        assert found.start >= end
        end = found.end
    assert [found.phrase for found in told.found] == sorted({f.phrase for f in told.found})
    assert told.kept == sum(found.end - found.start for found in told.found)
    assert told.kept == most(phrases, text)


def most(phrases: list[str], text: str) -> int:
    """By trying every choice of phrases; the earliest place of each is the best."""
    best = 0
    for chosen in range(2 ** len(phrases)):
        at = total = 0
        for number, phrase in enumerate(phrases):
            if chosen >> number & 1:
                at = text.find(phrase, at)
                if at < 0:
                    break
                at += len(phrase)
                total += len(phrase)
        else:
            best = max(best, total)
    return best
