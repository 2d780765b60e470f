"""Z → e⁺e⁻ from PYTHIA 8: the hard process, and what of it and its showers reaches a detector."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.generation.pythia import started_pythia
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Event, Pythia

GENERATOR_VERSION = 1
"""Raised whenever the same seed would give other events with the same PYTHIA."""

_Z_TO_EE = (
    "Beams:eCM = 13000.",
    "WeakSingleBoson:ffbar2gmZ = on",
    "WeakZ0:gmZmode = 2",
    "23:onMode = off",
    "23:onIfAny = 11",
    "PhaseSpace:mHatMin = 20.",
)
SETTINGS: dict[str, tuple[str, ...]] = {
    # Underlying event and hadrons change the two electrons little, and cost twenty times as much as all the rest.
    "z-ee": (*_Z_TO_EE, "PartonLevel:MPI = off", "HadronLevel:all = off"),
    "z-ee-full": _Z_TO_EE,
}
"""PYTHIA settings of each sample."""

ELECTRON = 11
VISIBLE_ETA = 5.0
"""|η| up to which anything is seen."""
PT, ETA, PHI, ENERGY, CODE = range(5)
"""Columns of the visible particles."""
_MIN_PT, _MAX_ETA, _MIN_DISTANCE = 10.0, 2.5, 0.4
OUT_OF_CUTS = "cuts of the hard process"
FAILED = "PYTHIA failed"
_TRIES = 100


@dataclass(frozen=True, eq=False)
class Collision:
    """``z`` (8,): electron and positron of the hard process; ``visible`` (n, 5): final particles, by PT ... CODE."""

    z: Floats64
    visible: Floats64


def find_sample(sample: str, others: Iterable[str] = ()) -> str:
    """``sample`` if it is one of those that there are, else ModelDataError, which names ``others`` too."""
    if sample not in SETTINGS:
        raise ModelDataError(f"no sample is called {sample!r}; choose one of {', '.join((*SETTINGS, *others))}")
    return sample


def collisions(sample: str, n: int, seed: int) -> Iterator[Collision | str]:
    """``n`` events of ``sample``, or why one of them is none: the cuts of the paper's run card, or a failure of PYTHIA.

    The same seed gives the same events. Raises ModelDataError if PYTHIA is not installed or gives up.
    """
    pythia = started_pythia(sample, SETTINGS[find_sample(sample)], seed)
    failures = 0
    for made in range(n):
        if not pythia.next():
            failures += 1
            if failures > _TRIES + made:
                raise ModelDataError(f"PYTHIA gave up on sample {sample!r} with seed {seed} after {made} events")
            yield FAILED
            continue
        z = _hard_electrons(pythia)
        yield Collision(z, _visible(pythia.event)) if within_cuts(z) else OUT_OF_CUTS


def within_cuts(z: Floats64) -> bool:
    """Whether the run card of the paper keeps a hard process: pT above 10 GeV, |η| below 2.5, ΔR above 0.4."""
    (pt_e, eta_e, phi_e), (pt_p, eta_p, phi_p) = (_direction(z[start : start + 4]) for start in (0, 4))
    apart = math.remainder(phi_e - phi_p, 2 * math.pi)
    return (
        min(pt_e, pt_p) > _MIN_PT
        and max(abs(eta_e), abs(eta_p)) < _MAX_ETA
        and math.hypot(eta_e - eta_p, apart) > _MIN_DISTANCE
    )


def _direction(momentum: Floats64) -> tuple[float, float, float]:
    """pT, η and φ."""
    px, py, pz = (float(part) for part in momentum[:3])
    pt = math.hypot(px, py)
    return pt, math.asinh(pz / pt) if pt > 0.0 else math.inf, math.atan2(py, px)


def _hard_electrons(pythia: Pythia) -> Floats64:
    found: dict[int, tuple[float, ...]] = {}
    process: Any = pythia.process
    for index in range(process.size()):
        particle = process[index]
        if particle.isFinal() and particle.idAbs() == ELECTRON:
            found[particle.id()] = (particle.px(), particle.py(), particle.pz(), particle.e())
    return np.array([*found[ELECTRON], *found[-ELECTRON]], np.float64)


def _visible(event: Event) -> Floats64:
    rows = []
    for index in range(event.size()):
        particle = event[index]
        if particle.isFinal() and particle.isVisible():
            eta = particle.eta()
            if abs(eta) < VISIBLE_ETA:
                rows.append((particle.pT(), eta, particle.phi(), particle.e(), particle.id()))
    return np.array(rows, np.float64).reshape(-1, 5)
