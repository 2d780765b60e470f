"""The residual network in few bits: the same layers, each number with a format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras
import numpy as np
from qkeras import QActivation, QDense

from qmodels.simulation.networks import HIDDEN, new_ports, repeated_shares, repeated_shift
from qmodels.simulation.particles import DIMENSIONS
from qmodels.training.quantization import FixedPoint, integer_bits
from qmodels.types import Floats32

PORT = FixedPoint(13, 3, signed=True)
"""Momenta below 256 GeV across and 1024 GeV along the beam, in steps of 1/16 and 1/4 GeV."""
NOISE_PORT = FixedPoint(8, 2, signed=True)
"""Standard normal noise up to four widths, in steps of 1/32."""
SHARE_PORT = FixedPoint(8, 0, signed=False)
"""Parts of the energy of both, in steps of 1/256."""
_SAVED = {"pair_hidden": 1, "shift": 2}
"""Bits that weights have less than others: a recoil is multiplied by a share after them, and would be a clock late."""
_RECOIL_STEP_BITS = 2
"""A recoil is told in so many bits less than a momentum, in steps of 1/4 GeV: each electron has a part of it."""
_BIAS_BITS = 2
"""Bits that a bias has beyond a weight: there are few of them."""
_RECOIL_BIAS_BITS = 12
"""Of a recoil's: along the beam a step of 4 GeV, which 8 bits would have, moves all events by up to the half of it."""


LAYERS = ("electron_hidden", "gain", "pair_hidden", "shift")
"""Those with weights."""


@dataclass(frozen=True)
class Formats:
    """``bits`` of weights and features, signs included; integer bits by layer, of its weights and of what follows."""

    bits: int
    weights: Mapping[str, int]
    outputs: Mapping[str, int]

    def weight(self, layer: str) -> FixedPoint:
        """Format of the weights of a layer."""
        return FixedPoint(self.bits - _SAVED.get(layer, 0), self.weights[layer], signed=True)

    def bias(self, layer: str) -> FixedPoint:
        """Format of the biases of a layer."""
        bits = _RECOIL_BIAS_BITS if layer == "shift" else self.bits + _BIAS_BITS
        return FixedPoint(bits, self.weights[layer] + _BIAS_BITS // 2, signed=True)

    def output(self, layer: str) -> FixedPoint:
        """Format of what the layer's activation gives: of a recoil as fine as is of use."""
        integer = self.outputs[layer]
        if layer == "shift":
            return FixedPoint(1 + integer + PORT.fraction - _RECOIL_STEP_BITS, integer, signed=True)
        return FixedPoint(self.bits, integer, signed=layer == "gain")


def formats_for(network: keras.Model, sample: dict[str, Floats32], bits: int) -> Formats:
    """Integer bits that hold the weights of a float ``network``, and what it computes of ``sample`` but for 1e-4."""
    layers = [network.get_layer(name) for name in LAYERS]
    computed = keras.Model(network.inputs, [layer.output for layer in layers])(list(sample.values()))
    return Formats(
        bits,
        {layer.name: integer_bits(float(np.abs(np.asarray(layer.kernel)).max())) for layer in layers},
        {layer.name: _reach(values) for layer, values in zip(layers, computed, strict=True)},
    )


def build(name: str, formats: Formats, hidden: int = HIDDEN) -> keras.Model:
    """Untrained network of the layers of :func:`qmodels.simulation.networks.residual`."""
    ports = new_ports()
    momenta = QActivation(PORT.quantizer(), name="momentum_format")(ports.momenta)
    energies = QActivation(PORT.quantizer(), name="energy_format")(ports.energies)
    noise = QActivation(NOISE_PORT.quantizer(), name="noise_format")(ports.noise)
    recoil = QActivation(NOISE_PORT.quantizer(), name="recoil_format")(ports.recoil)
    electron = keras.layers.Concatenate(name="electron")([momenta, energies, noise])
    gain = _layer(1, formats, "gain", _layer(hidden, formats, "electron_hidden", electron))
    gains = keras.layers.Concatenate(name="gains")([gain] * DIMENSIONS)
    scaled = keras.layers.Multiply(name="scaled")([momenta, gains])
    momenta = keras.layers.Flatten(name="flat_momenta")(momenta)
    energies = keras.layers.Flatten(name="flat_energies")(energies)
    pair = keras.layers.Concatenate(name="pair")([momenta, energies, recoil])
    shift = _layer(DIMENSIONS, formats, "shift", _layer(hidden, formats, "pair_hidden", pair))
    shares = repeated_shares(QActivation(SHARE_PORT.quantizer(), name="share_format")(ports.shares))
    pushed = keras.layers.Multiply(name="pushed")([shares, repeated_shift(shift)])
    scaled = keras.layers.Flatten(name="flat_scaled")(scaled)
    moved = keras.layers.Add(name="moved")([momenta, scaled, pushed])
    return keras.Model(ports.all, QActivation(PORT.quantizer(), name="output_format")(moved), name=name)


def take_weights(few: keras.Model, network: keras.Model) -> keras.Model:
    """``few`` with the weights of ``network``, layer by layer: Keras may order those otherwise."""
    for name in LAYERS:
        few.get_layer(name).set_weights(network.get_layer(name).get_weights())
    return few


def _layer(units: int, formats: Formats, name: str, x: keras.KerasTensor) -> keras.KerasTensor:
    dense = QDense(
        units,
        kernel_quantizer=formats.weight(name).quantizer(),
        bias_quantizer=formats.bias(name).quantizer(),
        kernel_initializer="glorot_uniform",
        name=name,
    )
    return QActivation(formats.output(name).quantizer(), name=f"{name}_format")(dense(x))


def _reach(values: keras.KerasTensor) -> int:
    return integer_bits(float(np.quantile(np.abs(np.asarray(values)), 0.9999)))
