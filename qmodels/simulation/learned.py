"""The variant's own network with every width learned, from the float one: under a charge for bits, then pruned."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from qkeras import QActivation, QDense

from qmodels.simulation.networks import HIDDEN, new_ports, repeated_shares, repeated_shift
from qmodels.simulation.particles import DIMENSIONS
from qmodels.simulation.quantized import PORT, SHARE_PORT
from qmodels.training.precision.finish import snap
from qmodels.training.precision.quantizer import learned_bits

Indices = npt.NDArray[np.intp]

WEIGHT_FRACTION, MOST_WEIGHT_FRACTION = 7, 8
FEATURE_FRACTION, MOST_FEATURE_FRACTION = 6, 8
NOISE_FRACTION = 5
_INTEGER = 2
"""Before any event was seen; then as many as are needed."""


def build(name: str, electron_hidden: int = HIDDEN, pair_hidden: int = HIDDEN) -> keras.Model:
    """Untrained network of the layers of :func:`qmodels.simulation.networks.residual`.

    What comes out has the format of the port, as have the momenta that are moved: 1/16 GeV are what a detector tells.
    How much they are moved is worked out of fewer bits of momenta and energies: the lowest are dropped, which costs no
    logic.
    """
    ports = new_ports()
    momenta = QActivation(PORT.quantizer(), name="momentum_format")(ports.momenta)
    energies = QActivation(PORT.quantizer(), name="energy_format")(ports.energies)
    noise = QActivation(learned_bits(NOISE_FRACTION, integer=_INTEGER), name="noise_format")(ports.noise)
    recoil = QActivation(learned_bits(NOISE_FRACTION, integer=_INTEGER), name="recoil_format")(ports.recoil)
    seen = keras.layers.Concatenate(name="electron_port")([momenta, energies])
    electron = keras.layers.Concatenate(name="electron")([_seen(seen, "electron_seen"), noise])
    x = QActivation(_saturating(electron_hidden), name="electron_relu")(
        _dense(electron_hidden, electron, "electron_hidden")
    )
    gain = QActivation(_whole(1), name="gain_format")(_dense(1, x, "gain"))
    gains = keras.layers.Concatenate(name="gains")([gain] * DIMENSIONS)
    scaled = keras.layers.Multiply(name="scaled")([momenta, gains])
    momenta = keras.layers.Flatten(name="flat_momenta")(momenta)
    energies = keras.layers.Flatten(name="flat_energies")(energies)
    seen = keras.layers.Concatenate(name="pair_port")([momenta, energies])
    pair = keras.layers.Concatenate(name="pair")([_seen(seen, "pair_seen"), recoil])
    x = QActivation(_saturating(pair_hidden), name="pair_relu")(_dense(pair_hidden, pair, "pair_hidden"))
    shift = QActivation(_whole(DIMENSIONS), name="shift_format")(_dense(DIMENSIONS, x, "shift"))
    shares = repeated_shares(QActivation(SHARE_PORT.quantizer(), name="share_format")(ports.shares))
    pushed = keras.layers.Multiply(name="pushed")([shares, repeated_shift(shift)])
    scaled = keras.layers.Flatten(name="flat_scaled")(scaled)
    moved = keras.layers.Add(name="moved")([momenta, scaled, pushed])
    return keras.Model(ports.all, QActivation(PORT.quantizer(), name="output_format")(moved), name=name)


def _seen(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """What a hidden layer reads of the ports: bits for each number, at first all."""
    bits = learned_bits(PORT.fraction, (x.shape[-1],), "floor", most=PORT.fraction)
    return QActivation(bits, name=name)(x)


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


READERS = {"electron_hidden": "gain", "pair_hidden": "shift"}
"""Who reads a hidden layer."""
_RELUS = {"electron_relu": "electron_hidden", "pair_relu": "pair_hidden"}


def without_idle_features(network: keras.Model) -> keras.Model:
    """A network that computes the same, without hidden features that no weight reads; at least one is kept."""
    kept = {hidden: _read(network.get_layer(reader)) for hidden, reader in READERS.items()}
    smaller = build(network.name, *(len(features) for features in kept.values()))
    rows = {reader: kept[hidden] for hidden, reader in READERS.items()}
    for layer in smaller.layers:
        old = network.get_layer(layer.name)
        if isinstance(layer, QDense):
            _copy_weights(old, layer, rows.get(layer.name), kept.get(layer.name))
        elif isinstance(layer, QActivation) and isinstance(layer.activation, learned_bits):
            _copy_format(old.activation, layer.activation, kept.get(_RELUS.get(layer.name, "")))
    return smaller


def finished(network: keras.Model) -> keras.Model:
    """What is saved: nothing idle, every weight on its grid."""
    smaller = without_idle_features(network)
    snap(smaller)
    return smaller


def _read(reader: Any) -> Indices:
    features = np.flatnonzero(np.asarray(reader.kernel_quantizer_internal(reader.kernel.value)).any(axis=1))
    return features if features.size else np.arange(1)


def _copy_weights(old: Any, new: Any, rows: Indices | None, columns: Indices | None) -> None:
    """Those of some inputs and outputs; None for all."""
    into, out = (np.arange(size) for size in old.kernel.shape)
    rows, columns = into if rows is None else rows, out if columns is None else columns
    new.set_weights([np.asarray(old.kernel)[rows][:, columns], np.asarray(old.bias)[columns]])
    new.kernel_quantizer_internal.set_bits(old.kernel_quantizer_internal.fraction_bits()[rows][:, columns])
    new.bias_quantizer_internal.set_bits(old.bias_quantizer_internal.fraction_bits()[columns])


def _copy_format(old: learned_bits, new: learned_bits, kept: Indices | None) -> None:
    bits = old.fraction_bits()
    new.set_bits(bits if kept is None else bits[kept])
    if isinstance(old.integer, keras.Variable) and isinstance(new.integer, keras.Variable):
        tops = np.asarray(old.integer)
        new.integer.assign(tops if kept is None else tops[kept])
