"""The variant's own network with every width learned, from the float one: under a charge for bits, then pruned."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from qkeras import QActivation, QDense

from qmodels.simulation.networks import DIMENSIONS, HIDDEN, PARTICLES, new_ports
from qmodels.simulation.quantized import PORT
from qmodels.training.precision.finish import snap
from qmodels.training.precision.quantizer import learned_bits

WEIGHT_FRACTION, MOST_WEIGHT_FRACTION = 7, 8
FEATURE_FRACTION, MOST_FEATURE_FRACTION = 6, 8
NOISE_FRACTION = 5
_INTEGER = 2
"""Before any event was seen; then as many as are needed."""


def build(name: str, hidden: int = HIDDEN) -> keras.Model:
    """Untrained network of the layers, and the order of weights, of :func:`qmodels.simulation.networks.residual`.

    Momenta and energies keep the format of the port, and so does what comes out: 1/16 GeV are what a detector tells.
    """
    ports = new_ports()
    momenta = QActivation(PORT.quantizer(), name="momentum_format")(ports.momenta)
    energies = QActivation(PORT.quantizer(), name="energy_format")(ports.energies)
    noise = QActivation(learned_bits(NOISE_FRACTION, integer=_INTEGER), name="noise_format")(ports.noise)
    x = keras.layers.Concatenate(name="ports")([momenta, energies, noise])
    x = _dense(hidden, x, "hidden")
    x = QActivation(_saturating(hidden), name="relu")(x)
    gains = [_dense(1, x, f"gain_{who}") for who in ("e", "p")]
    gains = [QActivation(_whole(1), name=f"gain_format_{who}")(y) for who, y in zip(("e", "p"), gains, strict=True)]
    spread = keras.layers.Concatenate(name="gains")([gain for gain in gains for _ in range(DIMENSIONS)])
    scaled = keras.layers.Multiply(name="scaled")([momenta, spread])
    shift = QActivation(_whole(DIMENSIONS), name="shift_format")(_dense(DIMENSIONS, x, "shift"))
    shifts = keras.layers.Concatenate(name="shifts")([shift] * PARTICLES)
    moved = keras.layers.Add(name="moved")([momenta, scaled, shifts])
    return keras.Model(ports.all, QActivation(PORT.quantizer(), name="output_format")(moved), name=name)


def _saturating(channels: int) -> learned_bits:
    """Of a ReLU: bits for each channel, which saturates where few events reach. Rounded down, which costs no logic."""
    top = [_INTEGER] * channels
    return learned_bits(FEATURE_FRACTION, (channels,), "floor", integer=top, signed=False, most=MOST_FEATURE_FRACTION)


def _whole(channels: int) -> learned_bits:
    """Of a sum: bits for each channel, in all of the range that the sum has."""
    return learned_bits(FEATURE_FRACTION, (channels,), "floor", most=MOST_FEATURE_FRACTION)


def _dense(units: int, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    kernel = learned_bits(WEIGHT_FRACTION, (x.shape[-1], units), most=MOST_WEIGHT_FRACTION)
    bias = learned_bits(WEIGHT_FRACTION, (units,), most=MOST_WEIGHT_FRACTION)
    return QDense(units, kernel_quantizer=kernel, bias_quantizer=bias, name=name)(x)


READERS = ("gain_e", "gain_p", "shift")
"""Layers that read the hidden one."""


def without_idle_features(network: keras.Model) -> keras.Model:
    """A network that computes the same, without hidden features that no weight reads; at least one is kept."""
    layers: dict[str, Any] = {layer.name: layer for layer in network.layers}
    read = [np.asarray(layers[name].kernel_quantizer_internal(layers[name].kernel.value)) for name in READERS]
    kept = np.flatnonzero(np.concatenate(read, axis=1).any(axis=1))
    kept = kept if kept.size else np.arange(1)
    smaller = build(network.name, len(kept))
    for layer in smaller.layers:
        old = layers[layer.name]
        if isinstance(layer, QDense):
            columns = kept if layer.name == "hidden" else np.arange(old.kernel.shape[1])
            rows = kept if layer.name in READERS else np.arange(old.kernel.shape[0])
            layer.set_weights([np.asarray(old.kernel)[rows][:, columns], np.asarray(old.bias)[columns]])
            layer.kernel_quantizer_internal.set_bits(old.kernel_quantizer_internal.fraction_bits()[rows][:, columns])
            layer.bias_quantizer_internal.set_bits(old.bias_quantizer_internal.fraction_bits()[columns])
        elif isinstance(layer, QActivation) and isinstance(layer.activation, learned_bits):
            _copy_format(old.activation, layer.activation, kept if layer.name == "relu" else None)
    return smaller


def finished(network: keras.Model) -> keras.Model:
    """What is saved: nothing idle, every weight on its grid."""
    smaller = without_idle_features(network)
    snap(smaller)
    return smaller


def _copy_format(old: learned_bits, new: learned_bits, kept: Any) -> None:
    bits, integer = old.fraction_bits(), old.integer
    if isinstance(integer, keras.Variable):
        tops = np.asarray(integer)
        new.integer.assign(tops if kept is None else tops[kept])  # type: ignore[union-attr]
    new.set_bits(bits if kept is None else bits[kept])
