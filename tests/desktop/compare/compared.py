"""A window that compares, with two workers that the tests play."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QAction

from desktop.compare.comparing import Comparing
from desktop.compare.window import CompareWindow
from desktop.settings import Settings
from inference.protocol import Gap
from tests.desktop.bench import Bench, press, shown
from tests.desktop.compare.factory import SIBLING
from tests.desktop.fake_worker import FakeClient
from tests.desktop.qt_loop import until

OTHER = Path("/checkpoints/sibling")
OURS = "FINDINGS:\nThe heart is large. No effusion.\n\nIMPRESSION:\nCardiomegaly."
THEIRS = "FINDINGS:\nThe heart is small. Clear lungs.\n\nIMPRESSION:\nNormal."


@dataclass
class Compared:
    """A main window with its comparing one, which is shown."""

    bench: Bench
    client: FakeClient
    sibling: FakeClient | None = None

    @property
    def comparing(self) -> Comparing:
        return self.bench.window.comparing

    @property
    def window(self) -> CompareWindow:
        return self.comparing.window

    @property
    def hint(self) -> str:
        return self.window.hint.full_text

    @property
    def notice(self) -> str:
        return self.window.banner.notice.text if self.window.banner.notice else ""

    @property
    def caution(self) -> str:
        return self.window.caution.notice.text if self.window.caution.notice else ""

    @property
    def texts(self) -> list[str]:
        return [column.view.text for column in self.window.columns]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.window.columns]

    def command(self, name: str) -> QAction:
        return self.window.commands[name]

    async def active(self) -> None:
        """Wait until the window takes keys."""
        await until(self.window.isActiveWindow)

    async def start(self) -> FakeClient:
        """Run, and let the other worker become ready where it is not; the first is at work."""
        press(self.window.left.view, "Ctrl+Return")
        assert self.comparing.busy
        if self.sibling is None:
            starts = self.bench.launcher.starts
            await until(lambda: len(starts) > 1 and not starts[-1].done(), what=lambda: self.notice)
            self.sibling = self.bench.launcher.ready()
            self.sibling.model = SIBLING
        return self.sibling

    async def warmed(self, client: FakeClient) -> None:
        """Answer the untimed step; the job itself has begun then."""
        await until(lambda: client.busy and client.options.max_steps == 1, what=lambda: self.notice)
        assert client.prepared
        client.fill(*self.blanks(client))
        await until(lambda: client.busy and client.options.max_steps is None)

    def blanks(self, client: FakeClient) -> list[str]:
        return ["" for piece in client.asked if isinstance(piece, Gap)]

    async def write(self, client: FakeClient, *fills: str) -> None:
        """One job from its untimed step to its end, with two canvases."""
        await self.warmed(client)
        client.draw(1, *(fill[: len(fill) // 2] for fill in fills))
        client.draw(2, *fills, settled=True)
        client.fill(*fills)

    async def run(
        self, ours: tuple[str, ...] = (OURS,), theirs: tuple[str, ...] = (THEIRS,)
    ) -> None:
        await self.active()
        sibling = await self.start()
        await self.write(self.client, *ours)
        await self.write(sibling, *theirs)
        await until(lambda: not self.comparing.busy, what=lambda: self.notice)


@asynccontextmanager
async def compared(folder: Path, *, known: bool = True) -> AsyncIterator[Compared]:
    settings = Settings(folder / "settings.ini")
    if known:
        settings.remember_in("compared-autoregressive", OTHER)
    async with shown(folder, settings=settings) as bench:
        client = await bench.worker()
        await bench.open()
        press(bench.window.editor, "Ctrl+Shift+D")
        it = Compared(bench, client)
        await it.active()
        yield it
