"""Events for a verification: many different inputs from few collisions, which are slow to simulate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qmodels.compression.fidelity.measurement import BACKGROUND_EVENTS, EVENTS
from qmodels.compression.inputs import LOG10_BETA_RANGE, features, transport_targets
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.collisions import BACKGROUND, SETTINGS
from qmodels.compression.samples.event_sources import held_out_clouds

Floats32 = npt.NDArray[np.float32]

_FILE_SEED = 1


def verification_inputs(count: int, n: int, seed: int) -> dict[str, Floats32]:
    """``n`` inputs from all three samples, {particles (n, count, 4), log10_beta (n, 1)}, float32.

    Each collision stands there as it was made, then again and again turned by a random angle and, every other time,
    mirrored: neither changes the physics, and every bit of the input. β is spread over the trained range.
    """
    rng = np.random.default_rng([seed, count])
    # As many as the fidelity takes, so that both read the same events.
    numbers = {name: BACKGROUND_EVENTS if name == BACKGROUND else EVENTS for name in SETTINGS}
    samples = [held_out_clouds(name, events, seed, count) for name, events in numbers.items()]
    clouds = np.concatenate(samples)[rng.permutation(sum(map(len, samples)))]
    chosen = clouds[np.arange(n) % len(clouds)]
    return {"particles": features(_moved(chosen, len(clouds), rng)), "log10_beta": _spread(n, rng)}


def file_inputs(path: Path, count: int) -> dict[str, Floats32]:
    """The inputs of a collision file's events, each at one β; ModelDataError if the file is damaged."""
    clouds = transport_targets(read_collisions(path).particles, count)
    return {"particles": features(clouds), "log10_beta": _spread(len(clouds), np.random.default_rng(_FILE_SEED))}


def _moved(clouds: Floats32, untouched: int, rng: np.random.Generator) -> Floats32:
    angle = rng.uniform(-np.pi, np.pi, (len(clouds), 1)).astype(np.float32)
    mirror = rng.choice(np.array([-1.0, 1.0], np.float32), (len(clouds), 1))
    angle[:untouched], mirror[:untouched] = 0.0, 1.0
    fraction, eta, phi = np.moveaxis(clouds, -1, 0)
    real = fraction > 0.0  # padding stays at (0, 0, 0)
    return np.stack([fraction, eta * mirror, np.where(real, phi + angle, 0.0)], axis=-1)


def _spread(n: int, rng: np.random.Generator) -> Floats32:
    return rng.uniform(*LOG10_BETA_RANGE, (n, 1)).astype(np.float32)
