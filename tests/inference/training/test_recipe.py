"""Recipes: Table A1 by default, and a sentence for every setting that cannot be meant."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.training.recipe import (
    Recipe,
    RecipeError,
    add_arguments,
    as_toml,
    changes_of,
    read_recipe,
    usual,
)


def test_the_defaults_are_those_of_the_paper() -> None:
    diffusion, autoregressive = usual("diffusion"), usual("autoregressive")
    for recipe in (diffusion, autoregressive):
        assert (recipe.rank, recipe.alpha, recipe.learning_rate) == (64, 128, 1e-4)
        assert recipe.precision == "bf16"
    assert (diffusion.beta1, diffusion.beta2, diffusion.batch) == (0.9, 0.95, 16)
    assert (autoregressive.beta1, autoregressive.beta2, autoregressive.batch) == (0.9, 0.999, 24)
    assert (diffusion.schedule, diffusion.warm_up) == ("cosine", 100)
    assert autoregressive.schedule == "constant"
    assert diffusion.corruption_floor == 0.1


def test_a_file_changes_the_defaults_and_the_command_line_changes_both(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text('rank = 8\nobjective = "uniform"\ntargets = ["q_proj"]\nepochs = 2\n')
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    changes = changes_of(parser.parse_args(["--rank", "16", "--checkpointing", "true"]))
    assert changes == {"rank": 16, "checkpointing": True}
    recipe = read_recipe("diffusion", file, changes)
    assert recipe == Recipe(
        rank=16, objective="uniform", targets=("q_proj",), epochs=2.0, checkpointing=True
    )


def test_every_field_can_be_set_on_the_command_line() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert changes_of(parser.parse_args([])) == {}
    assert changes_of(parser.parse_args(["--targets", "q_proj,v_proj"])) == {
        "targets": ("q_proj", "v_proj")
    }
    with pytest.raises(SystemExit):
        parser.parse_args(["--checkpointing", "maybe"])


@given(
    st.builds(
        Recipe,
        rank=st.integers(1, 512),
        learning_rate=st.floats(1e-8, 1.0),
        corruption_floor=st.floats(0, 1),
        schedule=st.sampled_from(["cosine", "constant"]),
        checkpointing=st.booleans(),
        held_out=st.floats(0.01, 0.99),
        targets=st.lists(st.sampled_from(["q_proj", "up_proj"]), min_size=1).map(tuple),
    )
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, recipe: Recipe
) -> None:
    file = tmp_path_factory.mktemp("recipes") / "recipe.toml"
    file.write_text(as_toml(recipe))
    assert read_recipe("diffusion", file) == recipe


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rnak": 8}, "rank may be meant"),
        ({"rank": 0}, "above zero"),
        ({"rank": "many"}, "command line sets rank to 'many', and it has to be a whole number"),
        ({"rank": True}, "has to be a whole number"),
        ({"rank": 1.5}, "has to be a whole number"),
        ({"dropout": "none"}, "has to be a number"),
        ({"checkpointing": 1}, "has to be true or false"),
        ({"targets": "q_proj"}, "has to be a list of texts"),
        ({"targets": [1]}, "has to be a list of texts"),
        ({"precision": "fp16"}, "precision to 'fp16', and it has to be bf16 or no"),
        ({"schedule": "linear"}, "has to be cosine or constant"),
        ({"corruption_floor": 1.5}, "from 0 to 1"),
        ({"warm_up": -1}, "below zero"),
        ({"held_out": 0.0}, "held-out examples"),
        ({"epochs": 0.0}, "set one of them"),
        ({"objective": "next-token"}, "uniform or infill"),
        ({"objective": "infil"}, "uniform, infill or next-token; infill may be meant"),
        ({"targets": ()}, "targets is empty"),
        ({"learning_rate": float("nan")}, "has to be a number"),
    ],
)
def test_what_cannot_be_meant_is_told(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_recipe("diffusion", None, changes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rank = ", "is not valid TOML"),
        (b'objective = "\xe4"', "is not UTF-8"),
        (b'objective = "infil"', r"recipe\.toml sets objective to 'infil'"),
        (None, "There is no recipe"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "recipe.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RecipeError, match=said):
        read_recipe("diffusion", file)
