"""A checkpoint folder with random weights: the real format and the real loading code, in a second.

What a trained model does is tested elsewhere, with the bundled checkpoint.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from inference.codec import Codec
    from inference.engines.diffusion import Checkpoint
    from tests.inference.random_adapters import MakeAdapter


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete folder; copy it before you damage it."""
    import torch

    from inference.training.demo_model import build, train_tokenizer
    from inference.training.findings import sample_case
    from inference.training.report_language import write_report
    from inference.training.train_demo import save

    torch.manual_seed(0)
    cases = [sample_case(seed) for seed in range(300)]
    tokenizer = train_tokenizer(write_report(case, random.Random(case.seed)) for case in cases)
    folder = tmp_path_factory.mktemp("checkpoints") / "random"
    save(build(tokenizer, layers=2, vision_layers=1), tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def random_sibling(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as an autoregressive checkpoint; copy it before you damage it."""
    from inference.checkpoints import load
    from inference.training.sibling import sibling_of
    from inference.training.train_demo import save

    checkpoint = load(random_checkpoint, "cpu")
    folder = tmp_path_factory.mktemp("checkpoints") / "random-sibling"
    save(sibling_of(checkpoint.model), checkpoint.tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def make_adapter(random_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeAdapter:
    """Makes adapters; copy one before you damage it."""
    from tests.inference.random_adapters import write_adapter

    def make(
        name: str,
        seed: int = 0,
        scale: float = 0.05,
        base: Path | None = None,
        **config: Any,
    ) -> Path:
        folder = tmp_path_factory.mktemp("adapters") / name
        return write_adapter(folder, base or random_checkpoint, seed, scale, **config)

    return make


@pytest.fixture(scope="session")
def loaded(random_checkpoint: Path) -> Checkpoint:
    from inference.checkpoints import load

    return load(random_checkpoint, "cpu")


@pytest.fixture(scope="session")
def codec(loaded: Checkpoint) -> Codec:
    from inference.codec import Codec

    return Codec(loaded.tokenizer, loaded.end_ids)


@pytest.fixture
def plain(loaded: Checkpoint) -> Codec:
    """The codec of a checkpoint without filler, as the released ones are."""
    from inference.codec import Codec

    codec = Codec(loaded.tokenizer, loaded.end_ids)
    codec.filler = None
    return codec
