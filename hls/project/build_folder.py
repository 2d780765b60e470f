"""The build/ folder of a project: one build at a time, and whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from hls.errors import FirmwareError
from hls.machine.disk import disk_errors

_LOCK = ".build.lock"
_HELD = ".build.lock.held"
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


@contextmanager
def fresh_build(project: Path) -> Iterator[Path]:
    """An empty folder that becomes ``project/build`` when the block ends well, and vanishes when it does not.

    What a killed build left behind is cleared away first; the previous build/ stays until the new one is whole. Where
    build/ is a link, to scratch space say, all of this happens where it leads, and it stays a link.

    Raises:
        FirmwareError: another build of this project is running, build/ leads to no folder, or the disk is full or not
            writable.
    """
    with disk_errors(project), _alone(project):
        place = _Place.behind(project / "build")
        place.recover()
        place.new.mkdir()
        try:
            yield place.new
            place.swap()
        finally:
            shutil.rmtree(place.new, ignore_errors=True)


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


@dataclass(frozen=True)
class _Place:
    """Where the folder ``build`` really lies, and its drafts beside it, on the same disk."""

    build: Path

    @classmethod
    def behind(cls, link: Path) -> _Place:
        """The place to which ``link`` leads; it need not be there yet."""
        build = Path(os.path.realpath(link))
        if build.is_symlink():  # though all links were followed
            raise FirmwareError(f"{link}: is a link that leads in a circle; let it lead to a folder, or remove it")
        if build.exists() and not build.is_dir():
            leads = f"leads to {build}, which is no folder" if link.is_symlink() else "is no folder"
            raise FirmwareError(f"{link}: {leads}; remove it, or let it lead to one")
        if build.is_mount():
            raise FirmwareError(f"{link}: leads to a whole disk; let it lead to a folder on that disk")
        build.parent.mkdir(parents=True, exist_ok=True)
        return cls(build)

    @property
    def new(self) -> Path:
        """What this process builds."""
        return self.build.with_name(f"{self._new}{os.getpid()}")

    def recover(self) -> None:
        """Under the lock nobody else builds, so whatever lies here belongs to a build that died."""
        for old in sorted(self.build.parent.glob(f"{glob.escape(self._old)}*")):
            if self.build.exists():
                shutil.rmtree(old, ignore_errors=True)
            else:  # it died between the two renames
                old.rename(self.build)
        for new in self.build.parent.glob(f"{glob.escape(self._new)}*"):
            shutil.rmtree(new, ignore_errors=True)

    def swap(self) -> None:
        """The new build in the place of the old one."""
        old = self.build.with_name(f"{self._old}{os.getpid()}")
        if self.build.exists():
            self.build.rename(old)
        self.new.rename(self.build)
        shutil.rmtree(old, ignore_errors=True)

    @property
    def _new(self) -> str:
        return f".{self.build.name}-new-"

    @property
    def _old(self) -> str:
        return f".{self.build.name}-old-"
