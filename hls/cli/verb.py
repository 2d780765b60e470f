"""What every verb has in common: the options --json, --quiet, --verbose and --log-file, and how its result is given.

A verb's function returns an `Answer` and prints nothing of its own; the decorator adds the options to its signature,
where Typer reads them.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hls.cli.manner import Manner, talking

_PANEL = "Options of every verb"
COMMON = {
    "as_json": (
        bool,
        typer.Option("--json", help="Print one JSON object on stdout, also of an error.", rich_help_panel=_PANEL),
        False,
    ),
    "quiet": (
        bool,
        typer.Option("--quiet", "-q", help="Print the result and errors, nothing else.", rich_help_panel=_PANEL),
        False,
    ),
    "verbose": (
        bool,
        typer.Option(
            "--verbose", "-v", help="Tell each step, each program run, and an error's trace.", rich_help_panel=_PANEL
        ),
        False,
    ),
    "log_file": (
        Path | None,
        typer.Option("--log-file", metavar="FILE", help="Append what --verbose tells to it.", rich_help_panel=_PANEL),
        None,
    ),
}
"""The options of every verb: type, declaration and default of each parameter."""


@dataclass(frozen=True)
class Answer:
    """What a verb found: ``data`` as JSON, ``show`` prints the same for a reader, ``status`` is the exit status."""

    data: Mapping[str, Any]
    show: Callable[[], None]
    status: int = 0


def say(text: str) -> None:
    """A line on stdout. (Typer's echo takes a terminal of ASCII for a mistake, and writes UTF-8 to it.)"""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def verb(command: Callable[..., Answer]) -> Callable[..., None]:
    """``command`` with the common options, giving its answer as they ask."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        from hls.cli.logs import logged

        chosen = Manner(**{name: given.pop(name) for name in COMMON})
        with talking(chosen), logged(chosen):
            answer = command(**given)
            _give(answer, chosen)
        raise typer.Exit(answer.status)

    own = inspect.signature(command, eval_str=True)
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])
        for name, (kind, option, default) in COMMON.items()
    ]
    given = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own.parameters.values()]
    signature = own.replace(parameters=[*given, *common], return_annotation=None)
    run.__signature__ = signature  # type: ignore[attr-defined]  # where inspect looks first
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    return run


def _give(answer: Answer, chosen: Manner) -> None:
    from hls.cli.json_text import json_text

    if chosen.as_json:
        say(json_text(answer.data))
    else:
        answer.show()
