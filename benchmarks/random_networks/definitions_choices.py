"""What the layers of draw_choices.py compute, in rational numbers, from the sources of Keras."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from benchmarks.random_networks.exact import Exact
from benchmarks.random_networks.network import Layer


def _index(layer: Layer, values: list[Any]) -> Exact:
    """The first of equal ones."""
    x, options = values[0].numerators, layer.options
    turned = -x if layer.kind == "ops.Argmin" else x
    found = np.argmax(turned, axis=options["axis"], keepdims=options["keepdims"])
    return Exact(np.asarray(found).astype(object))


def _top(layer: Layer, values: list[Any]) -> list[Exact]:
    x = values[0].numerators
    largest = np.asarray(x.max(axis=-1, keepdims=True), object)
    index = np.argmax(x, axis=-1, keepdims=True).astype(object)
    return [Exact(largest, values[0].denominator), Exact(index)]


def _split(layer: Layer, values: list[Any]) -> list[Exact]:
    parts = np.split(values[0].numerators, layer.options["indices_or_sections"], layer.options["axis"])
    return [Exact(part, values[0].denominator) for part in parts]


def _unstacked(layer: Layer, values: list[Any]) -> list[Exact]:
    rows = np.moveaxis(values[0].numerators, layer.options["axis"], 0)
    return [Exact(row, values[0].denominator) for row in rows]


def _normalized(layer: Layer, values: list[Any]) -> Exact:
    x, options = values[0], layer.options
    mean, variance = layer.weights[:2] if options["mean"] is None else (options["mean"], options["variance"])
    sizes = [size if axis in (options["axis"] or ()) else 1 for axis, size in enumerate(x.shape)]
    centre = Exact.of(np.asarray(mean, np.float32)).reshape(*sizes)
    spread = Exact.of(Exact.of(np.asarray(variance, np.float32)).each(_root)).reshape(*sizes)
    if options["invert"]:
        return x * spread + centre
    return (x - centre) * Exact.of(spread.each(lambda value: 1 / value))


def _root(square: Fraction) -> Fraction:
    return Fraction(isqrt(square.numerator), isqrt(square.denominator))


LAYERS: dict[str, Callable[[Layer, list[Any]], Exact]] = {
    "Normalization": _normalized,
    "ops.Argmax": _index,
    "ops.Argmin": _index,
    "ops.Cast": lambda layer, values: values[0],
}
PARTED: dict[str, Callable[[Layer, list[Any]], list[Exact]]] = {
    "ops.Split": _split,
    "ops.TopK": _top,
    "ops.Unstack": _unstacked,
}
"""Those of several tensors."""
