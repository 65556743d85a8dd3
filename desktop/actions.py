"""Every command of the window: its name, its keys, what it says about itself.

Menus, buttons, tooltips and the page of shortcuts are all made from this one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class Command:
    """``keys`` are portable key sequences; ``label`` is for buttons, where short is better."""

    name: str
    text: str
    tip: str
    keys: tuple[str, ...] = ()
    label: str = ""
    icon: str = ""
    checkable: bool = False
    after_line: bool = False  # in its menu


FILE: Final = (
    Command("open", "&Open…", "Open a DICOM file", ("Ctrl+O",)),
    Command("open_folder", "Open &Folder…", "Open the studies in a folder", ("Ctrl+Shift+O",)),
    Command("quit", "&Quit", "Close the window", ("Ctrl+Q",), after_line=True),
)
REPORT: Final = (
    Command("draft", "&Draft", "Write the report from the image", ("Ctrl+D",)),
    Command(
        "infill", "&Infill", "Write anew all that is not pinned", ("Ctrl+Return", "Ctrl+Enter")
    ),
    Command("refill", "&Refill Selection", "Write the selection anew", ("Ctrl+R",), "Refill"),
    Command(
        "revise",
        "Re&vise Selection",
        "Write the selection anew, or the sentence at the caret, beginning from its words",
        ("Ctrl+E",),
    ),
    Command(
        "impression",
        "Impression &from Findings",
        "Write the Impression anew, all else held",
        ("Ctrl+I",),
    ),
    Command(
        "findings",
        "Findings ar&ound Impression",
        "Write the Findings anew, all else held",
        ("Ctrl+Shift+F",),
    ),
    Command("ask", "As&k about the Image", "Put a question to the model", ("Ctrl+K",), "Ask"),
    Command("cancel", "&Cancel", "Stop and leave the report as it was", ("Esc",), after_line=True),
    Command(
        "next_candidate",
        "Ne&xt Candidate",
        "Put the next of the model's candidates in place",
        ("Alt+Down",),
        after_line=True,
    ),
    Command(
        "previous_candidate",
        "Previous C&andidate",
        "Put the one before in place",
        ("Alt+Up",),
    ),
    Command(
        "candidates",
        "Candida&tes…",
        "List the candidates for the words at the caret",
        ("Alt+Return", "Alt+Enter"),
    ),
    Command(
        "next_clash",
        "Sho&w Next Clash",
        "Go to the next place that clashes with another or with the study",
        ("F8",),
        after_line=True,
    ),
    Command("previous_clash", "S&how Previous Clash", "Go to the place before", ("Shift+F8",)),
    Command(
        "dismiss_clash",
        "Dismi&ss Clash…",
        "Let the clash at the caret stand, with a reason",
        ("Ctrl+F8",),
    ),
    Command(
        "pin",
        "&Pin Selection",
        "The model may not change the selection, or the word at the caret",
        ("Ctrl+P",),
        "Pin",
        after_line=True,
    ),
    Command(
        "unpin",
        "&Unpin Selection",
        "The model may change the selection, or the word at the caret",
        ("Ctrl+Shift+P",),
        "Unpin",
    ),
    Command("gap", "Insert &Gap", "Let the model write here", ("Ctrl+G",), "Insert gap"),
    Command(
        "gap_of_length",
        "Insert Gap of &Length…",
        "Let the model write so many tokens here",
        ("Ctrl+Shift+G",),
    ),
    Command(
        "undo", "U&ndo", "Take the last change back", ("Ctrl+Z",), icon="undo", after_line=True
    ),
    Command("redo", "R&edo", "Make the change again", ("Ctrl+Shift+Z", "Ctrl+Y"), icon="redo"),
    Command(
        "compare",
        "Co&mpare…",
        "Let diffusion and autoregression write the same report, side by side",
        ("Ctrl+Shift+D",),
        after_line=True,
    ),
    Command(
        "copy",
        "Cop&y Report",
        "Copy as plain text",
        ("Ctrl+Shift+C",),
        "Copy",
        icon="copy",
        after_line=True,
    ),
)
MODEL: Final = (
    Command("details", "&Details…", "What runs, where, and how much memory it holds"),
    Command("checkpoint", "Open &Checkpoint…", "Run another model", after_line=True),
    Command(
        "adapter",
        "Load &Adapter…",
        "Put on top of the checkpoint what was trained on other data",
        after_line=True,
    ),
    Command("restart", "Re&start Worker", "Start the worker anew", after_line=True),
)
VIEW: Final = (
    Command("fit", "&Fit Image", "Show the whole image", ("Ctrl+0",)),
    Command("zoom_in", "Zoom &In", "Larger", ("Ctrl++", "Ctrl+=")),
    Command("zoom_out", "Zoom &Out", "Smaller", ("Ctrl+-",)),
    Command("invert", "In&vert", "Exchange black and white", ("Ctrl+Shift+I",)),
    Command("reset_window", "&Reset Window/Level", "As the file says", ("Ctrl+Shift+R",)),
    Command("focus_image", "Go to I&mage", "Keys go to the image", ("Ctrl+1",), after_line=True),
    Command("focus_report", "Go to R&eport", "Keys go to the report", ("Ctrl+2",)),
    Command("focus_other", "O&ther Pane", "From image to report and back", ("F6",)),
    Command(
        "previous",
        "Previo&us Study",
        "The study before",
        ("Alt+Left", "Ctrl+PgUp"),
        icon="previous",
        after_line=True,
    ),
    Command("next", "&Next Study", "The study after", ("Alt+Right", "Ctrl+PgDown"), icon="next"),
    Command("dark", "&Dark Theme", "For a dark reading room", checkable=True, after_line=True),
    Command("light", "&Light Theme", "For a bright room", checkable=True),
)
HELP: Final = (
    Command("shortcuts", "&Keyboard and Mouse", "All keys on one page", ("F1",)),
    Command("about", "&About Pinfill", "What this is and what it is not", after_line=True),
)
ALL: Final = {"File": FILE, "Report": REPORT, "Model": MODEL, "View": VIEW, "Help": HELP}


_PASSED_ON: Final = frozenset({"Esc", "Home"})
"""Keys that mean something to others, too, while the command cannot be given."""


class Actions(QObject):
    """The commands of a table as Qt actions of one window: ``actions["draft"]``.

    ``refused`` tells why not where the key of a command is pressed that cannot be given now.
    """

    refused = Signal(str)

    def __init__(self, owner: QWidget, table: Iterable[Command] | None = None) -> None:
        super().__init__(owner)
        self._why_not: dict[str, str] = {}
        self._stand_ins: dict[str, list[QShortcut]] = {}
        self._actions: dict[str, QAction] = {}
        self._commands = {each.name: each for each in (commands() if table is None else table)}
        for command in self._commands.values():
            action = QAction(command.text, owner)
            action.setObjectName(command.name)
            action.setShortcuts([QKeySequence(key) for key in command.keys])
            action.setIconText(command.label or command.text.replace("&", ""))
            action.setToolTip(tooltip(command))
            action.setStatusTip(command.tip)
            action.setCheckable(command.checkable)
            action.setIconVisibleInMenu(False)
            owner.addAction(action)
            self._actions[command.name] = action
            self._stand_ins[command.name] = [
                self._stand_in(command.name, key, owner)
                for key in command.keys
                if key not in _PASSED_ON
            ]

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def allow(self, name: str, why_not: str | None) -> None:
        """Enable for ``None``; else disable, and the tooltip gives the reason."""
        action = self._actions[name]
        action.setEnabled(why_not is None)
        self._why_not[name] = why_not or ""
        for stand_in in self._stand_ins[name]:
            stand_in.setEnabled(why_not is not None)
        tip = tooltip(self._commands[name])
        action.setToolTip(tip if why_not is None else f"{tip}\n{why_not}")

    def _stand_in(self, name: str, key: str, owner: QWidget) -> QShortcut:
        """Takes the key of a command that is disabled: Qt would pass it on in silence."""
        stand_in = QShortcut(QKeySequence(key), owner)
        stand_in.setEnabled(False)
        stand_in.activated.connect(lambda: self.refused.emit(self._why_not[name]))
        return stand_in


def commands() -> Iterator[Command]:
    for group in ALL.values():
        yield from group


def tooltip(command: Command) -> str:
    if not command.keys:
        return command.tip
    return f"{command.tip} ({shown_keys(command)[0]})"


def shown_keys(command: Command) -> list[str]:
    """The keys as this platform writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    return [QKeySequence(key).toString(native) for key in command.keys]
