"""Events at parton level and as measured, side by side: what a sample holds, and what may stand in one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmodels.errors import ModelDataError
from qmodels.simulation.particles import WINDOW, Z_MASS, pair_mass
from qmodels.types import Floats32

NOT_FINITE, OFF_SHELL, OFF_PEAK = (
    "a number that is not finite",
    "energy and momentum disagree",
    "mass of z off the peak",
)
_MASS_TOLERANCE = 1e-3
"""Part of an energy by which it may differ from the momentum of a light particle."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """``z`` and ``x`` (n, 8) in GeV: row for row the same event, which training does not use and tests do."""

    z: Floats32
    x: Floats32

    def __len__(self) -> int:
        return len(self.z)

    def take(self, rows: npt.NDArray[np.int64] | slice) -> Pairs:
        """Some of the events."""
        return Pairs(self.z[rows], self.x[rows])

    def halves(self) -> tuple[Pairs, Pairs]:
        """Two samples of the same size; of an odd number the last event is left out. ModelDataError below two."""
        half = len(self) // 2
        if half < 1:
            raise ModelDataError(f"{len(self)} events make no two halves: one is simulated, the other compared with")
        return self.take(slice(0, half)), self.take(slice(half, 2 * half))


def sound(z: Floats32, x: Floats32) -> tuple[Pairs, Counter[str]]:
    """The events that can be used, and how many others there are by reason; the first reason counts."""
    reasons = np.full(len(z), "", dtype=object)
    tests = (
        (NOT_FINITE, np.isfinite(z).all(axis=1) & np.isfinite(x).all(axis=1)),
        (OFF_SHELL, _light(z) & _light(x)),
        (OFF_PEAK, np.abs(pair_mass(np.nan_to_num(z)) - Z_MASS) < WINDOW),
    )
    for reason, good in tests:
        reasons[(reasons == "") & ~good] = reason
    kept = reasons == ""
    return Pairs(z[kept], x[kept]), Counter(str(reason) for reason in reasons[~kept])


def _light(particles: Floats32) -> npt.NDArray[np.bool_]:
    """Whether both particles have E = |p|."""
    vectors = np.nan_to_num(particles).reshape(-1, 2, 4).astype(np.float64)
    energies = vectors[..., 3]
    momenta = np.sqrt((vectors[..., :3] ** 2).sum(axis=2))
    good: npt.NDArray[np.bool_] = (np.abs(energies - momenta) <= _MASS_TOLERANCE * momenta).all(axis=1)
    return good
