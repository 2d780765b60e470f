"""The Keras model of a network whose widths are trained: every format learned, from the port to the last weight."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from qkeras import QActivation, QDense

from qmodels.event_variables.networks import LearnedNetwork
from qmodels.event_variables.quantized import input_format
from qmodels.event_variables.variants import Variant
from qmodels.product_layers import PairProducts, all_pairs, independent_pairs
from qmodels.training.precision.quantizer import learned_bits
from qmodels.types import Floats32

PRODUCT_FRACTION = 12
WEIGHT_FRACTION = 7
HIDDEN_FRACTION = 6
HIDDEN_INTEGER = 2
INITIAL_WEIGHT = 0.3


def build(variant: Variant, network: LearnedNetwork, sample: Floats32) -> keras.Model:
    """Untrained network: inputs (n, d) in units of 512 GeV -> V (n, 1).

    ``sample`` are inputs that tell which products are linear combinations of others: those are left out unless kept.
    """
    start = keras.Input((len(variant.inputs),), name="event")
    ports = learned_bits(network.input_fraction, integer=input_format(variant, 16).integer)
    x = QActivation(ports, name="input_quantizer")(start)
    if not network.products:
        return keras.Model(start, _dense_network(x, network.hidden), name="evn")
    pairs = all_pairs(len(variant.inputs)) if network.redundant else independent_pairs(sample)
    x = PairProducts(pairs, name="products")(x)
    x = QActivation(learned_bits(PRODUCT_FRACTION, (len(pairs),), "floor"), name="product_quantizer")(x)
    return keras.Model(start, _reading(x, network), name="evn")


def _reading(x: keras.KerasTensor, network: LearnedNetwork) -> keras.KerasTensor:
    """A few features of many products."""
    l1 = keras.regularizers.L1(network.l1)
    for index, units in enumerate((*network.hidden, 1), start=1):
        last = index > len(network.hidden)
        normal = keras.initializers.RandomNormal(0.0, INITIAL_WEIGHT)
        x = QDense(
            units,
            kernel_quantizer=learned_bits(WEIGHT_FRACTION, (x.shape[-1], units)),
            bias_quantizer=None if last else learned_bits(HIDDEN_FRACTION, (units,)),
            use_bias=not last,
            kernel_initializer=normal if index == 1 else "glorot_uniform",
            kernel_regularizer=l1 if index == 1 else None,
            name=f"dense_{index}",
        )(x)
        if not last:
            relu = learned_bits(HIDDEN_FRACTION, (units,), "floor", integer=HIDDEN_INTEGER, signed=False)
            x = QActivation(relu, name=f"relu_{index}")(x)
    return x


DENSE_FRACTION = 6
MOST_WEIGHT_FRACTION, MOST_HIDDEN_FRACTION = 7, 8
"""With these a sum of the published topology stays below 2^24 steps, so that QKeras computes it exactly."""


def _dense_network(x: keras.KerasTensor, hidden: Sequence[int]) -> keras.KerasTensor:
    """Layer after layer, every weight and every feature with bits of its own."""
    for index, units in enumerate((*hidden, 1), start=1):
        last = index > len(hidden)
        kernel = learned_bits(DENSE_FRACTION, (x.shape[-1], units), most=MOST_WEIGHT_FRACTION)
        bias = None if last else learned_bits(DENSE_FRACTION, (units,), most=MOST_WEIGHT_FRACTION)
        x = QDense(units, kernel_quantizer=kernel, bias_quantizer=bias, use_bias=not last, name=f"dense_{index}")(x)
        if not last:
            top = [HIDDEN_INTEGER] * units
            relu = learned_bits(DENSE_FRACTION, (units,), "floor", integer=top, signed=False, most=MOST_HIDDEN_FRACTION)
            x = QActivation(relu, name=f"relu_{index}")(x)
    return x
