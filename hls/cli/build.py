"""qtrigger build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hls.cli.completion import complete_witness
from hls.cli.verb import Answer, verb

NAME = "build"
HELP = "Build and verify a firmware project: the main job."
JSON_KEYS = "[report.json](report-json.md)"
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger build firmware_projects/evn-two-body\n\n"
    "  qtrigger build firmware_projects/evn-two-body --witness emulator --witness csim --events 1000\n\n"
    "  qtrigger build firmware_projects/evn-two-body --place-and-route ecp5-85k\n\n"
    "  qtrigger build firmware_projects/mine --inputs events.npy --json\n\n"
    "  qtrigger build firmware_projects/mine --inputs events.root --features pt,eta,phi --labels is_signal"
)


@verb
def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    witness: Annotated[
        list[str] | None,
        typer.Option(
            "--witness",
            metavar="W",
            help="Ask this one (may be repeated): qkeras, emulator, csim, rtl, netlist, proof.",
            autocompletion=complete_witness,
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without", metavar="W", help="Leave this one out (may be repeated).", autocompletion=complete_witness
        ),
    ] = None,
    events: Annotated[int | None, typer.Option(min=1, help="Number of events, corner events among them.")] = None,
    inputs: Annotated[Path | None, typer.Option(metavar="FILE", help="Events from a file: HDF5, npz, ROOT ...")] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,NAME", help="Of --inputs: branches, columns, datasets; INPUT=NAME,NAME if several."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Class of each event, for accuracy and ROC.")
    ] = None,
    liberty: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Cell library of an ASIC, for the netlist's cells and area.")
    ] = None,
    place_and_route: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="Place and route the RTL on it: ecp5-25k, ecp5-45k, ecp5-85k."),
    ] = None,
) -> Answer:
    """Build, show the report, exit 1 if verification or budget failed."""
    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.cli.table import report_answer
    from hls.project.build import build

    kept = f"{project}/build is what it was before; the same command builds it"
    with keeping(kept), progress() as shown:
        report = build(
            project,
            witness or None,
            events,
            inputs,
            liberty=liberty,
            place_and_route=place_and_route,
            progress=shown,
            without=tuple(without or ()),
            features=tuple(features or ()),
            labels=labels,
        )
    return report_answer(report)
