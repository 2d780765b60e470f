"""Arrays of an event file: .npy, .npz or HDF5. Whatever says that values are missing is refused, and so is damage."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
import numpy.typing as npt

from hls.errors import EventError
from hls.machine.hdf5 import read_hdf5
from hls.machine.hdf5_holes import lacks

LARGEST_BYTES = 4 << 30
"""Of one array: half a billion values of eight bytes, more than any verification takes."""

_ZIP = b"PK"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_NUMPY_DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError),
    *(ValueError, TypeError, LookupError, OverflowError, SyntaxError, tokenize.TokenError),
)
"""numpy reads a header as a literal of Python, so damage there raises whatever parsing and ``np.dtype`` raise."""
_HDF5_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)
_FILL = ("_FillValue", "missing_value")
"""Attributes by which netCDF says which value stands for none."""

Arrays = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]


def event_arrays(path: Path, ports: tuple[str, ...]) -> Arrays:
    """The only array of the file, or its arrays by name: those of ``ports``, as far as there are others.

    Raises:
        EventError: no event file, a damaged one, one too large, or one in which values are missing.
    """
    if not path.is_file():
        raise EventError(f"{path}: no such event file")
    if h5py.is_hdf5(path):
        return _hdf5_file(path, ports)
    with path.open("rb") as file:
        start = file.read(len(np.lib.format.MAGIC_PREFIX))
    if start == np.lib.format.MAGIC_PREFIX or start.startswith(_ZIP) or path.suffix in (".npy", ".npz"):
        return _numpy_file(path)
    raise EventError(f"{path}: not an event file, or a truncated one; give HDF5 (.h5), .npy or .npz")


@contextmanager
def _damage(path: Path, kinds: tuple[type[Exception], ...], cure: str) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise EventError(f"{path}: its events do not fit into memory; give fewer of them") from error
    except kinds as error:
        first = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise EventError(f"{path}: {cure.format(first)}") from error


def _require_size(path: Path, declared: int) -> None:
    if declared > LARGEST_BYTES:
        raise EventError(
            f"{path}: declares {declared / 2**30:,.0f} GiB of events, no more than {LARGEST_BYTES >> 30} are read; "
            "give fewer"
        )


def _numpy_file(path: Path) -> Arrays:
    with (
        _damage(path, _NUMPY_DAMAGE, "truncated, damaged or pickled ({}); save it with np.save"),
        path.open("rb") as file,
    ):
        zipped = file.read(len(_ZIP)) == _ZIP
        file.seek(0)
        if not zipped:
            return _numpy_array(path, file, path.stat().st_size)
        arrays = {}
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    arrays[member.filename.removesuffix(".npy")] = _numpy_array(path, stream, member.file_size)
    return arrays if len(arrays) > 1 else next(iter(arrays.values()), np.empty(0))


def _numpy_array(path: Path, stream: IO[bytes], size: int) -> npt.NDArray[Any]:
    """What its header declares is compared with the ``size`` of the stream before memory is asked for."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format, for records, is not read")
    shape, _, dtype = _HEADERS[version](stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if dtype.kind not in "fiub":
        raise EventError(f"{path}: has dtype {dtype}; give floats or integers")
    declared, there = prod(shape) * dtype.itemsize, size - stream.tell()
    if min(shape, default=0) < 0 or declared > there:
        raise ValueError(f"its header declares shape {shape} of {dtype}, and {there:,} bytes follow")
    _require_size(path, declared)
    stream.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _hdf5_file(path: Path, ports: tuple[str, ...]) -> Arrays:
    """Datasets called as the inputs are, or the only dataset that there is."""
    with _damage(path, _HDF5_DAMAGE, "damaged HDF5 ({}); write it again"), read_hdf5(path) as file:
        names = [name for name in file if isinstance(file.get(name), h5py.Dataset)]  # a dead link is None
        if set(ports) <= set(names):
            for port in ports:
                _refuse_mask(path, file, port)
            return {port: _hdf5_array(path, file[port]) for port in ports}
        if len(ports) == len(names) == 1:
            return _hdf5_array(path, file[names[0]])
    raise EventError(f"{path}: has datasets {names or 'none'}; one for each input is needed, called {list(ports)}")


def _refuse_mask(path: Path, file: h5py.File, port: str) -> None:
    """A mask beside the events says that some are none, which no port can be told."""
    for name in ("mask", f"{port}_mask", f"{port}.mask"):
        mask = file.get(name)
        if isinstance(mask, h5py.Dataset) and np.any(_hdf5_array(path, mask)):
            raise EventError(f"{path}: dataset {name!r} masks values of {port!r}; give events without missing values")


def _hdf5_array(path: Path, dataset: h5py.Dataset) -> npt.NDArray[Any]:
    missing = lacks(dataset)
    if missing is not None:
        raise EventError(f"{path}: {missing}; HDF5 would give zeros in its place, so copy or write what is missing")
    _require_size(path, dataset.nbytes)
    values = np.asarray(dataset[()])
    for attribute in _FILL:
        if attribute in dataset.attrs and np.any(values == dataset.attrs[attribute]):
            raise EventError(
                f"{path}: dataset {dataset.name!r} holds its {attribute}, {dataset.attrs[attribute]}, which stands for "
                "a missing value; give events without missing values"
            )
    return values
