"""Float networks of a trained folder, and events as an encoder codes them and the float decoder restores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qmodels.classification import auc
from qmodels.compression.classifiers.inputs import scaled
from qmodels.compression.inputs import features
from qmodels.compression.networks import Network, read_network
from qmodels.compression.packing import latent_layout
from qmodels.compression.packing.latent_layout import LatentLayout

Floats = npt.NDArray[np.floating]
Floats32 = npt.NDArray[np.float32]
Encoder = Callable[[Sequence[Floats32]], Sequence[Floats]]
"""[particles (n, N, 4), log10 β (n, 1)] -> [mean (n, L), log variance (n, L)]."""

REFERENCE_FILE, DECODER_FILE, JUDGE_FILE = "reference.h5", "decoder.h5", "judge.h5"
SIGNALS = ("b-to-ks", "hidden-valley")
"""Class 0 and class 1 of every classifier here."""

ACTIVE_NATS = 0.1
"""A latent is active where its mean KL is above this, as in the paper."""


@dataclass(frozen=True)
class Networks:
    """The float side of a trained folder, and how its latents are packed; None for a judge or layout it lacks."""

    encoder: Network
    decoder: Network
    judge: Network | None
    layout: LatentLayout | None

    @property
    def count(self) -> int:
        """Particles of an event."""
        return self.encoder.inputs["particles"][0]

    def reference(self, arrays: Sequence[Floats32]) -> Sequence[Floats]:
        """The float encoder, called as the firmware is."""
        return self.encoder(*arrays)


def read_networks(folder: Path) -> Networks:
    """Read reference.h5 and decoder.h5, and judge.h5 and latent_layout.json if they are there.

    Raises:
        ModelDataError: one of them is unusable.
    """
    beta = (1,)
    encoder = read_network(folder / REFERENCE_FILE, {"particles": (None, 4), "log10_beta": beta})
    decoder = read_network(folder / DECODER_FILE, {"latent": (None,), "log10_beta": beta})
    judge, layout = folder / JUDGE_FILE, folder / latent_layout.FILE
    shape = {"particles": (encoder.inputs["particles"][0], 4), "log10_beta": beta}
    return Networks(
        encoder,
        decoder,
        read_network(judge, shape) if judge.exists() else None,
        latent_layout.read_layout(layout) if layout.exists() else None,
    )


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


def column(log10_beta: float, events: int) -> Floats32:
    """``log10_beta`` as an input (events, 1)."""
    return np.full((events, 1), log10_beta, np.float32)


def code(encoder: Encoder, decoder: Network, clouds: Floats32, log10_beta: float) -> Coded:
    """Code and restore clouds (n, N, 3)."""
    beta = column(log10_beta, len(clouds))
    mean, log_variance = (np.asarray(out, np.float64) for out in encoder([features(clouds), beta]))
    return Coded(mean, log_variance, decoder(mean, beta)[0])


def judged(judge: Network | None, restored: Sequence[Floats], log10_beta: float) -> float | None:
    """AUC between the restored events (n, N, 3) of class 0 and of class 1; None without a judge."""
    if judge is None:
        return None
    zeros, ones = (judge(scaled(np.asarray(r, np.float32)), column(log10_beta, len(r)))[0][:, 0] for r in restored)
    return auc(ones, zeros)
