"""Top pairs from PYTHIA 8 at 13 TeV: t → b u d̄ and t̄ → b̄ e⁻ ν̄, and the stable particles that reach a detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.generation.pythia import started_pythia
from qmodels.simulation.ttbar.layout import LATENT_MASSES, with_energies
from qmodels.types import Floats32, Floats64

GENERATOR_VERSION = 1
"""Raised whenever the same seed would give other events with the same PYTHIA."""

_PAIRS = (
    "Beams:eCM = 13000.",
    "Top:gg2ttbar = on",
    "Top:qqbar2ttbar = on",
    "5:m0 = 4.7",  # MadGraph's, and so the paper's
    "6:onMode = off",
    "6:onIfAny = 5",
    "24:onMode = off",
    "24:onPosIfMatch = 2 1",
    "24:onNegIfMatch = 11 12",
)
SETTINGS: dict[str, tuple[str, ...]] = {
    "ttbar": _PAIRS,
    # A tenth of the time: jets of partons, and nothing beside the hard process. For tries.
    "ttbar-partons": (*_PAIRS, "PartonLevel:MPI = off", "HadronLevel:all = off"),
}
"""PYTHIA settings of each sample."""
LATENT_CODES = (11, -12, 5, -5, 2, -1)
"""What z holds, in its order."""
FAILED = "PYTHIA failed"
_NEUTRINOS = frozenset((12, 14, 16))
_TRIES = 100


@dataclass(frozen=True, eq=False)
class Collision:
    """``z`` (24,): the six of the hard process; ``visible`` (n, 5): px, py, pz, E in GeV and PDG code of what is stable
    and no neutrino."""

    z: Floats32
    visible: Floats64


def collisions(sample: str, n: int, seed: int) -> Iterator[Collision | str]:
    """``n`` events of ``sample``, or why one of them is none. The same seed gives the same events.

    Raises ModelDataError if PYTHIA is not installed or gives up.
    """
    pythia = started_pythia(sample, SETTINGS[sample], seed)
    failures = 0
    for made in range(n):
        if pythia.next():
            yield Collision(hard_process(pythia.process), _visible(pythia.event))
            continue
        failures += 1
        if failures > _TRIES + made:
            raise ModelDataError(f"PYTHIA gave up on sample {sample!r} with seed {seed} after {made} events")
        yield FAILED


def hard_process(process: Any) -> Floats32:
    """(24,) of a record of PYTHIA's. Energies follow from the masses of the paper, which has light quarks without."""
    found: dict[int, tuple[float, ...]] = {}
    for index in range(process.size()):
        particle = process[index]
        if particle.isFinal():
            found.setdefault(particle.id(), (particle.px(), particle.py(), particle.pz()))
    return with_energies(np.array([[found[code] for code in LATENT_CODES]], np.float64), LATENT_MASSES)[0]


def _visible(event: Any) -> Floats64:
    rows = []
    for index in range(event.size()):
        particle = event[index]
        if particle.isFinal() and particle.idAbs() not in _NEUTRINOS:
            rows.append((particle.px(), particle.py(), particle.pz(), particle.e(), particle.id()))
    return np.array(rows, np.float64).reshape(-1, 5)
