"""Sizes of the networks, and what each preset makes of their numbers. Light: a scan lists them."""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.training.precision.charge import Charge
from qmodels.training.stages import Stage

HIDDEN, LATENTS = 16, 3
"""57-16-3-16-57, the published autoencoder (arXiv:2108.03986); a VAE has as many, and its encoder alone is firmware."""
FILTERS, WINDOW = 4, 3
"""Of the convolutional autoencoder: each object with its neighbours on either side makes four numbers, those of all 19
three latents, and back."""

SHARE = 2.0**-6
"""Of the sum of squared errors in an autoencoder's score: a mean over 64 places, the nearest power of two."""
INPUT_BITS, INPUT_INTEGER = 9, 4
"""Of an input, which is of the order of one, with its sign: beyond 16 it counts as 16, as do errors of it."""

FLOAT = Stage("float", 30, 512, 3e-3)


@dataclass(frozen=True)
class Uniform:
    """One width for all weights, and one for all activations."""

    stage: Stage
    weights: int = 8
    activations: int = 8


@dataclass(frozen=True)
class Learned:
    """Every weight and feature with bits of its own, charged for their LUTs.

    The loss is the mean score, or for a VAE the mean squared error of its latents.
    """

    stage: Stage
    charge: Charge
    weight_fraction: int = 6
    feature_fraction: int = 6


UNIFORM = Uniform(Stage("uniform", 15, 512, 5e-4))
LEAN = Learned(Stage("lean", 40, 512, 2e-3), Charge(1e-8, 2e-5, 0.6))
PRESETS: dict[str, Uniform | Learned] = {"uniform": UNIFORM, "lean": LEAN}
