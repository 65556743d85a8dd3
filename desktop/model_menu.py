"""The Model menu: which checkpoint, which adapter, which device, and how much memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QDialog, QFileDialog, QMenu, QWidget

from desktop import help as help_pages
from desktop.actions import Actions
from desktop.model_choice import ModelChoice
from desktop.opening import ask_paths
from desktop.settings import ADAPTERS, CHECKPOINTS, Settings
from desktop.studies.made_for import described
from desktop.widgets.status_line import way_of_writing
from desktop.worker_link import WorkerLink
from inference.client import WorkerDied, WorkerError
from inference.protocol import Measured, ModelInfo
from resources import ResourceMissing, demo_checkpoint

DEVICES: Final = ((None, "&Automatic"), ("cpu", "&CPU"), ("cuda", "&GPU (CUDA)"))

_GIB: Final = 2**30


class ModelMenu:
    """Fills the submenus as they open, and has the worker do what is chosen in them.

    ``choose`` starts a worker with another choice; ``spawn`` runs what takes a while; ``refused``
    is told why an adapter is not on that was asked for.
    """

    def __init__(
        self,
        parent: QWidget,
        link: WorkerLink,
        settings: Settings,
        commands: Actions,
        *,
        choose: Callable[[ModelChoice], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
        refused: Callable[[WorkerError], None],
    ) -> None:
        self._parent, self._link, self._settings, self._commands = parent, link, settings, commands
        self._choose, self._spawn, self._refused = choose, spawn, refused
        self._memory: Measured | None = None
        self.checkpoints = self._submenu("Chec&kpoints", self._fill_checkpoints)
        self.adapters = self._submenu("A&dapters", self._fill_adapters)
        self.devices = self._submenu("De&vice", self._fill_devices)

    def _submenu(self, title: str, fill: Callable[[QMenu], None]) -> QMenu:
        menu = QMenu(title, self._parent)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(partial(fill, menu))
        return menu

    # Commands

    def open_checkpoint(self) -> None:
        """Ask for a checkpoint's folder and run it."""
        ask_paths(
            self._parent,
            "Open a checkpoint folder",
            QFileDialog.FileMode.Directory,
            self._link.choice.checkpoint.parent,
            lambda paths: self._take_checkpoint(paths[0]),
        )

    def load_adapter(self) -> None:
        """Ask for an adapter's folder and put it on top."""
        known = self._settings.recent_in(ADAPTERS)
        ask_paths(
            self._parent,
            "Load an adapter folder",
            QFileDialog.FileMode.Directory,
            known[0].parent if known else Path.home(),
            lambda paths: self._take_adapter(paths[0]),
        )

    def show_details(self) -> QDialog:
        """A page on what runs."""
        rows = list(details(self._link.model, self._memory))
        return help_pages.show_table(self._parent, "Model", rows)

    def measure(self) -> None:
        """Ask the worker for its memory, and tell it beside the command for details."""
        self._spawn(self._measure(), "measure the memory")

    async def _measure(self) -> None:
        try:
            self._memory = await self._link.measure()
        except WorkerError:
            self._memory = None  # its death is told elsewhere
        command = self._commands["details"]
        text = command.text().partition("\t")[0]
        command.setText(f"{text}\t{told_memory(self._memory)}" if self._memory else text)

    # Submenus

    def _fill_checkpoints(self, menu: QMenu) -> None:
        menu.clear()
        bundled = list(_bundled())
        kept = self._settings.recent_in(CHECKPOINTS)
        running = self._link.choice.checkpoint
        others = [path for path in dict.fromkeys((running, *kept)) if path not in bundled]
        group = QActionGroup(menu)
        for paths in (bundled, others):
            for path in paths:
                action = self._add(menu, path.name, str(path), group)
                action.setChecked(path == running)
                action.triggered.connect(partial(_run, self._take_checkpoint, path))
            menu.addSeparator()
        self._allow(group, "checkpoint")

    def _fill_adapters(self, menu: QMenu) -> None:
        menu.clear()
        model = self._link.model
        loaded = model.adapters if model is not None else ()
        active = model.adapter if model is not None else None
        group = QActionGroup(menu)
        none = self._add(menu, "&None", "The checkpoint alone", group)
        none.setChecked(active is None)
        none.triggered.connect(partial(_run, self._use_adapter, None))
        for name in loaded:
            action = self._add(menu, name, "", group)
            action.setChecked(name == active)
            action.triggered.connect(partial(_run, self._use_adapter, name))
        menu.addSeparator()
        for path in self._settings.recent_in(ADAPTERS):
            if path not in self._link.adapters.values():
                action = self._add(menu, f"Load {path.name}", str(path), group)
                action.setCheckable(False)
                action.triggered.connect(partial(_run, self._take_adapter, path))
        if active is not None:
            menu.addSeparator()
            action = self._add(menu, f"Remove {active}", "The worker forgets it", group)
            action.setCheckable(False)
            action.triggered.connect(partial(_run, self._remove_adapter, active))
        self._allow(group, "adapter")

    def _fill_devices(self, menu: QMenu) -> None:
        menu.clear()
        placement = self._link.choice.placement
        group = QActionGroup(menu)
        known = [device for device, _ in DEVICES]
        named = placement.device
        more = [] if named in known else [(named, str(named))]
        for device, text in (*DEVICES, *more):
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(device == named)
            group.addAction(action)
            action.triggered.connect(partial(_run, self._take_device, device))
        self._allow(group, "checkpoint")

    def _add(self, menu: QMenu, text: str, tip: str, group: QActionGroup) -> QAction:
        action = menu.addAction(text if text.startswith("&") else text.replace("&", "&&"))
        action.setToolTip(tip)
        action.setCheckable(True)
        group.addAction(action)
        return action

    def _allow(self, group: QActionGroup, command: str) -> None:
        """What is in a submenu can be chosen where its command can be given."""
        group.setEnabled(self._commands[command].isEnabled())

    # What is chosen

    def _take_checkpoint(self, path: Path) -> None:
        if path != self._link.choice.checkpoint:
            # An adapter belongs to the checkpoint that it was trained on.
            self._choose(replace(self._link.choice, checkpoint=path, adapter=None))

    def _take_device(self, device: str | None) -> None:
        placement = replace(self._link.choice.placement, device=device)
        if placement != self._link.choice.placement:
            self._choose(replace(self._link.choice, placement=placement))

    def _take_adapter(self, path: Path) -> None:
        self._spawn(self._load_adapter(path), "load an adapter")

    def _use_adapter(self, name: str | None) -> None:
        self._spawn(self._change(self._link.use_adapter(name)), "switch adapters")

    def _remove_adapter(self, name: str) -> None:
        self._spawn(self._change(self._link.remove_adapter(name)), "remove an adapter")

    async def _load_adapter(self, path: Path) -> None:
        await self._change(self._link.load_adapter(path))
        if self._link.choice.adapter == path:
            self._settings.remember_in(ADAPTERS, path)

    async def _change(self, change: Coroutine[Any, Any, None]) -> None:
        try:
            await change
        except WorkerDied:
            pass  # the window tells it, and offers another
        except WorkerError as error:
            self._refused(error)


def details(model: ModelInfo | None, memory: Measured | None) -> Iterator[tuple[str, str]]:
    """What runs, as names and values."""
    if model is None:
        yield "Model", "None is loaded"
        return
    yield "Checkpoint", model.name
    yield "Folder", model.checkpoint
    yield "Adapter", model.adapter or "None"
    yield "Made for", described(model.made_for) or "Not declared: any image is taken"
    yield "Architecture", model.architecture
    yield "Parameters", f"{model.parameters / 1e6:,.1f} million, {model.dtype}"
    yield "Way of writing", way_of_writing(model)
    yield "Device", model.device
    if memory is not None:
        yield "Memory", told_memory(memory)


def told_memory(memory: Measured) -> str:
    return f"{memory.used / _GIB:.1f} of {memory.total / _GIB:.0f} GiB"


def _bundled() -> Iterator[Path]:
    for paradigm in ("diffusion", "autoregressive"):
        try:
            yield demo_checkpoint(paradigm)
        except ResourceMissing:
            continue


def _run(work: Callable[[Any], None], what: object, _checked: bool = False) -> None:
    work(what)
