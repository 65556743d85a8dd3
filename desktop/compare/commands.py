"""Every command of the window that compares: buttons, tooltips and the page of keys."""

from __future__ import annotations

from typing import Final

from desktop.actions import Command

COMPARE: Final = (
    Command(
        "run",
        "Run",
        "Let both write, one after the other",
        ("Ctrl+Return", "Ctrl+Enter", "F5"),
    ),
    Command("cancel", "Cancel", "Stop, and keep the comparison before", ("Esc",)),
    Command("play", "Play", "Replay both from the same start, or pause", ("Space",)),
    Command("restart", "Restart", "Go to the start of both", ("Home",)),
    Command("back", "Step Back", "What was seen one step or token before", (",",)),
    Command("forward", "Step Forward", "What was seen one step or token later", (".",)),
    Command("slow", "¼ Speed", "Replay at a quarter of the speed", ("S",), checkable=True),
    Command(
        "differences",
        "Differences",
        "Mark the words in which the finished texts differ",
        ("D",),
        checkable=True,
    ),
    Command(
        "take",
        "Take Sentence",
        "Put the sentence at the cursor into the report",
        ("Return", "Enter"),
    ),
    Command("undo", "Undo", "Take the last sentence out of the report again", ("Ctrl+Z",)),
    Command("other_side", "Other Side", "From one text to the other", ("F6",)),
    Command("left", "Left Side", "Go to the text on the left", ("Ctrl+1",)),
    Command("right", "Right Side", "Go to the text on the right", ("Ctrl+2",)),
    Command("go_to_image", "Image", "Keys go to the image", ("Ctrl+3",)),
    Command("image", "Image", "Show the image beside both texts", ("Ctrl+I",), checkable=True),
    Command(
        "blind",
        "Blind",
        "Hide whose text is whose, and ask which is better",
        ("B",),
        checkable=True,
    ),
    Command(
        "alone",
        "One at a Time",
        "Load each model alone, for two that do not fit into memory together; takes longer",
        ("A",),
        "One at a time",
        checkable=True,
    ),
    Command("save", "Save Answers", "Keep the answers and show whose was whose", ("Ctrl+S",)),
    Command(
        "load_reference",
        "Load Reference…",
        "A text file with the report as it should be, to reckon the token-F1 of both",
        ("Ctrl+O",),
        "Reference…",
    ),
    Command(
        "report_as_reference",
        "Report as Reference",
        "Take the report as it stands now as the reference",
        ("Ctrl+Shift+R",),
        "Report as reference",
    ),
    Command(
        "choose_other",
        "Other Model…",
        "Choose the folder of the checkpoint to compare with",
        ("Ctrl+M",),
        "Other model…",
    ),
    Command("close", "Close", "Close this window and end the other worker", ("Ctrl+W",)),
)
