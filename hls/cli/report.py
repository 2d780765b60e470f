"""qtrigger report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "report"
HELP = "Show the report of the last build."
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger report firmware_projects/evn-two-body --open\n\n"
    "  qtrigger report firmware_projects/evn-two-body --json | jq .witnesses"
)


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    open_page: Annotated[bool, typer.Option("--open", help="Open report.html in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead of the table.")] = False,
) -> None:
    """Print what the last build found; exit 1 if it had failed."""
    from hls.cli.table import print_report
    from hls.project import read_project
    from hls.project.report import read_report

    report = read_report(read_project(project).build_folder)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        print_report(report)
    if open_page:
        typer.launch(report.html.as_uri())
    raise typer.Exit(1 if report.failed else 0)
