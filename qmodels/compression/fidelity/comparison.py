"""What the firmware costs against the float encoder, at several β, on the two signals that compression must keep apart.

Both encoders see the same events and the same float decoder follows both, fed with the means (the maximum-likelihood
reconstruction of the paper). So does the same reference classifier, trained on float reconstructions over all β. It
is never trained again on what the firmware makes, so that nothing the firmware distorts can be learned away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qmodels.classification import auc_spread
from qmodels.compression.autoencoder import ACTIVE_NATS, Coded, Encoder, code
from qmodels.compression.classifiers.separation import restored_auc
from qmodels.compression.events import BACKGROUND_EVENTS, SIGNAL_EVENTS, held_out_clouds
from qmodels.compression.fidelity.metrics import Comparison, Figures, as_metrics
from qmodels.compression.fidelity.packed import measure_packed
from qmodels.compression.samples.pythia import BACKGROUND, SIGNALS
from qmodels.compression.trained_folder import Networks, read_networks
from qmodels.compression.transport.distortion import exact, sinkhorn
from qmodels.types import Fidelity, Floats, Floats32

LOG10_BETAS = (-6.0, -5.0, -4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0)

DISTORTION_EVENTS, EXACT_EVENTS = 500, 25
"""Of each signal: for the Sinkhorn loss, and for exact transport."""

INFORMED_SPREADS = 3.0
"""The float AUC has left 0.5 where it is beyond so many standard deviations of a classifier that guesses."""


def measure(
    folder: Path,
    firmware: Encoder,
    *,
    events: int = SIGNAL_EVENTS,
    seed: int = 1,
    figure: Path | None = None,
) -> Fidelity:
    """Fidelity of ``firmware`` against the float networks in ``folder``; with ``figure``, a picture of it.

    The metrics are those of :func:`qmodels.compression.fidelity.metrics.as_metrics`.

    Raises:
        ModelDataError: a network is missing or of another variant, or events cannot be generated.
    """
    networks = read_networks(folder)
    signals = [held_out_clouds(name, events, seed, networks.count) for name in SIGNALS]
    background = held_out_clouds(BACKGROUND, BACKGROUND_EVENTS, seed, networks.count)
    return _told(compare(networks, firmware, signals, background), figure)


def measure_on(folder: Path, firmware: Encoder, clouds: Floats32, *, figure: Path | None = None) -> Fidelity:
    """The same on ``clouds`` (n, N, 3) of one sample, which has nothing to be told apart from: without an AUC."""
    networks = replace(read_networks(folder), classifier=None)
    return _told(compare(networks, firmware, [clouds], clouds), figure)


def _told(found: Sequence[Comparison], figure: Path | None) -> Fidelity:
    if figure is not None:
        from qmodels.compression.fidelity.plots import draw_fidelity  # brings matplotlib

        draw_fidelity(found, figure)
    return as_metrics(found)


def compare(
    networks: Networks,
    firmware: Encoder,
    clouds: Sequence[Floats32],
    background: Floats32,
    log10_betas: Sequence[float] = LOG10_BETAS,
) -> list[Comparison]:
    """One comparison a β, on the clouds (n, N, 3) of each signal; those of the background are for the bits alone."""
    return [_compare(networks, firmware, clouds, background, log10_beta) for log10_beta in log10_betas]


def _compare(
    networks: Networks, firmware: Encoder, clouds: Sequence[Floats32], background: Floats32, log10_beta: float
) -> Comparison:
    true, quantized = (
        [code(encoder, networks.decoder, signal, log10_beta) for signal in clouds]
        for encoder in (networks.reference, firmware)
    )
    expected = _figures(networks, clouds, true, log10_beta)
    return Comparison(
        log10_beta=log10_beta,
        reference=expected,
        firmware=_figures(networks, clouds, quantized, log10_beta),
        packed=measure_packed(
            networks,
            firmware,
            background,
            log10_beta,
            true=true,
            quantized=quantized,
            distance=lambda restored: mean_distance(sinkhorn, clouds, restored, DISTORTION_EVENTS),
        ),
        latent_error_sigma=latent_error(true, quantized),
        informed=bool(_active(true).any()) and _has_left_half(expected.auc, clouds),
    )


def _has_left_half(auc: float | None, clouds: Sequence[Floats32]) -> bool:
    return auc is None or abs(auc - 0.5) > INFORMED_SPREADS * auc_spread(*(len(signal) for signal in clouds))


def _active(true: Sequence[Coded]) -> npt.NDArray[np.bool_]:
    """Which latents carry anything. The means of the others tell a decoder something too, but nothing that is sent."""
    carries: npt.NDArray[np.bool_] = np.concatenate([coded.kl for coded in true]).mean(axis=0) > ACTIVE_NATS
    return carries


def latent_error(true: Sequence[Coded], quantized: Sequence[Coded]) -> float:
    """RMS over events and active latents of (firmware mean - float mean)/σ; 0 where no latent is active."""
    active = _active(true)
    if not active.any():
        return 0.0
    pulls = [
        ((q.mean - t.mean) * np.exp(-0.5 * t.log_variance))[:, active] for t, q in zip(true, quantized, strict=True)
    ]
    return float(np.sqrt(np.mean(np.concatenate(pulls) ** 2)))


def _figures(networks: Networks, clouds: Sequence[Floats32], coded: Sequence[Coded], log10_beta: float) -> Figures:
    restored = [side.restored for side in coded]
    return Figures(
        kl_nats=float(np.concatenate([side.kl for side in coded]).sum(axis=1).mean()),
        distortion=mean_distance(sinkhorn, clouds, restored, DISTORTION_EVENTS),
        exact_distortion=mean_distance(exact, clouds, restored, EXACT_EVENTS),
        auc=restored_auc(networks.classifier, restored, log10_beta),
    )


def mean_distance(
    distance: Callable[[Floats, Floats], Floats], true: Sequence[Floats], restored: Sequence[Floats], events: int
) -> float:
    """Mean over the first ``events`` of each signal, between clouds (n, N, 3) and what is restored of them."""
    found = [distance(own[:events], other[:events]) for own, other in zip(true, restored, strict=True)]
    return float(np.concatenate(found).mean())
