"""Events as the networks' ports take them: pairs of the cache or of a file, and noise drawn beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.simulation.generating import unseen_pairs
from qmodels.simulation.pair_files import read_pairs
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import normal_noise, ports
from qmodels.simulation.presets import DECODER, VARIANTS
from qmodels.simulation.ttbar.presets import TTBAR_DECODER
from qmodels.types import Floats32

FEW_PAIRS, MANY_PAIRS = 500, 20_000
"""Simulated events behind those that a build is verified on: many where many are asked for, a minute of work."""
_TURN_STREAM, NOISE_STREAM = 11, 12
FILE_SEED = 1
"""Of the noise that goes with a file's events."""


def find_variant(variant: str) -> str:
    """``variant`` if there is such a one, else ModelDataError."""
    if variant not in VARIANTS:
        raise ModelDataError(
            f"unknown variant {variant!r} of simulation: choose one of {', '.join((*VARIANTS, TTBAR_DECODER))}"
        )
    return variant


def source(variant: str, pairs: Pairs) -> Floats32:
    """What the network of ``variant`` reads: a decoder z, an encoder x."""
    return pairs.z if variant == DECODER else pairs.x


def verification_inputs(variant: str, n: int, seed: int) -> dict[str, Floats32]:
    """``n`` events by port. Few simulated ones make many: each is turned about the beam and mirrored along it."""
    if n < 1:
        raise ModelDataError(f"number of events is {n}: ask for at least 1")
    simulated = unseen_pairs(FEW_PAIRS if n <= FEW_PAIRS else MANY_PAIRS, seed)
    particles = source(find_variant(variant), simulated)
    rows = particles[np.arange(n) % len(particles)]
    return ports(turned(rows, seed), normal_noise(n, seed, NOISE_STREAM))


def file_inputs(path: Path, variant: str) -> dict[str, Floats32]:
    """The usable events of a file of pairs by port, noise drawn with ``FILE_SEED``; ModelDataError if it has none."""
    particles = source(find_variant(variant), read_pairs(path)[0])
    return ports(particles, normal_noise(len(particles), FILE_SEED, NOISE_STREAM))


def turned(particles: Floats32, seed: int) -> Floats32:
    """Each event turned about the beam by an angle of its own, and every other one mirrored along it."""
    random = np.random.default_rng(np.random.SeedSequence([seed, _TURN_STREAM]))
    angle = random.uniform(0.0, 2 * np.pi, (len(particles), 1))
    side = np.where(random.random((len(particles), 1)) < 0.5, -1.0, 1.0)
    rows = particles.reshape(-1, particles.shape[1] // 4, 4).astype(np.float64)
    x, y = rows[..., 0] * np.cos(angle) - rows[..., 1] * np.sin(angle), rows[..., 0] * np.sin(angle)
    y = y + rows[..., 1] * np.cos(angle)
    return np.stack([x, y, rows[..., 2] * side, rows[..., 3]], axis=2).reshape(particles.shape).astype(np.float32)
