"""The verbs, gathered."""

from __future__ import annotations

import typer
from typer.core import TyperCommand

from hls.cli import (
    build,
    check,
    data,
    doctor,
    estimate,
    evaluate,
    export,
    new,
    pack,
    parts,
    prove,
    quantize,
    report,
    scan,
    train,
    unpack,
)
from hls.cli.verb import say

app = typer.Typer(
    name="qtrigger",
    help="Particle-physics networks as trigger firmware that computes what was trained, bit by bit.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_TRAINING = train, evaluate, data, quantize
_FIRMWARE = new, build, prove, estimate, report, export, check, scan, pack, unpack, parts, doctor
VERBS = *_TRAINING, *_FIRMWARE
for module in VERBS:
    verb = getattr(module, "Verb", TyperCommand)
    app.command(module.NAME, cls=verb, epilog=module.EXAMPLES, help=module.HELP)(module.command)


def _version(wanted: bool) -> None:
    if wanted:
        from hls import __version__

        say(f"qtrigger {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass
