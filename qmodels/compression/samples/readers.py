"""Events that others have simulated or reconstructed: NanoAOD-like ROOT files, HepMC 2 and 3.

A reader yields one array (n, 4) of (pT in GeV, η, φ, PDG code) an event, of all particles that a detector may see.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from hls.machine.extras import not_installed
from qmodels.compression.samples.selection import COLUMNS
from qmodels.errors import ModelDataError
from qmodels.types import Floats64

_STEP_EVENTS = 2000
# Neutrinos, sneutrinos, neutralino, gravitino; then dark matter and PYTHIA's hidden valley.
_INVISIBLE = (12, 14, 16, 18, 1000012, 1000014, 1000016, 1000022, 1000039)
_DARK = ((51, 60), (4900000, 4999999))


@dataclass(frozen=True)
class Branches:
    """Where a ROOT file has its particles: jagged branches ``COLLECTION_pt`` (GeV) and so on in a tree."""

    tree: str = "Events"
    collection: str = "PFCands"
    columns: tuple[str, str, str, str] = ("pt", "eta", "phi", "pdgId")

    def names(self) -> list[str]:
        """Full names of the four branches."""
        return [f"{self.collection}_{column}" for column in self.columns]


@dataclass(frozen=True)
class Source:
    """A file's events, and how many there are."""

    events: Iterator[Floats64]
    total: int


def open_source(path: Path, branches: Branches | None = None) -> Source:
    """The events of a ROOT or HepMC file, told apart by how it begins.

    Raises:
        ModelDataError: the file is missing, truncated, damaged or of another kind, or a branch is missing; some of it
            only when that event is reached.
    """
    if not path.is_file():
        raise ModelDataError(f"{path}: no such file")
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"root":
        return _root(path, branches or Branches())
    if start == b"\x89HDF":
        raise ModelDataError(f"{path}: is HDF5 already; a collision file needs no conversion")
    return _hepmc(path)


def _root(path: Path, branches: Branches) -> Source:
    try:
        import uproot
    except ImportError as error:
        raise ModelDataError(not_installed("uproot")) from error
    try:
        file = uproot.open(path)
        if path.stat().st_size < file.file.fEND:
            raise ModelDataError(f"{path}: truncated: it should have {file.file.fEND:,} bytes; copy it again")
        tree = file[branches.tree]
        missing = [name for name in branches.names() if name not in tree.keys()]  # noqa: SIM118
    except KeyError as error:
        raise ModelDataError(f"{path}: has no tree {branches.tree!r}; it has {', '.join(file.keys())}") from error
    except (OSError, AttributeError, ValueError) as error:
        raise ModelDataError(f"{path}: not a ROOT file with a tree, or a damaged one ({_line(error)})") from error
    if missing:
        raise ModelDataError(f"{path}: tree {branches.tree!r} has no branch {', '.join(missing)}; name the collection")
    return Source(_tree_events(path, tree, branches.names()), int(tree.num_entries))


def _tree_events(path: Path, tree: Any, names: list[str]) -> Iterator[Floats64]:
    import awkward as ak

    first = 0
    steps = tree.iterate(names, step_size=_STEP_EVENTS, library="ak")
    while True:
        try:
            step = next(steps, None)
            if step is None:
                return
            counts = np.stack([np.asarray(ak.num(step[name])) for name in names])
            flat = [np.asarray(ak.flatten(step[name]), np.float64) for name in names]
        except (OSError, ValueError, TypeError) as error:
            raise ModelDataError(f"{path}: cannot read the events from {first} on ({_line(error)})") from error
        unequal = np.flatnonzero((counts != counts[0]).any(axis=0))
        if unequal.size:
            raise ModelDataError(f"{path}: event {first + unequal[0]}: {', '.join(names)} are not equally long")
        yield from np.split(np.stack(flat, axis=1), np.cumsum(counts[0])[:-1])
        first += len(step)


def _hepmc(path: Path) -> Source:
    try:
        import pyhepmc
    except ImportError as error:
        raise ModelDataError(not_installed("pyhepmc")) from error
    total = _count_hepmc(path)
    return Source(_hepmc_events(path, pyhepmc, total), total)


def _count_hepmc(path: Path) -> int:
    """Events that the text announces. HepMC's own reader takes a file cut off in an event for a shorter one."""
    try:
        with _text(path) as lines:
            total, marked, ended = _announced(lines)
    except (OSError, EOFError) as error:
        raise ModelDataError(f"{path}: cannot be read to its end ({_line(error)}); copy it again") from error
    if not marked:
        raise ModelDataError(f"{path}: neither ROOT nor HepMC 2 or 3; it starts with none of their marks")
    if not ended:
        raise ModelDataError(f"{path}: truncated: the line END_EVENT_LISTING is missing at its end")
    return total


def _announced(lines: Iterable[bytes]) -> tuple[int, bool, bool]:
    """Events in HepMC text, whether it begins with a mark of HepMC, and whether its last mark is that of the end."""
    total, marked, ended = 0, False, False
    for line in lines:
        marked = marked or line.startswith(b"HepMC::")
        if not marked and line.strip():
            break
        total += line.startswith(b"E ")
        if line.startswith(b"HepMC::"):
            ended = line.rstrip().endswith(b"END_EVENT_LISTING")
    return total, marked, ended


def _text(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _hepmc_events(path: Path, pyhepmc: Any, total: int) -> Iterator[Floats64]:
    read = 0
    with pyhepmc.open(str(path)) as file:
        for event in file:
            event.set_units(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            read += 1
            yield _hepmc_particles(event.numpy.particles)
    if read != total:
        raise ModelDataError(f"{path}: event {read} of {total} cannot be parsed; write the file again")


def _hepmc_particles(particles: Any) -> Floats64:
    """Final particles that are visible."""
    code = np.abs(particles.pid)
    seen = (particles.status == 1) & ~np.isin(code, _INVISIBLE)
    for low, high in _DARK:
        seen &= (code < low) | (code > high)
    px, py, pz = (np.asarray(values, np.float64)[seen] for values in (particles.px, particles.py, particles.pz))
    pt = np.hypot(px, py)
    out = np.zeros((len(pt), COLUMNS))
    out[:, 0], out[:, 2], out[:, 3] = pt, np.arctan2(py, px), particles.pid[seen]
    np.arcsinh(np.divide(pz, pt, where=pt > 0, out=np.zeros_like(pz)), out=out[:, 1])
    return out


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
