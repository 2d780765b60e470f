"""HDF5 files: written whole or not at all, also onto a disk that is full, and read without waiting for ever."""

from __future__ import annotations

import faulthandler
import io
import os
import resource
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NoReturn

import h5py

from hls.machine.files import whole_file

_SECONDS = 2
"""Of work, which a look takes milliseconds of; waiting for a slow disk is none."""
_SMALL = 1 << 20
"""Bytes of a dataset that is tried whole; of a larger one, which holds events, what the file says about it."""


@contextmanager
def whole_hdf5(path: Path) -> Iterator[h5py.File]:
    """A new HDF5 file at ``path``, which appears when the block ends well; raises as :func:`whole_file` does."""
    with whole_file(path) as draft, draft.open("w+b", buffering=0) as file:
        stream = _Patient(file)
        try:
            with h5py.File(stream, "w") as opened:
                yield opened
        finally:
            if stream.refused is not None:
                raise stream.refused


def read_hdf5(source: Path | io.BytesIO) -> h5py.File:
    """A file, or the bytes of one, for reading. Raises OSError as h5py does, and where HDF5 itself would crash or loop.

    On some damaged files it does, which no exception tells: a child, copied from this process in milliseconds, goes
    first, once for each content of a file.
    """
    if isinstance(source, io.BytesIO):
        _try(source)
    else:
        found = source.stat()
        _try_once(source, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
    return h5py.File(source, "r")


@lru_cache(maxsize=256)
def _try_once(path: Path, _version: tuple[int, ...]) -> None:
    _try(path)


def _try(source: Path | io.BytesIO) -> None:
    with warnings.catch_warnings():
        # Python warns of threads, whose locks a child may find held for ever: this one uses HDF5 alone.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        _try_and_leave(source)
    try:
        _, status = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    if os.WIFSIGNALED(status):
        raise OSError("HDF5 itself fails on it")


def _try_and_leave(source: Path | io.BytesIO) -> NoReturn:
    """Look at everything in the file; how this process ends is the answer."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where the C library says of what it dies
    try:
        with h5py.File(source, "r") as file:
            _look_at("/", file)
            file.visititems(_look_at)
    finally:
        os._exit(0)  # whatever is raised is raised again where it is told


def _look_at(_name: str, found: h5py.Group | h5py.Dataset) -> None:
    for value in found.attrs.values():
        del value
    if isinstance(found, h5py.Dataset):
        found.id.get_space_status()
        if found.nbytes <= _SMALL:
            found[()]


class _Patient:
    """A file that takes whatever is written, and keeps the first error of the system's for later.

    HDF5 cannot close a file after a failed write: it complains to stderr for every dataset, then crashes.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.refused: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: memoryview) -> int:
        """All of ``content``, as far as anybody is told."""
        rest = content
        try:
            while self.refused is None and len(rest):
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.refused = error
        return len(content)
