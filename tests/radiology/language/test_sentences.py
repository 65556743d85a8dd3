"""One splitter for the sentences of every report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.language.sentences import find_sentences, sentence_at


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A 2.5 cm nodule. No effusion.", ["A 2.5 cm nodule.", "No effusion."]),
        ("Seen by Dr. Smith. Clear.", ["Seen by Dr. Smith.", "Clear."]),
        ("Atelectasis vs. pneumonia.", ["Atelectasis vs. pneumonia."]),
        ("Tubes, e.g. the ETT, are unchanged.", ["Tubes, e.g. the ETT, are unchanged."]),
        ("See image no. 4. No mass.", ["See image no. 4.", "No mass."]),
        ("Effusion: no. Mass: no.", ["Effusion: no.", "Mass: no."]),
        ("1. Effusion.\n2. Mass.", ["Effusion.", "Mass."]),
        ("IMPRESSION 1. Effusion. 2. Mass.", ["IMPRESSION 1.", "Effusion.", "Mass."]),
        ("- effusion\n- mass", ["effusion", "mass"]),
        ("• effusion\n• mass", ["effusion", "mass"]),
        ("The lungs are\nclear.", ["The lungs are\nclear."]),
        ("Lungs clear\nHeart normal", ["Lungs clear", "Heart normal"]),
        ("Read by J. Smith. Clear.", ["Read by J. Smith.", "Clear."]),
        ("Clear ... as before. Normal.", ["Clear ... as before.", "Normal."]),
        ("Clear.Normal.", ["Clear.", "Normal."]),
        ("? early consolidation", ["? early consolidation"]),
        ("Pneumonia? Follow up.", ["Pneumonia?", "Follow up."]),
        ("At 10.30 a.m. the team was told.", ["At 10.30 a.m. the team was told."]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [span.of(text) for span in find_sentences(text)] == sentences


@given(st.text(alphabet=st.sampled_from("aB1.?! \n\t-,:)•…")))
def test_sentences_lie_in_order_and_hold_all_letters(text: str) -> None:
    spans = find_sentences(text)
    ends = [0, *(end for _, end in spans)]
    assert all(before <= span.start < span.end for before, span in zip(ends, spans, strict=False))
    assert all(span.of(text) == span.of(text).strip() for span in spans)
    held = "".join(span.of(text) for span in spans)
    assert [c for c in held if c.isalpha()] == [c for c in text if c.isalpha()]


def test_the_sentence_at_a_place() -> None:
    text = "One. Two.\nThree."
    assert sentence_at(text, 2).of(text) == "One."
    assert sentence_at(text, 6).of(text) == "Two."
    assert sentence_at(text, len(text)).of(text) == "Three."
