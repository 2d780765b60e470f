"""The published EVN in QKeras: how the float network becomes a quantized one."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from qmodels.event_variables.events import MAX_PAIR_ENERGY_GEV, MAX_SINGLE_ENERGY_GEV
from qmodels.event_variables.networks import PAPER_HIDDEN
from qmodels.event_variables.variants import INPUT_SCALE, PAIR, Variant
from qmodels.training.quantization import (
    FixedPoint,
    Widths,
    build_dense_stack,
    choose_formats,
    integer_bits,
)
from qmodels.types import Floats32


@dataclass(frozen=True)
class Preset:
    """A size of quantized EVN: its hidden layers and the bits of each kind of number."""

    name: str
    hidden: tuple[int, ...]
    widths: Widths


PAPER = Preset("paper", PAPER_HIDDEN, Widths(inputs=13, weights=10, activations=10, output=16, weight_coverage=1.0))
"""The published topology with bits enough that BCE and tau stay within 2 % of the float network."""


def input_format(variant: Variant, bits: int) -> FixedPoint:
    """Input format wide enough for the largest energy that the generator makes: inputs never saturate."""
    energy = MAX_PAIR_ENERGY_GEV if variant is PAIR else MAX_SINGLE_ENERGY_GEV
    return FixedPoint(bits, integer_bits(energy * INPUT_SCALE), signed=True)


def quantize(variant: Variant, preset: Preset, evn: keras.Model, sample: Floats32) -> keras.Model:
    """QKeras network started from the weights of the float ``evn``, which has the layers of ``preset``.

    ``sample`` (n, d) are network inputs from which the ranges are chosen. Output: V (n, 1) in 16 bits.
    """
    weights = evn.get_weights()
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    inputs = input_format(variant, preset.widths.inputs)
    formats = choose_formats(layers, inputs, sample, preset.widths)
    units = [*preset.hidden, 1]
    model = build_dense_stack(inputs, len(variant.inputs), list(zip(units, formats, strict=True)), "evn")
    model.set_weights(weights)
    return model


def output_limit(model: keras.Model) -> float:
    """Half the range of the output quantizer: where training should keep |V|, so that V never saturates."""
    return 0.5 * 2.0 ** int(model.layers[-1].activation.integer)
