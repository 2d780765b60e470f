"""The figures of a fidelity measurement, and the metrics of report.json that are made of them.

A metric over β is ``{unit, over, points: [{at, reference, firmware}]}``. Those that a budget limits are one number, of
the worst β at which a latent is sent and the float AUC has left 0.5: where compression keeps nothing, there is nothing
to lose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from qmodels.types import Fidelity


@dataclass(frozen=True)
class Figures:
    """Figures of one encoder at one β, over the events of both signals; ``auc`` is None without a classifier."""

    kl_nats: float
    distortion: float
    exact_distortion: float
    auc: float | None


@dataclass(frozen=True)
class Packed:
    """The firmware's means packed into bits (entropy coding) and unpacked.

    ``bits`` of payload, ``trellis_bits`` of payload by trellis coding, where the layout has it, and ``kl_bits``, the
    float encoder's KL, are of an event of the background, which the layout is made for; the others of the signals.
    ``drawn`` figures are of float latents drawn from the posterior instead of its means: the noise that the KL pays
    for, and so what packing should not exceed.
    """

    bits: float
    trellis_bits: float | None
    kl_bits: float
    distortion: float
    auc: float | None
    drawn_distortion: float
    drawn_auc: float | None


@dataclass(frozen=True)
class Comparison:
    """Float encoder and firmware at one β. ``informed``: a latent is sent, and the float AUC has left 0.5.

    ``packed`` is None at a β that the latent layout does not have.
    """

    log10_beta: float
    reference: Figures
    firmware: Figures
    packed: Packed | None
    latent_error_sigma: float
    informed: bool


Point = tuple[float, float | None, float | None]
"""β, the float figure and the firmware's; a point whose firmware figure is None is left out."""


def as_metrics(found: Sequence[Comparison]) -> Fidelity:
    """What report.json holds of comparisons at several β, one at least.

    ``bits_per_event`` sets the payload of the packed firmware latents, entropy coding, beside the bound, the float
    encoder's KL in bits, ``trellis_bits_per_event`` that of trellis coding, where the layout has it;
    ``packed_distortion`` and ``packed_auc`` set what is unpacked beside float latents drawn from their posterior.
    """
    curves: dict[str, tuple[str, Iterable[Point]]] = {
        "latent_error_sigma": ("σ", ((c.log10_beta, None, c.latent_error_sigma) for c in found)),
        "kl_nats": ("nats", ((c.log10_beta, c.reference.kl_nats, c.firmware.kl_nats) for c in found)),
        "distortion": ("R²", ((c.log10_beta, c.reference.distortion, c.firmware.distortion) for c in found)),
        "exact_distortion": (
            "R²",
            ((c.log10_beta, c.reference.exact_distortion, c.firmware.exact_distortion) for c in found),
        ),
        "auc": ("1", ((c.log10_beta, c.reference.auc, c.firmware.auc) for c in found)),
        "bits_per_event": ("bit", ((c.log10_beta, p.kl_bits, p.bits) for c, p in _packed(found))),
        "trellis_bits_per_event": ("bit", ((c.log10_beta, p.kl_bits, p.trellis_bits) for c, p in _packed(found))),
        "packed_distortion": ("R²", ((c.log10_beta, p.drawn_distortion, p.distortion) for c, p in _packed(found))),
        "packed_auc": ("1", ((c.log10_beta, p.drawn_auc, p.auc) for c, p in _packed(found))),
    }
    metrics = {name: _curve(unit, points) for name, (unit, points) in curves.items()}
    return {name: curve for name, curve in metrics.items() if curve["points"]} | _worst(found)


def _curve(unit: str, points: Iterable[Point]) -> dict[str, Any]:
    rows = [{"at": at, "reference": true, "firmware": got} for at, true, got in points if got is not None]
    return {"unit": unit, "over": "log10_beta", "points": rows}


def _packed(found: Sequence[Comparison]) -> Iterable[tuple[Comparison, Packed]]:
    return ((c, c.packed) for c in found if c.packed is not None)


def _worst(found: Sequence[Comparison]) -> Fidelity:
    informed = [c for c in found if c.informed]
    excesses = [c.firmware.distortion / c.reference.distortion - 1.0 for c in informed]
    losses = [
        c.reference.auc - c.firmware.auc for c in informed if c.reference.auc is not None and c.firmware.auc is not None
    ]
    over_bound = [p.bits / p.kl_bits - 1.0 for _, p in _packed(informed)]
    limits = {"distortion_excess": excesses, "auc_loss": losses, "bits_excess": over_bound}
    return {name: {"reference": 0.0, "firmware": max(values), "unit": "1"} for name, values in limits.items() if values}
