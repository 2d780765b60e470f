"""qtrigger unpack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hls.cli.verb import Answer, say, verb

NAME = "unpack"
HELP = "Turn packed bits back into latents and, where the project has a decoder, into events."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "out": "the file",
    "events": "how many",
    "project": "that packed them",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger unpack events.qtb --out restored.h5\n\n"
    "  qtrigger unpack events.qtb --out restored.h5 --project firmware_projects/compression-encoder-16"
)


@verb
def command(
    packets: Annotated[Path, typer.Argument(metavar="FILE.qtb", help="Written by `qtrigger pack`.")],
    out: Annotated[Path, typer.Option(metavar="FILE.h5", help="Where to write.")],
    project: Annotated[
        Path | None,
        typer.Option(metavar="PROJECT_DIR", help="Project that packed; firmware_projects/NAME if not given."),
    ] = None,
) -> Answer:
    """Unpack with the layout of the project that packed."""
    from hls.cli.stopping import keeping
    from hls.project.systems.packing import unpack

    with keeping(f"{out} was not written; the same command starts afresh"):
        packed = unpack(packets, out, project)
    data = {"version": JSON_VERSION, "out": str(out), "events": packed.events, "project": packed.project}
    return Answer(data, lambda: say(f"{out}: {packed.events:,} events packed by {packed.project}"))
