"""An image against what a model says that it was made for: held, let through, or unknown."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from desktop.studies.body_parts import parts_in, views_in
from desktop.studies.made_for import Fit, fit
from inference.protocol import MadeFor
from tests.desktop.fake_worker import MODEL

CHEST = MadeFor(
    modalities=("DX", "CR"), body_parts=("CHEST",), views=("PA", "AP"), languages=("en",)
)
MADE = msgspec.structs.replace(MODEL, name="chest-model", made_for=CHEST)


@dataclass
class Image:
    modality: str = "DX"
    body_part: str = "CHEST"
    view: str = "PA"
    age: str = ""
    sex: str = ""
    description: str = ""
    series_description: str = ""
    in_colour: bool = False
    frames: int = 1


@pytest.mark.parametrize(
    "image",
    [
        Image(),
        Image(modality="cr ", body_part="Thorax", view="AP"),
        Image(body_part="LUNG", view="AP SUPINE"),
        Image(body_part="TÓRAX", view="PA ERECT"),
        Image(body_part="CHESTABDPELVIS"),
        Image(body_part="", description="Röntgen Thorax in 1 Ebene"),
        Image(body_part="", series_description="CXR portable"),
        Image(body_part="UNKNOWN", description="Chest and abdomen"),
        Image(view="", series_description="W033 Chest AP"),
    ],
)
def test_what_it_was_made_for_passes(image: Image) -> None:
    assert fit(image, MADE) == Fit()


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (Image(modality="CT", body_part="LSPINE"), ["modality CT", "body part SPINE"]),
        (Image(modality="US", body_part="HEART", in_colour=True, frames=30), ["US", "HEART"]),
        (Image(modality="OT"), ["secondary capture"]),
        (Image(modality="SC", body_part="", view=""), ["secondary capture"]),
        (Image(body_part="KNEE"), ["body part KNEE"]),
        (Image(body_part="", description="Thoracic spine, AP"), ["body part SPINE"]),
        (Image(body_part="", view="L MLO"), ["BREAST"]),
        (Image(view="LL"), ["view LATERAL"]),
        (Image(view="", series_description="Chest lateral"), ["view LATERAL"]),
        (Image(in_colour=True), ["in colour"]),
        (Image(frames=12), ["12 frames"]),
    ],
)
def test_what_is_outside_is_told_in_one_sentence(image: Image, told: list[str]) -> None:
    found = fit(image, MADE)
    assert all(word in found.against for word in told), found
    assert "chest-model" in found.against
    assert "CHEST" in found.against
    assert found.against.count(". ") == 0
    assert found.against.endswith(".")
    assert not found.unknown


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (Image(modality=""), "modality"),
        (Image(body_part=""), "body part"),
        (Image(body_part="OTHER", description="Follow up"), "body part"),
        (Image(view=""), "view"),
        (Image(view="", description="Chest PA and lateral"), "view"),
        (Image(modality="", body_part="", view=""), "modality, body part and view"),
    ],
)
def test_what_the_file_does_not_say_is_told_and_not_held(image: Image, told: str) -> None:
    found = fit(image, MADE)
    assert not found.against
    assert f"does not tell the {told} of this image" in found.unknown


def test_who_declares_nothing_is_believed() -> None:
    loop = Image(modality="US", body_part="HEART", in_colour=True, frames=30)
    assert fit(loop, MODEL) == Fit()
    languages = msgspec.structs.replace(MODEL, made_for=MadeFor(languages=("en",)))
    assert fit(loop, languages) == Fit()


def test_a_declared_word_that_nobody_knows_is_held_against_the_same_word() -> None:
    odd = msgspec.structs.replace(MODEL, made_for=MadeFor(body_parts=("GALLBLADDER",)))
    assert fit(Image(body_part="gallbladder"), odd) == Fit()
    assert "CHEST" in fit(Image(), odd).against


def test_an_ultrasound_model_takes_loops_in_colour() -> None:
    heart = msgspec.structs.replace(
        MODEL, made_for=MadeFor(modalities=("US",), body_parts=("HEART",))
    )
    loop = Image(modality="US", body_part="HEART", view="", in_colour=True, frames=30)
    assert fit(loop, heart) == Fit()


def test_the_adapter_that_is_on_is_named() -> None:
    adapted = msgspec.structs.replace(MADE, adapter="knees", adapters=("knees",))
    assert "chest-model with knees was made" in fit(Image(modality="CT"), adapted).against


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("TSPINE", {"SPINE"}),
        ("HEADNECK", {"HEAD", "NECK"}),
        ("NECKCHESTABDPELV", {"NECK", "CHEST", "ABDOMEN", "PELVIS"}),
        ("Schädel nativ", {"HEAD"}),
        ("\u2068chest\u2069", {"CHEST"}),
        ("WHOLEBODY", set()),
        ("whipped", set()),
    ],
)
def test_body_parts_in_words(text: str, parts: set[str]) -> None:
    assert parts_in(text) == parts


def test_views_in_words() -> None:
    assert views_in("L CC") == {"CC"}
    assert views_in("pa/lat") == {"PA", "LATERAL"}
    assert views_in("Papa") == set()
