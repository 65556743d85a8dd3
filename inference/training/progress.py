"""Progress of a long run: a bar for people, a log for later, both from one place."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from inference.counting import counted

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

T = TypeVar("T")

_SECONDS: Final = 20
"""Between two lines of progress, where there is no terminal."""


class Progress:
    """Shows a bar on a terminal, plain lines elsewhere, and appends figures to CSV logs.

    A ``quiet`` one shows nothing. One for ``tensorboard`` writes its events beside the CSV logs,
    from the call of :meth:`rewind` on.
    """

    def __init__(
        self, folder: Path | None = None, *, quiet: bool = False, tensorboard: bool = False
    ) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._folder, self._tensorboard = folder, tensorboard
        self._events: SummaryWriter | None = None

    def track(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Iterate over ``items`` with a bar."""
        with self.bar(what, len(items)) as advance:
            for item in items:
                yield item
                advance(1, "")

    def bar(self, what: str, total: int, done: int = 0, *, brief: bool = False) -> _Running:
        """A ``brief`` one that is soon over says nothing where there is no terminal."""
        return _Running(self._console, what, total, done, brief)

    def say_resumed(self, what: str, done: int, total: int, where: Path) -> None:
        """Say from which step a run goes on, or that it is at its end; nothing as it begins."""
        if done >= total:
            self.say(
                f"{what}: all {counted(total, 'steps')} are done, as {where} has them. Nothing is "
                "left to train."
            )
        elif done:
            self.say(f"{what}: going on from step {done:,} of {total:,}, as {where} has it")

    def say(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def log(self, name: str, **figures: float) -> None:
        """Append one row to ``<name>.csv`` in the run's folder."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(figures)
            writer.writerow(f"{value:.6g}" for value in figures.values())
        if self._events is not None:
            for figure, value in figures.items():
                if figure != "step":
                    self._events.add_scalar(f"{name}/{figure}", value, int(figures["step"]))
            self._events.flush()  # a run may be killed at any moment

    def rewind(self, step: int, *names: str) -> None:
        """Take back the rows of steps behind ``step``, which a resumed run makes again."""
        for name in names:
            path = (self._folder or Path()) / f"{name}.csv"
            if self._folder is None or not path.exists():
                continue
            with path.open(newline="") as file:
                header, *rows = list(csv.reader(file)) or [[]]
            whole = [row for row in rows if len(row) == len(header)]  # a full disk cuts one off
            kept = [row for row in whole if float(row[header.index("step")]) <= step]
            if not header:
                path.unlink()
            elif len(kept) < len(rows):
                part = path.with_suffix(".part")
                with part.open("w", newline="") as file:
                    csv.writer(file).writerows([header, *kept])
                os.replace(part, path)
        if self._tensorboard and self._folder is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(self._folder), purge_step=step + 1)


class _Running:
    """A bar while it runs; used as a context manager that hands out ``advance(by, note)``."""

    def __init__(
        self, console: Console, what: str, total: int, done: int, brief: bool = False
    ) -> None:
        self._console, self._what, self._total, self._done = console, what, total, done
        self._brief = brief
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total, completed=done, note="")
        self._spoken = time.monotonic()

    def __enter__(self) -> _Running:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, by: int, note: str) -> None:
        self._done += by
        self._bar.update(self._task, advance=by, note=note)
        quiet = time.monotonic() - self._spoken < _SECONDS
        ended = self._done == self._total and not self._brief
        if not self._console.is_terminal and (not quiet or ended):
            self._spoken = time.monotonic()
            self._console.print(f"{self._what}: {self._done}/{self._total} {note}", highlight=False)
