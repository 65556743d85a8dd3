"""The parser of every command's options: what is wrong with them is told in one sentence."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Final, NoReturn

_CHOICE: Final = re.compile(r"argument (?P<name>.+?): invalid choice: (?P<value>.+) \(choose from ")
_OPTIONS: Final = re.compile(r"choose from (?P<choices>.+)\)$")
_VALUE: Final = re.compile(r"argument (?P<name>.+?): invalid \w+ value: (?P<value>.+)$")
_COUNT: Final = re.compile(r"argument (?P<name>.+?): expected (one|at least one|\d+) arguments?$")
_MISSING: Final = "the following arguments are required: "
_UNKNOWN: Final = "unrecognized arguments: "


class ArgumentParser(argparse.ArgumentParser):
    """Ends the process with status 2 and one sentence where options are wrong, without a usage."""

    def error(self, message: str) -> NoReturn:
        said = f"{_sentence(message, self.prog)}. `{self.prog} --help` tells what it takes."
        print(f"pinfill: {said}", file=sys.stderr)
        sys.exit(2)


def _sentence(message: str, prog: str) -> str:
    """What argparse has to say, in plain words and without its full stop."""
    if message.startswith(_MISSING):
        return f"{prog} needs {_listed(message.removeprefix(_MISSING).split(', '), 'and')}"
    if message.startswith(_UNKNOWN):
        return f"{prog} does not know {message.removeprefix(_UNKNOWN)}"
    if (found := _CHOICE.match(message)) and (options := _OPTIONS.search(message)):
        choices = [choice.strip("'") for choice in options["choices"].split(", ")]
        return f"{found['name']} cannot be {found['value']}: choose {_listed(choices, 'or')}"
    if found := _VALUE.match(message):
        return f"{found['name']} cannot be {found['value']}"
    if found := _COUNT.match(message):
        return f"{found['name']} needs a value"
    return message.removeprefix("argument ").rstrip(".")


def _listed(words: list[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else words[0]
