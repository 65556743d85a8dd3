"""Which part of a picture a viewport shows: plain geometry, no Qt.

Viewport positions are device pixels from its top left corner; picture positions are stored
pixels, (x, y) = (column, row).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from desktop.viewer.resampling import Region

MAX_ZOOM: Final = 32.0
_MIN_OF_FIT: Final = 0.25
"""How far below the fitted size the reader may zoom out."""


@dataclass(frozen=True)
class Framing:
    """The picture point (``x``, ``y``) in the middle of a viewport, and the zoom.

    ``zoom`` is device pixels for each stored column; a row takes ``zoom * aspect``. A ``fitted``
    framing stays fitted when the viewport changes its size.
    """

    rows: int
    columns: int
    aspect: float
    width: int
    height: int
    zoom: float
    x: float
    y: float
    fitted: bool

    @classmethod
    def fit(cls, rows: int, columns: int, aspect: float, width: int, height: int) -> Framing:
        """The whole picture, as large as it goes, in the middle."""
        width, height = max(width, 1), max(height, 1)
        zoom = min(width / columns, height / (rows * aspect))
        return cls(rows, columns, aspect, width, height, zoom, columns / 2, rows / 2, True)

    def refit(self) -> Framing:
        return self.fit(self.rows, self.columns, self.aspect, self.width, self.height)

    def resized(self, width: int, height: int) -> Framing:
        other = replace(self, width=max(width, 1), height=max(height, 1))
        return other.refit() if self.fitted else other

    def zoomed(
        self, factor: float, at_x: float | None = None, at_y: float | None = None
    ) -> Framing:
        """Zoom; what lies under (``at_x``, ``at_y``), by default the middle, stays there."""
        at_x = self.width / 2 if at_x is None else at_x
        at_y = self.height / 2 if at_y is None else at_y
        fit = self.refit().zoom
        zoom = min(max(self.zoom * factor, min(fit, 1) * _MIN_OF_FIT), max(MAX_ZOOM, fit))
        under_x, under_y = self.to_picture(at_x, at_y)
        other = replace(
            self,
            zoom=zoom,
            x=under_x - (at_x - self.width / 2) / zoom,
            y=under_y - (at_y - self.height / 2) / (zoom * self.aspect),
            fitted=False,
        )
        return other._held()

    def panned(self, right: float, down: float) -> Framing:
        """Move the picture by device pixels; its edge never passes the middle."""
        x, y = self.x - right / self.zoom, self.y - down / (self.zoom * self.aspect)
        return replace(self, x=x, y=y, fitted=False)._held()

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """The picture point under a viewport position."""
        return (
            self.x + (x - self.width / 2) / self.zoom,
            self.y + (y - self.height / 2) / (self.zoom * self.aspect),
        )

    @property
    def region(self) -> Region:
        """What the viewport shows, snapped to whole device pixels so that 100 % is sharp."""
        left, top = self.to_picture(0, 0)
        down = self.zoom * self.aspect
        return Region(
            top=round(top * down) / down,
            left=round(left * self.zoom) / self.zoom,
            height=self.height / down,
            width=self.width / self.zoom,
        )

    def _held(self) -> Framing:
        return replace(self, x=min(max(self.x, 0), self.columns), y=min(max(self.y, 0), self.rows))
