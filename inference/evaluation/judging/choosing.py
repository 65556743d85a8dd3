"""Which judge: the options of every command that judges answers, and the judge that they name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from inference.evaluation.judging.closed import RulesFirst
from inference.evaluation.judging.ledger import Recorded
from inference.evaluation.judging.verdicts import Judge, JudgeError

JUDGES: Final = ("rules", "endpoint", "local")


def add_judge_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that :func:`judge_of` reads."""
    group = parser.add_argument_group("the judge of whether answers say the same")
    group.add_argument(
        "--judge",
        choices=JUDGES,
        default="rules",
        help="rules on this machine (the default), a model at an endpoint, or a checkpoint folder",
    )
    group.add_argument("--verdicts", type=Path, metavar="FILE.jsonl", help="keep every verdict")
    group.add_argument("--judge-url", metavar="URL", help="an endpoint's, up to and with /v1")
    group.add_argument("--judge-model", metavar="NAME", help="the model at the endpoint")
    group.add_argument(
        "--judge-dialect",
        choices=("openai", "anthropic"),
        default="openai",
        help="/chat/completions as OpenAI has it, or /messages as Anthropic does",
    )
    group.add_argument(
        "--judge-key-variable",
        metavar="NAME",
        help="the environment variable that holds the endpoint's key, where it wants one",
    )
    group.add_argument(
        "--judge-timeout", type=float, default=60.0, metavar="SECONDS", help="default: 60"
    )
    group.add_argument(
        "--judge-may-send",
        action="store_true",
        help="agree that questions, references and answers are sent to the endpoint",
    )
    group.add_argument("--judge-checkpoint", type=Path, metavar="DIR", help="of a local judge")
    group.add_argument("--judge-device", help="of a local judge: cpu, cuda or auto")


def judge_of(arguments: argparse.Namespace) -> Judge:
    """The judge that the options name. Plain cases are decided by rules before it is asked, its
    verdicts are kept in ``--verdicts``, and it wants to be closed.

    Raises :class:`JudgeError` where an option is missing, or what it names cannot be used.
    """
    judge = _named(arguments)
    try:
        return Recorded(judge, arguments.verdicts)
    except JudgeError:
        judge.close()
        raise


def _named(arguments: argparse.Namespace) -> Judge:
    if arguments.judge == "endpoint":
        return RulesFirst(_endpoint(arguments))
    if arguments.judge == "local":
        from inference.evaluation.judging.local import LocalJudge

        if arguments.judge_checkpoint is None:
            raise JudgeError("Name the local judge's folder with --judge-checkpoint.", final=True)
        return RulesFirst(LocalJudge.load(arguments.judge_checkpoint, arguments.judge_device))
    from inference.evaluation.judging.rules import RuleJudge

    return RuleJudge()


def _endpoint(arguments: argparse.Namespace) -> Judge:
    from inference.evaluation.judging.endpoint import Endpoint, EndpointJudge

    if not arguments.judge_url or not arguments.judge_model:
        raise JudgeError(
            "An endpoint needs its address and its model: name them with --judge-url and "
            "--judge-model.",
            final=True,
        )
    if not arguments.judge_may_send:
        raise JudgeError(
            f"Questions, references and answers would be sent to {arguments.judge_url}: add "
            "--judge-may-send if they may be.",
            final=True,
        )
    if not arguments.judge_timeout > 0:
        raise JudgeError("--judge-timeout must be more than 0 seconds.", final=True)
    return EndpointJudge(
        Endpoint(
            url=arguments.judge_url,
            model=arguments.judge_model,
            dialect=arguments.judge_dialect,
            key_variable=arguments.judge_key_variable,
            timeout=arguments.judge_timeout,
        )
    )
