"""Events of a build: test clouds for its fidelity; for its verification encoder inputs, many from few collisions."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qmodels.compression.inputs import LOG10_BETA_RANGE, features, transport_targets
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.event_sources import held_out
from qmodels.compression.samples.pythia import BACKGROUND, SIGNALS
from qmodels.types import Floats32

SIGNAL_EVENTS, BACKGROUND_EVENTS = 2000, 1000
"""Test events of each signal and of the background: collisions take long to simulate, so all of a build share them."""

_SAMPLES = (BACKGROUND, *SIGNALS)
_FILE_SEED = 1


@lru_cache(maxsize=len(_SAMPLES))  # the verification and the fidelity of a build want the same
def held_out_clouds(sample: str, events: int, seed: int, count: int) -> npt.NDArray[np.float32]:
    """Clouds (n, ``count``, 3) of test events: see :func:`transport_targets`. Read-only."""
    clouds = transport_targets(held_out(sample, events, seed).particles, count)
    clouds.flags.writeable = False
    return clouds


def verification_inputs(count: int, n: int, seed: int) -> dict[str, Floats32]:
    """``n`` inputs from all three samples, {particles (n, count, 4), log10_beta (n, 1)}, float32.

    Each collision stands there as it was made, then again and again turned by a random angle and, every other time,
    mirrored: neither changes the physics, and every bit of the input. β is spread over the trained range.
    """
    rng = np.random.default_rng([seed, count])
    numbers = {name: BACKGROUND_EVENTS if name == BACKGROUND else SIGNAL_EVENTS for name in _SAMPLES}
    samples = [held_out_clouds(name, events, seed, count) for name, events in numbers.items()]
    clouds = np.concatenate(samples)[rng.permutation(sum(map(len, samples)))]
    chosen = clouds[np.arange(n) % len(clouds)]
    return {"particles": features(moved(chosen, len(clouds), rng)), "log10_beta": _spread(n, rng)}


def file_clouds(path: Path, count: int) -> Floats32:
    """Clouds (n, ``count``, 3) of a collision file's events; ModelDataError if the file is damaged."""
    return transport_targets(read_collisions(path).particles, count)


def file_inputs(path: Path, count: int) -> dict[str, Floats32]:
    """The inputs of a collision file's events, each at one β; ModelDataError if the file is damaged."""
    clouds = file_clouds(path, count)
    return {"particles": features(clouds), "log10_beta": _spread(len(clouds), np.random.default_rng(_FILE_SEED))}


def moved(clouds: Floats32, untouched: int, rng: np.random.Generator) -> Floats32:
    """Clouds (n, N, 3), all but the first ``untouched`` turned about the beam and, every other, mirrored in η."""
    angle = rng.uniform(-np.pi, np.pi, (len(clouds), 1)).astype(np.float32)
    mirror = rng.choice(np.array([-1.0, 1.0], np.float32), (len(clouds), 1))
    angle[:untouched], mirror[:untouched] = 0.0, 1.0
    fraction, eta, phi = np.moveaxis(clouds, -1, 0)
    real = fraction > 0.0  # padding stays at (0, 0, 0)
    return np.stack([fraction, eta * mirror, np.where(real, phi + angle, 0.0)], axis=-1)


def _spread(n: int, rng: np.random.Generator) -> Floats32:
    return rng.uniform(*LOG10_BETA_RANGE, (n, 1)).astype(np.float32)
