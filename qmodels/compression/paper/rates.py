"""Rate and distortion against β, the two heat capacities (arXiv:2210.11489, Eq. 2), and one event at several β."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qmodels.compression.autoencoder import ACTIVE_NATS, code, kl_per_latent
from qmodels.compression.inputs import column, features
from qmodels.compression.trained_folder import Networks
from qmodels.compression.transport.distortion import sinkhorn
from qmodels.types import Floats32, Floats64

Progress = Callable[[str, int, int], None]

HALF_STEP = 0.05
"""Half the distance in log₁₀β of the finite differences that give the heat capacities."""
_NOISE_STREAM = 91


@dataclass(frozen=True, eq=False)
class Rate:
    """Averages over events at one β: S in R², KL per latent (L,) in nats, C_S = dS/dβ and C_KL = -dKL/d ln β."""

    log10_beta: float
    distortion: float
    kl: Floats64
    c_s: float
    c_kl: float

    @property
    def active(self) -> int:
        """Latents with a mean KL above 0.1 nats."""
        return int((self.kl > ACTIVE_NATS).sum())


def rates(
    networks: Networks, clouds: Floats32, log10_betas: Sequence[float], seed: int, progress: Progress | None = None
) -> list[Rate]:
    """Rates on clouds (n, N, 3), latents drawn from the posterior as in training.

    The heat capacities are finite differences between β·10^±0.05 with the same noise on both sides; S and KL are the
    means of the two sides.
    """
    noise = np.random.default_rng([seed, _NOISE_STREAM]).standard_normal(
        (len(clouds), networks.decoder.inputs["latent"][0])
    )
    found = []
    for index, log10_beta in enumerate(log10_betas):
        low, high = (_sampled(networks, clouds, log10_beta + step, noise) for step in (-HALF_STEP, HALF_STEP))
        change = 10.0 ** (log10_beta + HALF_STEP) - 10.0 ** (log10_beta - HALF_STEP)
        found.append(
            Rate(
                log10_beta=float(log10_beta),
                distortion=0.5 * (low[0] + high[0]),
                kl=0.5 * (low[1] + high[1]),
                c_s=(high[0] - low[0]) / change,
                c_kl=-float((high[1] - low[1]).sum()) / (2.0 * HALF_STEP * float(np.log(10.0))),
            )
        )
        if progress is not None:
            progress("rates", index + 1, len(log10_betas))
    return found


def _sampled(networks: Networks, clouds: Floats32, log10_beta: float, noise: Floats64) -> tuple[float, Floats64]:
    """Mean S and mean KL per latent (L,)."""
    beta = column(log10_beta, len(clouds))
    mean, log_variance = (out.astype(np.float64) for out in networks.encoder(features(clouds), beta))
    restored = networks.decoder(mean + np.exp(0.5 * log_variance) * noise, beta)[0]
    return float(sinkhorn(clouds, restored).mean()), kl_per_latent(mean, log_variance).mean(axis=0)


@dataclass(frozen=True, eq=False)
class Display:
    """One event restored at one β: cloud (N, 3), its own KL in bits, and the latents active on average there."""

    log10_beta: float
    restored: Floats32
    bits: float
    active: int


def displays(networks: Networks, clouds: Floats32, event: int, log10_betas: Sequence[float]) -> list[Display]:
    """``event`` of clouds (n, N, 3) at several β, restored from the means; the others say which latents are active."""

    found = []
    for log10_beta in log10_betas:
        coded = code(networks.reference, networks.decoder, clouds, log10_beta)
        found.append(
            Display(
                log10_beta=log10_beta,
                restored=np.asarray(coded.restored[event], np.float32),
                bits=float(coded.kl[event].sum() / np.log(2.0)),
                active=int((coded.kl.mean(axis=0) > ACTIVE_NATS).sum()),
            )
        )
    return found
