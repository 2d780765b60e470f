"""The build/ folder of a project: one build at a time, and whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from hls.errors import FirmwareError
from hls.machine.disk import disk_errors

_LOCK = ".build.lock"
_HELD = ".build.lock.held"
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}
_NEW = ".build-new-"
_OLD = ".build-old-"


@contextmanager
def fresh_build(project: Path) -> Iterator[Path]:
    """An empty folder that becomes ``project/build`` when the block ends well, and vanishes when it does not.

    What a killed build left behind is cleared away first; the previous build/ stays until the new one is whole.

    Raises:
        FirmwareError: another build of this project is running, or the disk is full or not writable.
    """
    with disk_errors(project), _alone(project):
        _recover(project)
        folder = project / f"{_NEW}{os.getpid()}"
        folder.mkdir()
        try:
            yield folder
            _swap(project, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    lock = _lock(project)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FirmwareError(f"{project}: another build of this project is running; wait for it, or stop it") from None
    try:
        yield
    finally:
        lock.release()


def _lock(project: Path) -> BaseFileLock:
    """A lock of the system's, or where the file system has none (NFS, Lustre), a file that names who holds it."""
    with tempfile.TemporaryFile(dir=project) as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return SoftFileLock(project / _HELD)
            raise
    return FileLock(project / _LOCK)


def _recover(project: Path) -> None:
    """Under the lock nobody else builds, so whatever lies here belongs to a build that died."""
    build = project / "build"
    for old in sorted(project.glob(f"{_OLD}*")):
        if build.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:  # it died between the two renames
            old.rename(build)
    for new in project.glob(f"{_NEW}*"):
        shutil.rmtree(new, ignore_errors=True)


def _swap(project: Path, folder: Path) -> None:
    build, old = project / "build", project / f"{_OLD}{os.getpid()}"
    if build.exists():
        build.rename(old)
    folder.rename(build)
    shutil.rmtree(old, ignore_errors=True)
