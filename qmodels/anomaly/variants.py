"""Kinds of networks: which score, of which form of the inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmodels.anomaly.layout import INPUTS
from qmodels.errors import ModelDataError
from qmodels.types import Floats32

_PT_SHIFT = (4, 4, 2, 2, 2, 4, 2, 2, 2, 5, 4, 4, 3, 2, 2, 2, 2, 2, 2)
_ANGLE_SHIFT = (1, 0, -2, -2, -2, 0, -2, -2, -2, 0, 0, -1, -1, -2, -2, -2, -2, -2, -2)
"""Logarithm of the spread of pT in GeV, and of the angles, over the background, at least 4 GeV and 1/4: what is rare
weighs as much in a score as what is always there. Powers of two, which on a chip only move the binary point."""


@dataclass(frozen=True)
class InputForm:
    """How pT in GeV, η and φ become a network's numbers: counted in ``steps``, less ``offset``, then shifted right.

    By the spread of each place, and by ``finer`` (pT, angles), the logarithm of a step. ``whole`` steps are what
    arrives, as the integers of a global trigger are: η with a sign, φ from 0 to a full turn, pT up to ``most``. What an
    absent object's zeros become is what the hardware makes of them.
    """

    steps: tuple[float, float, float] = (1.0, 1.0, 1.0)
    finer: tuple[int, int] = (0, 0)
    whole: bool = False
    most: float = np.inf
    offset: tuple[int, int, int] = (0, 0, 0)

    def inputs(self, events: Floats32) -> Floats32:
        """Network inputs (n, 57) of events (n, 19, 3): pT, η, φ of the first object, then of the second ..."""
        values = events.astype(np.float64)
        if self.whole:
            values[:, :, 2] = np.remainder(values[:, :, 2], 2 * np.pi)
        values = values / np.array(self.steps)
        values[:, :, 0] = np.minimum(values[:, :, 0], self.most)
        if self.whole:
            values = np.floor(values)
        pt, angle = (np.add(table, more) for table, more in zip((_PT_SHIFT, _ANGLE_SHIFT), self.finer, strict=True))
        scaled = np.ldexp(values - np.array(self.offset), -np.stack([pt, angle, angle], axis=1))
        return scaled.reshape(len(events), INPUTS).astype(np.float32)


PLAIN = InputForm()
GLOBAL_TRIGGER = InputForm(steps=(0.5, 0.0435, 2 * np.pi / 144), finer=(1, 4), whole=True, most=2047, offset=(0, 0, 72))
"""Like CMS's: steps of 0.5 GeV in 11 bits, 0.0435 in η and a 144th of a turn in φ."""


@dataclass(frozen=True)
class Variant:
    """``latents_alone``: the score is the sum of the squared means of the latents (a VAE); else it is the mean squared
    error of what an autoencoder makes of its inputs, which may be ``convolutional``."""

    name: str
    latents_alone: bool
    form: InputForm
    convolutional: bool = False


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("ae", False, PLAIN),
        Variant("vae", True, PLAIN),
        Variant("cae", False, PLAIN, convolutional=True),
        Variant("ae-gt", False, GLOBAL_TRIGGER),
        Variant("vae-gt", True, GLOBAL_TRIGGER),
    )
}


def find_variant(name: str) -> Variant:
    """The variant called ``name``; ModelDataError if there is none."""
    if name not in VARIANTS:
        raise ModelDataError(f"unknown variant {name!r} of anomaly: choose one of {', '.join(VARIANTS)}")
    return VARIANTS[name]
