"""From a stored collision to what the networks see: fewer clusters if asked for, momentum fractions, angles.

The features are those of the authors' code: (pT/H_T, η, cos φ, sin φ) of each particle, without scaling of η, centring
or rotation. Padding enters as (0, 0, 1, 0), unmasked, and so contributes to the encoder's sum.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from qmodels.compression.samples.selection import cluster, wrapped
from qmodels.errors import ModelDataError
from qmodels.types import Floats, Floats32

LOG10_BETA_RANGE = (-6.0, 1.0)
"""Range of log₁₀β in training; outside it the networks extrapolate."""


def encoder_inputs(particles: npt.ArrayLike, count: int) -> Floats32:
    """Encoder features (n, ``count``, 4) = (pT/H_T, η, cos φ, sin φ) of events (n, k, 3) of (pT, η, φ).

    Raises ModelDataError as :func:`transport_targets` does.
    """
    return features(transport_targets(particles, count))


def features(targets: Floats32) -> Floats32:
    """Encoder features (n, N, 4) of transport targets (n, N, 3)."""
    fraction, eta, phi = np.moveaxis(targets, -1, 0)
    return np.stack([fraction, eta, np.cos(phi), np.sin(phi)], axis=-1)


def transport_targets(particles: npt.ArrayLike, count: int) -> Floats32:
    """Clouds (n, ``count``, 3) of (pT/H_T, η, φ in ±π) of events (n, k, 3) of (pT in GeV, η, φ).

    An event of more than ``count`` particles is clustered on, exclusive kT with R = 1, to ``count``; stored clusters
    count as massless in it, and a soft one may join the beam and be gone. H_T is that of what remains. Fewer particles
    are padded with zeros. φ may come in any period.

    Raises:
        ModelDataError: the array is not (n, k, 3), or an event has a NaN or infinity, a negative pT, a particle after
            padding, or no particle at all (H_T = 0).
    """
    events = _checked(particles, count)
    if events.shape[1] > count:
        events = _clustered(events, count)
    out = np.zeros((len(events), count, 3), np.float32)
    kept = events.shape[1]
    total = events[:, :, 0].sum(axis=1, keepdims=True)
    out[:, :kept, 0] = events[:, :, 0] / total
    out[:, :kept, 1] = events[:, :, 1]
    out[:, :kept, 2] = wrapped(events[:, :, 2])
    return out


def _clustered(events: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    out = events[:, :count].copy()
    for index in np.flatnonzero(events[:, count, 0] > 0.0):
        event = events[index]
        out[index] = cluster(event[event[:, 0] > 0.0], count, count)
    return out


def _checked(particles: npt.ArrayLike, count: int) -> npt.NDArray[np.float64]:
    if count < 1:
        raise ModelDataError(f"particle count is {count}: ask for at least 1")
    events = np.asarray(particles, np.float64)
    if events.ndim != 3 or events.shape[2] != 3 or events.shape[1] < 1:
        raise ModelDataError(f"events have shape {events.shape}: give (events, particles, 3) of (pT, eta, phi)")
    pt = events[:, :, 0]
    _refuse(~np.isfinite(events).all(axis=(1, 2)), "has a particle that is not a finite number; drop that event")
    _refuse((pt < 0.0).any(axis=1), "has a particle of negative pT; drop that event")
    _refuse((np.diff((pt > 0.0).astype(np.int8), axis=1) > 0).any(axis=1), "has a particle after padding; sort by pT")
    _refuse(pt.sum(axis=1) == 0.0, "has no particle, so its H_T is 0; drop that event")
    return events


def _refuse(faults: npt.ArrayLike, what: str) -> None:
    bad = np.asarray(faults, np.bool_)
    if bad.any():
        raise ModelDataError(f"event {int(np.argmax(bad))} {what} ({int(bad.sum())} such of {len(bad)})")


def column(log10_beta: float, events: int) -> Floats32:
    """``log10_beta`` as an input (events, 1), the same for all.

    >>> column(-2.0, 3).tolist()
    [[-2.0], [-2.0], [-2.0]]
    """
    return np.full((events, 1), log10_beta, np.float32)


def check_log10_beta(log10_beta: npt.ArrayLike) -> Floats32:
    """``log10_beta`` as float32 (n, 1); warns, naming the range, where the networks were never trained.

    Raises ModelDataError for values that are not finite.
    """
    values = np.asarray(log10_beta, np.float32).reshape(-1, 1)
    _refuse(~np.isfinite(values[:, 0]), "has a log10 beta that is not a finite number")
    low, high = LOG10_BETA_RANGE
    outside = (values < low) | (values > high)
    if outside.any():
        worst = float(values[int(np.argmax(outside)), 0])
        warnings.warn(
            f"log10 beta {worst:g} is outside the trained range [{low:g}, {high:g}]: the networks extrapolate",
            stacklevel=2,
        )
    return values


def multiplicity(pt: Floats) -> npt.NDArray[np.int64]:
    """Particles (n,) of events with pT (n, N), padding left out."""
    return np.asarray((pt > 0.0).sum(axis=1), np.int64)
