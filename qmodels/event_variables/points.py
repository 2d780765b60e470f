"""Networks of products that a scan may train: what can vary, and its choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qmodels.errors import ModelDataError
from qmodels.event_variables.products import NETWORKS, ProductNetwork
from qmodels.event_variables.variants import TWO_BODY, Variant
from qmodels.precision.task import Charge

Choice = int | float | str

CHARGES = (0.3, 1.0, 3.0, 10.0)
"""In units of the charge of the preset."""


def scan_space(variant: Variant) -> dict[str, Sequence[Choice]]:
    """Choices by name: ``charge`` relative to the preset's, input bits to start from, and hidden features ("12-12")."""
    hidden = ("", "4") if NETWORKS[variant.name].hidden == () else ("8-8", "12-12", "16-16")
    start = NETWORKS[variant.name].input_fraction
    return {"charge": CHARGES, "input_fraction": (start - 1, start, start + 1), "hidden": hidden}


def objective(variant: Variant) -> str:
    """Tau where one number is the answer, elsewhere the loss: a higher tau is not a better network there."""
    return "kendall_tau:max" if variant is TWO_BODY else "bce:min"


def network_of(variant: Variant, parameters: Mapping[str, Choice]) -> ProductNetwork:
    """The preset's network with ``parameters`` in place of its own; ModelDataError for a name or value of no sense."""
    network = NETWORKS[variant.name]
    for name, value in parameters.items():
        try:
            if name == "charge":
                factor = float(value)
                if not factor > 0.0:
                    raise ValueError(value)
                own = network.charge
                network = replace(network, charge=Charge(own.first, own.last * factor, own.ramp))
            elif name == "input_fraction":
                network = replace(network, input_fraction=int(value))
            elif name == "hidden":
                network = replace(network, hidden=tuple(int(units) for units in str(value).split("-") if units))
            else:
                raise ModelDataError(f"{name!r} cannot be scanned: choose of {', '.join(scan_space(variant))}")
        except (TypeError, ValueError) as error:
            if isinstance(error, ModelDataError):
                raise
            raise ModelDataError(f"{name}={value!r} makes no network: see {scan_space(variant)[name]}") from None
    return network
