"""Networks that a scan may train: what can vary, and its choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qmodels.anomaly.networks import LEAN, Learned
from qmodels.errors import ModelDataError

Choice = int | float | str

SPACE: dict[str, Sequence[Choice]] = {
    "charge": (0.1, 0.3, 1.0, 3.0),
    "weight_fraction": (4, 5, 6, 7),
    "feature_fraction": (4, 5, 6, 7),
}
"""``charge`` for a LUT, relative to that of preset ``lean``; bits below the point that weights and features have at
first."""


def network_of(parameters: Mapping[str, Choice]) -> Learned:
    """Preset ``lean`` with ``parameters`` in place of its own; ModelDataError for a name or value of no sense."""
    network = LEAN
    for name, value in parameters.items():
        if name not in SPACE:
            raise ModelDataError(f"{name!r} cannot be scanned: choose of {', '.join(SPACE)}")
        try:
            network = replace(network, **_change(network, name, value))
        except (TypeError, ValueError):
            raise ModelDataError(f"{name}={value!r} makes no network: see {SPACE[name]}") from None
    return network


def _change(network: Learned, name: str, value: Choice) -> dict[str, Any]:
    """What of ``network`` a parameter replaces; ValueError for a value of no sense."""
    if name == "charge":
        return {"charge": network.charge.times(float(value))}
    bits = int(value)
    if not 0 <= bits <= 8:
        raise ValueError(value)
    return {name: bits}
