"""Collision files: HDF5 with the particles and the removed muons of every event, and how they were selected.

Layout: datasets ``particles`` (n, 50, 3) and ``muons`` (n, 2, 3), float32, of pT in GeV, η and φ, and ``visible`` (n,),
int32, the particles before they were clustered (not in version 1); attributes format, version, sample, generator,
generated, skipped and selection (both JSON), and seed where there was one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from hls.machine.hdf5 import whole_hdf5
from qmodels.compression.samples.selection import MAX_PARTICLES, Rows, Selection, cluster, wrapped
from qmodels.errors import ModelDataError
from qmodels.event_files import damage_named, is_text, open_hdf5, read_floats
from qmodels.generation.headers import SampleHeader
from qmodels.types import Floats32, Ints32

FORMAT = "qtrigger-collisions"
VERSION = 2
_WITHOUT_VISIBLE = 1
"""The version before, which is read too."""
_MOST_VISIBLE = 1 << 24
CHUNK_EVENTS = 256
_MISSING = "no such collision file; write one with `qtrigger data compression`"
_CURE = "write the file again with `qtrigger data compression`"


@dataclass(frozen=True)
class CollisionHeader(SampleHeader):
    """Where the events of a file come from, and which of all particles they hold."""

    selection: Selection


@dataclass(frozen=True, eq=False)
class Collisions:
    """``particles`` (n, 50, 3) by falling pT, padded with zeros; ``muons`` (n, 2, 3), μ⁻ first, zeros where none was
    removed. Float32 of pT in GeV, η, φ in ±π. ``visible`` (n,): particles before they were clustered; where a file of
    version 1 does not say, those that there are."""

    particles: Floats32
    muons: Floats32
    visible: Ints32
    header: CollisionHeader

    def __len__(self) -> int:
        return len(self.particles)

    def first(self, most: int) -> Collisions:
        """The first ``most`` of them."""
        return Collisions(self.particles[:most], self.muons[:most], self.visible[:most], self.header)


def write_collisions(path: Path, blocks: Iterable[Rows], header: Callable[[], CollisionHeader]) -> CollisionHeader:
    """Write blocks of events in bounded memory, then the header, asked for when all blocks are written.

    The file appears under its name only when complete.
    """
    with whole_hdf5(path) as file:
        datasets = {
            "particles": _dataset(file, "particles", "f4", (MAX_PARTICLES, 3)),
            "muons": _dataset(file, "muons", "f4", (2, 3)),
            "visible": _dataset(file, "visible", "i4", ()),
        }
        for block in blocks:
            _append(datasets, block)
        written = header()
        _write_header(file, written)
    return written


def _dataset(file: h5py.File, name: str, kind: str, shape: tuple[int, ...]) -> h5py.Dataset:
    chunks, most = (CHUNK_EVENTS, *shape), (None, *shape)
    return file.create_dataset(
        name, (0, *shape), kind, chunks=chunks, maxshape=most, shuffle=True, compression="lzf", track_times=False
    )


def _append(datasets: Mapping[str, h5py.Dataset], block: Rows) -> None:
    for name, dataset in datasets.items():
        rows = getattr(block, name)
        dataset.resize(len(dataset) + len(rows), axis=0)
        dataset[len(dataset) - len(rows) :] = rows


def _write_header(file: h5py.File, header: CollisionHeader) -> None:
    file.attrs.update(
        format=FORMAT,
        version=VERSION,
        **header.attributes(),
        selection=json.dumps(asdict(header.selection)),
        columns=["pt", "eta", "phi"],
        units=["GeV", "", "rad"],
    )


def read_collisions(path: Path) -> Collisions:
    """Read and check a collision file, whoever wrote it.

    φ is wrapped into ±π. Events with another number of rows than 50, or not in order of pT, are clustered to at most 50
    and put in order.

    Raises:
        ModelDataError: the file is missing, truncated or of another format, or an event has no particle, a negative pT
            or a number that is not finite.
    """
    with open_hdf5(path, _MISSING) as file, damage_named(path):
        header = _read_header(path, file)
        particles = _array(path, file, "particles")
        muons = _array(path, file, "muons")
        counts = read_floats(path, file, "visible") if file.attrs["version"] > _WITHOUT_VISIBLE else None
    if len(particles) != len(muons) or muons.shape[1] != 2:
        raise ModelDataError(f"{path}: particles {particles.shape} and muons {muons.shape} do not fit; {_CURE}")
    if not len(particles):
        raise ModelDataError(f"{path}: holds no events")
    _check(path, "particles", particles)
    _check(path, "muons", muons)
    _refuse(path, ~(particles[:, :, 0] > 0).any(axis=1), "has no particle with pT above zero")
    stored = (particles[:, :, 0] > 0).sum(axis=1, dtype=np.int32)
    visible = stored if counts is None else _visible(path, counts, stored)
    if particles.shape[1] != MAX_PARTICLES or (np.diff(particles[:, :, 0], axis=1) > 0).any():
        events = (cluster(event[event[:, 0] > 0], MAX_PARTICLES, MAX_PARTICLES) for event in particles.astype(float))
        particles = np.array(list(events), np.float32)
    return Collisions(particles, muons, visible, header)


def _visible(path: Path, counts: Floats32, stored: Ints32) -> Ints32:
    if counts.shape != stored.shape:
        raise ModelDataError(f"{path}: dataset 'visible' has shape {counts.shape}, {stored.shape} is needed; {_CURE}")
    whole = (counts == np.floor(counts)) & (counts < _MOST_VISIBLE)
    _refuse(path, ~(whole & (counts >= stored)), "has a number in 'visible' that cannot be a count of its particles")
    return counts.astype(np.int32)


def read_header(path: Path) -> CollisionHeader:
    """What a collision file says of itself; ModelDataError if it is none."""
    with open_hdf5(path, _MISSING) as file, damage_named(path):
        return _read_header(path, file)


def _read_header(path: Path, file: h5py.File) -> CollisionHeader:
    attrs = file.attrs
    if not is_text(attrs.get("format"), FORMAT):
        raise ModelDataError(f"{path}: not a collision file: its attribute format is not {FORMAT!r}")
    version = attrs.get("version")
    if np.ndim(version) or version not in (_WITHOUT_VISIBLE, VERSION):
        raise ModelDataError(f"{path}: version {version} of the format, {VERSION} is read; {_CURE}")
    try:
        return CollisionHeader(
            sample=str(attrs["sample"]),
            seed=int(attrs["seed"]) if "seed" in attrs else None,
            generator=str(attrs["generator"]),
            generated=int(attrs["generated"]),
            skipped={str(why): int(count) for why, count in json.loads(attrs["skipped"]).items()},
            selection=Selection(**json.loads(attrs["selection"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ModelDataError(f"{path}: damaged header ({error}); {_CURE}") from error


def _array(path: Path, file: h5py.File, name: str) -> Floats32:
    values = read_floats(path, file, name)
    if values.ndim != 3 or values.shape[2] != 3:
        raise ModelDataError(f"{path}: dataset {name!r} has shape {values.shape}, (events, particles, 3) is needed")
    return values


def _check(path: Path, name: str, values: Floats32) -> None:
    _refuse(path, ~np.isfinite(values).all(axis=(1, 2)), f"has a number in {name!r} that is not finite")
    _refuse(path, (np.abs(values[:, :, 2]) > 2 * np.pi + 1e-6).any(axis=1), f"has φ beyond ±2π in {name!r}: no radians")
    _refuse(path, (values[:, :, 0] < 0).any(axis=1), f"has a negative pT in {name!r}")
    values[:, :, 2] = wrapped(values[:, :, 2])


def _refuse(path: Path, bad: npt.ArrayLike, what: str) -> None:
    if np.any(bad):
        raise ModelDataError(f"{path}: event {int(np.argmax(bad))} {what}; mend or remove that event")
