"""After training: weights on their grids, and what nothing reads cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from qkeras import QActivation, QDense

from qmodels.product_layers import PairProducts
from qmodels.training.precision.quantizer import learned_bits
from qmodels.types import Floats32


def snap(model: keras.Model) -> None:
    """Replace every weight by its quantized value, and the bits of its quantizer by the most that any weight needs.

    The network computes the same: a value on a coarse grid lies on every finer one.
    """
    for layer in model.layers:
        for role in ("kernel", "bias"):
            quantizer = getattr(layer, f"{role}_quantizer_internal", None)
            variable = getattr(layer, role, None)
            if not isinstance(quantizer, learned_bits) or variable is None:
                continue
            values = np.asarray(quantizer(variable.value))
            variable.assign(values)
            _one_for_all(quantizer, places(values))


def places(values: npt.NDArray[Any]) -> int:
    """Fraction bits of the finest of ``values``, at least 0."""
    for bits in range(25):
        scaled = np.ldexp(values.astype(np.float64), bits)
        if np.array_equal(scaled, np.rint(scaled)):
            return bits
    return 24


def _one_for_all(quantizer: learned_bits, bits: int) -> None:
    quantizer.fraction = keras.Variable(np.float32(bits), name="fraction", dtype="float32")
    quantizer.reach = keras.Variable(np.float32(0), name="reach", dtype="float32", trainable=False)


def prune(model: keras.Model) -> keras.Model:
    """A network that computes the same without what only zero weights read: hidden features and products.

    ``model`` is a chain of QActivation, QDense and PairProducts layers, of which a QActivation reads the input. All of
    the input is kept: it is the port, and an activation behind it cannot choose of it.
    """
    start, *layers = model.layers
    known = np.arange(start.output.shape[-1])
    kept = _kept(layers)
    for place, layer in enumerate(layers):
        if not isinstance(layer, QActivation):
            break
        kept[place] = known
    x = inputs = keras.Input((len(known),), name=start.name)
    for layer, chosen in zip(layers, kept, strict=True):
        copy = _part(layer, known, chosen)
        x = copy(x)
        if isinstance(layer, QDense):
            kernel, *bias = (np.asarray(weights) for weights in layer.get_weights())
            copy.set_weights([kernel[known][:, chosen], *(values[chosen] for values in bias)])
        known = chosen
    return keras.Model(inputs, x, name=model.name)


def _kept(layers: list[Any]) -> list[npt.NDArray[np.int64]]:
    """The outputs of every layer that a weight other than zero reads, at least one."""
    keep = np.arange(layers[-1].output.shape[-1])
    kept = []
    for layer in reversed(layers):
        kept.append(keep if keep.size else np.arange(1))
        if isinstance(layer, QDense):
            keep = np.flatnonzero(_quantized(layer)[:, kept[-1]].any(axis=1))
        elif isinstance(layer, PairProducts):
            keep = np.unique(np.array(layer.pairs)[kept[-1]])
    return kept[::-1]


def _part(layer: Any, known: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]) -> keras.layers.Layer:
    """A new layer for the features ``known`` that arrive, with the outputs ``chosen``; its weights come later."""
    if isinstance(layer, PairProducts):
        place = {int(feature): index for index, feature in enumerate(known)}
        pairs = [tuple(place[feature] for feature in layer.pairs[pair]) for pair in chosen]
        return PairProducts(pairs, name=layer.name)
    if isinstance(layer, QDense):
        return _part_of_dense(layer, known, chosen)
    if isinstance(layer.activation, learned_bits):
        return QActivation(_part_of(layer.activation, lambda bits: bits[chosen]), name=layer.name)
    return QActivation.from_config(layer.get_config())


def _part_of_dense(layer: QDense, known: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64]) -> QDense:
    kernel, bias = layer.kernel_quantizer_internal, layer.bias_quantizer_internal
    return QDense(
        len(chosen),
        use_bias=layer.use_bias,
        kernel_quantizer=_part_of(kernel, lambda bits: bits[known][:, chosen]),
        bias_quantizer=_part_of(bias, lambda bits: bits[chosen]),
        name=layer.name,
    )


def _part_of(quantizer: Any, choose: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]) -> Any:
    if not isinstance(quantizer, learned_bits):
        return quantizer
    config = quantizer.get_config()
    if config["shape"]:
        bits = choose(quantizer.fraction_bits())
        config |= {"fraction": bits.tolist(), "shape": list(bits.shape)}
        if np.ndim(config["integer"]):
            config["integer"] = choose(np.array(config["integer"])).tolist()
    return learned_bits.from_config(config)


def _quantized(layer: QDense) -> Floats32:
    quantizer = layer.kernel_quantizer_internal
    return np.asarray(layer.kernel.value if quantizer is None else quantizer(layer.kernel.value))
