"""Files of pairs in the layout of the paper's authors: HDF5 with ``FDL``, parton level, and ``ROL``, as measured.

Both (n, 8) float32 of (px, py, pz, E) in GeV, electron first; the authors' ROL has four columns more, the missing
momentum, which nothing here reads. Files of ours say in attributes how they were made.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from hls.machine.hdf5 import whole_hdf5
from qmodels.errors import ModelDataError
from qmodels.event_files import damage_named, open_hdf5, read_floats
from qmodels.simulation.pairs import Pairs, sound
from qmodels.simulation.particles import COLUMNS
from qmodels.types import Floats32

FORMAT = "qtrigger-pairs"
VERSION = 1
LATENT, MEASURED = "FDL", "ROL"
_MISSING = "no such file of pairs; write one with `qtrigger data simulation`"
_CHUNK_EVENTS = 1 << 14
_WITH_MISSING_MOMENTUM = 12
Columns = tuple[Sequence[str], Sequence[str]]


@dataclass(frozen=True)
class PairHeader:
    """What became of the ``generated`` events (or those read), of which ``events`` are in the file."""

    sample: str
    events: int
    generated: int
    skipped: Mapping[str, int]
    seed: int | None = None
    generator: str = "unknown"


def write_pairs(path: Path, pairs: Pairs, header: PairHeader, columns: Columns = (COLUMNS, COLUMNS)) -> None:
    """Write a file; it appears whole or not at all. ``columns`` are the names of those of z and of x."""
    with whole_hdf5(path) as file:
        for name, values, named in zip((LATENT, MEASURED), (pairs.z, pairs.x), columns, strict=True):
            chunks = (min(_CHUNK_EVENTS, len(values)), len(named))
            file.create_dataset(name, data=values, dtype="f4", chunks=chunks, shuffle=True, compression="lzf")
            file[name].attrs.update(units="GeV", columns=list(named))
        file.attrs.update(format=FORMAT, version=VERSION, sample=header.sample, generator=header.generator)
        file.attrs.update(generated=header.generated, skipped=json.dumps(dict(header.skipped)))
        if header.seed is not None:
            file.attrs["seed"] = header.seed


def read_pairs(path: Path) -> tuple[Pairs, Mapping[str, int]]:
    """The usable events of a file of ours or of the authors', and how many others it has, by reason.

    Raises ModelDataError if there is no such file, a dataset is missing, damaged, of other columns or of another
    length than the other, or no event can be used.
    """
    z, x = read_particles(path, (len(COLUMNS),), (len(COLUMNS), _WITH_MISSING_MOMENTUM), "electron and positron")
    return usable(path, *sound(z, x[:, : len(COLUMNS)]))


def read_particles(
    path: Path, latent: tuple[int, ...], measured: tuple[int, ...], meaning: str
) -> tuple[Floats32, Floats32]:
    """z and x of a file, as many of both, in one of the numbers of columns given; ``meaning`` is in them.

    Raises ModelDataError as :func:`read_pairs` does.
    """
    with open_hdf5(path, _MISSING) as file, damage_named(path):
        z, x = (_rows(path, file, *asked, meaning) for asked in ((LATENT, latent), (MEASURED, measured)))
    if len(z) != len(x):
        raise ModelDataError(f"{path}: {LATENT} has {len(z)} events, {MEASURED} {len(x)}; both are of the same")
    return z, x


def usable(path: Path, pairs: Pairs, skipped: Counter[str]) -> tuple[Pairs, Mapping[str, int]]:
    """The same; ModelDataError if there are no ``pairs``."""
    if not len(pairs):
        reasons = "; ".join(f"{why}: {count}" for why, count in sorted(skipped.items()))
        total = sum(skipped.values())
        raise ModelDataError(f"{path}: none of its {total} events can be used ({reasons or 'it has none'})")
    return pairs, skipped


def latent_columns(path: Path) -> int:
    """How many numbers an event of z has in a file, by which its kind is told; 0 where it does not say."""
    with open_hdf5(path, _MISSING) as file, damage_named(path):
        values = file.get(LATENT)
        shape = values.shape if isinstance(values, h5py.Dataset) else None
    return math.prod(shape[1:]) if shape and len(shape) > 1 else 0


def _rows(path: Path, file: h5py.File, name: str, wanted: tuple[int, ...], meaning: str) -> Floats32:
    values = read_floats(path, file, name)
    if values.ndim == 3 and values.shape[2] == 4:  # the same, a row a particle
        values = values.reshape(len(values), -1)
    if values.ndim != 2 or values.shape[1] not in wanted:
        columns = " or ".join(str(number) for number in wanted)
        raise ModelDataError(
            f"{path}: {name} has shape {values.shape}; (events, {columns}) is needed: (px, py, pz, E) of {meaning}"
        )
    return np.ascontiguousarray(values)
