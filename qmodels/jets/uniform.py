"""Uniform formats of a network, chosen from its float weights and from what it does to a sample of jets."""

from __future__ import annotations

import numpy as np

from qmodels.jets.arrays import FloatNetwork
from qmodels.jets.keras_layers import UniformFormats
from qmodels.training.quantization import FixedPoint, integer_bits
from qmodels.types import Floats32

INPUT_BITS, MEAN_BITS = 12, 10
MEANS = ("mean", "effects")
WEIGHT_COVERAGE, FEATURE_COVERAGE = 0.99, 0.9999
"""Fractions of the float weights, and of the features, that a format reaches: training makes up for the few beyond."""


def choose_formats(network: FloatNetwork, inputs: Floats32, bits: int) -> UniformFormats:
    """Formats of ``bits`` bits for weights and features; means of particles and the port have more."""
    network.layers.seen.clear()
    network(inputs)
    trained = {name: arrays for name, arrays in network.layers.weights.items() if arrays}
    return UniformFormats(
        FixedPoint(INPUT_BITS, network.variant.integer, signed=True),
        {name: _format(arrays[0], WEIGHT_COVERAGE, bits, signed=True) for name, arrays in trained.items()},
        {name: _format(arrays[-1], 1.0, bits, signed=True) for name, arrays in trained.items()},
        {
            name: _format(values, FEATURE_COVERAGE, MEAN_BITS if name in MEANS else bits, signed=False)
            for name, values in network.layers.seen.items()
        },
    )


def _format(values: Floats32, coverage: float, bits: int, *, signed: bool) -> FixedPoint:
    return FixedPoint(bits, integer_bits(float(np.quantile(np.abs(values), coverage))), signed)
