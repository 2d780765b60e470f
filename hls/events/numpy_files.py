"""Event files of numpy: one array (.npy), or several by name (.npz)."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from hls.errors import EventError
from hls.events.event_file import Array, EventFile, cut, damage, require_size

ARRAY = np.lib.format.MAGIC_PREFIX
ARCHIVE = b"PK"
"""How the files begin."""

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError),
    *(ValueError, TypeError, LookupError, OverflowError, SyntaxError, tokenize.TokenError),
)
"""numpy reads a header as a literal of Python, so damage there raises whatever parsing and ``np.dtype`` raise."""
_CURE = "truncated, damaged or pickled ({}); save it with np.save"


@contextmanager
def opened_array(path: Path) -> Iterator[EventFile]:
    """An .npy file: one array, which has no name."""

    def read(_: str, length: int | None) -> Array:
        with damage(path, _DAMAGE, _CURE), path.open("rb") as file:
            return cut(_array(path, file, path.stat().st_size), length)

    yield EventFile(path, "array", ("",), read)


@contextmanager
def opened_archive(path: Path) -> Iterator[EventFile]:
    """An .npz file."""

    def read(name: str, length: int | None) -> Array:
        with damage(path, _DAMAGE, _CURE), archive.open(members[name]) as stream:
            return cut(_array(path, stream, members[name].file_size), length)

    with damage(path, _DAMAGE, _CURE):
        archive = zipfile.ZipFile(path)
    with archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        yield EventFile(path, "array", tuple(members), read)


def _array(path: Path, stream: IO[bytes], size: int) -> Array:
    """What its header declares is compared with the ``size`` of the stream before memory is asked for."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format, for records, is not read")
    shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if dtype.kind not in "fiubSU":
        raise EventError(f"{path}: has dtype {dtype}; give floats or integers")
    declared, there = prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or declared > there:
        raise ValueError(f"its header declares shape {shape} of {dtype}, and {there:,} bytes follow")
    require_size(path, declared)
    stream.seek(0)
    array: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return array
