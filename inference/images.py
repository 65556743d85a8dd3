"""The images that clients have handed over, kept by the digest of their pixels."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.engines.base import BadRequest
from inference.protocol import PutImage, image_digest

Image = NDArray[np.uint8]


class ImageCache:
    """The images used last, at most ``count`` of them and ``size`` bytes in all."""

    COUNT: Final = 32
    SIZE: Final = 256 * 1024 * 1024

    def __init__(self, count: int = COUNT, size: int = SIZE) -> None:
        self._count = count
        self._size = size
        self._images: OrderedDict[str, Image] = OrderedDict()

    def put(self, message: PutImage) -> None:
        """Raises :class:`BadRequest` where pixels, size and digest do not belong together."""
        if len(message.pixels) != message.width * message.height:
            raise BadRequest(
                f"The image has {len(message.pixels)} bytes, but {message.width} x "
                f"{message.height} pixels need {message.width * message.height}; send it again."
            )
        if image_digest(message.pixels, message.width, message.height) != message.image_id:
            raise BadRequest("The image does not match its digest; send it again.")
        image = np.frombuffer(message.pixels, dtype=np.uint8)
        self._images[message.image_id] = image.reshape(message.height, message.width)
        self._images.move_to_end(message.image_id)
        while len(self._images) > 1 and self._is_full():
            self._images.popitem(last=False)

    def get(self, image_id: str) -> Image | None:
        """The image, ``(height, width)`` and read-only, or ``None`` when it is no longer held."""
        image = self._images.get(image_id)
        if image is not None:
            self._images.move_to_end(image_id)
        return image

    def _is_full(self) -> bool:
        held = sum(image.nbytes for image in self._images.values())
        return len(self._images) > self._count or held > self._size
