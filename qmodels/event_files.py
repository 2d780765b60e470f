"""Event files: HDF5 with one float32 dataset per column, its unit beside it, and the seed that made it.

Layout: group ``events`` with a dataset per column, each with a ``units`` attribute; attributes of the file
itself: format, system, variant, seed, generator_version, events, input_columns (network order) and
input_scale (what a network input is per unit of its column).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from hls.machine.hdf5 import whole_hdf5
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
    with open_hdf5(path, MISSING) as file:
        return _header(path, file)


def read_inputs(path: Path, columns: tuple[str, ...], scale: float) -> Floats32:
    """Network inputs (n, d) float32 of an event file: ``columns`` in this order, times ``scale``.

    Raises ModelDataError naming the file and the column if it is missing, truncated, empty, of unequal
    length, or holds a number that is not finite.
    """
    with open_hdf5(path, MISSING) as file:
        header = _header(path, file)
        if header.input_scale != scale:
            raise ModelDataError(f"{path}: input_scale is {header.input_scale}, the network needs {scale}")
        out = np.empty((header.events, len(columns)), np.float32)
        for index, name in enumerate(columns):
            out[:, index] = _column(path, file, name, header.events) * np.float32(scale)
    return out


def open_hdf5(path: Path, missing: str) -> h5py.File:
    """The file, for reading; ModelDataError if it is no HDF5, or not there: ``missing`` says what is not."""
    if not path.is_file():
        raise ModelDataError(f"{path}: {missing}")
    try:
        return h5py.File(path)
    except OSError as error:
        raise ModelDataError(f"{path}: not an HDF5 file, or a truncated one ({error})") from error


def _header(path: Path, file: h5py.File) -> EventFileHeader:
    if file.attrs.get("format") != FORMAT:
        raise ModelDataError(f"{path}: not an event file: its attribute format is not {FORMAT!r}")
    try:
        attrs = file.attrs
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
    except (KeyError, TypeError, ValueError) as error:
        raise ModelDataError(f"{path}: damaged header ({error}); write the file again with `qtrigger data`") from error


def _column(path: Path, file: h5py.File, name: str, events: int) -> Floats32:
    try:
        values = np.asarray(file["events"][name], np.float32)
    except KeyError:
        raise ModelDataError(f"{path}: column {name!r} is missing from group 'events'") from None
    except (OSError, TypeError, ValueError) as error:
        raise ModelDataError(f"{path}: column {name!r} cannot be read ({error}); the file is damaged") from error
    if values.shape != (events,):
        raise ModelDataError(f"{path}: column {name!r} has shape {values.shape}, the header says ({events},)")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ModelDataError(f"{path}: column {name!r} is {values[bad[0]]} in event {bad[0]}; remove that event")
    return values
