"""Event files: HDF5 with one float32 dataset per column, its unit beside it, and the seed that made it.

Layout: group ``events`` with a dataset per column, each with a ``units`` attribute; attributes of the file
itself: format, system, variant, seed, generator_version, events, input_columns (network order) and
input_scale (what a network input is per unit of its column).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from hls.machine.hdf5 import read_hdf5, whole_hdf5
from hls.machine.hdf5_holes import lacks
from qmodels.errors import ModelDataError
from qmodels.types import EventProgress, Floats32

FORMAT = "qtrigger-events"
CHUNK_EVENTS = 1 << 16
MISSING = "no such event file; write one with `qtrigger data`"


@dataclass(frozen=True)
class EventFileHeader:
    """What a file says about itself. ``parameters`` are columns too (truth), but no network inputs."""

    system: str
    variant: str
    seed: int
    generator_version: int
    events: int
    input_columns: tuple[str, ...]
    parameters: tuple[str, ...]
    input_scale: float
    units: str = "GeV"


def write_event_file(
    path: Path,
    header: EventFileHeader,
    blocks: Iterable[tuple[Floats32, Floats32]],
    progress: EventProgress | None = None,
) -> None:
    """Write blocks of (inputs (n, d), parameters (n, k)) in bounded memory.

    The file appears under its name only when complete. ``progress(written, total)`` is called after every
    block.
    """
    with whole_hdf5(path) as file:
        _fill(file, header, blocks, progress)


def _fill(
    file: h5py.File,
    header: EventFileHeader,
    blocks: Iterable[tuple[Floats32, Floats32]],
    progress: EventProgress | None,
) -> None:
    file.attrs.update(
        format=FORMAT,
        system=header.system,
        variant=header.variant,
        seed=header.seed,
        generator_version=header.generator_version,
        events=header.events,
        input_columns=list(header.input_columns),
        input_scale=header.input_scale,
    )
    group = file.create_group("events")
    columns = []
    for name in (*header.input_columns, *header.parameters):
        chunk = (min(CHUNK_EVENTS, header.events),)
        column = group.create_dataset(name, (header.events,), "f4", chunks=chunk, shuffle=True, compression="lzf")
        column.attrs["units"] = header.units
        columns.append(column)
    for start, rows in _gathered(blocks):
        for column, values in zip(columns, rows.T, strict=True):
            column[start : start + len(rows)] = values
        if progress is not None:
            progress(start + len(rows), header.events)


def _gathered(blocks: Iterable[tuple[Floats32, Floats32]]) -> Iterable[tuple[int, Floats32]]:
    """Join generator blocks to whole chunks: a chunk written in pieces would be compressed each time."""
    start, held, count = 0, [], 0
    for inputs, parameters in blocks:
        held.append(np.concatenate([inputs, parameters], axis=1))
        count += len(inputs)
        if count >= CHUNK_EVENTS:
            yield start, np.concatenate(held)
            start, held, count = start + count, [], 0
    if held:
        yield start, np.concatenate(held)


def read_header(path: Path) -> EventFileHeader:
    """Read and check the attributes of an event file; ModelDataError if it is none."""
    with open_hdf5(path, MISSING) as file, damage_named(path):
        return _header(path, file)


def read_inputs(path: Path, columns: tuple[str, ...], scale: float) -> Floats32:
    """Network inputs (n, d) float32 of an event file: ``columns`` in this order, times ``scale``.

    Raises ModelDataError naming the file and the column if it is missing, truncated, empty, of unequal
    length, or holds a number that is not finite.
    """
    with open_hdf5(path, MISSING) as file, damage_named(path):
        header = _header(path, file)
        if header.input_scale != scale:
            raise ModelDataError(f"{path}: input_scale is {header.input_scale}, the network needs {scale}")
        read = [_column(path, file, name, header.events) for name in columns]
    return np.stack(read, axis=1) * np.float32(scale)


def open_hdf5(path: Path, missing: str) -> h5py.File:
    """The file, for reading; ModelDataError if it is no HDF5, or not there: ``missing`` says what is not."""
    if not path.is_file():
        raise ModelDataError(f"{path}: {missing}")
    try:
        return read_hdf5(path)
    except OSError as error:
        raise ModelDataError(f"{path}: not an HDF5 file, or a truncated one ({error})") from error


@contextmanager
def damage_named(path: Path, what: str = "damaged") -> Iterator[None]:
    """What HDF5 and numpy raise over a damaged file becomes a ModelDataError that names it, and ``what`` it is."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, OverflowError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelDataError(f"{path}: {what} ({first}); write the file again with `qtrigger data`") from error


def read_floats(path: Path, group: h5py.Group, name: str, noun: str = "dataset") -> Floats32:
    """A dataset of numbers, which errors call ``noun``. Its values are found to be there before memory is asked for."""
    dataset = group.get(name) if isinstance(group, h5py.Group) else None
    if not isinstance(dataset, h5py.Dataset):
        raise ModelDataError(f"{path}: {noun} {name!r} is missing; write the file again with `qtrigger data`")
    if dataset.dtype.kind not in "fiu" or dataset.shape is None:
        raise ModelDataError(f"{path}: {noun} {name!r} holds {dataset.dtype}, numbers are needed")
    missing = lacks(dataset)
    if missing is not None:
        raise ModelDataError(f"{path}: {missing}; write the file again with `qtrigger data`")
    return np.asarray(dataset, np.float32)


def is_text(value: object, text: str) -> bool:
    """Whether an attribute, which in a damaged file is anything, is this ``text``."""
    return isinstance(value, str) and value == text


def _header(path: Path, file: h5py.File) -> EventFileHeader:
    if not is_text(file.attrs.get("format"), FORMAT):
        raise ModelDataError(f"{path}: not an event file: its attribute format is not {FORMAT!r}")
    attrs = file.attrs
    with damage_named(path, "damaged header"):
        inputs = tuple(str(name) for name in attrs["input_columns"])
        return EventFileHeader(
            system=str(attrs["system"]),
            variant=str(attrs["variant"]),
            seed=int(attrs["seed"]),
            generator_version=int(attrs["generator_version"]),
            events=int(attrs["events"]),
            input_columns=inputs,
            parameters=tuple(name for name in file["events"] if name not in inputs),
            input_scale=float(attrs["input_scale"]),
        )


def _column(path: Path, file: h5py.File, name: str, events: int) -> Floats32:
    values = read_floats(path, file.get("events"), name, "column")
    if values.shape != (events,):
        raise ModelDataError(f"{path}: column {name!r} has shape {values.shape}, the header says ({events},)")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ModelDataError(f"{path}: column {name!r} is {values[bad[0]]} in event {bad[0]}; remove that event")
    return values
