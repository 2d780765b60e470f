"""Event files of numpy: one array (.npy), or several by name (.npz); of records, each field is a column."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from math import prod
from pathlib import Path
from typing import IO, Any

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
Fields = dict[str, tuple[str, ...]]
"""Where each field lies: its name in each of the records that it is in."""
_CURE = "truncated, damaged or pickled ({}); save it with np.save"


@contextmanager
def opened_array(path: Path) -> Iterator[EventFile]:
    """An .npy file: one array, which has no name, or the fields of its records."""

    def read(name: str, length: int | None) -> Array:
        with damage(path, _DAMAGE, _CURE):
            return cut(_field(whole(), fields[name]), length)

    @cache
    def whole() -> Array:
        with path.open("rb") as file:
            return _array(path, file, path.stat().st_size)

    with damage(path, _DAMAGE, _CURE), path.open("rb") as file:
        fields = _named(_header(file)[1])
    records = "" not in fields
    yield EventFile(path, "column" if records else "array", tuple(fields), read, ordered=records)


@contextmanager
def opened_archive(path: Path) -> Iterator[EventFile]:
    """An .npz file: its arrays; of one of records the fields, as ``array/field``."""

    def read(name: str, length: int | None) -> Array:
        member, inside = places[name]
        with damage(path, _DAMAGE, _CURE):
            return cut(_field(whole(member), inside), length)

    @lru_cache(maxsize=1)
    def whole(name: str) -> Array:
        with archive.open(members[name]) as stream:
            return _array(path, stream, members[name].file_size)

    with damage(path, _DAMAGE, _CURE):
        archive = zipfile.ZipFile(path)
    with archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        fields = {name: _fields_inside(archive, member) for name, member in members.items()}
        places = {
            "/".join(filter(None, (name, field))): (name, inside)
            for name, found in fields.items()
            for field, inside in found.items()
        }
        only = len(members) == 1 and "" not in next(iter(fields.values()))
        yield EventFile(path, "array", tuple(places), read, ordered=only)


def _fields_inside(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Fields:
    """Of an array in an archive; of a damaged one itself, and it is told where that is read."""
    try:
        with archive.open(member) as stream:
            return _named(_header(stream)[1])
    except _DAMAGE:
        return {"": ()}


def _named(dtype: np.dtype[Any]) -> Fields:
    """The fields of records, those of records in records as ``field/field``; what is no record has one without a name.

    >>> list(_named(np.dtype([("pt", "f4"), ("jet", [("eta", "f4"), ("phi", "f4")])])))
    ['pt', 'jet/eta', 'jet/phi']
    """
    if not dtype.names:
        return {"": ()}
    return {
        "/".join(filter(None, (name, field))): (name, *inside)
        for name in dtype.names
        for field, inside in _named(dtype[name].base).items()
    }


def _field(array: Array, places: Sequence[str]) -> Array:
    for place in places:
        array = array[place]
    return array


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format, for names in other letters than latin-1, is not read")
    shape, _, dtype = _HEADERS[version](stream)
    return shape, dtype


def _array(path: Path, stream: IO[bytes], size: int) -> Array:
    """What its header declares is compared with the ``size`` of the stream before memory is asked for."""
    shape, dtype = _header(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if dtype.kind not in "fiubSU" and not dtype.names:
        raise EventError(f"{path}: has dtype {dtype}; give floats or integers")
    declared, there = prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or declared > there or not dtype.itemsize:
        raise ValueError(f"its header declares shape {shape} of {dtype}, and {there:,} bytes follow")
    require_size(path, declared)
    stream.seek(0)
    array: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return array
