"""Resolutions and efficiencies as tables: of regions in |η|, and of ranges of pT in each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from qmodels.types import Floats, Floats64


@dataclass(frozen=True)
class Efficiency:
    """How often an object is seen. Row i holds for |η| up to ``eta_ends[i]`` (from the row before on), nothing beyond
    the last; in it, entry j holds for pT (GeV) up to ``pt_ends[j]``, and the last entry for all above."""

    eta_ends: tuple[float, ...]
    pt_ends: tuple[float, ...]
    probability: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        _check_ends(self.eta_ends)
        _check_ends(self.pt_ends)
        if any(len(row) != len(self.pt_ends) + 1 for row in self.probability):
            raise ValueError(f"a row of {len(self.pt_ends)} ends has {len(self.pt_ends) + 1} entries")
        if len(self.probability) != len(self.eta_ends):
            raise ValueError(f"{len(self.eta_ends)} regions have as many rows")

    def at(self, pt: Floats, eta: Floats) -> Floats64:
        """The probability of each, of shape ``pt``."""
        region = np.searchsorted(self.eta_ends, np.abs(eta))
        table = np.array([*self.probability, (0.0,) * (len(self.pt_ends) + 1)])
        return table[region, np.searchsorted(self.pt_ends, pt)]


@dataclass(frozen=True)
class TrackResolution:
    """σ(pT)/pT of a track: the root of ``constant``² + (``slope`` · pT)², by region as in :class:`Efficiency`.

    ``slope`` is in 1/GeV. The last region holds for all beyond.
    """

    eta_ends: tuple[float, ...]
    constant: tuple[float, ...]
    slope: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_ends(self.eta_ends)
        if not len(self.eta_ends) == len(self.constant) == len(self.slope):
            raise ValueError(f"{len(self.eta_ends)} regions have as many constants and slopes")

    def at(self, pt: Floats, eta: Floats) -> Floats64:
        """The relative width of each, of shape ``pt``."""
        region = np.minimum(np.searchsorted(self.eta_ends, np.abs(eta)), len(self.eta_ends) - 1)
        return np.hypot(np.array(self.constant)[region], np.array(self.slope)[region] * pt)


@dataclass(frozen=True)
class CalorimeterResolution:
    """σ(E) of a calorimeter in GeV: the root of (``constant`` · E)² + ``stochastic``² · E + ``noise``², times the
    polynomial ``shape`` of |η| (lowest power first), by region; the last region holds for all beyond."""

    eta_ends: tuple[float, ...]
    constant: tuple[float, ...]
    stochastic: tuple[float, ...]
    noise: tuple[float, ...]
    shape: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        _check_ends(self.eta_ends)
        if not all(
            len(part) == len(self.eta_ends) for part in (self.constant, self.stochastic, self.noise, self.shape)
        ):
            raise ValueError(f"{len(self.eta_ends)} regions have as many terms and shapes")

    def at(self, energy: Floats, eta: Floats) -> Floats64:
        """The width of each in GeV, of shape ``energy``."""
        far = np.abs(np.asarray(eta, np.float64))
        region = np.minimum(np.searchsorted(self.eta_ends, far), len(self.eta_ends) - 1)
        terms = (np.array(part)[region] for part in (self.constant, self.stochastic, self.noise))
        constant, stochastic, noise = terms
        shapes = np.array([np.polynomial.polynomial.polyval(far, row) for row in self.shape])
        factor = np.take_along_axis(shapes, region[None], axis=0)[0]
        return np.asarray(factor * np.sqrt((constant * energy) ** 2 + stochastic**2 * energy + noise**2))


def _check_ends(ends: tuple[float, ...]) -> None:
    if not ends or any(low >= high for low, high in pairwise(ends)):
        raise ValueError(f"ends {ends} do not rise")
