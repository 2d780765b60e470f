"""Event files of HDF5: datasets, in groups or not, and the fields of tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from hls.errors import EventError
from hls.events.event_file import Array, EventFile, cut, damage, require_size
from hls.machine.hdf5 import read_hdf5
from hls.machine.hdf5_holes import lacks

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)
_CURE = "damaged HDF5 ({}); write it again"
_FILL = ("_FillValue", "missing_value")
"""Attributes by which netCDF says which value stands for none."""


@contextmanager
def opened_hdf5(path: Path) -> Iterator[EventFile]:
    """A file of HDF5; the field ``pt`` of a table ``jets`` is called ``jets/pt``."""

    def read(name: str, length: int | None) -> Array:
        with damage(path, _DAMAGE, _CURE):
            dataset, field = places[name]
            _refuse_mask(path, file, dataset)
            return cut(_values(path, file[dataset], field), length)

    with damage(path, _DAMAGE, _CURE):
        file = read_hdf5(path)
    with file:
        with damage(path, _DAMAGE, _CURE):
            places = dict(_places(file))
        yield EventFile(path, "dataset", tuple(places), read)


def _places(file: h5py.File) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """From each name to its dataset and field. Links are followed at the top alone, where they cannot lead in a circle;
    one that leads nowhere is no dataset."""
    nested: list[str] = []
    file.visit(nested.append)
    for name in dict.fromkeys((*file, *nested)):
        dataset = file.get(name)
        if isinstance(dataset, h5py.Dataset):
            fields = dataset.dtype.names
            if fields is None:
                yield name, (name, None)
            else:
                yield from ((f"{name}/{field}", (name, field)) for field in fields)


def _refuse_mask(path: Path, file: h5py.File, name: str) -> None:
    """A mask beside the events says that some are none, which no port can be told."""
    group = name.rpartition("/")[0]
    for other in (f"{group}/mask" if group else "mask", f"{name}_mask", f"{name}.mask"):
        mask = file.get(other)
        if other != name and isinstance(mask, h5py.Dataset) and np.any(_values(path, mask, None)):
            raise EventError(f"{path}: dataset {other!r} masks values of {name!r}; give events without missing values")


def _refuse_filters(path: Path, dataset: h5py.Dataset) -> None:
    """Numbers packed by what HDF5 does not bring along, such as Blosc, are whole and unreadable here."""
    made = dataset.id.get_create_plist()
    for place in range(made.get_nfilters()):
        number, _, _, name = made.get_filter(place)
        if not h5py.h5z.filter_avail(number):
            called = name.decode(errors="replace").partition(";")[0] or "without a name"
            raise EventError(
                f"{path}: dataset {dataset.name!r} is compressed by filter {number} ({called}), which HDF5 does not "
                "bring along; set HDF5_PLUGIN_PATH to the folder of its plugin (hdf5plugin.PLUGIN_PATH of the package "
                "hdf5plugin), or write it again with gzip"
            )


def _values(path: Path, dataset: h5py.Dataset, field: str | None) -> Array:
    missing = lacks(dataset)
    if missing is not None:
        raise EventError(f"{path}: {missing}; HDF5 would give zeros in its place, so copy or write what is missing")
    if dataset.shape is None:
        raise EventError(f"{path}: dataset {dataset.name!r} is empty; write the events into it")
    _refuse_filters(path, dataset)
    require_size(path, dataset.nbytes)
    values = np.asarray(dataset[()] if field is None else dataset[field])
    for attribute in _FILL:
        if attribute in dataset.attrs and np.any(values == dataset.attrs[attribute]):
            raise EventError(
                f"{path}: dataset {dataset.name!r} holds its {attribute}, {dataset.attrs[attribute]}, which stands for "
                "a missing value; give events without missing values"
            )
    return values
