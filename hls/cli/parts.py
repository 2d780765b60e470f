"""qtrigger parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hls.cli.verb import Answer, verb

if TYPE_CHECKING:
    from hls.target.parts import Part

NAME = "parts"
HELP = "List the FPGAs and boards that are known, with what they hold."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "parts": "[objects](../how-to/add-a-part.md) of a part's line, and `boards`",
}
EXAMPLES = (
    "Examples:\n\n  qtrigger parts\n\n  qtrigger parts vu13p\n\n  qtrigger parts alveo --json | jq '.parts[].lut'"
)


@verb
def command(
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUERY]...", help="Words of a part, family or board, or a full device name."),
    ] = None,
) -> Answer:
    """Exit 2 if nothing matches."""
    from hls.target.parts import find_part, search

    words = " ".join(query or ())
    found = search(words)
    if not found:
        name = find_part(words).name
        found = [(part, boards) for part, boards in search(name) if part.name == name]
    rows = [part.row() | {"boards": list(boards)} for part, boards in found]
    return Answer({"version": JSON_VERSION, "parts": rows}, lambda: _show(found))


def _show(found: Sequence[tuple[Part, tuple[str, ...]]]) -> None:
    from hls.cli.screen import console, new_table, print_table
    from hls.target.resources import RESOURCES

    numbers = (*(kind.label for kind in RESOURCES), "SLRs")
    table = new_table("part", "family", *numbers, "boards", "source", words=("family", "boards", "source"))
    for part, boards in found:
        counts = (*(part.capacity(kind.key) for kind in RESOURCES), part.slrs)
        table.add_row(part.name, part.family, *(f"{count:,}" for count in counts), ", ".join(boards), part.source)
    out = console()
    print_table(out, table)
    out.print(
        "BRAM counts 36 kbit tiles on AMD parts (two 18K blocks each), else the vendor's blocks, whose size --json "
        "states; reports and [budget] count such tiles of any part.",
        markup=False,
    )
