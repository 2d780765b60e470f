"""Events through encoder and decoder: what an encoder makes of them at one β, and what the float decoder restores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qmodels.compression.inputs import column, features
from qmodels.compression.networks import Network
from qmodels.types import Floats, Floats32

Encoder = Callable[[Sequence[Floats32]], Sequence[Floats]]
"""[particles (n, N, 4), log10 β (n, 1)] -> [mean (n, L), log variance (n, L)]."""

REFERENCE_FILE, DECODER_FILE = "reference.h5", "decoder.h5"
"""Float encoder and decoder in a trained folder."""

ACTIVE_NATS = 0.1
"""A latent is active where its mean KL is above this, as in the paper."""


@dataclass(frozen=True, eq=False)
class Coded:
    """Events of one signal as one encoder codes them at one β, and as the float decoder restores them."""

    mean: Floats
    log_variance: Floats
    restored: Floats

    @property
    def kl(self) -> Floats:
        """KL divergence (n, L) from the unit normal, nats."""
        return kl_per_latent(self.mean, self.log_variance)


def kl_per_latent(mean: Floats, log_variance: Floats) -> Floats:
    """KL divergence in nats of N(mean, σ²) from N(0, 1), elementwise, like the arguments."""
    kl: Floats = 0.5 * (mean**2 + np.exp(log_variance) - 1.0 - log_variance)
    return kl


def code(encoder: Encoder, decoder: Network, clouds: Floats32, log10_beta: float) -> Coded:
    """Code and restore clouds (n, N, 3)."""
    beta = column(log10_beta, len(clouds))
    mean, log_variance = (np.asarray(out, np.float64) for out in encoder([features(clouds), beta]))
    return Coded(mean, log_variance, decoder(mean, beta)[0])
