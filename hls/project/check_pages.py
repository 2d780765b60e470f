"""What a CI shows of checks: JUnit XML, a page in Markdown, GitHub's annotations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from hls.machine.files import read_text
from hls.project.check import Check, change
from hls.project.checking import Checked
from hls.project.expected import EXPECTED_FILE
from hls.project.project_file import PROJECT_FILE

_JUNIT = {"failed": "failure", "error": "error", "not shown": "skipped"}
_KEYS = {"graph": "graph_digest", "verification": "witnesses"}
"""What a check of such a name is called in expected.json."""


def junit(projects: Sequence[Checked]) -> str:
    """JUnit XML, as GitHub and GitLab show it: a suite a project, a case a check, with seconds and where it is told."""
    root = ElementTree.Element("testsuites", time=_seconds(sum(project.seconds for project in projects)))
    for project in projects:
        counts = {status: str(sum(c.status == status for c in project.checks)) for status in _JUNIT}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=project.name,
            tests=str(len(project.checks)),
            failures=counts["failed"],
            errors=counts["error"],
            skipped=counts["not shown"],
            time=_seconds(project.seconds),
            timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        properties = ElementTree.SubElement(suite, "properties")
        ElementTree.SubElement(properties, "property", name="report", value=link(project.page))
        for check in project.checks:
            _case(suite, project, check)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, project: Checked, check: Check) -> None:
    file, line = _place(project, check)
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=project.name,
        name=check.name,
        time=_seconds(check.seconds),
        file=file,
        line=str(line),
    )
    if check.status in _JUNIT:
        told = ElementTree.SubElement(case, _JUNIT[check.status], message=check.message)
        told.text = f"{file}:{line}: {check.message}\nreport: {link(project.page)}"
    elif check.message:
        ElementTree.SubElement(case, "system-out").text = check.message


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def link(page: Path) -> str:
    """Where a reader of the CI's own page finds a file of the job: among its artifacts, or else by its path.

    GitLab shows a file of an artifact; GitHub packs them, and names the run that has them.
    """
    name = _from_root(page)
    job = os.environ.get("CI_JOB_URL")
    if job:
        return f"{job}/artifacts/file/{name}"
    server, repository, run = (os.environ.get(f"GITHUB_{key}") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}#artifacts ({name})"
    return name


def _from_root(path: Path) -> str:
    """``path`` as the CI calls it: from the root of its checkout, where that is known."""
    root = os.environ.get("CI_PROJECT_DIR") or os.environ.get("GITHUB_WORKSPACE")
    if root and path.resolve().is_relative_to(Path(root).resolve()):
        return path.resolve().relative_to(Path(root).resolve()).as_posix()
    return path.as_posix()


def _place(project: Checked, check: Check) -> tuple[str, int]:
    """The file that states what is checked, and the line that does."""
    word = _KEYS.get(check.name, check.name.split(" ")[-1])
    path = project.folder / (PROJECT_FILE if check.name.startswith(("budget", "build")) else EXPECTED_FILE)
    pattern = re.compile(rf'\s*(?:"[^"]*{re.escape(word)}"|{re.escape(word)}\s*=)')
    lines = read_text(path).splitlines() if path.is_file() else []
    found = next((number for number, line in enumerate(lines, start=1) if pattern.match(line)), 1)
    return _from_root(path), found


def summary(projects: Sequence[Checked]) -> str:
    """Markdown for the page of a CI run: a line a project, what is not as recorded, and below it what has moved."""
    lines = ["| project | checks | not as recorded |", "|---|---|---|"]
    for project in projects:
        told = "<br>".join(f"{check.mark} {check.name}: {check.message}" for check in project.wrong)
        unseen = sum(check.status == "not shown" for check in project.checks)
        passed = f"{sum(check.status == 'passed' for check in project.checks)} passed"
        counts = f"{passed}, {unseen} not shown" if unseen else passed
        lines.append(f"| {_cell(project.name)} | {counts} | {_cell(told) or '✓ nothing'} |")
    moved = [*_moved(projects)]
    if moved:
        lines += ["", "| project | figure | recorded | found | change |", "|---|---|---:|---:|---:|", *moved]
    return "\n".join([*lines, ""])


def _moved(projects: Sequence[Checked]) -> Iterator[str]:
    """A row for each number that differs from the recorded one, within its slack or not."""
    for project in projects:
        for check in project.checks:
            if check.was is not None and check.now is not None and check.was != check.now:
                cells = project.name, check.name, f"{check.was:.6g}", f"{check.now:.6g}", change(check.was, check.now)
                yield f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def github_annotations(projects: Sequence[Checked]) -> Iterator[str]:
    """Commands that GitHub reads from a step's output and shows at the lines of a pull request."""
    for project in projects:
        for check in project.wrong:
            file, line = _place(project, check)
            title = f"{project.name}: {check.name}"
            yield f"::error file={_escaped(file)},line={line},title={_escaped(title)}::{_data(check.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
