"""Samples that are made once and kept in the user's cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from hls.machine.cache import users_cache
from qmodels.errors import ModelDataError


def cached(system: str, name: str, fixed_by: str, make: Callable[[Path], object]) -> Path:
    """The file ``name`` of a ``system``, made by ``make`` the first time.

    ``fixed_by`` is all that its content depends on: another text is another file.

    Raises ModelDataError as ``make`` does, or if the cache folder cannot be written.
    """
    digest = hashlib.sha256(fixed_by.encode()).hexdigest()[:12]
    path = cache_folder(system) / f"{name}-{digest}.h5"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # two builds at once need the same events
            if not path.exists():
                make(path)
    except OSError as error:
        raise ModelDataError(f"{path.parent}: cannot keep events there ({error}); set XDG_CACHE_HOME") from error
    return path


def cache_folder(system: str) -> Path:
    """Where a system's events are kept: ``qtrigger/SYSTEM`` in XDG_CACHE_HOME, or in ~/.cache."""
    return users_cache(system)
