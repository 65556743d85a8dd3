"""Adapters: LoRA folders on top of a loaded checkpoint, switched while it runs, never merged.

Two traps lie here. DiffusionGemma's encoder and decoder are one set of weights, but each has LoRA
layers of its own: merged, both changes would fall on the same weights, and either half would be
wrong. And ``tie_weights``, which transformers calls when embeddings are resized, ties by the names
of parameters, so that the decoder's adapter would become the encoder's. Both are barred from the
moment that a first adapter is there.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec
import torch
from torch import Tensor

from inference.adapter_bounds import bound_settings
from inference.adapter_folder import (
    WEIGHTS,
    AdapterError,
    adaptable,
    check_files,
    doubt_of,
    read_config,
)
from inference.allocator import first_line, is_exhaustion
from inference.configurations import BadConfiguration, read_object
from inference.declarations import FILE, read_declaration
from inference.protocol import (
    DECLARES_NOTHING,
    AdapterRequest,
    LoadAdapter,
    MadeFor,
    ModelInfo,
    RemoveAdapter,
    UseAdapter,
)

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel

_ALLOWED: Final[dict[str, tuple[object, ...]]] = {
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian"),
    "layer_replication": (None, []),
    "megatron_config": (None, {}),
    "target_parameters": (None, []),
    "trainable_token_indices": (None, [], {}),
}
"""Settings of LoRA with which a checkpoint, switched back to, is what it was. Others write over its
weights as they are injected, rebuild its layers, or name modules to import."""

RECORD: Final = FILE
"""Lies beside an adapter's weights and tells what it was trained on top of."""

_SAMPLES: Final = 1024
_SAMPLE_BYTES: Final = 64 * 1024
# PEFT asks every model for a property that transformers is about to rename.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)

_VOLATILE: Final = ("transformers_version", "_name_or_path", "dtype", "torch_dtype")


def base_fingerprint(folder: Path) -> str:
    """Tells one checkpoint folder from another, wherever it was copied to.

    Its configuration and its weights; of shards beyond 64 MiB samples of that size, evenly spread,
    for reading 50 GB would take longer than all else.
    """
    digest = hashlib.sha256()
    config = json.loads((folder / "config.json").read_text("utf-8"))
    kept = {name: value for name, value in config.items() if name not in _VOLATILE}
    digest.update(json.dumps(kept, sort_keys=True).encode())
    for shard in sorted(folder.glob("*.safetensors")):
        size = shard.stat().st_size
        count = min(_SAMPLES, -(-size // _SAMPLE_BYTES))
        with shard.open("rb") as file:
            for sample in range(count):
                file.seek(sample * size // count)
                digest.update(file.read(_SAMPLE_BYTES))
        digest.update(str(size).encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _Adapter:
    """``key`` is PEFT's name for it: it cannot take every name that a folder may have. ``doubt``
    is what speaks against its being one of this checkpoint, ``made_for`` what it declares."""

    folder: Path
    key: str
    stamp: tuple[int, ...]
    doubt: str = ""
    made_for: MadeFor = DECLARES_NOTHING


class Adapters:
    """The adapters of one model, loaded from the checkpoint in ``base``.

    ``probe`` makes some logits of the model as it stands: what an adapter has to change.
    """

    def __init__(self, model: PreTrainedModel, probe: Callable[[], Tensor], base: Path) -> None:
        self._model, self._probe, self._base = model, probe, base
        self._peft: PeftModel | None = None
        self._there: dict[str, _Adapter] = {}
        self._count = 0
        self._active: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are loaded, in the order of loading."""
        return tuple(self._there)

    @property
    def active(self) -> str | None:
        """The one that is on; ``None`` where the checkpoint speaks for itself."""
        return self._active

    def do(self, request: AdapterRequest, info: ModelInfo) -> ModelInfo:
        """What a client asks for; what is told from then on, where ``info`` is the checkpoint's.

        Raises :class:`AdapterError`, and then nothing has changed.
        """
        match request:
            case LoadAdapter(folder=folder):
                self.use(self.load(Path(folder)))
            case UseAdapter(name=name):
                self.use(name)
            case RemoveAdapter(name=name):
                self.remove(name)
        active = None if self._active is None else self._there[self._active]
        made_for = DECLARES_NOTHING if active is None else active.made_for
        return msgspec.structs.replace(
            info,
            adapters=self.names,
            adapter=self.active,
            adapter_doubt="" if active is None else active.doubt,
            made_for=info.made_for if made_for == DECLARES_NOTHING else made_for,
        )

    def load(self, folder: Path) -> str:
        """Load an adapter beside the others, switched off; returns its name.

        Raises :class:`AdapterError` where it is none, belongs to another checkpoint or changes
        nothing. What was there before stays as it was.
        """
        folder = folder.resolve()
        before = next((name for name, one in self._there.items() if one.folder == folder), None)
        if before is not None and self._there[before].stamp == _stamp(folder):
            return before
        config, made_for = self._checked(folder), _declaration(folder)
        stamp = _stamp(folder)
        self._count += 1
        key = f"adapter{self._count}"
        try:
            self._inject(key, config, folder)
            self._compare(key, folder)
        except BaseException:
            self._drop(key)
            raise
        finally:
            self._switch_back()
        if before is not None:  # trained on since
            self._drop(self._there[before].key)
        name = before or self._free_name(folder)
        doubt = "" if _has_record(folder) else doubt_of(config, folder, self._base)
        self._there[name] = _Adapter(folder, key, stamp, doubt, made_for)
        self._switch_back()
        return name

    def use(self, name: str | None) -> None:
        """Switch one on, and all others off. Raises :class:`AdapterError` for an unknown one."""
        if name is not None:
            self._check_known(name)
        self._active = name
        self._switch_back()

    def remove(self, name: str) -> None:
        """Forget an adapter; the checkpoint speaks for itself where it was on.

        Raises :class:`AdapterError` for an unknown one.
        """
        self._check_known(name)
        if self._active == name:
            self._active = None
        self._drop(self._there.pop(name).key)
        self._switch_back()

    # -- checks

    def _check_known(self, name: str) -> None:
        if name not in self._there:
            known = ", ".join(self._there) or "none"
            raise AdapterError(f"There is no adapter {name!r} here ({known}). Load it first.")

    def _checked(self, folder: Path) -> LoraConfig:
        check_files(folder)
        self._check_base(folder)
        config = read_config(folder)
        if config.modules_to_save:
            raise AdapterError(
                f"The adapter in {folder} replaces whole modules "
                f"({str(config.modules_to_save)[:60]}), which would part what the checkpoint "
                "shares. Train one without modules_to_save."
            )
        for name, allowed in _ALLOWED.items():
            if (value := getattr(config, name, None)) not in allowed:
                raise AdapterError(
                    f"The adapter in {folder} sets {name} to {value!r}, which would change the "
                    "checkpoint itself. Train one without that."
                )
        config.inference_mode = True
        return config

    def _check_base(self, folder: Path) -> None:
        """An adapter of another maker has no record: then only its shapes can tell."""
        if not _has_record(folder):
            return
        try:
            base = json.loads((folder / RECORD).read_text("utf-8"))["base"]
            fingerprint, name = str(base["fingerprint"]), str(base["name"])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise AdapterError(
                f"{RECORD} in {folder} cannot be read ({first_line(error)}). Copy the folder again."
            ) from error
        if fingerprint != (ours := base_fingerprint(self._base)):
            raise AdapterError(
                f"The adapter in {folder} was trained on top of {name} ({fingerprint}), which is "
                f"not the checkpoint here ({ours}). Load that one, or train anew."
            )

    def _compare(self, key: str, folder: Path) -> None:
        self._switch(None)
        before = self._probe()
        self._switch(key)
        after = self._probe()
        if not torch.isfinite(after).all():
            raise AdapterError(
                f"With the adapter in {folder} the model gives no finite numbers. Train it again "
                "with a smaller learning rate."
            )
        if torch.equal(before, after):
            raise AdapterError(
                f"The adapter in {folder} changes nothing: it was never trained, or its weights "
                "do not belong to this model. Train it, or name another."
            )

    # -- the model

    def _inject(self, key: str, config: LoraConfig, folder: Path) -> None:
        from peft import PeftModel, set_peft_model_state_dict
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = load_file(folder / WEIGHTS)
        except (SafetensorError, OSError) as error:
            raise AdapterError(
                f"{WEIGHTS} in {folder} is damaged or only half copied ({first_line(error)}). "
                "Copy the folder again."
            ) from None
        if isinstance(config.target_modules, set):
            config.target_modules = adaptable(config.target_modules, self._model)
        bound_settings(
            config, self._model, ((name, tensor.shape) for name, tensor in weights.items()), folder
        )
        try:
            if self._peft is None:
                self._peft = PeftModel(
                    self._model, config, adapter_name=key, autocast_adapter_dtype=False
                )
                bar_merging(self._peft)
            else:
                self._peft.add_adapter(key, config, autocast_adapter_dtype=False)
            result = set_peft_model_state_dict(self._peft, weights, adapter_name=key)
        except Exception as error:  # no such modules, other shapes, settings that PEFT trips on
            if is_exhaustion(error):
                raise AdapterError(
                    f"There is not enough memory for the adapter in {folder} "
                    f"({first_line(error)}). Remove another, or use a smaller checkpoint."
                ) from error
            if "Target module" in str(error) and "is not supported" in str(error):
                raise AdapterError(
                    f"The target_modules of the adapter in {folder} reach into the vision tower, "
                    "whose projections LoRA cannot be put on. Train one on the layers of the text "
                    "alone, as docs/training.md has it."
                ) from error
            raise AdapterError(
                f"The adapter in {folder} does not fit this checkpoint: {first_line(error)} Load "
                "the checkpoint that it was trained on."
            ) from error
        absent = [name for name in result.missing_keys if f".{key}." in name]
        if strays := [*result.unexpected_keys, *absent]:
            raise AdapterError(
                f"The adapter in {folder} does not fit this checkpoint: {strays[0]} has no "
                "counterpart. Load the checkpoint that it was trained on."
            )
        self._peft.to(device=self._model.device).eval()

    def _drop(self, key: str) -> None:
        """Take an adapter out, however far its injection came: PEFT leaves what it had begun."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        if self._peft is not None and key in self._peft.peft_config:
            self._peft.delete_adapter(key)
        for layer in self._model.modules():
            if isinstance(layer, BaseTunerLayer):
                layer.delete_adapter(key)
        if self._peft is not None and key in self._peft.base_model.active_adapters:
            self._peft.base_model.active_adapter = next(iter(self._peft.peft_config), [])

    def _switch_back(self) -> None:
        """To the one that is on."""
        self._switch(None if self._active is None else self._there[self._active].key)

    def _switch(self, key: str | None) -> None:
        """Which adapter the layers add; without one they give what the checkpoint gives."""
        if self._peft is None:
            return
        if key is None:
            self._peft.base_model.disable_adapter_layers()
        else:
            self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(key, inference_mode=True)

    def _free_name(self, folder: Path) -> str:
        """The folder's name, with a number where it is taken."""
        wished = folder.name or "adapter"
        name, number = wished, 2
        while name in self._there:
            name, number = f"{wished}-{number}", number + 1
        return name


def _stamp(folder: Path) -> tuple[int, ...]:
    """Tells the files of one training, or what was declared since, from those of the next."""
    stamp: list[int] = []
    for name in (WEIGHTS, RECORD):
        try:
            status = (folder / name).stat()
        except OSError:
            stamp += (0, 0)
        else:
            stamp += (status.st_size, status.st_mtime_ns)
    return tuple(stamp)


def _has_record(folder: Path) -> bool:
    """Whether it is told what an adapter was trained on top of; a declaration alone does not."""
    try:
        return "made_for" not in (told := read_object(folder / RECORD)) or "base" in told
    except (BadConfiguration, FileNotFoundError):
        return (folder / RECORD).is_file()  # one that cannot be read is refused


def _declaration(folder: Path) -> MadeFor:
    try:
        return read_declaration(folder)
    except BadConfiguration as error:
        raise AdapterError(
            f"{FILE} in {folder} {error}. Mend that file as docs/made-for.md has it."
        ) from None


def bar_merging(peft: PeftModel) -> None:
    """Make what would spoil an adapter of shared weights an error, from now on."""

    def refusal(what: str) -> Callable[..., NoReturn]:
        def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
            raise AdapterError(
                f"{what} would mix the adapters of encoder and decoder, which share their weights. "
                "Keep the adapter beside its checkpoint."
            )

        return refuse

    base = peft.get_base_model()
    for owner, names in (
        (peft.base_model, ("merge_and_unload", "merge_adapter")),
        (base, ("tie_weights", "resize_token_embeddings")),
    ):
        for name in names:
            setattr(owner, name, refusal(name))
