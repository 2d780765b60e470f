"""Networks that a scan may train: what can vary, and its choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qmodels.errors import ModelDataError
from qmodels.event_variables.networks import LEAN, TRIGGER, LearnedNetwork
from qmodels.event_variables.variants import TWO_BODY, Variant

Choice = int | float | str

CHARGES = (0.1, 0.3, 1.0, 3.0)
"""In units of the charge of the preset."""


LAYERS = {"products": TRIGGER, "dense": LEAN}


def scan_space(variant: Variant) -> dict[str, Sequence[Choice]]:
    """Choices by name.

    ``layers``: products of the inputs first, or the published topology ("dense"); ``charge`` relative to the preset's;
    ``input_fraction``: bits below the point that the inputs start with; ``hidden`` features ("12-12"; "" for those of
    the preset).
    """
    hidden = ("", "4") if TRIGGER[variant.name].hidden == () else ("8-8", "12-12", "16-16")
    start = TRIGGER[variant.name].input_fraction
    return {
        "layers": ("products",),
        "charge": CHARGES,
        "input_fraction": (start - 1, start, start + 1),
        "hidden": hidden,
    }


def objective(variant: Variant) -> str:
    """Tau where one number is the answer, elsewhere the loss: a higher tau is not a better network there."""
    return "kendall_tau:max" if variant is TWO_BODY else "bce:min"


def network_of(variant: Variant, parameters: Mapping[str, Choice]) -> LearnedNetwork:
    """The preset's network with ``parameters`` in place of its own; ModelDataError for a name or value of no sense."""
    unknown = [name for name in parameters if name not in scan_space(variant)]
    if unknown:
        raise ModelDataError(f"{unknown[0]!r} cannot be scanned: choose of {', '.join(scan_space(variant))}")
    layers = parameters.get("layers", "products")
    if layers not in LAYERS:
        raise ModelDataError(f"layers={layers!r} makes no network: see {tuple(LAYERS)}")
    network = LAYERS[str(layers)][variant.name]
    for name, value in parameters.items():
        try:
            network = replace(network, **_change(network, name, value))
        except (TypeError, ValueError):
            raise ModelDataError(f"{name}={value!r} makes no network: see {scan_space(variant)[name]}") from None
    return network


def _change(network: LearnedNetwork, name: str, value: Choice) -> dict[str, Any]:
    """What of ``network`` a parameter replaces; ValueError for a value of no sense."""
    if name == "charge":
        return {"charge": network.charge.times(float(value))}
    if name == "input_fraction":
        return {"input_fraction": int(value)}
    if name == "hidden" and value != "":
        return {"hidden": tuple(int(units) for units in str(value).split("-"))}
    return {}
