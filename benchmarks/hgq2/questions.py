"""What is asked of both sides, for each network: fidelity, batches, and the charges and rates of its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

OURS, PEER = "qtrigger", "HGQ2"


@dataclass(frozen=True)
class Question:
    """What is compared: ``sign`` is +1 where more is better. Charges as pairs with the learning rate.

    Gradients are clipped to the norm ``clip``, or with 0 left as they are.
    """

    name: str
    sign: int
    batch: int
    clip: float
    points: dict[str, tuple[tuple[float, float], ...]]


def _grid(charges: Sequence[float], rates: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple((charge, rate) for rate in rates for charge in charges)


def _event_variable(ours: Sequence[float], rates: Sequence[float]) -> Question:
    return Question(
        "tau", 1, 512, 0.3, {OURS: _grid(ours, (2e-2,)), PEER: _grid((5e-7, 1e-6, 2e-6, 4e-6), rates)}
    )  # fmt: skip


# What little the semi-visible decay tells is learned late: charged as two-body is, nothing is left of the network.
EVENT_VARIABLES = {
    "two-body": _event_variable((1e-5, 2e-5), (1e-2, 2e-2)),
    "semivisible": _event_variable((1e-6, 4e-6, 8e-6), (1e-2,)),
    "pair": _event_variable((1e-6, 3e-6), (1e-2,)),
}


def _encoder(particles: int, more: tuple[tuple[float, float], ...] = ()) -> Question:
    """The charges of both sides fall as the square of the particles, as those of qmodels.compression.presets do.

    ``more`` are points of ours besides.
    """
    share = (8 / particles) ** 2
    ours, peer = (2e-6 * share, 4e-6 * share), (3e-7 * share, 1e-6 * share)
    points = {OURS: (*_grid(ours, (1e-2,)), *more), PEER: _grid(peer, (1e-2, 2e-2))}
    return Question("validation loss", -1, 256, 0.0, points)


ENCODERS = {"encoder-8": _encoder(8), "encoder-16": _encoder(16, more=((7e-7, 1e-2),))}


def _jets(ours: Sequence[tuple[float, float]], peer: Sequence[tuple[float, float]]) -> Question:
    return Question("accuracy", 1, 256, 0.3, {OURS: tuple(ours), PEER: tuple(peer)})


# The rates of ours are those of the presets.
JETS = {
    "mlp16": _jets(_grid((5e-5, 1e-4), (1e-2,)), _grid((3e-6, 1e-5), (1e-2,))),
    "sets-16": _jets(
        _grid((2.5e-6, 5e-6), (2e-2,)), (*_grid((3e-7, 1e-6, 3e-6, 1e-5), (1e-2,)), *_grid((3e-7, 1e-6, 3e-6), (2e-2,)))
    ),
}

AUTOENCODER = "anomaly-ae"
_ANOMALY_CHARGES = {OURS: (1e-5, 3e-5, 1e-4), PEER: (1e-6, 3e-6, 1e-5, 1e-4)}
QUESTIONS = {
    **EVENT_VARIABLES,
    **ENCODERS,
    **JETS,
    AUTOENCODER: Question(
        "mean AUC",
        1,
        512,
        1.0,
        {side: _grid(charges, (2e-3, 5e-3, 1e-2)) for side, charges in _ANOMALY_CHARGES.items()},
    ),
}
