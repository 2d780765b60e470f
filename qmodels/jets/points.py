"""Networks that a scan may train: what can vary, and its choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qmodels.errors import ModelDataError
from qmodels.jets.presets import Learned, learned
from qmodels.jets.variants import Variant

Choice = int | float | str

OBJECTIVE = "accuracy:max"
CHARGES = (0.1, 0.3, 1.0, 3.0)
"""In units of the charge of the preset."""


def scan_space(variant: Variant) -> dict[str, Sequence[Choice]]:
    """``charge`` relative to the preset's; ``input_fraction``: bits below the point that the inputs start with."""
    start = learned(variant).input_fraction
    return {"charge": CHARGES, "input_fraction": (start - 1, start, start + 1)}


def how_of(variant: Variant, parameters: Mapping[str, Choice]) -> Learned:
    """The preset with ``parameters`` in place of its own; ModelDataError for a name or value of no sense."""
    how, space = learned(variant), scan_space(variant)
    for name, value in parameters.items():
        if name not in space:
            raise ModelDataError(f"{name!r} cannot be scanned: choose of {', '.join(space)}")
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if name == "charge" and number > 0.0:
            how = replace(how, charge=how.charge.times(number))
        elif name == "input_fraction" and number == int(number) and number > 0:
            how = replace(how, input_fraction=int(number))
        else:
            raise ModelDataError(f"{name}={value!r} makes no network: see {space[name]}")
    return how
