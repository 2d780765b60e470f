"""What the layers of draw_later.py compute, in rational numbers, from the sources of Keras and QKeras."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from benchmarks.random_networks.definitions import (
    as_value,
    averaged,
    bias,
    conv,
    dense,
    depthwise,
    folded,
    pair,
    tensor,
)
from benchmarks.random_networks.exact import Exact, joined, where
from benchmarks.random_networks.network import Layer
from benchmarks.random_networks.quantizer_definitions import (
    PRECISE,
    float32,
    quantize,
    quantize_trainable,
    real_sigmoid,
)


def _numpy(function: Callable[[Layer, Any], Any]) -> Callable[[Layer, list[Any]], Exact]:
    """A layer that moves numbers and computes none."""

    def moved(layer: Layer, values: list[Any]) -> Exact:
        return Exact(np.asarray(function(layer, values[0].numerators), object), values[0].denominator)

    return moved


def _up_sampled(layer: Layer, x: Any) -> Any:
    rank = x.ndim - 2
    for axis, times in enumerate(pair(layer.options["size"], rank)):
        x = np.repeat(x, times, axis + 1)
    return x


def _sides(layer: Layer, key: str, rank: int) -> list[list[int]]:
    stated = layer.options[key]
    return [stated] if rank == 1 else stated


def _padded(layer: Layer, x: Any) -> Any:
    zero = np.array(0, object)
    return np.pad(x, [(0, 0), *_sides(layer, "padding", x.ndim - 2), (0, 0)], constant_values=zero)


def _cropped(layer: Layer, x: Any) -> Any:
    sides = _sides(layer, "cropping", x.ndim - 2)
    ends = [slice(before, x.shape[axis + 1] - after) for axis, (before, after) in enumerate(sides)]
    return x[(slice(None), *ends)]


def _item(layer: Layer, values: list[Any]) -> Exact:
    """``x[index]``, the index as a model file holds it."""
    x, written = values
    index: list[Any] = []
    for part in written:
        if isinstance(part, dict):
            ends = part["config"]
            part = ... if part["class_name"] == "__ellipsis__" else slice(ends["start"], ends["stop"], ends["step"])
        index.append(part)
    return x[tuple(index)]


def _extreme(least: bool) -> Callable[[Exact, Exact], Exact]:
    def of_two(a: Exact, b: Exact) -> Exact:
        larger = a.at_least(b)
        return where(larger, b, a) if least else where(larger, a, b)

    return of_two


def _average(layer: Layer, values: list[Any]) -> Exact:
    total = values[0]
    for other in values[1:]:
        total = total + other
    return averaged(layer, total, len(values))


def _transposed(layer: Layer, values: list[Any]) -> Exact:
    """Every input number times the kernel, laid down at its stride, and the sum of what lies on one place."""
    x = values[0]
    kernel = tensor(quantize_trainable, layer.options.get("kernel_quantizer"), layer.weights[0])
    *window, filters, _ = kernel.shape
    rank = len(window)
    strides, spatial = pair(layer.options["strides"], rank), x.shape[1:-1]
    reach = [(n - 1) * s + max(w, s) for n, w, s in zip(spatial, window, strides, strict=True)]
    laid = np.full((x.shape[0], *reach, filters), 0, object)
    for tap in product(*map(range, window)):
        places = tuple(slice(t, t + (n - 1) * s + 1, s) for t, n, s in zip(tap, spatial, strides, strict=True))
        laid[(slice(None), *places)] += np.dot(x.numerators, kernel.numerators[tap].T)
    if layer.options["padding"] == "same":  # as the gradient of a convolution that pads less before than behind
        cut = [max(w - s, 0) // 2 for w, s in zip(window, strides, strict=True)]
        laid = laid[(slice(None), *(slice(c, c + n * s) for c, n, s in zip(cut, spatial, strides, strict=True)))]
    return bias(layer, Exact(laid, x.denominator * kernel.denominator).reduced())


def _normalized(compute: Callable[[Layer, list[Any]], Exact]) -> Callable[[Layer, list[Any]], Exact]:
    """The normalization folded into kernel and bias in float32, one step after the other, before they are quantized."""

    def function(layer: Layer, values: list[Any]) -> Exact:
        *own, gamma, beta, mean, variance = layer.weights
        inverse = np.float32(1) / np.sqrt(variance + np.float32(layer.options["epsilon"])) * gamma
        kernel, offset = own[0], own[1] if layer.options["use_bias"] else np.float32(0)
        spread = inverse.reshape(kernel.shape[-2:]) if "Depthwise" in layer.kind else inverse
        weights = (kernel * spread, inverse * (offset - mean) + beta)
        return compute(replace(layer, weights=weights, options={**layer.options, "use_bias": True}), values)

    return function


def _prelu(layer: Layer, values: list[Any]) -> Exact:
    x = values[0]
    return where(x.at_least(0), x, x * Exact.of(layer.weights[0]))


def _edges(layer: Layer, values: list[Any]) -> Exact:
    """Edges go from each node to each other one, by receiver and then by sender."""
    x, receiving = values[0], layer.options["receiving"]
    rows = x.shape[1]
    to_edges = layer.options["node_to_edge"]
    nodes = rows if to_edges else next(n for n in range(2, rows + 2) if n * (n - 1) == rows)
    edges = [(receiver, sender) for receiver in range(nodes) for sender in range(nodes) if sender != receiver]
    ends = [edge[0 if receiving else 1] for edge in edges]
    if to_edges:
        return x[:, ends]
    sums = [x[:, [edge for edge, end in enumerate(ends) if end == node]].sum(1, True) for node in range(nodes)]
    return joined(sums, 1)


def _exp(value: Fraction) -> Fraction:
    return Fraction(PRECISE.exp(PRECISE.divide(Decimal(int(value.numerator)), Decimal(int(value.denominator)))))


def _log(value: Fraction) -> Fraction:
    return Fraction(PRECISE.ln(PRECISE.divide(Decimal(int(value.numerator)), Decimal(int(value.denominator)))))


def _elu(alpha: Fraction) -> Callable[[Fraction], Fraction]:
    return lambda x: x if x > 0 else alpha * (_exp(x) - 1)


def _selu(x: Fraction) -> Fraction:
    scale, alpha = Fraction("1.05070098735548049341933498529"), Fraction("1.67326324235437728481704297841")
    return scale * _elu(alpha)(x)


def _gelu(x: Fraction) -> Fraction:
    """In float64, of which the last places are far from any tie of a few bits."""
    return Fraction(0.5 * float(x) * math.erfc(-float(x) / math.sqrt(2)))


_FUNCTIONS: dict[str, Callable[[Fraction], Fraction]] = {
    "tanh": lambda x: 2 * real_sigmoid(2 * x) - 1,
    "sigmoid": real_sigmoid,
    "elu": _elu(Fraction(1)),
    "selu": _selu,
    "softplus": lambda x: _log(1 + _exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "exponential": _exp,
    "silu": lambda x: x * real_sigmoid(x),
    "gelu": _gelu,
    "hard_sigmoid": lambda x: min(max((x + 3) / 6, Fraction(0)), Fraction(1)),
}
"""Keras's own, to fifty digits: what follows rounds them once."""


def _activation(layer: Layer, values: list[Any]) -> Exact:
    function = _FUNCTIONS.get(layer.options["activation"])
    return quantize(layer.options["activation"], values[0]) if function is None else Exact.of(values[0].each(function))


def _layer_elu(layer: Layer, values: list[Any]) -> Exact:
    return Exact.of(values[0].each(_elu(float32(layer.options["alpha"]))))


def _constants_too(operation: Callable[[Exact, Exact], Exact]) -> Callable[[Layer, list[Any]], Exact]:
    return lambda layer, values: operation(*(as_value(value) for value in values))


LAYERS: dict[str, Callable[[Layer, list[Any]], Exact]] = {
    "RepeatVector": _numpy(lambda layer, x: np.repeat(x[:, None], layer.options["n"], 1)),
    "UpSampling1D": _numpy(_up_sampled),
    "UpSampling2D": _numpy(_up_sampled),
    "ZeroPadding1D": _numpy(_padded),
    "ZeroPadding2D": _numpy(_padded),
    "Cropping1D": _numpy(_cropped),
    "Cropping2D": _numpy(_cropped),
    "ops.GetItem": _item,
    "ops.Squeeze": _numpy(lambda layer, x: np.squeeze(x, layer.options["axis"])),
    "ops.ExpandDims": _numpy(lambda layer, x: np.expand_dims(x, layer.options["axis"])),
    "Maximum": folded(_extreme(least=False), merges=True),
    "Minimum": folded(_extreme(least=True), merges=True),
    "ops.Maximum": _constants_too(_extreme(least=False)),
    "ops.Minimum": _constants_too(_extreme(least=True)),
    "Average": _average,
    "Dense": dense,
    "Conv1D": conv,
    "Conv2D": conv,
    "DepthwiseConv2D": depthwise,
    "Conv1DTranspose": _transposed,
    "Conv2DTranspose": _transposed,
    "QConv2DTranspose": _transposed,
    "QDenseBatchnorm": _normalized(dense),
    "QConv2DBatchnorm": _normalized(conv),
    "QDepthwiseConv2DBatchnorm": _normalized(depthwise),
    "PReLU": _prelu,
    "NodeEdgeProjection": _edges,
    "ELU": _layer_elu,
    "Activation": _activation,
}
