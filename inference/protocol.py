"""The messages that the window and the worker exchange: the one thing both processes share.

Each WebSocket frame holds one message in MessagePack, tagged with its type. The client speaks
:data:`Request`, the worker :data:`Reply`. Everything about one job carries its ``request_id``.

An image crosses once: ``PutImage`` hands it over under the digest of its pixels, every later
``Infill`` names that digest. A worker that no longer holds it answers ``Failed`` with
``kind="unknown_image"``, upon which the client sends it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from inference.limits import MAX_CANDIDATES as MAX_CANDIDATES
from inference.limits import MAX_HEAT, MAX_PIECES, MAX_STEPS

PROTOCOL_VERSION: Final = 5
"""Rises with every change that an older peer would misread."""

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""The largest frame that either side accepts; ``inference/limits.py`` has what it may hold."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]


class Fixed(msgspec.Struct, frozen=True, tag="fixed"):
    """Text that must stand: the model may neither change nor move a character of it."""

    text: str


class Gap(msgspec.Struct, frozen=True, tag="gap"):
    """A place where the model may write.

    ``tokens`` fixes the number of tokens; ``None`` leaves the length to the model.
    ``hint`` is the text that stands there now: a clue to the length, and what a warm job begins
    near.
    """

    tokens: Positive | None = None
    hint: str = ""


Piece = Fixed | Gap


Mode = Literal[
    "both",  # the prompt shows the report around each gap, and asks for the words in it
    "left",  # each gap goes on from what stands left of it, and knows nothing of what follows
    "forced",  # the same, but pinned words are read as they come, and end the gap before them
]
"""How an autoregressive model is asked for the words of a gap."""


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to denoise. ``None`` means the checkpoint's own default.

    ``candidates`` is how many canvases are denoised side by side, one of which becomes the fill.
    ``warm`` begins with some of the words of the gaps' hints instead of noise alone. ``mode`` is an
    autoregressive model's alone. ``heat`` multiplies the temperatures of the checkpoint: what is
    drawn differs more, and is less sure.
    """

    seed: NotNegative | None = None
    candidates: Annotated[int, msgspec.Meta(ge=1, le=MAX_CANDIDATES)] | None = None
    warm: bool = False
    max_steps: Annotated[int, msgspec.Meta(ge=1, le=MAX_STEPS)] | None = None
    entropy_bound: Annotated[float, msgspec.Meta(gt=0)] | None = None
    mode: Mode | None = None
    heat: Annotated[float, msgspec.Meta(gt=0, le=MAX_HEAT)] | None = None


class PutImage(msgspec.Struct, frozen=True, tag="put_image"):
    """An 8-bit greyscale image, ``height * width`` bytes, row by row, white is 255."""

    image_id: str
    width: Positive
    height: Positive
    pixels: bytes


class Infill(msgspec.Struct, frozen=True, tag="infill"):
    """Fill every gap of ``pieces``. One gap alone is a draft of the whole report.

    ``context`` is what the prompt tells beside the image (indication, comparison, …). ``question``
    is asked about the study instead of its report; then one gap alone holds the answer, which a
    denoiser writes on one canvas. With ``every_canvas`` no canvas may be dropped, however slow the
    reader: for a recording.
    """

    request_id: str
    pieces: Annotated[tuple[Piece, ...], msgspec.Meta(max_length=MAX_PIECES)]
    image_id: str | None = None
    context: str = ""
    options: Options = Options()
    question: str | None = None
    every_canvas: bool = False


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Encode a study's prefix ahead of the first job on it, under the same image and context."""

    request_id: str
    image_id: str | None = None
    context: str = ""


class LoadAdapter(msgspec.Struct, frozen=True, tag="load_adapter"):
    """Load the adapter in ``folder``, on the worker's machine, and switch it on."""

    request_id: str
    folder: str


class UseAdapter(msgspec.Struct, frozen=True, tag="use_adapter"):
    """Switch on a loaded adapter, and all others off; ``None`` for the checkpoint alone."""

    request_id: str
    name: str | None = None


class RemoveAdapter(msgspec.Struct, frozen=True, tag="remove_adapter"):
    """Forget a loaded adapter, which is switched off where it is on."""

    request_id: str
    name: str


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """Ask how much memory the worker holds, once the jobs before are done."""

    request_id: str


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop a job within one denoising step, or after the encoding of its prefix where that runs.

    A job that has ended already is left alone.
    """

    request_id: str


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """The worker is up and still loading its checkpoint."""

    stage: str


Paradigm = Literal["diffusion", "autoregressive"]
"""How a model writes: all places at once, or one word behind the other."""


Declared = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=64)], ...],
    msgspec.Meta(max_length=64),
]


class MadeFor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a checkpoint or an adapter was made for, by its own word; empty is any.

    ``modalities`` are DICOM's (0008,0060), ``body_parts`` those of Body Part Examined (0018,0015),
    ``views`` those of View Position (0018,5101), ``languages`` ISO 639-1 codes.
    """

    modalities: Declared = ()
    body_parts: Declared = ()
    views: Declared = ()
    languages: Declared = ()


DECLARES_NOTHING: Final = MadeFor()


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker runs.

    ``canvas_length`` and ``max_steps`` of an autoregressive model are the tokens that it writes at
    most. ``adapters`` are those that are loaded, ``adapter`` the one that is on;
    ``adapter_doubt`` is a sentence where it may belong to another checkpoint. ``made_for`` is what
    the adapter that is on declares, else what the checkpoint does.
    """

    checkpoint: str
    name: str
    architecture: str
    parameters: int
    device: str
    dtype: str
    canvas_length: int
    max_steps: int
    has_filler: bool
    paradigm: Paradigm = "diffusion"
    adapters: tuple[str, ...] = ()
    adapter: str | None = None
    adapter_doubt: str = ""
    made_for: MadeFor = DECLARES_NOTHING


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The checkpoint is loaded; jobs are taken. Said again whenever its adapters change."""

    model: ModelInfo
    protocol_version: int = PROTOCOL_VERSION


class Run(msgspec.Struct, frozen=True):
    """Consecutive characters of a draft, all settled or all not."""

    text: str
    settled: bool


class Canvas(msgspec.Struct, frozen=True, tag="canvas"):
    """The draft canvas after a step: for each gap, in order, its text as runs.

    ``step`` counts from 1 to at most ``max_steps``. ``tokens`` is how many positions were free.
    """

    request_id: str
    step: int
    max_steps: int
    tokens: int
    seconds: float
    gaps: tuple[tuple[Run, ...], ...]


Fault = Literal[
    "stutter",  # a word or a sentence is said twice in a row
    "unclosed",  # the text breaks off: the canvas was full before the model had ended it
    "copy",  # a sentence that is pinned elsewhere is said again
    "stop",  # two stops follow one another, or a space stands before one
    "heading",  # a heading stands twice, or nothing under it
    "broken",  # a sentence that says nothing, a wrong article, a number without its unit
    "empty",  # nothing was written into a gap inside a sentence
]


class ClashMark(msgspec.Struct, frozen=True, kw_only=True):
    """Two places of the filled report that cannot both be right, one of which a model wrote.

    ``first`` and ``second`` are characters (start, end) of the text that :func:`join` makes;
    ``second`` is ``None`` where the header of the study says otherwise. ``kind`` and ``gravity``
    are those of :mod:`radiology.language.clash`, ``why`` is one sentence for the reader.
    ``with_pin`` says that one of the places is pinned.
    """

    kind: str
    gravity: int
    first: tuple[int, int]
    second: tuple[int, int] | None = None
    with_pin: bool = False
    why: str = ""


class Candidate(msgspec.Struct, frozen=True):
    """One text for every gap, in order.

    ``faults`` of form and ``clashes`` are those that these texts bring; what the pinned words have
    among themselves is not told.
    """

    fills: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    clashes: tuple[ClashMark, ...] = ()


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag="filled"):
    """The end of a job: **the gaps' texts only**, in order. Pinned text never travels back.

    ``candidates`` are all different, the best first. ``unseen`` counts the characters of the
    pieces that had no room beside the gaps, so that the model wrote without having read them.
    ``seconds`` is the whole job in the worker, ``prefix_seconds`` the part spent on encoding
    image and prompt; ``prefix_encodings`` is 0 where that was cached. ``forwards`` counts decoder
    forwards, each of one batch of canvases, and ``canvas_forwards`` the canvases in all of them.
    ``tokens`` counts the free positions of the canvas.
    """

    request_id: str
    candidates: tuple[Candidate, ...]
    steps: int
    forwards: int
    tokens: int
    seconds: float
    prefix_seconds: float
    prefix_encodings: int
    seed: int
    checkpoint: str
    device: str
    canvas_forwards: int = 0
    unseen: int = 0

    @property
    def fills(self) -> tuple[str, ...]:
        """The best candidate's."""
        return self.candidates[0].fills


class Prepared(msgspec.Struct, frozen=True, tag="prepared"):
    """The study's prefix is encoded; ``prefix_encodings`` is 0 where it was before."""

    request_id: str
    prefix_encodings: int
    seconds: float


class Adapted(msgspec.Struct, frozen=True, tag="adapted"):
    """The adapters are what was asked for."""

    request_id: str
    model: ModelInfo


class Measured(msgspec.Struct, frozen=True, tag="measured"):
    """Bytes of the device's memory that the worker holds, and that there are."""

    request_id: str
    used: int
    total: int


class Cancelled(msgspec.Struct, frozen=True, tag="cancelled"):
    """The job stopped before ``step`` was over; nothing of it is to be used."""

    request_id: str
    step: int


FailureKind = Literal[
    "bad_request",  # the request itself: no gap, pins longer than the canvas, malformed frame
    "unknown_image",  # the image must be sent again
    "checkpoint",  # the checkpoint cannot be loaded; the worker ends after saying so
    "internal",  # a fault of the worker; the report says more
]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A sentence for the reader: what is wrong and what to do.

    ``request_id`` is ``None`` when the failure belongs to the worker and not to one job.
    """

    kind: FailureKind
    message: str
    request_id: str | None = None


AdapterRequest = LoadAdapter | UseAdapter | RemoveAdapter
Task = Infill | Prepare | AdapterRequest | Measure
"""What the engine works on, one at a time."""

Request = PutImage | Task | Cancel
Ending = Filled | Prepared | Adapted | Measured | Cancelled | Failed
"""The one last reply to a job."""

Reply = Loading | Ready | Canvas | Ending

_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(Request)
_reply_decoder = msgspec.msgpack.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    return _encoder.encode(message)


def decode_request(frame: bytes) -> Request:
    """Raises :class:`msgspec.MsgspecError` or :class:`UnicodeDecodeError` on a bad frame."""
    return _request_decoder.decode(frame)


def decode_reply(frame: bytes) -> Reply:
    """Raises :class:`msgspec.MsgspecError` or :class:`UnicodeDecodeError` on a bad frame."""
    return _reply_decoder.decode(frame)


def image_digest(pixels: bytes, width: int, height: int) -> str:
    """The name of an image: its content, so that equal images are encoded once."""
    return hashlib.sha256(f"{width}x{height} ".encode() + pixels).hexdigest()


def join(pieces: Sequence[Piece], fills: Sequence[str]) -> str:
    """The text of the filled pieces: fixed text as it was, each gap replaced by its fill."""
    rest = iter(fills)
    return "".join(piece.text if isinstance(piece, Fixed) else next(rest) for piece in pieces)
