"""Checkpoint folders: check, load, describe. The same door for the demo and for 26 B parameters.

Nothing in a folder can run code: weights are safetensors only, no remote code is trusted, and no
hub is asked for what is missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from inference import memory, quantisation, templates
from inference.allocator import first_line, is_exhaustion
from inference.configurations import (
    BadConfiguration,
    layer_complaint,
    number_complaint,
    patch_complaint,
    read_object,
    shape_complaint,
    vocabulary_complaint,
)
from inference.declarations import FILE as DECLARATION
from inference.declarations import read_declaration
from inference.first_job import misfit
from inference.placement import Placement
from inference.protocol import MadeFor, ModelInfo, Paradigm

if TYPE_CHECKING:
    from inference.engines import autoregressive
    from inference.engines.autoregressive import AutoregressiveEngine
    from inference.engines.diffusion import Checkpoint, DiffusionEngine
    from inference.sampler import Settings

DIFFUSION: Final = "DiffusionGemmaForBlockDiffusion"
AUTOREGRESSIVE: Final = "Gemma4ForConditionalGeneration"
PARADIGMS: Final[Mapping[str, Paradigm]] = {
    DIFFUSION: "diffusion",
    AUTOREGRESSIVE: "autoregressive",
}
"""The architectures that there are engines for."""
_PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_NEEDED: Final = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
_PROCESSOR: Final = ("preprocessor_config.json", "processor_config.json")
_TOKENIZER: Final = ("tokenizer.json", "tokenizer_config.json")
_INDEX: Final = "model.safetensors.index.json"


class CheckpointError(Exception):
    """One sentence: what is wrong with the folder and what to do."""


def load_engine(
    folder: Path, placement: Placement, on_stage: Callable[[str], None]
) -> DiffusionEngine | AutoregressiveEngine:
    """Check ``folder``, load it, and make it as fast as it can be where it was placed.

    ``on_stage`` is told what is being done. Raises :class:`CheckpointError`.
    """
    on_stage(f"Checking {folder.name}")
    paradigm = paradigm_of(check(folder))
    on_stage("Starting PyTorch")
    place = pick_device(placement.device)
    on_stage(f"Loading {folder.name} on {place}")
    engine = _placed_engine(folder, place, paradigm, placement, on_stage)
    try:
        complaint = misfit(engine)
    except Exception as error:
        _refuse_size(folder, place, error)
    if complaint is not None:
        raise CheckpointError(
            f"The files of the checkpoint in {folder} do not fit one another: the first job on it "
            f"failed ({complaint}). Copy the folder again, or name another."
        )
    return engine


def _placed_engine(
    folder: Path,
    place: str,
    paradigm: Paradigm,
    placement: Placement,
    on_stage: Callable[[str], None],
) -> DiffusionEngine | AutoregressiveEngine:
    if paradigm == "autoregressive":
        from inference.engines.autoregressive import AutoregressiveEngine

        return AutoregressiveEngine(load_autoregressive(folder, place, on_stage))
    from inference.engines.acceleration import accelerate
    from inference.engines.diffusion import DiffusionEngine

    checkpoint = load(folder, place, on_stage)
    decoder = accelerate(checkpoint, compiled=placement.compiled, on_stage=on_stage)
    return DiffusionEngine(checkpoint, decoder=decoder)


def check(folder: Path) -> dict[str, Any]:
    """The folder's configuration, once everything that loading needs was found in it.

    Raises :class:`CheckpointError`. Reads small files only, and no tensor.
    """
    if not folder.exists():
        raise CheckpointError(
            f"There is no checkpoint folder at {folder}. Name a folder that holds a downloaded "
            "DiffusionGemma or Gemma 4 checkpoint."
        )
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is a file. Name the checkpoint's folder instead.")
    config = _read_sound(folder, "config.json")
    if (architecture := _architecture(config)) not in PARADIGMS:
        raise CheckpointError(
            f"{folder} holds {architecture}, which this version cannot run. "
            f"Name a folder with a {' or a '.join(PARADIGMS)} checkpoint."
        )
    if paradigm_of(config) == "diffusion" and not isinstance(config.get("canvas_length"), int):
        _refuse_file(folder, "config.json", "names no canvas_length")
    _check_weights(folder)
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    for name in sorted({*_NEEDED, *_PROCESSOR} - set(missing)):
        if (folder / name).exists():
            # A tokenizer's numbers are its own: some give a length without end.
            content = (_read_json if name in _TOKENIZER else _read_sound)(folder, name)
            if name in _PROCESSOR and (complaint := patch_complaint(config, content)):
                _refuse_file(folder, name, complaint)
    if not any((folder / name).exists() for name in _PROCESSOR):
        missing.append(_PROCESSOR[0])
    if missing:
        raise CheckpointError(
            f"The checkpoint in {folder} is incomplete: {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Copy the whole folder again."
        )
    if complaint := layer_complaint(config, memory.stored_tensors(_shards(folder))):
        _refuse_file(folder, "config.json", complaint)
    _declaration(folder)
    return config


def _declaration(folder: Path) -> MadeFor:
    """What the checkpoint was made for. Raises :class:`CheckpointError` where it is unreadable."""
    try:
        return read_declaration(folder)
    except BadConfiguration as error:
        raise CheckpointError(
            f"{DECLARATION} in {folder} {error}. Mend that file as docs/made-for.md has it, or "
            "delete it: then any image is taken."
        ) from None


def _architecture(config: Mapping[str, Any]) -> str:
    named = config.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else "no architecture"


def paradigm_of(config: Mapping[str, Any]) -> Paradigm:
    """How a checkpoint writes whose configuration :func:`check` gave."""
    return PARADIGMS[_architecture(config)]


def check_diffusion(folder: Path) -> dict[str, Any]:
    """The same for what only a diffusion checkpoint can do. Raises :class:`CheckpointError`."""
    return check_paradigm(folder, "diffusion")


def check_paradigm(folder: Path, wanted: Paradigm) -> dict[str, Any]:
    """The same for either paradigm."""
    config = check(folder)
    _refuse_other(folder, config, wanted)
    return config


_A: Final[Mapping[Paradigm, str]] = {
    "diffusion": "a diffusion",
    "autoregressive": "an autoregressive",
}


def _refuse_other(folder: Path, config: Mapping[str, Any], wanted: Paradigm) -> None:
    found, name = paradigm_of(config), DIFFUSION if wanted == "diffusion" else AUTOREGRESSIVE
    if found != wanted:
        raise CheckpointError(
            f"{folder} holds {_A[found]} checkpoint, and {_A[wanted]} one is needed here. "
            f"Name a folder with a {name} checkpoint."
        )


def _check_weights(folder: Path) -> None:
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
    if pickles:
        raise CheckpointError(
            f"{folder} holds a pickle ({pickles[0]}), which can run code and is never opened. Use "
            "a folder with the weights as safetensors alone."
        )
    shards = {path.name for path in folder.glob("*.safetensors") if path.is_file()}
    if not shards:
        raise CheckpointError(
            f"The checkpoint in {folder} is incomplete: there are no *.safetensors files. "
            "Copy the whole folder again."
        )
    if (folder / _INDEX).exists():
        weight_map = _read_json(folder, _INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise CheckpointError(f"{_INDEX} in {folder} names no weights. Copy the folder again.")
        named = set(map(str, weight_map.values()))
        if absent := sorted(named - shards):
            raise CheckpointError(
                f"The checkpoint in {folder} is incomplete: {absent[0]} and {len(absent) - 1} "
                "more shards are missing. Copy the whole folder again."
                if len(absent) > 1
                else f"The checkpoint in {folder} is incomplete: {absent[0]} is missing. "
                "Copy the whole folder again."
            )
        shards = named
    for name in sorted(shards):
        _check_shard(folder / name)


def _check_shard(path: Path) -> None:
    """A safetensors file tells in its header how long it is; a half copied one is shorter."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            pass
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path.name} in {path.parent} is damaged or only half copied ({error}). "
            "Copy the folder again."
        ) from None


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        return read_object(folder / name)
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} is not a checkpoint folder: it has no {name}. Name the folder that holds "
            "config.json and the *.safetensors files."
        ) from None
    except BadConfiguration as error:
        _refuse_file(folder, name, str(error))


def _read_sound(folder: Path, name: str) -> dict[str, Any]:
    """The same, with no number in it beyond its bounds."""
    content = _read_json(folder, name)
    if complaint := number_complaint(content):
        _refuse_file(folder, name, complaint)
    return content


def _refuse_file(folder: Path, name: str, complaint: str) -> NoReturn:
    raise CheckpointError(
        f"{name} in {folder} {complaint}. Copy the folder again, or name another."
    )


def pick_device(wish: str | None) -> str:
    """What torch calls the device that was wished for. Raises :class:`CheckpointError`."""
    import torch

    if wish in (None, "auto"):
        return "cuda" if torch.cuda.is_available() else "cpu"
    assert wish is not None
    if not re.fullmatch(r"cpu|cuda(:\d+)?", wish):
        raise CheckpointError(f"There is no device {wish!r}. Choose cpu, cuda, cuda:N or auto.")
    if wish != "cpu" and int(wish.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise CheckpointError(
            f"The device {wish} was asked for, but PyTorch finds no GPU of that number. "
            "Choose --device cpu, or install the GPU driver and a CUDA build of PyTorch."
        )
    return wish


def load(folder: Path, device: str, on_stage: Callable[[str], None] = lambda _: None) -> Checkpoint:
    """Load a diffusion checkpoint that :func:`check` let pass. Raises :class:`CheckpointError`.

    What does not fit the memory of ``device`` is refused before a tensor is read.
    """
    from inference.engines.filling import CANDIDATES

    config = _read_json(folder, "config.json")
    _refuse_other(folder, config, "diffusion")
    positions = CANDIDATES * int(config["canvas_length"])
    parts = _load_parts(folder, device, on_stage, positions)
    with _refusing_settings(folder):
        return assemble(*parts, folder, device)


def load_autoregressive(
    folder: Path, device: str, on_stage: Callable[[str], None] = lambda _: None
) -> autoregressive.Checkpoint:
    """The same for the autoregressive sibling."""
    parts = _load_parts(folder, device, on_stage, 1)
    with _refusing_settings(folder):
        return assemble_autoregressive(*parts, folder, device)


@contextmanager
def _refusing_settings(folder: Path) -> Iterator[None]:
    """A block that puts settings of the files to use, which may be of any type."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        raise CheckpointError(
            f"The settings of the checkpoint in {folder} cannot be used ({first_line(error)}). "
            "Copy the folder again, or name another."
        ) from error


def load_either(folder: Path, device: str) -> Checkpoint | autoregressive.Checkpoint:
    """Load a checkpoint of whichever paradigm. Raises :class:`CheckpointError`."""
    writes = paradigm_of(check(folder))
    return load(folder, device) if writes == "diffusion" else load_autoregressive(folder, device)


def plain_engine(
    checkpoint: Checkpoint | autoregressive.Checkpoint,
) -> DiffusionEngine | AutoregressiveEngine:
    """The engine of a loaded checkpoint as it stands, nothing compiled."""
    from inference.engines.autoregressive import AutoregressiveEngine
    from inference.engines.autoregressive import Checkpoint as Autoregressive
    from inference.engines.diffusion import DiffusionEngine

    if isinstance(checkpoint, Autoregressive):
        return AutoregressiveEngine(checkpoint)
    return DiffusionEngine(checkpoint)


def _load_parts(
    folder: Path, device: str, on_stage: Callable[[str], None], positions: int
) -> tuple[Any, Any, Any]:
    """Model, tokenizer and image processor; one step gives logits at so many ``positions``."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import numpy as np
    import torch
    import transformers
    from transformers.utils import logging

    from inference.prompt import patch

    logging.disable_progress_bar()
    raw = _read_json(folder, "config.json")
    method = quantisation.method_of(raw)
    if method is not None and (reason := quantisation.refusal(method, device)):
        raise CheckpointError(f"The checkpoint in {folder} cannot be loaded here. {reason}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        processor = transformers.Gemma4ImageProcessorPil.from_pretrained(
            folder, local_files_only=True
        )
        _check_tokenizer(folder, tokenizer, raw)
        patch(np.zeros((32, 48), np.uint8), processor)  # whether it can cut an image up
        model_class = getattr(transformers, _architecture(raw))
        config = model_class.config_class.from_pretrained(folder, local_files_only=True)
        if method is None:
            _check_shapes(folder, model_class, config)
        dtype = _fitting_dtype(folder, raw, config, device, positions, on_stage)
        model, report = model_class.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype="auto" if method else getattr(torch, dtype),
            device_map={"": device},
            output_loading_info=True,
        )
        model = model.eval()
    except CheckpointError:
        raise
    except ImportError as error:  # of a quantiser: transformers names the version that it wants
        raise CheckpointError(
            f"The checkpoint in {folder} cannot be loaded here: {first_line(error)}."
        ) from error
    except Exception as error:  # a wrong configuration fails in nearly any way
        if is_exhaustion(error):
            _refuse_size(folder, device, error)
        raise CheckpointError(
            f"The checkpoint in {folder} cannot be loaded: {first_line(error)} Copy the folder "
            "again, or name another."
        ) from error
    if absent := sorted({*report["missing_keys"], *map(str, report["mismatched_keys"])}):
        raise CheckpointError(
            f"The checkpoint in {folder} is incomplete: the weights lack {absent[0]}"
            f"{f' and {len(absent) - 1} more' if len(absent) > 1 else ''}. Copy the folder again."
        )
    _check_finite(folder, model)
    return model, tokenizer, processor


def _refuse_size(folder: Path, device: str, error: Exception) -> NoReturn:
    raise CheckpointError(
        f"{folder.name} does not fit the memory of {device}: {first_line(error)}. Choose a smaller "
        "or quantised checkpoint, or --device cpu."
    ) from None


def _check_tokenizer(folder: Path, tokenizer: Any, config: Mapping[str, Any]) -> None:
    """Whether it numbers its tokens as the model does, and its chat template gives a prompt."""
    from inference.prompt import write_ask, write_prompt, write_stem

    if tokenizer.chat_template is None:
        raise CheckpointError(
            f"The checkpoint in {folder} is incomplete: it has no chat template "
            "(chat_template.jinja). Copy the whole folder again."
        )
    rows = config["text_config"]["vocab_size"]
    if complaint := vocabulary_complaint(tokenizer.get_vocab(), rows):
        _refuse_file(folder, "tokenizer.json", complaint)
    if complaint := templates.complaint(str(tokenizer.chat_template)):
        _refuse_file(folder, "The chat template", complaint)
    try:
        write_stem(tokenizer, "Chest radiograph.", 1)
        write_prompt(tokenizer, "", None)
        write_ask(tokenizer)
    except templates.TemplateExcess as error:
        raise CheckpointError(f"The checkpoint in {folder} cannot be loaded. {error}") from None
    except Exception as error:  # a template may raise whatever it likes
        _refuse_file(folder, "The chat template", f"gives no prompt ({first_line(error)})")


def _check_shapes(folder: Path, model_class: Any, config: Any) -> None:
    """Whether the model that a configuration describes is the one that the weights belong to."""
    import torch

    with torch.device("meta"):  # shapes alone: nothing is allocated
        empty = model_class(config)
    if complaint := shape_complaint(empty, memory.stored_tensors(_shards(folder))):
        raise CheckpointError(
            f"The checkpoint in {folder} cannot be loaded: config.json {complaint}. Copy the "
            "folder again, or name another."
        )


def _check_finite(folder: Path, model: Any) -> None:
    """A weight that is no number makes every word as likely as any other, and fills stay empty."""
    import torch

    seen: set[int] = set()
    for name, weight in model.state_dict().items():
        if weight.data_ptr() in seen:
            continue  # encoder and decoder share it
        seen.add(weight.data_ptr())
        if weight.is_floating_point() and weight.numel():
            least, most = weight.aminmax()
            if not (torch.isfinite(least) and torch.isfinite(most)):
                raise CheckpointError(
                    f"The checkpoint in {folder} holds numbers that are none (NaN or infinite) in "
                    f"{name}. Copy the folder again, or name another."
                )


def assemble(
    model: Any, tokenizer: Any, image_processor: Any, folder: Path, device: str
) -> Checkpoint:
    """A loaded diffusion model with the settings that its own files give it."""
    from inference.engines.diffusion import Checkpoint

    settings = _settings(model.generation_config, tokenizer)
    info = _described(model, folder, device)(
        architecture=DIFFUSION,
        canvas_length=model.config.canvas_length,
        max_steps=settings.max_steps,
        has_filler=getattr(tokenizer, "filler_token", None) is not None,
    )
    ends = _end_ids(model.generation_config, tokenizer)
    return Checkpoint(info, model, tokenizer, image_processor, settings, ends)


def assemble_autoregressive(
    model: Any, tokenizer: Any, image_processor: Any, folder: Path, device: str
) -> autoregressive.Checkpoint:
    """The same for a loaded autoregressive model."""
    from inference.engines.autoregressive import LONGEST, Checkpoint

    longest = int(model.generation_config.max_new_tokens or LONGEST)
    info = _described(model, folder, device)(
        architecture=AUTOREGRESSIVE,
        canvas_length=longest,
        max_steps=longest,
        has_filler=False,
        paradigm="autoregressive",
    )
    ends = _end_ids(model.generation_config, tokenizer)
    return Checkpoint(info, model, tokenizer, image_processor, ends)


def _described(model: Any, folder: Path, device: str) -> Callable[..., ModelInfo]:
    """What is told alike of every loaded model; the rest is to be added."""
    return partial(
        ModelInfo,
        checkpoint=str(folder),
        name=folder.name,
        parameters=model.num_parameters(),
        device=_device_name(device),
        dtype=_dtype_name(model),
        made_for=_declaration(folder),
    )


def _shards(folder: Path) -> list[Path]:
    """The files that hold the weights, in order."""
    if not (folder / _INDEX).exists():
        return sorted(folder.glob("*.safetensors"))
    weight_map = _read_json(folder, _INDEX)["weight_map"]
    return [folder / name for name in sorted(set(map(str, weight_map.values())))]


def _fitting_dtype(
    folder: Path,
    raw: Mapping[str, Any],
    config: memory.Config,
    device: str,
    positions: int,
    on_stage: Callable[[str], None],
) -> str:
    """bfloat16 on a GPU; on a CPU float32, exact and fast there, while it fits with room to spare.

    Raises :class:`CheckpointError` where the weights and one step do not fit at all. The dtype is
    the activations' alone where the weights are quantised.
    """
    from inference.engines.prefixes import PREFIXES_KEPT

    tensors = memory.stored_tensors(_shards(folder))
    method = quantisation.method_of(raw)

    def need(dtype: str, place: str) -> memory.Need:
        width = memory.WIDTH[dtype]
        weights = memory.weight_bytes(
            tensors, None if method else width, quantisation.packed_bits(raw, place)
        )
        return memory.need(config, weights, width, prefixes=PREFIXES_KEPT, positions=positions)

    free, cpu_free = memory.free_memory(device), memory.free_memory("cpu")
    if method is None and device == "cpu":
        wide = need("float32", device)
        if memory.comfortable(wide, free):
            return "float32"
    left_out = quantisation.skipped_experts(method, tensors) if method else None
    runs_on_cpu = method is None or quantisation.refusal(method, "cpu") is None
    reason = memory.refusal(
        folder.name,
        device,
        need("bfloat16", device),
        free,
        cpu_need=need("bfloat16", "cpu") if runs_on_cpu else None,
        cpu_free=cpu_free,
    )
    if reason:
        raise CheckpointError(f"{reason} Note that {left_out}." if left_out else reason)
    if left_out:
        on_stage(f"Loading {folder.name} on {device}; {left_out}")
    return "bfloat16"


def _dtype_name(model: Any) -> str:
    """The dtype of an activation, and the method where the weights are quantised."""
    dtype = str(model.get_input_embeddings().weight.dtype).removeprefix("torch.")
    method = quantisation.method_of(model.config.to_dict())
    return f"{dtype}, weights by {method}" if method else dtype


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def _known(generation: Any, name: str, fallback: Any) -> Any:
    value = getattr(generation, name, None)
    return fallback if value is None else value


def _settings(generation: Any, tokenizer: Any) -> Settings:
    """The sampler's settings from ``generation_config.json``, with transformers' defaults.

    ``filler_bias`` stands beside the filler token, in ``tokenizer_config.json``: transformers
    refuses a generation configuration with a word that it does not know.
    """
    from inference.sampler import Settings

    default = Settings()
    known = partial(_known, generation)
    sampler = getattr(generation, "sampler_config", None)
    bound = default.entropy_bound if sampler is None else sampler.entropy_bound
    return Settings(
        max_steps=known("max_denoising_steps", default.max_steps),
        entropy_bound=bound,
        gap_entropy_bound=bound * default.gap_entropy_bound / default.entropy_bound,
        t_min=known("t_min", default.t_min),
        t_max=known("t_max", default.t_max),
        stability_threshold=known("stability_threshold", default.stability_threshold),
        confidence_threshold=known("confidence_threshold", default.confidence_threshold),
        filler_bias=float(tokenizer.init_kwargs.get("filler_bias", default.filler_bias)),
    )


def _end_ids(generation: Any, tokenizer: Any) -> tuple[int, ...]:
    ends = _known(generation, "eos_token_id", int(tokenizer.eos_token_id))
    return tuple(ends) if isinstance(ends, (list, tuple)) else (int(ends),)
