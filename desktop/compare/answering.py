"""A comparison that is shown without names, until it has been answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from desktop.compare.blind import Answer, Line, fresh_id, now
from desktop.compare.side import Comparison, Side


@dataclass(frozen=True)
class Arrangement:
    """Which side of a comparison stands where. ``identity`` is its number in the file."""

    comparison: Comparison
    swapped: bool = False
    identity: str = field(default_factory=fresh_id)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Left and right; diffusion is on the left unless they were exchanged."""
        sides = self.comparison.diffusion, self.comparison.sibling
        return sides[::-1] if self.swapped else sides

    def line(self, answers: Mapping[str, Answer]) -> Line:
        """What is kept of the answers. Nothing in it is about the patient."""
        left, right = (side.recording for side in self.sides)
        return Line(
            answered=now(),
            comparison=self.identity,
            left=left.model.paradigm,
            left_checkpoint=left.model.name,
            left_adapter=left.model.adapter or "",
            left_seconds=f"{left.filled.seconds:.3f}",
            right=right.model.paradigm,
            right_checkpoint=right.model.name,
            right_adapter=right.model.adapter or "",
            right_seconds=f"{right.filled.seconds:.3f}",
            sibling_mode=self.comparison.way.value,
            seed=str(self.comparison.seed),
            candidates="1",
            **{name: answer.value for name, answer in answers.items()},
        )
