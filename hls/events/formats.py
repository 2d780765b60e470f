"""The format of an event file, told by its content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import h5py

from hls.errors import EventError
from hls.events import numpy_files, parquet_files, root_files
from hls.events.event_file import EventFile
from hls.events.hdf5_files import opened_hdf5
from hls.events.text_files import PACKED, is_table, opened_packed, opened_text

Opener = Callable[[Path], AbstractContextManager[EventFile]]

_BY_START: Mapping[bytes, Opener] = {
    numpy_files.ARRAY: numpy_files.opened_array,
    numpy_files.ARCHIVE: numpy_files.opened_archive,
    root_files.START: root_files.opened_root,
    parquet_files.START: parquet_files.opened_parquet,
    PACKED: opened_packed,
}
_BY_SUFFIX: Mapping[str, Opener] = {".npy": numpy_files.opened_array, ".npz": numpy_files.opened_archive}
"""What is said of a file that has lost its beginning."""


@contextmanager
def opened(path: Path) -> Iterator[EventFile]:
    """An event file of any format.

    Raises:
        EventError: there is none, or it is damaged, or of another format.
        ToolError: the package that reads it is not installed.
    """
    if not path.is_file():
        raise EventError(f"{path}: {'is a folder' if path.is_dir() else 'no such event file'}")
    with path.open("rb") as file:
        head = file.read(1 << 12)
    if not head:
        raise EventError(f"{path}: is empty, not an event file; was it copied whole?")
    opener = _opener(path, head)
    if opener is None:
        raise EventError(
            f"{path}: not an event file, or a truncated one; give HDF5, .npy, .npz, ROOT, Parquet or a table in text "
            "with a line of names (.csv, .csv.gz)"
        )
    with opener(path) as found:
        yield found


def _opener(path: Path, head: bytes) -> Opener | None:
    if h5py.is_hdf5(path):
        return opened_hdf5
    by_start = next((made for start, made in _BY_START.items() if head.startswith(start)), None)
    if by_start is None and is_table(head):
        return opened_text
    return by_start or _BY_SUFFIX.get(path.suffix)
