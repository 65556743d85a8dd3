"""The ``pinfill`` command.

Nothing heavy is imported before it is needed: ``pinfill --help`` answers without Qt and torch.

Exit codes: 0 done, 1 a fault of the worker, a failed check or a report that clashes, 2 something
wrong with what was asked for (one sentence on standard error says what, and what to do), 130
cancelled by Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference.arguments import ArgumentParser

if TYPE_CHECKING:
    from desktop.headless import Writer
    from inference.client import Placement
    from inference.protocol import Piece

OK: Final = 0
FAULT: Final = 1
BAD_INPUT: Final = 2
CANCELLED: Final = 130

INFERENCE_COMMANDS: Final = {
    "train": "adapt a checkpoint to data of your own",
    "train-demo": "train the demo checkpoint on fictional studies",
    "train-sibling": "train its autoregressive sibling on the same studies",
    "bench": "measure: `pinfill bench contract|demo|infill|judge|sampler|speed|vqa|window`",
}
"""Run by ``python -m inference.cli``, in a process without Qt."""


class UserError(Exception):
    """``str()`` is one sentence: what is wrong with what was asked for, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return CANCELLED
    except BrokenPipeError:
        # Whoever read us has gone; keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT
    except UserError as error:
        return _fail(BAD_INPUT, error)
    except ImportError as error:
        return _fail(BAD_INPUT, _missing_package(error))


def _run(arguments: Sequence[str]) -> int:
    if arguments[:2] == ["bench", "window"]:
        return _bench_window(arguments[2:])
    if arguments and arguments[0] in INFERENCE_COMMANDS:
        return _run_inference_command(arguments)
    options = build_parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def build_parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        prog="pinfill",
        description="A DICOM viewer whose report pane a diffusion language model fills around "
        "the words that you pin. Research use only, not a medical device.",
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    checkpoint = ArgumentParser(add_help=False)
    checkpoint.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="checkpoint folder (default: the demo's)"
    )
    running = ArgumentParser(add_help=False, parents=[checkpoint])
    running.add_argument("--device", metavar="DEVICE", help="cpu, cuda, cuda:N or auto (default)")
    running.add_argument(
        "--compile",
        action="store_true",
        help="merge the kernels of a step: faster on a GPU, minutes slower to start",
    )
    running.add_argument(
        "--adapter", type=Path, metavar="DIR", help="an adapter on top of the checkpoint"
    )
    asking = ArgumentParser(add_help=False, parents=[running])
    asking.add_argument("study", type=Path, metavar="STUDY", help="a DICOM file")
    asking.add_argument("--seed", type=_seed, metavar="N", help="the same seed, the same text")
    asking.add_argument(
        "--engine",
        choices=("diffusion", "autoregressive"),
        help="how the model writes; without --checkpoint, which of the demo's does (diffusion)",
    )
    asking.add_argument(
        "--anyway",
        action="store_true",
        help="also of an image that the model says it was not made for",
    )
    asking.add_argument("--json", action="store_true", help="print one JSON object")
    filling = ArgumentParser(add_help=False, parents=[asking])
    filling.add_argument(
        "--candidates",
        type=_candidates,
        metavar="N",
        help="write up to N texts and print the best; --json prints all",
    )
    filling.add_argument(
        "--mode",
        choices=("both", "left", "forced"),
        help="how an autoregressive model is asked for a gap: its prompt shows both sides "
        "(default), it goes on from the left side alone, or it is led through what is pinned",
    )

    demo = commands.add_parser(
        "demo", parents=[running], help="open the window on the bundled studies"
    )
    demo.add_argument(
        "--screenshot",
        type=Path,
        metavar="OUT.png",
        help="no window: draft, pin a phrase, infill, save the picture, exit",
    )
    demo.set_defaults(command=_demo)

    open_ = commands.add_parser(
        "open", parents=[running], help="open the window on DICOM files or folders"
    )
    open_.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    open_.set_defaults(command=_open)

    draft = commands.add_parser("draft", parents=[filling], help="write a report from a study")
    draft.set_defaults(command=_draft, warm=False)

    infill = commands.add_parser(
        "infill", parents=[filling], help="fill the gaps of a report; all else stays as it is"
    )
    infill.add_argument(
        "--report",
        type=Path,
        required=True,
        metavar="FILE",
        help="UTF-8 text; {{gap}} or {{gap 12}} (tokens) marks a gap, {{gap: words}} one with "
        "words in it; - reads standard input",
    )
    infill.add_argument(
        "--warm", action="store_true", help="begin near the words in the gaps, not from noise"
    )
    infill.set_defaults(command=_infill)

    ask = commands.add_parser("ask", parents=[asking], help="ask a question about a study")
    ask.add_argument("question", metavar="QUESTION", help="in quotes")
    ask.set_defaults(command=_ask)

    check = commands.add_parser(
        "check", help="tell what in a report clashes with itself, its study or its form"
    )
    check.add_argument(
        "report",
        type=Path,
        metavar="REPORT",
        help="UTF-8 text, or a report that Pinfill saved; - reads standard input",
    )
    check.add_argument("--study", type=Path, metavar="STUDY", help="the DICOM file it is about")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    check.set_defaults(command=_check)

    doctor = commands.add_parser(
        "doctor", parents=[checkpoint], help="what works here, and what to do about the rest"
    )
    doctor.set_defaults(command=_doctor)

    selftest = commands.add_parser(
        "selftest", help="open all that lies below a folder, and tell what came of each"
    )
    selftest.add_argument("folder", type=Path, metavar="FOLDER")
    selftest.set_defaults(command=_selftest)

    for name, help_text in INFERENCE_COMMANDS.items():
        commands.add_parser(name, help=help_text, add_help=False)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from resources import ResourceMissing, demo_studies

    try:
        studies = demo_studies()
    except ResourceMissing as error:
        raise UserError(error) from None
    return _run_window(studies, options, options.screenshot)


def _open(options: argparse.Namespace) -> int:
    for path in options.paths:
        if not path.exists():
            raise UserError(f"There is no file or folder {path}, so check the name.")
    return _run_window(options.paths, options)


def _run_window(
    paths: Sequence[Path], options: argparse.Namespace, screenshot: Path | None = None
) -> int:
    _require_qt_libraries()
    if screenshot is None and not _has_display():
        raise UserError(
            "There is no display here, so use `pinfill draft`, `pinfill infill` or "
            "`pinfill demo --screenshot OUT.png`."
        )
    from desktop import app
    from desktop.model_choice import ModelChoice

    adapter = _adapter(options)
    checkpoint = _checkpoint(options.checkpoint).absolute()
    choice = ModelChoice(checkpoint, _placement(options), adapter)
    return app.run(paths, choice, screenshot=screenshot)


def _adapter(options: argparse.Namespace) -> Path | None:
    """The adapter's folder, looked for before a model is loaded below it."""
    folder: Path | None = options.adapter
    if folder is None:
        return None
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UserError(f"--adapter {folder} {what}. Name the folder that training wrote.")
    return folder.absolute()


def _placement(options: argparse.Namespace) -> Placement:
    from inference.client import Placement

    return Placement(options.device, options.compile)


def _require_qt_libraries() -> None:
    from desktop.system_libraries import advice, missing_packages

    packages = missing_packages()
    if packages:
        raise UserError(f"Qt needs system libraries that are missing: {advice(packages)}")


def _draft(options: argparse.Namespace) -> int:
    from inference.protocol import Gap

    return _fill(options, (Gap(),))


def _infill(options: argparse.Namespace) -> int:
    from desktop import report_file

    try:
        pieces = report_file.read(options.report)
    except report_file.ReportFileError as error:
        raise UserError(error) from None
    return _fill(options, pieces)


def _fill(options: argparse.Namespace, pieces: Sequence[Piece]) -> int:
    from desktop import headless
    from inference.protocol import Options

    wishes = Options(
        seed=options.seed, candidates=options.candidates, warm=options.warm, mode=options.mode
    )

    def fill() -> None:
        headless.run(options.study, pieces, _writer(options), options=wishes, as_json=options.json)

    return _answered(fill)


def _ask(options: argparse.Namespace) -> int:
    from desktop import headless

    if not options.question.strip():
        raise UserError("The question is empty: write one in quotes behind the study.")

    def ask() -> None:
        headless.ask(
            options.study,
            options.question,
            _writer(options),
            seed=options.seed,
            as_json=options.json,
        )

    return _answered(ask)


def _writer(options: argparse.Namespace) -> Writer:
    from desktop.headless import Writer

    return Writer(
        checkpoint=_checkpoint(options.checkpoint, options.engine or "diffusion"),
        placement=_placement(options),
        paradigm=options.engine,
        adapter=_adapter(options),
        anyway=options.anyway,
    )


def _answered(work: Callable[[], None]) -> int:
    """The exit code of what a model is asked for."""
    from desktop import headless
    from desktop.studies.reading import StudyError
    from inference.client import RequestFailed, WorkerError

    try:
        work()
    except (StudyError, headless.WrongParadigm, headless.OutsideDeclaration) as error:
        raise UserError(error) from None
    except RequestFailed as error:
        return _fail(FAULT if error.kind == "internal" else BAD_INPUT, error)
    except WorkerError as error:
        return _fail(FAULT, error)
    return OK


def _check(options: argparse.Namespace) -> int:
    from desktop import checking
    from desktop.report_file import ReportFileError
    from desktop.studies.errors import StudyError

    try:
        return checking.run(options.report, options.study, as_json=options.json)
    except (ReportFileError, StudyError) as error:
        raise UserError(error) from None


def _doctor(options: argparse.Namespace) -> int:
    from desktop import doctor

    return doctor.run(options.checkpoint)


def _selftest(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise UserError(f"There is no folder {options.folder}, so check the name.")
    from desktop import selftest

    return selftest.run(options.folder)


def _bench_window(arguments: Sequence[str]) -> int:
    _require_qt_libraries()
    from desktop import bench_window

    return bench_window.main(arguments)


def _run_inference_command(arguments: Sequence[str]) -> int:
    command = [sys.executable, "-P", "-m", "inference.cli", *arguments]
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.call(command)


def _checkpoint(named: Path | None, paradigm: str = "diffusion") -> Path:
    from resources import ResourceMissing, demo_checkpoint

    try:
        return named if named is not None else demo_checkpoint(paradigm)
    except ResourceMissing as error:
        raise UserError(error) from None


def _has_display() -> bool:
    """Whether Qt will find a screen, or has been told to do without."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(n) for n in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"))


def _missing_package(error: ImportError) -> str:
    """A sentence for a package that is not installed; a fault of our own goes through."""
    package = (error.name or "").partition(".")[0]
    extras = {
        "PySide6": "desktop",
        "qasync": "desktop",
        "pydicom": "studies",
        "imagecodecs": "studies",
        "torch": "worker",
        "transformers": "worker",
    }
    if package not in extras:
        raise error
    return (
        f"This needs {package}, which is not installed: pip install 'pinfill[{extras[package]}]'."
    )


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of up to 18 digits")
    return int(text)


def _candidates(text: str) -> int:
    from inference.protocol import MAX_CANDIDATES

    if not (
        text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAX_CANDIDATES
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {MAX_CANDIDATES}")
    return int(text)


def _fail(code: int, sentence: object) -> int:
    print(f"pinfill: {sentence}", file=sys.stderr)
    return code


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"pinfill {version('pinfill')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
