"""qtrigger unpack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "unpack"
HELP = "Turn packed bits back into latents and, where the project has a decoder, into events."
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger unpack events.qtb --out restored.h5\n\n"
    "  qtrigger unpack events.qtb --out restored.h5 --project firmware_projects/compression-encoder-16"
)


def command(
    packets: Annotated[Path, typer.Argument(metavar="FILE.qtb", help="Written by `qtrigger pack`.")],
    out: Annotated[Path, typer.Option(metavar="FILE.h5", help="Where to write.")],
    project: Annotated[
        Path | None,
        typer.Option(metavar="PROJECT_DIR", help="Project that packed; firmware_projects/NAME if not given."),
    ] = None,
) -> None:
    """Unpack with the layout of the project that packed."""
    from hls.cli.stopping import keeping
    from hls.project.systems.packing import unpack

    with keeping(f"{out} was not written; the same command starts afresh"):
        packed = unpack(packets, out, project)
    typer.echo(f"{out}: {packed.events:,} events packed by {packed.project}")
