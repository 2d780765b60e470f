"""How much of a sliced Wasserstein distance is the sample's: many ways to cut the same events into two halves.

The distance between two halves of true events is not one number. A pair of boosted events more in one half moves the
projections of all of it, so that by one cut a network may lie below a target, and by another above it. Which part of
a figure is the network's shows in the mean over many cuts, and in what it has beyond the floor of the same cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmodels.simulation.distances import random_directions
from qmodels.simulation.fidelity import Made
from qmodels.simulation.pairs import Pairs
from qmodels.types import Floats32, Floats64

SPLITS, SPLIT_SLICES = 20, 300
_STREAM = 77
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Splits:
    """By cut, squared distances in GeV² of x̃′, x̃ and z̃ of a half to the true events of the other."""

    simulated: Floats64
    restored: Floats64
    encoded: Floats64


def split_distances(
    columns: Mapping[str, Made], pairs: Pairs, splits: int = SPLITS, slices: int = SPLIT_SLICES
) -> dict[str, Splits]:
    """Of what each of ``columns`` made of all ``pairs``: one half of it, beside the true events of the other half.

    The cuts are at random, always the same, and so are the directions. An odd event is left out.
    """
    n = len(pairs) // 2 * 2
    first = _cuts(n, splits)
    total = {name: np.zeros((3, splits)) for name in columns}
    for direction in random_directions(slices, pairs.x.shape[1]):
        x, z = (_halves(true[:n] @ direction, ~first) for true in (pairs.x, pairs.z))
        for name, made in columns.items():
            for place, (sample, true) in enumerate(((made.simulated, x), (made.restored, x), (made.encoded, z))):
                total[name][place] += ((_halves(sample[:n] @ direction, first) - true) ** 2).mean(axis=1)
    return {name: Splits(*(found / slices)) for name, found in total.items()}


def _cuts(n: int, splits: int) -> Mask:
    """For each cut, which of ``n`` events are in the first half: (splits, n)."""
    random = np.random.default_rng(_STREAM)
    cuts = np.zeros((splits, n), bool)
    for cut in cuts:
        cut[random.permutation(n)[: n // 2]] = True
    return cuts


def _halves(values: Floats32, chosen: Mask) -> Floats64:
    """Those of each half in order, (splits, n / 2): all are sorted once, and a part of what is in order is in order."""
    order = np.argsort(values)
    ranked = values[order].astype(np.float64)
    return np.stack([ranked[half[order]] for half in chosen])
