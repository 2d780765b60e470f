"""qtrigger check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hls.cli.manner import manner
from hls.cli.verb import Answer, say, verb

if TYPE_CHECKING:
    from hls.cli.progress import Shown
    from hls.project.expected import Check, Expected

NAME = "check"
HELP = "For CI: rebuild projects and compare them with their expected.json."
JSON_VERSION = 1
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
    update: Annotated[bool, typer.Option("--update", help="Record what is found now as expected.")] = False,
) -> Answer:
    """Exit 1 on any regression, 2 if a project is not usable."""
    from dataclasses import asdict

    from hls.cli.progress import progress
    from hls.cli.stopping import keeping
    from hls.machine.files import append_text, require_place, write_text
    from hls.project.expected import junit as junit_xml
    from hls.project.expected import summary as summary_text

    for asked in (junit, summary):
        if asked is not None:
            require_place(asked, text=True)
    checks: list[Check] = []
    for folder, name in _named(projects or _all_projects()):
        kept = f"{folder} is what it was before, projects before it are built; the same command checks all"
        with keeping(kept), progress() as shown:
            checks += _one(folder, name, update, shown)
    if junit is not None:
        write_text(junit, junit_xml(checks))
    if summary is not None:
        append_text(summary, summary_text(checks))
    statuses = {check.status for check in checks}
    status = 2 if "error" in statuses else 1 if "failed" in statuses else 0
    data = {"version": JSON_VERSION, "passed": not status, "checks": [asdict(check) for check in checks]}
    return Answer(data, lambda: _show(checks), status)


def _show(checks: Sequence[Check]) -> None:
    """A line a check; with --quiet only for what is not as recorded."""
    marks = {"passed": "✓", "failed": "✗", "error": "✗", "not shown": "–"}
    for check in checks:
        if check.status in ("failed", "error") or not manner().quiet:
            told = f": {check.message}" if check.message else ""
            say(f"{marks[check.status]} {check.project}: {check.name}{told}")


def _all_projects() -> list[Path]:
    from hls.errors import ProjectError
    from hls.project.new_project import PARENT

    found = sorted(path.parent for path in PARENT.glob("*/project.toml"))
    if not found:
        raise ProjectError(f"no {PARENT}/*/project.toml here; name a project folder, or run from the repository's root")
    return found


def _named(folders: list[Path]) -> list[tuple[Path, str]]:
    """Each project with the name it goes by: that of its folder, or the whole path where two would be called alike."""
    names = [folder.resolve().name for folder in folders]
    return [
        (folder, name if names.count(name) == 1 else str(folder)) for folder, name in zip(folders, names, strict=True)
    ]


def _recorded(folder: Path, update: bool) -> Expected | None:
    """What is expected so far; with ``update`` none where nothing readable is recorded: it is written anew."""
    from hls.errors import ProjectError
    from hls.project.expected import read_expected

    try:
        return read_expected(folder)
    except ProjectError:
        if update:
            return None
        raise


def _one(folder: Path, name: str, update: bool, shown: Shown) -> list[Check]:
    from hls.errors import FirmwareError
    from hls.project.build import build
    from hls.project.expected import Check, compare, record, write_expected

    try:
        expected = _recorded(folder, update)
        report = build(folder, progress=lambda stage, done, total: shown(f"{name} {stage}", done, total))
        if update:
            expected = record(report, expected)
            if not report.failed:
                write_expected(folder, expected)
        if expected is None:
            return []
        return compare(name, report, expected)
    except FirmwareError as error:
        return [Check(name, "build", "error", str(error))]
