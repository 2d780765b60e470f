"""The residual network in few bits: the same layers, each number with a format."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from qkeras import QActivation, QDense

from qmodels.simulation.networks import DIMENSIONS, HIDDEN, PARTICLES, new_ports
from qmodels.training.quantization import FixedPoint, integer_bits
from qmodels.types import Floats32

PORT = FixedPoint(13, 3, signed=True)
"""Momenta below 256 GeV across and 1024 GeV along the beam, in steps of 1/16 and 1/4 GeV."""
NOISE_PORT = FixedPoint(8, 2, signed=True)
"""Standard normal noise up to four widths, in steps of 1/32."""
_BIAS_BITS = 2
"""Bits that a bias has beyond a weight: there are few of them."""


@dataclass(frozen=True)
class Formats:
    """Bits of a network; a sign is among those of weights, gains and shifts, and comes on top of integer bits."""

    bits: int
    hidden_weight: int
    hidden: int
    gain_weight: int
    gain: int
    shift_weight: int
    shift: int

    def weight(self, integer: int) -> FixedPoint:
        """Format of a weight."""
        return FixedPoint(self.bits, integer, signed=True)

    def bias(self, integer: int) -> FixedPoint:
        """Format of the bias of a layer whose weights have these integer bits."""
        return FixedPoint(self.bits + _BIAS_BITS, integer + _BIAS_BITS // 2, signed=True)


def formats_for(network: keras.Model, sample: dict[str, Floats32], bits: int) -> Formats:
    """Integer bits that hold the weights of a float ``network``, and what it computes of ``sample`` but for 1e-4."""
    layers = {layer.name: layer for layer in network.layers}
    names = ("hidden", "gains", "shift")
    probe = keras.Model(network.inputs, [layers[name].output for name in names])
    hidden, gains, shift = (_reach(values) for values in probe(list(sample.values())))
    return Formats(
        bits,
        hidden_weight=_largest_weight(layers["hidden"]),
        hidden=hidden,
        gain_weight=max(_largest_weight(layers[name]) for name in ("gain_e", "gain_p")),
        gain=gains,
        shift_weight=_largest_weight(layers["shift"]),
        shift=shift,
    )


def build(name: str, formats: Formats, hidden: int = HIDDEN) -> keras.Model:
    """Untrained network of the layers, and the order of weights, of :func:`qmodels.simulation.networks.residual`."""
    ports = new_ports()
    momenta = QActivation(PORT.quantizer(), name="momentum_format")(ports.momenta)
    energies = QActivation(PORT.quantizer(), name="energy_format")(ports.energies)
    noise = QActivation(NOISE_PORT.quantizer(), name="noise_format")(ports.noise)
    x = keras.layers.Concatenate(name="ports")([momenta, energies, noise])
    x = _dense(hidden, formats, formats.hidden_weight, "hidden")(x)
    x = QActivation(FixedPoint(formats.bits, formats.hidden, signed=False).quantizer(), name="relu")(x)
    gains = [_dense(1, formats, formats.gain_weight, f"gain_{who}")(x) for who in ("e", "p")]
    spread = keras.layers.Concatenate(name="gains")([gain for gain in gains for _ in range(DIMENSIONS)])
    spread = QActivation(FixedPoint(formats.bits, formats.gain, signed=True).quantizer(), name="gain_format")(spread)
    scaled = keras.layers.Multiply(name="scaled")([momenta, spread])
    shift = _dense(DIMENSIONS, formats, formats.shift_weight, "shift")(x)
    # In steps of the port, to which it is added.
    shift_format = FixedPoint(PORT.bits - PORT.integer + formats.shift, formats.shift, signed=True)
    shift = QActivation(shift_format.quantizer(), name="shift_format")(shift)
    shifts = keras.layers.Concatenate(name="shifts")([shift] * PARTICLES)
    moved = keras.layers.Add(name="moved")([momenta, scaled, shifts])
    return keras.Model(ports.all, QActivation(PORT.quantizer(), name="output_format")(moved), name=name)


def _dense(units: int, formats: Formats, integer: int, name: str) -> QDense:
    return QDense(
        units,
        kernel_quantizer=formats.weight(integer).quantizer(),
        bias_quantizer=formats.bias(integer).quantizer(),
        kernel_initializer="glorot_uniform",
        name=name,
    )


def _largest_weight(layer: keras.layers.Layer) -> int:
    return integer_bits(float(np.abs(np.asarray(layer.kernel)).max()))


def _reach(values: keras.KerasTensor) -> int:
    return integer_bits(float(np.quantile(np.abs(np.asarray(values)), 0.9999)))
