"""`pytest --firmware`: every folder with a project.toml is a test that rebuilds it and compares it with expected.json.

pytest loads this module in whatever environment holds qtrigger, so it imports nothing of ours until it is asked to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hls.project.checking import Checked

_PROJECT_FILE = "project.toml"
_MARKER = "firmware"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--firmware``."""
    parser.getgroup("qtrigger").addoption(
        "--firmware",
        action="store_true",
        help="also collect folders with a project.toml: `qtrigger check` of each is a test",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for ``-m "not firmware"``."""
    config.addinivalue_line("markers", f"{_MARKER}: rebuilds a firmware project and compares it with expected.json")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The project that ``file_path`` describes, where projects are asked for."""
    if file_path.name == _PROJECT_FILE and parent.config.getoption("--firmware"):
        return FirmwareFile.from_parent(parent, path=file_path)
    return None


class FirmwareFile(pytest.File):
    """A project.toml."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its project, as one test: what is compared is only known when it is built."""
        yield FirmwareItem.from_parent(self, name=self.path.parent.name)


class FirmwareItem(pytest.Item):
    """A project to be checked."""

    def __init__(self, *, name: str, parent: FirmwareFile) -> None:
        super().__init__(name, parent)
        self.add_marker(_MARKER)

    def runtest(self) -> None:
        """Build the project and compare."""
        from hls.project.checking import check_project

        done = check_project(_from_here(self.path.parent), self.name, update=False)
        if done.wrong:
            raise NotAsRecorded(done)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is not as recorded; the trace of anything else."""
        if isinstance(excinfo.value, NotAsRecorded):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test is, and what it is called where it failed."""
        return self.path, None, f"firmware {self.name}"


class NotAsRecorded(AssertionError):
    """A project differs from its expected.json, or cannot be built."""

    def __init__(self, done: Checked) -> None:
        from hls.project.check_pages import link

        count = f"{len(done.wrong)} of {len(done.checks)} checks are not as recorded in {done.folder}/expected.json"
        told = [f"{check.mark} {check.name}: {check.message}" for check in done.wrong]
        if any(check.status == "error" for check in done.wrong):
            super().__init__("\n".join([f"{done.folder} cannot be checked", *told]))
            return
        cure = f"if this is meant: qtrigger check {done.folder} --update, and commit the file"
        super().__init__("\n".join([count, *told, f"report: {link(done.page)}", cure]))


def _from_here(folder: Path) -> Path:
    """``folder`` as a reader types it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) and folder != here else folder
