"""Files of jets in the layout of the public LHC jet data set: HDF5 with ``jetConstituentList`` and ``jets``.

``jetConstituentList`` (n, constituents, at least 16) has the columns of ``CONSTITUENT_COLUMNS``, rows without a
constituent being zero; ``jets`` (n, columns) has features and labels, which ``jetFeatureNames`` names. A file of ours
says in its attributes besides where its jets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from hls.machine.hdf5 import whole_hdf5
from hls.machine.hdf5_holes import lacks
from qmodels.errors import ModelDataError
from qmodels.event_files import damage_named, open_hdf5
from qmodels.generation.headers import SampleHeader
from qmodels.jets.samples.columns import (
    CONSTITUENT_COLUMNS,
    JET_COLUMNS,
    JET_FEATURES,
    LABELS,
    MOST_CONSTITUENTS,
    PUBLIC_FEATURES,
    PUBLIC_JET_COLUMNS,
    PUBLIC_LABELS,
)
from qmodels.types import Floats32

FORMAT = "qtrigger-jets"
VERSION = 1
CONSTITUENTS, JETS = "jetConstituentList", "jets"
_CONSTITUENT_NAMES, _JET_NAMES = "particleFeatureNames", "jetFeatureNames"
_CHUNK = 64
_MISSING = "no such file of jets; write one with `qtrigger data jets`"
_PT = CONSTITUENT_COLUMNS.index("j1_pt")
LEAVES_OUT = "`qtrigger data jets --from FILE --out NEW` leaves such jets out"

UNKNOWN_CLASS = "no known class"
NOT_FINITE = "a number that is not finite"
EMPTY = "no constituent with pT above zero"


@dataclass(frozen=True, eq=False)
class Jets:
    """``constituents`` (n, m, 16) by falling pT, ``features`` (n, 16), and ``classes`` (n,), places in ``CLASSES``."""

    constituents: Floats32
    features: Floats32
    classes: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def chosen(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice) -> Jets:
        """Some of them."""
        return Jets(self.constituents[rows], self.features[rows], self.classes[rows])


def write_jets(
    path: Path, blocks: Iterable[tuple[Floats32, Floats32]], header: Callable[[], SampleHeader]
) -> SampleHeader:
    """Write blocks of constituents (n, 150, 16) and jet columns (n, 25), then the header, asked for after the last.

    The file appears under its name only when complete.
    """
    with whole_hdf5(path) as file:
        file[_CONSTITUENT_NAMES] = np.array(CONSTITUENT_COLUMNS, "S")
        file[_JET_NAMES] = np.array(JET_COLUMNS, "S")
        constituents = _dataset(file, CONSTITUENTS, (MOST_CONSTITUENTS, len(CONSTITUENT_COLUMNS)))
        jets = _dataset(file, JETS, (len(JET_COLUMNS),))
        for parts in blocks:
            for dataset, rows in zip((constituents, jets), parts, strict=True):
                dataset.resize(len(dataset) + len(rows), axis=0)
                dataset[len(dataset) - len(rows) :] = rows
        written = header()
        file.attrs.update(format=FORMAT, version=VERSION, **written.attributes())
    return written


def _dataset(file: h5py.File, name: str, shape: tuple[int, ...]) -> h5py.Dataset:
    return file.create_dataset(
        name, (0, *shape), "f4", chunks=(_CHUNK, *shape), maxshape=(None, *shape), shuffle=True, compression="lzf",
        track_times=False,
    )  # fmt: skip


def files_in(path: Path) -> list[Path]:
    """The file ``path``, or the HDF5 files in a folder of that name, which the public data set comes in."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in (".h5", ".hdf5"))
    if not found:
        raise ModelDataError(f"{path}: a folder without .h5 files; name a file of jets, or a folder of such")
    return found


def read_jets(path: Path, most: int, at_most: int | None = None) -> Jets:
    """The jets of a file, or of all files in a folder, with the hardest ``most`` constituents of each.

    Constituents that are not in order of pT are put in order. ``at_most`` jets are read, from the first on.

    Raises:
        ModelDataError: a file is missing, damaged or of another layout, or a jet is of no known class, has no
            constituent or a number that is not finite.
    """
    parts: list[Jets] = []
    for jets in _good_blocks(path, most):
        parts.append(jets)
        if at_most is not None and sum(len(part) for part in parts) >= at_most:
            break
    joined = Jets(*(np.concatenate([getattr(part, name) for part in parts]) for name in Jets.__dataclass_fields__))
    return joined if at_most is None else joined.chosen(slice(at_most))


def _good_blocks(path: Path, most: int) -> Iterator[Jets]:
    for file in files_in(path):
        for start, jets, why in _blocks(file, most):
            bad = np.flatnonzero(why != "")
            if bad.size:
                raise ModelDataError(f"{file}: jet {start + bad[0]} has {why[bad[0]]}; {LEAVES_OUT}")
            yield jets


def usable_jets(path: Path) -> Iterator[tuple[Jets, npt.NDArray[np.str_]]]:
    """Block by block of a file or folder the jets that can be used, and for all jets why not ("" for those)."""
    for file in files_in(path):
        for _, jets, why in _blocks(file, MOST_CONSTITUENTS):
            yield jets.chosen(why == ""), why


_READ_AT_ONCE = 10_000


def _blocks(path: Path, most: int) -> Iterator[tuple[int, Jets, npt.NDArray[np.str_]]]:
    """From which jet on, jets, and why each of them cannot be used."""
    with open_hdf5(path, _MISSING) as file, damage_named(path):
        layout = _Layout.of(path, file)
        for start in range(0, layout.jets, _READ_AT_ONCE):
            rows = slice(start, start + _READ_AT_ONCE)
            with np.errstate(over="ignore", invalid="ignore"):  # what is too large for float32 is not finite in it
                columns = file[JETS][rows].astype(np.float32)
                constituents = file[CONSTITUENTS][rows, :, : len(CONSTITUENT_COLUMNS)].astype(np.float32)
            jets = Jets(
                _hardest(constituents, most),
                columns[:, layout.features],
                np.argmax(columns[:, layout.labels], axis=1),
            )
            yield start, jets, _faults(jets, columns[:, layout.labels], constituents)


@dataclass(frozen=True)
class _Layout:
    """How many jets a file has, and in which columns of ``jets`` features and labels are."""

    jets: int
    features: list[int]
    labels: list[int]

    @classmethod
    def of(cls, path: Path, file: h5py.File) -> _Layout:
        constituents, jets = (_numbers(path, file, name) for name in (CONSTITUENTS, JETS))
        if constituents.ndim != 3 or constituents.shape[2] < len(CONSTITUENT_COLUMNS) or not constituents.shape[1]:
            raise ModelDataError(
                f"{path}: {CONSTITUENTS} has shape {constituents.shape}, (jets, constituents, "
                f"{len(CONSTITUENT_COLUMNS)}) is needed"
            )
        if jets.ndim != 2 or len(jets) != len(constituents):
            raise ModelDataError(
                f"{path}: {JETS} has shape {jets.shape}, ({len(constituents)}, columns) is needed: a row for each jet"
            )
        if not len(jets):
            raise ModelDataError(f"{path}: holds no jets")
        if _CONSTITUENT_NAMES in file:
            told = _texts(file[_CONSTITUENT_NAMES])[: len(CONSTITUENT_COLUMNS)]
            # A column of codes may be named among those that the public files leave out of the list.
            if told != list(CONSTITUENT_COLUMNS):
                wrong = next((t for t, known in zip(told, CONSTITUENT_COLUMNS, strict=False) if t != known), "nothing")
                raise ModelDataError(
                    f"{path}: {_CONSTITUENT_NAMES} says {wrong!r} among the first {len(CONSTITUENT_COLUMNS)} columns, "
                    f"which are {', '.join(CONSTITUENT_COLUMNS)}"
                )
        return cls(len(jets), *_jet_columns(path, file, jets.shape[1]))


def _jet_columns(path: Path, file: h5py.File, columns: int) -> tuple[list[int], list[int]]:
    if _JET_NAMES not in file:
        if columns == PUBLIC_JET_COLUMNS:
            return list(PUBLIC_FEATURES), list(PUBLIC_LABELS)
        raise ModelDataError(
            f"{path}: {JETS} has {columns} columns without names; give {_JET_NAMES}, or the {PUBLIC_JET_COLUMNS} "
            "columns of the public data set"
        )
    told = _texts(file[_JET_NAMES])
    missing = [name for name in (*JET_FEATURES, *LABELS) if name not in told]
    if missing or len(told) != columns:
        what = f"lacks {', '.join(missing)}" if missing else f"names {len(told)} columns, {JETS} has {columns}"
        raise ModelDataError(f"{path}: {_JET_NAMES} {what}")
    return [told.index(name) for name in JET_FEATURES], [told.index(name) for name in LABELS]


def _numbers(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    dataset = file.get(name)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
        raise ModelDataError(f"{path}: no dataset {name!r}: not a file of jets; {', '.join(file)} are there")
    if dataset.dtype.kind not in "fiu":
        raise ModelDataError(f"{path}: dataset {name!r} holds {dataset.dtype}, numbers are needed")
    hole = lacks(dataset)
    if hole is not None:
        raise ModelDataError(f"{path}: {hole}; fetch or write the file again")
    return dataset


def _texts(dataset: h5py.Dataset) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in np.ravel(dataset[()])]


def _hardest(constituents: Floats32, most: int) -> Floats32:
    """The ``most`` of highest pT, in order, padded with zeros; where pT is no number, as they are."""
    pt = constituents[:, :, _PT]
    if np.any(pt[:, 1:] > pt[:, :-1]):
        order = np.argsort(-pt, axis=1, kind="stable")
        constituents = np.take_along_axis(constituents, order[:, :, None], axis=1)
    kept = constituents[:, :most]
    kept = np.where(kept[:, :, _PT, None] > 0, kept, 0) if not np.isnan(kept).any() else kept
    lacking = most - kept.shape[1]
    return np.pad(kept, ((0, 0), (0, lacking), (0, 0))) if lacking > 0 else kept


def _faults(jets: Jets, labels: Floats32, constituents: Floats32) -> npt.NDArray[np.str_]:
    """Why each jet cannot be used; empty for those that can."""
    one_hot = (np.isin(labels, (0.0, 1.0)).all(axis=1)) & (labels.sum(axis=1) == 1.0)
    finite = np.isfinite(jets.features).all(axis=1) & np.isfinite(constituents).all(axis=(1, 2))
    with np.errstate(invalid="ignore"):
        empty = ~(constituents[:, :, _PT] > 0).any(axis=1)
    return np.select([~finite, ~one_hot, empty], [NOT_FINITE, UNKNOWN_CLASS, EMPTY], "")
