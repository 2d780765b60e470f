"""qtrigger report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hls.cli.verb import Answer, verb

NAME = "report"
HELP = "Show the report of the last build."
JSON_KEYS = "[report.json](report-json.md)"
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger report firmware_projects/evn-two-body --open\n\n"
    "  qtrigger report firmware_projects/evn-two-body --json | jq .witnesses"
)


@verb
def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT_DIR", help="Folder with a project.toml.")],
    open_page: Annotated[bool, typer.Option("--open", help="Open report.html in the browser.")] = False,
) -> Answer:
    """Give what the last build found; exit 1 if it had failed."""
    from hls.cli.table import report_answer
    from hls.project import read_project
    from hls.project.report import read_report

    report = read_report(read_project(project).build_folder)
    if open_page:
        typer.launch(report.html.as_uri())
    return report_answer(report)
