"""`qtrigger check` of one project: a fresh build, compared with what expected.json records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from hls.errors import FirmwareError, ProjectError
from hls.machine.progress import StageProgress
from hls.project.build import build
from hls.project.check import Check, checked
from hls.project.expected import (
    EXPECTED_FILE,
    Expected,
    begins_with_mark,
    compare,
    read_expected,
    record,
    write_expected,
)
from hls.project.project_file import read_project
from hls.project.report.schema import HTML_FILE

_MARK = "begins with a byte order mark (BOM), which is read over; --update writes the file without"


@dataclass(frozen=True)
class Checked:
    """What became of the project in ``folder``, which goes by ``name``, in so many ``seconds``."""

    name: str
    folder: Path
    checks: Sequence[Check]
    seconds: float

    @property
    def page(self) -> Path:
        """Where its report is, if there was a build."""
        return self.folder / "build" / HTML_FILE

    @property
    def wrong(self) -> list[Check]:
        """What is not as recorded."""
        return [check for check in self.checks if check.is_wrong]


def named(folders: Iterable[Path]) -> list[tuple[Path, str]]:
    """Each project once, with the name it goes by: that of its folder, or its path where two would be called alike.

    >>> [name for _, name in named([Path("a/net"), Path("b/net"), Path("other"), Path("./other")])]
    ['a/net', 'b/net', 'other']
    """
    once = list({folder.resolve(): folder for folder in reversed(list(folders))}.values())[::-1]
    names = [folder.resolve().name for folder in once]
    return [(folder, name if names.count(name) == 1 else str(folder)) for folder, name in zip(once, names, strict=True)]


def check_project(folder: Path, name: str, *, update: bool, progress: StageProgress | None = None) -> Checked:
    """Build and compare; with ``update`` record what was found first, if nothing failed.

    What makes the project unusable is one check of status "error".
    """
    start = monotonic()
    try:
        checks = _checks(folder, name, update, progress)
    except FirmwareError as error:
        checks = [Check(name, "build", "error", " ".join(str(error).split()))]
    return Checked(name, folder, checks, monotonic() - start)


def _checks(folder: Path, name: str, update: bool, progress: StageProgress | None) -> list[Check]:
    read_project(folder)  # a folder that is none is named as such, before its expected.json is missed
    expected = _recorded(folder, update)
    about_file = [] if update else [*_mark(folder)]
    report = build(folder, progress=progress)
    if expected is None or update:
        expected = record(report, expected)
        if report.failed:
            about_file = [checked(EXPECTED_FILE, "not recorded, as the build failed")]
        else:
            write_expected(folder, expected)
    return [*(replace(check, project=name) for check in about_file), *compare(name, report, expected)]


def _mark(folder: Path) -> Iterator[Check]:
    if begins_with_mark(folder):
        yield replace(checked(EXPECTED_FILE), message=_MARK)


def _recorded(folder: Path, update: bool) -> Expected | None:
    """What is expected so far; with ``update`` none where nothing readable is recorded: it is written anew."""
    try:
        return read_expected(folder)
    except ProjectError:
        if update:
            return None
        raise
