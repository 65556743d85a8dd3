"""The checkpoint's tokenizer, as far as a canvas needs it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Final

from inference.engines.base import BadRequest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHANNEL: Final = ("<|channel>", "<channel|>")
"""Between these a larger checkpoint may think aloud before it answers."""

_UNUSED: Final = re.compile(r"<unused\d+>")
"""Tokens that Gemma's vocabularies reserve and no text has."""

_META_SPACE: Final = "\u2581"
"""What the tokenizer writes for a space; typed by a reader, only bytes can tell it from one."""


class Codec:
    """Plain text to tokens and back, and what the special tokens mean."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, end_ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self.end_of_turn = int(tokenizer.convert_tokens_to_ids("<turn|>"))
        self.eos = int(tokenizer.eos_token_id)
        self.ends = frozenset({*end_ids, self.end_of_turn, self.eos})
        filler = getattr(tokenizer, "filler_token", None)
        self.filler: int | None = (
            None if filler is None else int(tokenizer.convert_tokens_to_ids(filler))
        )
        self.special = frozenset(
            {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
            | {index for token, index in tokenizer.get_vocab().items() if _UNUSED.fullmatch(token)}
            | set(tokenizer.all_special_ids)
        )
        vocabulary = tokenizer.get_vocab()
        self._thought = tuple(vocabulary.get(name) for name in _CHANNEL)
        byte_tokens = {
            byte: vocabulary[name]
            for byte in range(256)
            if (name := f"<0x{byte:02X}>") in vocabulary
        }
        self._bytes = frozenset(byte_tokens.values())
        self._leading_bytes = frozenset(
            token for byte, token in byte_tokens.items() if byte & 0xC0 != 0x80
        )
        self._meta_space = [
            byte_tokens[byte] for byte in _META_SPACE.encode() if byte in byte_tokens
        ]

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text: what looks like a control token is taken as the characters it is.

        Raises :class:`BadRequest` if the tokens would not decode to the same characters.
        """
        ids: list[int] = []
        for index, part in enumerate(text.split(_META_SPACE)):
            if index:
                ids += self._meta_space
            if part:
                ids += self._tokenizer.encode(
                    part, add_special_tokens=False, split_special_tokens=True
                )
        if self._raw(ids) != text:
            raise BadRequest(
                "This checkpoint's tokenizer cannot hold the pinned text "
                f"{text[:40]!r} exactly. Unpin it or write it in other characters."
            )
        return ids

    def answer(self, written: Sequence[int]) -> list[int]:
        """What was written up to the first end token, without a thought that it begins with."""
        text = list(takewhile(lambda token: token not in self.ends, written))
        if not self._begins_thought(text):
            return text
        closed = self._thought[1]
        return list(dropwhile(lambda token: token != closed, text))[1:]

    def thinks_on(self, written: Sequence[int]) -> bool:
        """Whether what was written is a thought that was never closed: there is no text in it."""
        return self._begins_thought(written) and self._thought[1] not in written

    def _begins_thought(self, written: Sequence[int]) -> bool:
        return bool(written) and self._thought[0] is not None and written[0] == self._thought[0]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated tokens, control tokens left out."""
        return self._raw([index for index in ids if index not in self.special])

    def characters(self, ids: Sequence[int]) -> int:
        """How many characters begin in ``ids``, which may begin and end within one."""
        words = [index for index in ids if index not in self._bytes]
        return len(self.decode(words)) + sum(index in self._leading_bytes for index in ids)

    def _raw(self, ids: Sequence[int]) -> str:
        if not ids:
            return ""
        return str(
            self._tokenizer.decode(
                ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
        )
