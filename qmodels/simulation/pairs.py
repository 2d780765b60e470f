"""Events at parton level and as measured, side by side: what a sample holds, and what may stand in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
MASS_TOLERANCE = 1e-3
"""Part of an energy by which it may differ from the momentum of a light particle."""
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pairs:
    """``z`` and ``x`` (n, 4 a particle) in GeV: row for row the same event. Training does not use that, tests do."""

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


def watched(pairs: Pairs, training: int | None, watching: int, batch: int, kind: str = "pairs") -> tuple[Pairs, Pairs]:
    """``training`` events, all that there are if None, and others to watch it by: ``watching``, or a tenth if few.

    Raises ModelDataError if there are not so many, or fewer than a ``batch``; ``kind`` is what it calls them.
    """
    check = min(watching, len(pairs) // 10)
    number = len(pairs) - check if training is None else training
    if not max(batch, 1) <= number <= len(pairs) - check or check < 1:
        raise ModelDataError(
            f"{number} of {len(pairs)} {kind} cannot be trained on beside the {check} that watch it: a batch takes"
            f" {batch}; give more {kind}"
        )
    return pairs.take(slice(check, check + number)), pairs.take(slice(0, check))


def sound(z: Floats32, x: Floats32) -> tuple[Pairs, Counter[str]]:
    """The events that can be used, and how many others there are by reason; the first reason counts."""
    return told_apart(
        Pairs(z, x),
        (
            (NOT_FINITE, finite(z) & finite(x)),
            (OFF_SHELL, _light(z) & _light(x)),
            (OFF_PEAK, np.abs(pair_mass(np.nan_to_num(z)) - Z_MASS) < WINDOW),
        ),
    )


def told_apart(pairs: Pairs, tests: Sequence[tuple[str, Mask]]) -> tuple[Pairs, Counter[str]]:
    """The pairs that are good in all of ``tests``, and how many others there are by the first that they fail."""
    reasons = np.full(len(pairs), "", dtype=object)
    for reason, good in tests:
        reasons[(reasons == "") & ~good] = reason
    kept = reasons == ""
    return pairs.take(np.flatnonzero(kept)), Counter(str(reason) for reason in reasons[~kept])


def finite(particles: Floats32) -> Mask:
    """Which events have numbers alone."""
    return np.asarray(np.isfinite(particles).all(axis=1))


def _light(particles: Floats32) -> Mask:
    """Whether both particles have E = |p|."""
    vectors = np.nan_to_num(particles).reshape(-1, 2, 4).astype(np.float64)
    energies = vectors[..., 3]
    momenta = np.sqrt((vectors[..., :3] ** 2).sum(axis=2))
    return np.asarray((np.abs(energies - momenta) <= MASS_TOLERANCE * momenta).all(axis=1))
