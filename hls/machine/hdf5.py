"""HDF5 files: written whole or not at all, also onto a disk that is full, and read without waiting for ever."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py

from hls.machine.files import whole_file

_HEAP = b"GCOL\x01\0\0\0"
"""Signature and version of a global heap; then 8 bytes of its size, then entries."""
_ENTRY = 16
"""Bytes before the content of an entry: number (2), references (2), nothing (4), size (8). Number 0 is what is free."""


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
    """A file, or the bytes of one, for reading. Raises OSError as h5py does, and where HDF5 would loop for ever."""
    if isinstance(source, io.BytesIO):
        _require_heaps(source.getvalue())
    elif source.stat().st_size:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _require_heaps(content)
    return h5py.File(source, "r")


def _require_heaps(content: bytes | mmap.mmap) -> None:
    """Refuse a heap of texts with an entry that leads to itself: HDF5 walks from entry to entry by their sizes."""
    start = content.find(_HEAP)
    while start >= 0:
        end = start + int.from_bytes(content[start + 8 : start + 16], "little")
        place = start + _ENTRY
        while place + _ENTRY <= min(end, len(content)):
            number = int.from_bytes(content[place : place + 2], "little")
            size = int.from_bytes(content[place + 8 : place + _ENTRY], "little")
            if size > end - place or (number == 0 and size < _ENTRY):
                raise OSError(f"its heap at byte {start} is damaged")
            place += _ENTRY + -(-size // 8) * 8 if number else size
        start = content.find(_HEAP, start + _ENTRY)


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
