"""Event files in the layout of the public data set: HDF5 with ``Particles``, and what ours say besides.

``Particles`` (n, 19, 4) holds pT in GeV, η, φ and the code of each object's kind (1 to 4, 0 where there is none). A
file of ours has ``Processes`` (n,), the process that made each event, as numbers whose names are an attribute, and in
its attributes the sample, the seed and the generator. Files without all that are read as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from hls.machine.hdf5 import whole_hdf5
from hls.machine.hdf5_holes import lacks
from qmodels.anomaly.layout import KINDS, OBJECTS
from qmodels.anomaly.samples.blocks import CODES
from qmodels.errors import ModelDataError
from qmodels.event_files import damage_named, open_hdf5
from qmodels.generation.headers import SampleHeader
from qmodels.types import Floats32

FORMAT = "qtrigger-anomaly-events"
PARTICLES, PROCESS_CODES = "Particles", "Processes"
NOT_FINITE = "NaN or infinity"
NEGATIVE = "negative pT"
ANGLE = "φ beyond ±2π (in radians)"
KIND = "a code that is not that of the place"
EMPTY = "no object at all"
_CHUNK = 1024
_READ = 100_000
_MISSING = "no such event file; write one with `qtrigger data anomaly`"
_LARGEST_ANGLE = 2 * np.pi + 1e-3


def write_events(
    path: Path, blocks: Iterable[tuple[Floats32, npt.NDArray[np.int8] | None]], header: Callable[[], SampleHeader]
) -> SampleHeader:
    """Write blocks of events (n, 19, 3) and their processes, then the header, asked for when all blocks are written.

    The file appears under its name only when complete.
    """
    codes = np.zeros(OBJECTS, np.float32)
    for kind in KINDS:
        codes[kind.rows] = kind.code
    with whole_hdf5(path) as file:
        particles = _dataset(file, PARTICLES, "f4", (OBJECTS, 4))
        processes = _dataset(file, PROCESS_CODES, "i1", ())
        for events, made_by in blocks:
            rows = np.concatenate([events, (codes * (events[:, :, 0] > 0))[:, :, None]], axis=2)
            _append(particles, rows)
            _append(processes, np.full(len(events), -1, np.int8) if made_by is None else made_by)
        written = header()
        file.attrs.update(
            format=FORMAT,
            **written.attributes(),
            processes=list(CODES),
            columns=["pt", "eta", "phi", "kind"],
            units=["GeV", "", "rad", ""],
        )
    return written


def _dataset(file: h5py.File, name: str, kind: str, shape: tuple[int, ...]) -> h5py.Dataset:
    return file.create_dataset(
        name, (0, *shape), kind, chunks=(_CHUNK, *shape), maxshape=(None, *shape), shuffle=True, compression="lzf",
        track_times=False,
    )  # fmt: skip


def _append(dataset: h5py.Dataset, rows: npt.NDArray[np.generic]) -> None:
    dataset.resize(len(dataset) + len(rows), axis=0)
    dataset[len(dataset) - len(rows) :] = rows


@dataclass
class Reading:
    """A file of events as it is read: how many rows there were so far, and why some of them are no event."""

    path: Path
    read: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def blocks(self, most: int | None = None) -> Iterator[Floats32]:
        """Events (n, 19, 3), φ wrapped into ±π, in bounded memory; the first ``most`` rows of the file if given.

        Rows that are no event are left out and counted.

        Raises:
            ModelDataError: the file is missing, truncated, of another layout or without rows.
        """
        with open_hdf5(self.path, _MISSING) as file, damage_named(self.path):
            particles = _particles(self.path, file)
            end = len(particles) if most is None else min(most, len(particles))
            for start in range(0, end, _READ):
                rows = np.asarray(particles[start : min(start + _READ, end)], np.float32)
                faults = _faults(rows)
                self.read += len(rows)
                self.skipped.update(str(why) for why in faults if why)
                yield _wrapped(rows[faults == ""][:, :, :3])

    def check_any(self) -> None:
        """ModelDataError, with the counts by reason, if none of the rows read so far is an event."""
        if self.read == sum(self.skipped.values()):
            counts = ", ".join(f"{why} {count:,}" for why, count in sorted(self.skipped.items()))
            raise ModelDataError(f"{self.path}: none of its {self.read:,} rows is an event: {counts}")

    def header(self) -> SampleHeader:
        """What a file of the events read so far says of itself."""
        return SampleHeader(self.path.stem, None, f"file {self.path.name}", self.read, self.skipped)


def read_events(path: Path) -> Floats32:
    """All events (n, 19, 3) of a file; ModelDataError if it cannot be read or one of its rows is no event."""
    reading = Reading(path)
    events = np.concatenate(list(reading.blocks()))
    if reading.skipped:
        why, count = reading.skipped.most_common(1)[0]
        raise ModelDataError(
            f"{path}: {count:,} of {reading.read:,} events have {why}; "
            f"`qtrigger data anomaly --from {path.name} --out FILE.h5` writes a file without them"
        )
    return events


def _particles(path: Path, file: h5py.File) -> h5py.Dataset:
    particles = file.get(PARTICLES)
    if not isinstance(particles, h5py.Dataset):
        has = ", ".join(file) or "nothing"
        raise ModelDataError(f"{path}: no dataset {PARTICLES!r}, as the public files have; it holds {has}")
    if particles.dtype.kind not in "fiu" or particles.shape is None:
        raise ModelDataError(f"{path}: {PARTICLES} holds {particles.dtype}, numbers are needed")
    if len(particles.shape) != 3 or particles.shape[1] != OBJECTS or particles.shape[2] not in (3, 4):
        raise ModelDataError(
            f"{path}: {PARTICLES} has shape {particles.shape}, (events, {OBJECTS}, 4) is needed: the missing momentum, "
            "4 electrons, 4 muons and 10 jets, each with pT, η, φ and the code of its kind"
        )
    if not len(particles):
        raise ModelDataError(f"{path}: holds no events")
    missing = lacks(particles)
    if missing is not None:
        raise ModelDataError(f"{path}: {missing}")
    return particles


def _faults(rows: Floats32) -> npt.NDArray[np.str_]:
    """Why each of the rows (n, 19, 3 or 4) is no event, empty for those that are."""
    finite = np.isfinite(rows).all(axis=(1, 2))
    known = np.where(np.isfinite(rows), rows, 0.0)
    pt, phi = known[:, :, 0], known[:, :, 2]
    wrong = np.zeros(len(rows), np.bool_)
    if rows.shape[2] == 4:
        for kind in KINDS:
            codes = known[:, kind.rows, 3]
            wrong |= ((codes != 0) & (codes != kind.code)).any(axis=1)
    told = (
        (~finite, NOT_FINITE),
        ((pt < 0).any(axis=1), NEGATIVE),
        ((np.abs(phi) > _LARGEST_ANGLE).any(axis=1), ANGLE),
        (wrong, KIND),
        (~(pt[:, 1:] > 0).any(axis=1), EMPTY),
    )
    return np.select([mask for mask, _ in told], [why for _, why in told], default="").astype(np.str_)


def _wrapped(events: Floats32) -> Floats32:
    """φ within ±π, those that are there already to the last bit."""
    phi = events[:, :, 2]
    outside = np.abs(phi) > np.float32(np.pi)
    events[:, :, 2] = np.where(outside, np.remainder(phi + np.pi, 2 * np.pi) - np.pi, phi)
    return events
