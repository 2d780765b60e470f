"""qtrigger check."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hls.cli.manner import manner
from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.project.check import Check
    from hls.project.checking import Checked

NAME = "check"
HELP = "For CI: rebuild projects and compare them with their expected.json."
JSON_VERSION = 1
JSON_KEYS = {
    "version": "1",
    "passed": "whether all is as recorded",
    "checks": "[objects](../how-to/ci.md) of `project`, `name`, `status`, `message`, `seconds`, `was`, `now`",
}
EXAMPLES = (
    "Examples:\n\n"
    "  qtrigger check\n\n"
    "  qtrigger check firmware_projects/evn-two-body --junit check.xml\n\n"
    "  qtrigger check firmware_projects/mine --update"
)


@verb
def command(
    projects: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PROJECT_DIR]...", help="All in firmware_projects/ if none is given."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML, for the CI's own display.")
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append a table in Markdown, as for $GITHUB_STEP_SUMMARY."),
    ] = None,
    annotate: Annotated[
        bool | None,
        typer.Option(help="Write GitHub's annotations; by default where GITHUB_ACTIONS is true.", show_default=False),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Record what is found now as expected.")] = False,
) -> Answer:
    """Exit 1 on any regression, 2 if a project is not usable."""
    from dataclasses import asdict

    from hls.machine.files import require_place
    from hls.project.checking import named

    for asked in (junit, summary):
        if asked is not None:
            require_place(asked, text=True)
    found = [_one(folder, name, update) for folder, name in named(projects or _all_projects())]
    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    _tell_ci(found, junit, summary, annotate=on_github if annotate is None else annotate)
    checks = [check for project in found for check in project.checks]
    statuses = {check.status for check in checks}
    status = 2 if "error" in statuses else 1 if "failed" in statuses else 0
    data = {"version": JSON_VERSION, "passed": not status, "checks": [asdict(check) for check in checks]}
    return Answer(data, lambda: _show(checks), status)


def _tell_ci(found: Sequence[Checked], junit: Path | None, summary: Path | None, *, annotate: bool) -> None:
    from hls.machine.files import append_text, write_text
    from hls.project import check_pages

    if junit is not None:
        write_text(junit, check_pages.junit(found))
    if summary is not None:
        append_text(summary, check_pages.summary(found))
    if annotate:
        stream = sys.stderr if manner().as_json else sys.stdout  # GitHub reads both
        stream.writelines(f"{line}\n" for line in check_pages.github_annotations(found))


def _one(folder: Path, name: str, update: bool) -> Checked:
    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.project.checking import check_project

    kept = f"{folder} is what it was before, projects before it are built; the same command checks all"
    with keeping(kept), progress() as shown:
        return check_project(
            folder,
            name,
            update=update,
            progress=lambda stage, done, total: shown(f"{name} {stage}", done, total),
        )


def _show(checks: Sequence[Check]) -> None:
    """A line a check; with --quiet only for what is not as recorded."""
    for check in checks:
        if check.is_wrong or not manner().quiet:
            told = f": {check.message}" if check.message else ""
            say(f"{check.mark} {check.project}: {check.name}{told}")


def _all_projects() -> list[Path]:
    from hls.errors import ProjectError
    from hls.project.new_project import PARENT

    found = sorted(path.parent for path in PARENT.glob("*/project.toml"))
    if not found:
        raise ProjectError(f"no {PARENT}/*/project.toml here; name a project folder, or run from the repository's root")
    return found
