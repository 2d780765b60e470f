"""Kinds of networks: which score, of which form of the inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmodels.anomaly.layout import INPUTS
from qmodels.errors import ModelDataError
from qmodels.types import Floats32


@dataclass(frozen=True)
class InputForm:
    """How pT in GeV, η and φ become a network's numbers: counted in ``units``, less ``offset``, halved ``shift`` times.

    ``whole`` units are what arrives, as the integers of a global trigger are: η with a sign, φ from 0 to a full turn,
    pT up to ``most``. What an absent object's zeros become is what the hardware makes of them.
    """

    units: tuple[float, float, float]
    whole: bool = False
    most: float = np.inf
    offset: tuple[int, int, int] = (0, 0, 0)
    shift: int = 0

    def inputs(self, events: Floats32) -> Floats32:
        """Network inputs (n, 57) of events (n, 19, 3): pT, η, φ of the first object, then of the second ..."""
        values = events.astype(np.float64)
        if self.whole:
            values[:, :, 2] = np.remainder(values[:, :, 2], 2 * np.pi)
        values = values / np.array(self.units)
        values[:, :, 0] = np.minimum(values[:, :, 0], self.most)
        if self.whole:
            values = np.floor(values)
        scaled = (values - np.array(self.offset)) * 2.0**-self.shift
        return scaled.reshape(len(events), INPUTS).astype(np.float32)


PLAIN = InputForm(units=(64.0, 2.0, 2.0))
"""All of the order of one, by powers of two, which on a chip only move the binary point."""
GLOBAL_TRIGGER = InputForm(units=(0.5, 0.0435, 2 * np.pi / 144), whole=True, most=2047, offset=(0, 0, 72), shift=6)
"""Like CMS's: steps of 0.5 GeV in 11 bits, 0.0435 in η and a 144th of a turn in φ, shifted and scaled."""


@dataclass(frozen=True)
class Variant:
    """``latents_alone``: the score is the sum of the squared means of the latents (a VAE); else it is the mean squared
    error of what an autoencoder makes of its inputs."""

    name: str
    latents_alone: bool
    form: InputForm


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("ae", False, PLAIN),
        Variant("vae", True, PLAIN),
        Variant("ae-gt", False, GLOBAL_TRIGGER),
        Variant("vae-gt", True, GLOBAL_TRIGGER),
    )
}


def find_variant(name: str) -> Variant:
    """The variant called ``name``; ModelDataError if there is none."""
    if name not in VARIANTS:
        raise ModelDataError(f"unknown variant {name!r} of anomaly: choose one of {', '.join(VARIANTS)}")
    return VARIANTS[name]
