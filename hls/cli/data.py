"""qtrigger data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "data"
HELP = "Write simulated events of a physics system to an HDF5 file."
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger data two-body --events 100000 --out events.h5\n\n"
    "  qtrigger data event_variables/pair --events 1000000 --out pair.h5 --seed 7"
)


def command(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="event_variables, event_variables/pair, two-body ...")
    ],
    events: Annotated[int, typer.Option(min=1, help="Number of events.")],
    out: Annotated[Path, typer.Option(metavar="FILE.h5", help="Where to write.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same events.")] = 1,
    variant: Annotated[str | None, typer.Option(help="Variant of the system.")] = None,
) -> None:
    """Generate and write."""
    from hls.cli.progress import progress
    from hls.systems import find_system, user_errors
    from hls.workspace import disk_errors

    chosen = find_system(system, variant)
    with progress() as shown, user_errors(), disk_errors(out):
        shown("events", 0, events)
        chosen.system.write_events(chosen.variant, events, seed, out, lambda done, total: shown("events", done, total))
    typer.echo(f"{out}: {events:,} events of {chosen}, seed {seed}")
