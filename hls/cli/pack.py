"""qtrigger pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hls.cli.verb import Answer, say, verb

NAME = "pack"
HELP = "Run the firmware of a compressing project over events, and write its outputs as packed bits."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "out": "the file",
    "events": "how many",
    "log10_beta": "the point of the layout",
    "coding": "`entropy`, `fixed` or `trellis`",
    "bits_per_event": "size of the file over events",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger pack firmware_projects/compression-encoder-16 --inputs events.h5 --beta 1e-2 --out events.qtb\n\n"
    "  qtrigger pack firmware_projects/compression-encoder-16 --inputs events.h5 --beta 0.1 --coding fixed --out a.qtb"
)


@verb
def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    inputs: Annotated[Path, typer.Option(metavar="FILE.h5", help="Events, as `qtrigger data` writes them.")],
    beta: Annotated[float, typer.Option(help="Distortion that a nat is worth; the nearest of the layout is taken.")],
    out: Annotated[Path, typer.Option(metavar="FILE.qtb", help="Where to write.")],
    coding: Annotated[
        str,
        typer.Option(
            help="entropy: short at any beta; fixed: packets of one length for each beta; trellis: shorter still where "
            "beta is coarse."
        ),
    ] = "entropy",
) -> Answer:
    """Emulate and pack."""
    from hls.cli.stopping import keeping
    from hls.project.systems.packing import pack

    with keeping(f"{out} was not written; the same command starts afresh"):
        packed = pack(project, inputs, out, beta=beta, coding=coding)
    bits = 8 * out.stat().st_size / max(packed.events, 1)
    words = f"{packed.events:,} events at log10 beta {packed.log10_beta:g}, {packed.coding} coding"
    data = {
        "version": JSON_VERSION,
        "out": str(out),
        "events": packed.events,
        "log10_beta": packed.log10_beta,
        "coding": packed.coding,
        "bits_per_event": bits,
    }
    return Answer(data, lambda: say(f"{out}: {words}, {bits:.2f} bits an event"))
