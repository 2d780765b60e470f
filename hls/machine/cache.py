"""Folders that are slow to make and depend on nothing but a key: made once, then found again."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock

_DONE = ".complete"
_KEPT = 24


def digest(parts: Iterable[str | Path]) -> str:
    """SHA-256 over texts and the content of files."""
    state = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        state.update(f"{len(data)}:".encode() + data)
    return state.hexdigest()


def cached_folder(cache: Path, key: str, fill: Callable[[Path], None]) -> Path:
    """The folder ``cache/key``, filled by ``fill`` if it is not there.

    It appears whole or not at all: what ``fill`` leaves behind when it fails or is killed is never taken for a result.
    """
    folder = cache / key
    if (folder / _DONE).is_file():
        _mark_used(folder / _DONE)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    try:
        fill(place)
        _mark_used(place / _DONE)
        shutil.rmtree(folder, ignore_errors=True)
        place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    _forget_oldest(cache)
    return folder


def users_cache(name: str) -> Path:
    """Where results for all of a user's projects are kept: ``qtrigger/NAME`` in XDG_CACHE_HOME, or in ~/.cache.

    Raises:
        RuntimeError: there is no such variable, and the user has no home.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache").absolute() / "qtrigger" / name


def users_folder(name: str, cache: Path, key: str, fill: Callable[[Path], None]) -> Path:
    """``cached_folder`` in the user's cache ``name``, by one process at a time: the others wait for what it makes.

    Where nothing can be written or locked there, in ``cache``, that of a project.
    """
    try:
        shared = users_cache(name)
        shared.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=shared) as probe:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)  # NFS and Lustre may have no locks
    except (OSError, RuntimeError):
        return cached_folder(cache, key, fill)
    with FileLock(shared / f"{key}.lock"):
        return cached_folder(shared, key, fill)


def _mark_used(done: Path) -> None:
    """With the clock's own time: the one that a file system stamps is milliseconds coarse, so that two uses may tie."""
    done.touch()
    now = time.time_ns()
    os.utime(done, ns=(now, now))


def _forget_oldest(cache: Path) -> None:
    """Keep the ``_KEPT`` results that were used last."""
    used = sorted(cache.glob(f"*/{_DONE}"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for done in used[_KEPT:]:
        shutil.rmtree(done.parent, ignore_errors=True)
