"""What is sent of a whole event beside its latents: how many visible particles it has, and H_T.

A trigger has both before any network runs. They are unsigned integers of a stated type, in fields of their own; what is
beyond the last value of a field is sent as that value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import Ints
from qmodels.compression.samples.collision_files import Collisions
from qmodels.types import Floats, Floats32

VISIBLE_BITS = 10
HT_BITS, HT_FRACTION = 14, 2
"""H_T in quarters of a GeV, up to 4 TeV."""
WIDTHS = np.array([VISIBLE_BITS, HT_BITS])
BITS = VISIBLE_BITS + HT_BITS
TotalsType = Literal["visible: 10 bits; H_T: 14 bits of 0.25 GeV"]
STATED: TotalsType = "visible: 10 bits; H_T: 14 bits of 0.25 GeV"


@dataclass(frozen=True, eq=False)
class Totals:
    """``raw`` (n, 2): the integers that are sent, of visible particles and of H_T."""

    raw: Ints

    @property
    def visible(self) -> Ints:
        """Visible particles (n,)."""
        return self.raw[:, 0]

    @property
    def ht(self) -> npt.NDArray[np.float64]:
        """H_T (n,) in GeV."""
        return np.ldexp(self.raw[:, 1].astype(np.float64), -HT_FRACTION)


def totals_of(events: Collisions) -> Totals:
    """Those of ``events``; H_T is that of the stored clusters, to the nearest quarter of a GeV."""
    return Totals(raw_totals(events.visible, events.particles[:, :, 0].sum(axis=1, dtype=np.float64)))


def raw_totals(visible: npt.ArrayLike, ht: npt.ArrayLike) -> Ints:
    """The integers (n, 2) for so many visible particles (n,) and so much H_T in GeV (n,).

    >>> raw_totals([3, 2000], [10.3, 1e6]).tolist()
    [[3, 41], [1023, 16383]]
    """
    steps = np.floor(np.ldexp(np.asarray(ht, np.float64), HT_FRACTION) + 0.5)
    values = np.stack([np.asarray(visible, np.float64), steps], axis=1)
    return np.minimum(values, (1 << WIDTHS) - 1).astype(np.int64)


def cut_to(clouds: Floats, visible: npt.NDArray[np.integer]) -> Floats32:
    """Restored clouds (n, N, 3) with no more particles than there were: the hardest stay, their pT/H_T adds up to 1.

    A decoder gives every particle some pT. Where fewer than N were visible, the softest become padding.

    >>> cut_to(np.array([[[0.2, 1.0, 2.0], [0.6, 0.0, 0.5], [0.2, -1.0, 0.0]]]), np.array([1])).tolist()
    [[[0.0, 0.0, 0.0], [1.0, 0.0, 0.5], [0.0, 0.0, 0.0]]]
    """
    rank = np.argsort(np.argsort(-clouds[:, :, 0], axis=1, kind="stable"), axis=1)
    cut = np.where((rank < visible[:, None])[:, :, None], clouds, 0.0)
    cut[:, :, 0] /= cut[:, :, 0].sum(axis=1, keepdims=True)
    return cut.astype(np.float32)
