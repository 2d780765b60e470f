"""build/ is whole or not there, one build at a time, and a killed build changes nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hls.errors import FirmwareError
from hls.project.build_folder import fresh_build

_SLEEPER = """
import sys, time
from pathlib import Path
from hls.project.build_folder import fresh_build
with fresh_build(Path(sys.argv[1])) as folder:
    (folder / "report.json").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def hidden(project: Path) -> list[str]:
    return [path.name for path in project.iterdir() if path.name.startswith(".build-")]


def complete(project: Path, text: str) -> None:
    with fresh_build(project) as folder:
        (folder / "report.json").write_text(text)


def start_sleeper(project: Path) -> subprocess.Popen[str]:
    other = subprocess.Popen([sys.executable, "-c", _SLEEPER, str(project)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    return other


def test_replaces_the_previous_build(tmp_path: Path) -> None:
    complete(tmp_path, "one")
    complete(tmp_path, "two")
    assert (tmp_path / "build" / "report.json").read_text() == "two"
    assert hidden(tmp_path) == []


def test_a_failure_leaves_the_previous_build(tmp_path: Path) -> None:
    complete(tmp_path, "one")
    with pytest.raises(KeyError), fresh_build(tmp_path) as folder:
        (folder / "report.json").write_text("half")
        raise KeyError
    assert (tmp_path / "build" / "report.json").read_text() == "one"
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_one_line(tmp_path: Path, code: int) -> None:
    complete(tmp_path, "one")
    with pytest.raises(FirmwareError, match="free some space") as raised, fresh_build(tmp_path):
        raise OSError(code, os.strerror(code), str(tmp_path / "x"))
    assert "\n" not in str(raised.value)
    assert (tmp_path / "build" / "report.json").read_text() == "one"
    assert hidden(tmp_path) == []


def test_two_builds_at_once_and_a_killed_one(tmp_path: Path) -> None:
    complete(tmp_path, "one")
    other = start_sleeper(tmp_path)
    try:
        with pytest.raises(FirmwareError, match="another build"), fresh_build(tmp_path):
            pass
        assert len(hidden(tmp_path)) == 1  # the refused build did not touch the running one
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    assert (tmp_path / "build" / "report.json").read_text() == "one"
    complete(tmp_path, "two")
    assert (tmp_path / "build" / "report.json").read_text() == "two"
    assert hidden(tmp_path) == []


def test_killed_between_the_two_renames(tmp_path: Path) -> None:
    complete(tmp_path, "one")
    (tmp_path / "build").rename(tmp_path / ".build-old-123")
    with pytest.raises(KeyError), fresh_build(tmp_path):
        raise KeyError
    assert (tmp_path / "build" / "report.json").read_text() == "one"


def test_other_os_errors_are_bugs_and_stay(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="bad"), fresh_build(tmp_path):
        raise OSError(errno.EBADF, "bad")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFS and Lustre may answer so; a file that names its holder keeps a second build out all the same."""

    def refused(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / ".build.lock").touch()  # as an earlier build on a local disk leaves it
    monkeypatch.setattr("fcntl.flock", refused)
    with fresh_build(tmp_path) as folder:
        (folder / "report.json").write_text("one")
        with pytest.raises(FirmwareError, match="another build"), fresh_build(tmp_path):
            pass
    assert (tmp_path / "build" / "report.json").read_text() == "one"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_to_scratch_space_stays_and_is_built_behind(there: bool, tmp_path: Path) -> None:
    project, scratch = tmp_path / "project", tmp_path / "scratch" / "mine"
    project.mkdir()
    if there:
        scratch.mkdir(parents=True)
        (scratch / "report.json").write_text("zero")
    (project / "build").symlink_to(scratch)
    for text in ("one", "two"):
        complete(project, text)
        assert (project / "build").readlink() == scratch
        assert (scratch / "report.json").read_text() == text
    with pytest.raises(KeyError), fresh_build(project):
        raise KeyError
    assert (scratch / "report.json").read_text() == "two"
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["mine"]
    scratch.rename(tmp_path / "scratch" / ".mine-old-123")  # killed between the two renames
    (tmp_path / "scratch" / ".mine-new-123").mkdir()
    complete(project, "three")
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["mine"]


def test_a_build_that_leads_to_no_folder(tmp_path: Path) -> None:
    build, other = tmp_path / "build", tmp_path / "file"
    other.write_text("mine")
    for make in (lambda: build.symlink_to(other), lambda: build.write_text("a"), lambda: build.symlink_to(build)):
        make()
        with pytest.raises(FirmwareError, match=r"build: .*remove it"), fresh_build(tmp_path):
            pass
        build.unlink()
    assert other.read_text() == "mine"
    build.symlink_to("/dev/shm")  # noqa: S108 (a mounted disk, of which nothing is taken)
    with pytest.raises(FirmwareError, match="on that disk"), fresh_build(tmp_path):
        pass
