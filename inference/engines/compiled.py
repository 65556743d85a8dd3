"""The decoder as a compiled graph over a prefix of fixed size.

A step of a large model is hundreds of small kernels; launched one by one they take longer than
the weights take to be read. ``torch.compile`` merges them, and on CUDA a graph launches them all at
once. Both want shapes, and on CUDA addresses too, that do not change:

* the keys and values of a study's prefix are copied into a buffer of the next power of two, and
  what is empty there is masked;
* a batch is filled up to the next power of two, since candidates that are finished leave it;
* what is made for the free positions alone, as many as a request has, stays outside.

Pins, settings and noise never enter the graph, nor does any number that belongs to a study: all
comes in as tensors. So no graph can go stale, whichever request it was made for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from inference.engines.decoder import head, signal_of
from inference.sampler import Decoder

if TYPE_CHECKING:
    from transformers import Cache, DiffusionGemmaForBlockDiffusion

SMALLEST_BUCKET: Final = 128
"""Positions of the shortest prefix buffer."""

MOST_SHAPES: Final = 8
"""Pairs of prefix length and batch that are compiled; more would only spend time on compiling,
and torch's own limit is the same. Others run the same code uncompiled."""

LARGEST_BATCH: Final = 8
"""Larger batches keep a GPU busy as they are, and are too seldom to be worth a graph."""

_MASKED: Final = ("sdpa", "eager")
"""Attention implementations that take a mask to be added."""


def bucket_of(length: int) -> int:
    """The size of the buffer for a prefix of ``length`` tokens."""
    return max(SMALLEST_BUCKET, 1 << (length - 1).bit_length())


@dataclass
class _Layer:
    """What the decoder's attention reads of a cache's layer: (B, heads, positions, width)."""

    keys: Tensor
    values: Tensor


class _Prefix:
    """What the decoder reads of a cache. Made inside the graph, out of its inputs."""

    is_compileable = False  # it is static already; ``True`` makes attention copy it once more

    def __init__(self, keys: Sequence[Tensor], values: Sequence[Tensor], batch: int) -> None:
        self.layers = [
            _Layer(key.expand(batch, -1, -1, -1), value.expand(batch, -1, -1, -1))
            for key, value in zip(keys, values, strict=True)
        ]


@dataclass
class _Buffer:
    """The prefix of one study at a time, in storage that is never moved.

    ``keys`` and ``values`` hold (1, heads, positions, width) a layer, ``positions`` (1, L) are
    those of the canvas, ``masks`` (1, 1, L, positions + L) are added to the attention's logits.
    ``owner`` is the binding whose prefix this is.
    """

    keys: list[Tensor]
    values: list[Tensor]
    positions: Tensor
    masks: dict[str, Tensor]
    owner: object = None

    def load(self, prefix: Cache, layer_types: Sequence[str], owner: object) -> None:
        length = prefix.get_seq_length()
        canvas = self.positions.shape[1]
        self.positions.copy_(torch.arange(length, length + canvas).unsqueeze(0))
        for number, kind in enumerate(layer_types):
            layer = prefix.layers[number]
            filled = layer.keys.shape[2]  # a sliding layer keeps its window alone
            for buffer, content in (
                (self.keys[number], layer.keys),
                (self.values[number], layer.values),
            ):
                buffer[:, :, :filled].copy_(content)
                buffer[:, :, filled:].zero_()
            mask = self.masks[kind]
            mask[..., filled:-canvas] = torch.finfo(mask.dtype).min
            mask[..., :filled] = 0
        self.owner = owner


class CompiledDecoder:
    """Makes decoders (:class:`inference.sampler.Decoder`) of one model, compiled once a shape.

    ``backend`` is torch's default one unless named; on CUDA it also captures graphs. Raises
    :class:`ValueError` for an attention implementation that takes no mask.
    """

    def __init__(self, model: DiffusionGemmaForBlockDiffusion, backend: Any = None) -> None:
        attention = model.config.text_config._attn_implementation
        if attention not in _MASKED:
            raise ValueError(f"compiling needs attention that takes a mask, not {attention}")
        self._model = model
        self._text = model.config.text_config
        self._on_cuda = model.device.type == "cuda"
        self._dtype = model.get_input_embeddings().weight.dtype
        self._buffers: dict[int, _Buffer] = {}
        self._shapes: set[tuple[int, int]] = set()
        options: dict[str, Any] = {} if backend is None else {"backend": backend}
        if self._on_cuda and backend is None:
            options["mode"] = "reduce-overhead"
        self._graph: Callable[..., Tensor] = torch.compile(
            self._layers, fullgraph=True, dynamic=False, **options
        )

    def bind(self, prefix: Cache) -> Decoder:
        """The decoder behind an encoded prefix (1, ...), which must not be extended afterwards.

        A decoder stays right when another is bound, but has to copy its prefix once more then.
        """
        size = bucket_of(prefix.get_seq_length())
        owner = object()

        def decode(canvas: Tensor, self_conditioning: Tensor | None, free: Tensor) -> Tensor:
            with torch.inference_mode():
                buffer = self._buffer(size)
                if buffer.owner is not owner:
                    buffer.load(prefix, self._text.layer_types, owner)
                if self_conditioning is None:
                    shape = (*canvas.shape, self._text.hidden_size)
                    signal = torch.zeros(shape, dtype=self._dtype, device=canvas.device)
                else:
                    signal = signal_of(self._model, canvas, self_conditioning, free)
                hidden = self._hidden(size, buffer, canvas, signal)
                return head(self._model, hidden.flatten(0, 1)[free])

        return decode

    def _hidden(self, size: int, buffer: _Buffer, canvas: Tensor, signal: Tensor) -> Tensor:
        """The last hidden states (B, L, H), through a graph of a batch that is a power of two."""
        rows = len(canvas)
        batch = 1 << (rows - 1).bit_length()
        if len(self._shapes) < MOST_SHAPES and batch <= LARGEST_BATCH:
            self._shapes.add((size, batch))
        compiled = (size, batch) in self._shapes
        if compiled and batch > rows:
            canvas = torch.cat([canvas, canvas[:1].expand(batch - rows, -1)])
            signal = torch.cat([signal, signal[:1].expand(batch - rows, -1, -1)])
        if compiled and self._on_cuda:
            torch.compiler.cudagraph_mark_step_begin()
        forward = self._graph if compiled else self._layers
        # A captured graph writes its next result over this one: the indexing behind it copies.
        return forward(canvas, signal, buffer.positions, buffer.masks, buffer.keys, buffer.values)[
            :rows
        ]

    def _layers(
        self,
        canvas: Tensor,
        signal: Tensor,
        positions: Tensor,
        masks: dict[str, Tensor],
        keys: list[Tensor],
        values: list[Tensor],
    ) -> Tensor:
        """``DiffusionGemmaDecoderModel.forward`` with the signal, the masks and the positions
        given. Written out, since hooks on it would be traced once and be stale from then on."""
        decoder = self._model.model.decoder
        prefix = _Prefix(keys, values, canvas.shape[0])
        hidden = decoder.self_conditioning(decoder.embed_tokens(canvas), signal)
        rotary = {kind: decoder.rotary_emb(hidden, positions, kind) for kind in masks}
        for layer, kind in zip(decoder.layers, self._text.layer_types, strict=True):
            hidden = layer(
                hidden,
                position_embeddings=rotary[kind],
                attention_mask=masks[kind],
                position_ids=positions,
                past_key_values=prefix,
            )
        return decoder.norm(hidden)

    def _buffer(self, size: int) -> _Buffer:
        """The buffer of a size, made when it is first asked for."""
        if size not in self._buffers:
            # Plain tensors: what is made in inference mode may not be an address in a graph.
            with torch.inference_mode(False):
                self._buffers[size] = self._new_buffer(size)
        return self._buffers[size]

    def _new_buffer(self, size: int) -> _Buffer:
        text, device = self._text, self._model.device
        length = self._model.config.canvas_length
        keys, values, masks = [], [], {}
        for number, kind in enumerate(text.layer_types):
            layer = text.per_layer_config[number]
            kept = min(size, text.sliding_window) if kind == "sliding_attention" else size
            shape = (1, layer.num_key_value_heads, kept, layer.head_dim)
            keys.append(torch.zeros(shape, dtype=self._dtype, device=device))
            values.append(torch.zeros(shape, dtype=self._dtype, device=device))
            if kind not in masks:
                shape = (1, 1, length, kept + length)
                masks[kind] = torch.zeros(shape, dtype=self._dtype, device=device)
        positions = torch.zeros((1, length), dtype=torch.long, device=device)
        for tensor in (*keys, *values, *masks.values(), positions):
            torch._dynamo.mark_static_address(tensor)
        return _Buffer(keys, values, positions, masks)
