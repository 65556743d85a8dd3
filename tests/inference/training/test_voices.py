"""A radiologist of the demo world is known by his words."""

import random
from collections import Counter

from inference.training.phrases import NO_EDEMA, NORMAL_IMPRESSION, PLEURA_NORMAL
from inference.training.voices import VOICES, Voice


def habits(number: int) -> list[str]:
    """What a voice says most often of a few things."""
    voice = Voice(number, random.Random(number))
    banks = [NORMAL_IMPRESSION, PLEURA_NORMAL.wordy, NO_EDEMA.wordy]
    said = [Counter(voice.words(bank) for _ in range(200)).most_common(1)[0] for bank in banks]
    assert all(150 < count < 200 for _, count in said), "nearly always, and not always"
    return [words for words, _ in said]


def test_it_says_the_same_nearly_always() -> None:
    assert all(habits(number) == habits(number) for number in range(VOICES))


def test_voices_differ() -> None:
    assert len({tuple(habits(number)) for number in range(VOICES)}) > VOICES // 2


def test_over_all_voices_a_thing_happens_as_often_as_it_should() -> None:
    rng = random.Random(0)
    done = [Voice(n, rng).does(f"habit {what}", 0.3) for n in range(VOICES) for what in range(400)]
    assert 0.25 < sum(done) / len(done) < 0.35


def test_what_is_certain_is_certain() -> None:
    voice = Voice(0, random.Random(0))
    assert all(voice.does(f"habit {what}", 1.3) for what in range(50))
    assert not any(voice.does(f"habit {what}", 0.0) for what in range(50))


def _orders(number: int) -> list[int]:
    voice = Voice(number, random.Random(number))
    return [voice.order(range(VOICES)) for _ in range(200)]


def test_each_goes_through_a_chest_in_an_order_of_its_own() -> None:
    usual = [Counter(_orders(number)).most_common(1)[0] for number in range(VOICES)]
    assert [order for order, _ in usual] == list(range(VOICES))
    assert all(150 < count < 200 for _, count in usual), "nearly always, and not always"
