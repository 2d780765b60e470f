"""qtrigger parts."""

from __future__ import annotations

import os
from typing import Annotated

import typer

NAME = "parts"
HELP = "List the FPGAs and boards that are known, with what they hold."
EXAMPLES = "Examples:\n\n  qtrigger parts\n\n  qtrigger parts vu13p\n\n  qtrigger parts alveo --json | jq '.[].lut'"


def command(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUERY]...", help="Words of a part, family or board, or a full device name."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the parts as JSON.")] = False,
) -> None:
    """Exit 2 if nothing matches."""
    import json

    from rich.console import Console
    from rich.table import Table

    from hls.target.parts import find_part, search
    from hls.target.resources import RESOURCES

    words = " ".join(query or ())
    found = search(words)
    if not found:
        name = find_part(words).name
        found = [(part, boards) for part, boards in search(name) if part.name == name]
    if as_json:
        typer.echo(json.dumps([part.row() | {"boards": list(boards)} for part, boards in found], indent=2))
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    numbers = (*(kind.label for kind in RESOURCES), "SLRs")
    for column in ("part", "family", *numbers, "boards", "source"):
        table.add_column(column, justify="right" if column in numbers else "left")
    for part, boards in found:
        counts = (*(part.capacity(kind.key) for kind in RESOURCES), part.slrs)
        table.add_row(part.name, part.family, *(f"{count:,}" for count in counts), ", ".join(boards), part.source)
    Console(highlight=False, width=None if os.isatty(1) else 160).print(table)
    typer.echo(
        "BRAM counts 36 kbit tiles on AMD parts (two 18K blocks each), else the vendor's blocks, whose size --json "
        "states; reports and [budget] count such tiles of any part."
    )
