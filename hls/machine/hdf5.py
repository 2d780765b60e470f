"""HDF5 files that are written whole or not at all, also onto a disk that is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import h5py

from hls.machine.files import whole_file


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
