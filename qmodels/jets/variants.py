"""The networks' kinds: which architecture reads what of a jet, and how its numbers become network inputs.

Inputs are scaled by powers of two, which on chip move the binary point, after a fixed shift: a trigger has no time for
the spread of a data set. Scales and shifts were chosen once, from jets of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.jets.samples.columns import CONSTITUENT_COLUMNS
from qmodels.jets.samples.files import Jets
from qmodels.types import Floats32

MLP, SETS, INTERACTION, MIXER = "mlp", "sets", "in", "mixer"

_SHIFTS = (-3.0, 0.44, 0.048, 0.015, 0.061, 0.017, 1.34, 1.14, 1.34, 0.19, 0.089, 0.042, 0.28, 0.15, 94.0, 68.0)
_SCALES = (2.0, 16.0, 32.0, 32.0, 16.0, 32.0, 2.0, 1.0, 2.0, 16.0, 32.0, 32.0, 16.0, 16.0, 2.0**-6, 2.0**-5)
"""Of the 16 features of a jet: near their means, and near the inverses of their spreads."""

_CONSTITUENT_SCALES = {
    **dict.fromkeys(("j1_px", "j1_py", "j1_pt"), 2.0**-8),
    **dict.fromkeys(("j1_pz", "j1_e"), 2.0**-10),
    **dict.fromkeys(("j1_erel", "j1_ptrel", "j1_etarel", "j1_etarot", "j1_phirel", "j1_phirot", "j1_deltaR"), 4.0),
}
"""Of the features of a constituent; 1 where none is given."""

THREE = ("j1_pt", "j1_etarel", "j1_phirel")
LEAST_PT = 2.0
"""GeV: softer constituents are left out, as in arXiv:2402.01876."""


@dataclass(frozen=True)
class Variant:
    """One kind of network: ``particles`` constituents of ``columns`` each, or the 16 features of a jet (particles 0).

    ``integer`` bits before the point, beside the sign, hold nearly every input.
    """

    name: str
    architecture: str
    particles: int
    columns: tuple[str, ...]
    integer: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one network input."""
        return (self.particles, len(self.columns)) if self.particles else (len(_SCALES),)

    @property
    def constituents(self) -> int:
        """How many of each jet are to be read."""
        return max(self.particles, 1)

    def inputs(self, jets: Jets) -> Floats32:
        """Network inputs (n, ...) of ``jets``, which have as many constituents at least."""
        if not self.particles:
            return (jets.features - np.array(_SHIFTS, np.float32)) * np.array(_SCALES, np.float32)
        places = [CONSTITUENT_COLUMNS.index(name) for name in self.columns]
        scales = np.array([_CONSTITUENT_SCALES.get(name, 1.0) for name in self.columns], np.float32)
        hardest = jets.constituents[:, : self.particles]
        kept = hardest[:, :, CONSTITUENT_COLUMNS.index("j1_pt"), None] > LEAST_PT
        return np.where(kept, hardest[:, :, places], 0.0).astype(np.float32) * scales


def _of_particles(architecture: str, particles: int) -> tuple[Variant, Variant]:
    name = f"{architecture}-{particles}"
    return (
        Variant(name, architecture, particles, THREE, 2),
        Variant(f"{name}-all", architecture, particles, CONSTITUENT_COLUMNS, 2),
    )


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("mlp16", MLP, 0, (), 3),
        *(v for kind in (SETS, INTERACTION, MIXER) for n in (8, 16, 32, 64) for v in _of_particles(kind, n)),
    )
}


def find_variant(name: str) -> Variant:
    """The variant called ``name``; ModelDataError for an unknown one."""
    try:
        return VARIANTS[name]
    except KeyError:
        raise ModelDataError(f"unknown variant {name!r} of jets: choose one of {', '.join(VARIANTS)}") from None
