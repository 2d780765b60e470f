"""Networks that a scan may train: what can vary, and its choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qmodels.errors import ModelDataError
from qmodels.simulation.presets import PRESETS, Preset, Quantization

Choice = int | float | str

SPACE: dict[str, Sequence[Choice]] = {"bits": (6, 8, 10, 12), "hidden": (8, 16, 32)}
"""Bits of weights and features, and how many features a hidden layer has."""
OBJECTIVE = "simulated_sw:min"
FEWEST_BITS, MOST_BITS, MOST_HIDDEN = 3, 12, 256


def preset_of(parameters: Mapping[str, Choice]) -> Preset:
    """The preset "desk" with ``parameters`` in place of its own; ModelDataError for a name or value of no sense."""
    unknown = [name for name in parameters if name not in SPACE]
    if unknown:
        raise ModelDataError(f"{unknown[0]!r} cannot be scanned: choose of {', '.join(SPACE)}")
    desk = PRESETS["desk"]
    if not isinstance(desk.quantized, Quantization):
        raise TypeError(desk)
    bits = _whole("bits", parameters.get("bits", desk.quantized.bits), FEWEST_BITS, MOST_BITS)
    hidden = _whole("hidden", parameters.get("hidden", desk.hidden), 1, MOST_HIDDEN)
    return replace(desk, hidden=hidden, quantized=replace(desk.quantized, bits=bits))


def _whole(name: str, value: Choice, low: int, high: int) -> int:
    if isinstance(value, str) or value != int(value) or not low <= value <= high:
        raise ModelDataError(f"{name}={value!r} makes no network: a whole number from {low} to {high} does")
    return int(value)
