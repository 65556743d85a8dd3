from __future__ import annotations

import pytest

from desktop import actions


def test_no_two_commands_share_a_name_or_a_key() -> None:
    names = [command.name for command in actions.commands()]
    keys = [key for command in actions.commands() for key in command.keys]
    assert sorted(names) == sorted(set(names))
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("title", actions.ALL)
def test_no_two_entries_of_a_menu_share_a_mnemonic(title: str) -> None:
    letters = [command.text[command.text.index("&") + 1].lower() for command in actions.ALL[title]]
    assert sorted(letters) == sorted(set(letters))


def test_every_command_says_what_it_does() -> None:
    for command in actions.commands():
        assert command.tip.strip()
        assert actions.tooltip(command).startswith(command.tip)
        assert all(keys in actions.tooltip(command) for keys in actions.shown_keys(command)[:1])
