"""What layers compute, in rational numbers, from the sources of Keras and QKeras.

Nothing of ``hls`` is imported: this is the other side of the comparison.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks.exact import Exact, joined, where
from benchmarks.random_networks.network import Layer, Weights
from benchmarks.random_networks.quantizer_definitions import float32, quantize, quantize_trainable

Value = Exact | float | Weights | list[Any]


def pair(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,) * rank


Quantize = Callable[[Any, Exact], Exact]


def tensor(how: Quantize, quantizer: Any, weights: Weights) -> Exact:
    """Quantized weights. A product with a scale is rounded to float32; a plain grid keeps its ends, however wide."""
    found = how(quantizer, Exact.of(weights))
    return found if _is_plain(how, quantizer) else Exact.of(as_float32(found))


def _is_plain(how: Quantize, quantizer: Any) -> bool:
    if quantizer is None or quantizer.kind != "quantized_bits":
        return quantizer is not None and quantizer.kind in ("quantized_linear", "quantized_relu")
    alpha = quantizer.options.get("alpha")
    return alpha == 1 or (alpha is None and how is quantize)


def bias(layer: Layer, y: Exact) -> Exact:
    if layer.options.get("use_bias", True):
        y = y + tensor(quantize, layer.options.get("bias_quantizer"), layer.weights[-1])
    return quantize(layer.options.get("activation"), y)


def dense(layer: Layer, values: list[Any]) -> Exact:
    kernel = tensor(quantize_trainable, layer.options.get("kernel_quantizer"), layer.weights[0])
    return bias(layer, values[0].dot(kernel))


def _paddings(layer: Layer, sizes: tuple[int, ...], window: tuple[int, ...]) -> list[tuple[int, int]]:
    rank = len(sizes)
    strides, dilation = (pair(layer.options.get(key, 1), rank) for key in ("strides", "dilation_rate"))
    match layer.options.get("padding", "valid"):
        case "same":
            totals = [
                max((-(-n // s) - 1) * s + d * (w - 1) + 1 - n, 0)
                for n, w, s, d in zip(sizes, window, strides, dilation, strict=True)
            ]
            return [(total // 2, total - total // 2) for total in totals]
        case "causal":
            return [(dilation[0] * (window[0] - 1), 0)]
    return [(0, 0)] * rank


def _taps(
    layer: Layer, x: npt.NDArray[Any], window: tuple[int, ...], fill: int
) -> list[tuple[tuple[int, ...], npt.NDArray[Any]]]:
    """For every place in the window: what lies there, at every position of the output."""
    rank = len(window)
    strides = pair(layer.options.get("strides") or window, rank)
    dilation = pair(layer.options.get("dilation_rate", 1), rank)
    margins = _paddings(layer, x.shape[1:-1], window)
    padded = np.pad(x, [(0, 0), *margins, (0, 0)], constant_values=np.array(fill, object))
    counts = [
        (n - d * (w - 1) - 1) // s + 1 for n, w, s, d in zip(padded.shape[1:-1], window, strides, dilation, strict=True)
    ]
    found = []
    for tap in itertools.product(*map(range, window)):
        places = tuple(
            slice(t * d, t * d + s * (count - 1) + 1, s)
            for t, d, s, count in zip(tap, dilation, strides, counts, strict=True)
        )
        found.append((tap, padded[(slice(None), *places)]))
    return found


def convolved(layer: Layer, x: Exact, kernel: Exact, groups: int) -> Exact:
    *window, inside, outputs = kernel.shape
    each = outputs // groups
    parts = []
    for group in range(groups):
        total: Any = 0
        for tap, seen in _taps(layer, x.numerators, tuple(window), 0):
            weights = kernel.numerators[tap][:, group * each : (group + 1) * each]
            total = total + np.dot(seen[..., group * inside : (group + 1) * inside], weights)
        parts.append(total)
    return Exact(np.concatenate(parts, axis=-1), x.denominator * kernel.denominator).reduced()


def conv(layer: Layer, values: list[Any]) -> Exact:
    kernel = tensor(quantize_trainable, layer.options.get("kernel_quantizer"), layer.weights[0])
    mask = layer.options.get("mask")
    if mask is not None:
        shape = (*np.shape(mask), *(1,) * (len(kernel.shape) - np.ndim(mask)))
        kernel = kernel * Exact.of(np.asarray(mask, np.float32).reshape(shape))
    return bias(layer, convolved(layer, values[0], kernel, int(layer.options.get("groups", 1))))


def _depthwise_kernel(quantizer: Any, weights: Weights) -> tuple[Exact, int]:
    kernel = tensor(quantize_trainable, quantizer, weights)
    *window, channels, multiplier = kernel.shape
    return kernel.reshape(*window, 1, channels * multiplier), channels


def depthwise(layer: Layer, values: list[Any]) -> Exact:
    kernel, channels = _depthwise_kernel(layer.options.get("depthwise_quantizer"), layer.weights[0])
    return bias(layer, convolved(layer, values[0], kernel, channels))


def _separable(layer: Layer, values: list[Any]) -> Exact:
    kernel, channels = _depthwise_kernel(layer.options.get("depthwise_quantizer"), layer.weights[0])
    between = convolved(layer, values[0], kernel, channels)
    pointwise = tensor(quantize_trainable, layer.options["pointwise_quantizer"], layer.weights[1])
    return bias(layer, between.dot(pointwise.reshape(*pointwise.shape[-2:])))


def _normalize(layer: Layer, values: list[Any]) -> Exact:
    """``x * inv + (beta - mean * inv)``, inv and the offset as float32 numbers; the root is correctly rounded."""
    arrays, options = list(layer.weights), layer.options
    own = layer.kind == "QBatchNormalization"

    def held(role: str, quantizer: Quantize) -> Weights:
        weights = arrays.pop(0)
        chosen = options.get(f"{role}_quantizer") if own else None
        return as_float32(quantizer(chosen, Exact.of(weights))) if chosen is not None else weights

    gamma = held("gamma", quantize_trainable) if options.get("scale", True) else None
    beta = held("beta", quantize) if options.get("center", True) else None
    mean, variance = held("mean", quantize), held("variance", quantize_trainable)
    inverse = np.float32(1) / np.sqrt(variance + np.float32(options.get("epsilon", 1e-3)))
    if gamma is not None:
        inverse = inverse * gamma
    if own and options.get("inverse_quantizer") is not None:
        inverse = as_float32(quantize(options["inverse_quantizer"], Exact.of(inverse)))
    offset = -mean * inverse if beta is None else beta - mean * inverse
    return values[0] * Exact.of(inverse) + Exact.of(offset)


def as_float32(x: Exact) -> Weights:
    return x.floats().astype(np.float32)


def _activation(layer: Layer, values: list[Any]) -> Exact:
    return quantize(layer.options["activation"], values[0])


def _relu(layer: Layer, values: list[Any]) -> Exact:
    """``keras.activations.relu`` with all its options; a LeakyReLU has a slope alone."""
    x = values[0]
    slope = float32(layer.options.get("negative_slope", 0.3 if layer.kind == "LeakyReLU" else 0.0))
    threshold, most = layer.options.get("threshold", 0), layer.options.get("max_value")
    negative = where((-x + float32(threshold)).at_least(0), -x + float32(threshold), 0)
    above = where((-x + float32(threshold)).at_least(0), 0, x)
    if most is not None:
        above = above.clip(0, float32(most))
    return above - negative * slope


def _same(layer: Layer, values: list[Any]) -> Exact:
    return values[0]


def _flatten(layer: Layer, values: list[Any]) -> Exact:
    return values[0].reshape(len(values[0].numerators), -1)


def _reshape(layer: Layer, values: list[Any]) -> Exact:
    return values[0].reshape(len(values[0].numerators), *layer.options["target_shape"])


def _permute(layer: Layer, values: list[Any]) -> Exact:
    return values[0].transpose(0, *layer.options["dims"])


def _concatenate(layer: Layer, values: list[Any]) -> Exact:
    return joined(values, int(layer.options.get("axis", -1)))


def as_value(value: Value) -> Exact:
    if isinstance(value, Exact):
        return value
    array = np.asarray(value, np.float32)
    return Exact.of(array) if array.ndim else Exact.of(array.reshape(1))


def folded(operation: Callable[[Exact, Exact], Exact], merges: bool) -> Callable[[Layer, list[Any]], Exact]:
    """A merge, which gives tensors of fewer axes ones after the batch; or an operator, which has constants."""

    def function(layer: Layer, values: list[Any]) -> Exact:
        found = [as_value(value) for value in values]
        if merges:
            rank = max(len(value.shape) for value in found)
            found = [
                value.reshape(value.shape[0], *(1,) * (rank - len(value.shape)), *value.shape[1:]) for value in found
            ]
        result = found[0]
        for other in found[1:]:
            result = operation(result, other)
        return result

    return function


def _divide(a: Exact, b: Exact) -> Exact:
    return a * b.inverse()


def _negative(layer: Layer, values: list[Any]) -> Exact:
    return -values[0]


def _clip(layer: Layer, values: list[Any]) -> Exact:
    return values[0].clip(float32(layer.options["x_min"]), float32(layer.options["x_max"]))


def _function(name: str) -> Callable[[Layer, list[Any]], Exact]:
    return lambda layer, values: quantize(name, values[0])


def _leaky(layer: Layer, values: list[Any]) -> Exact:
    x = values[0]
    return where(x.at_least(0), x, x * float32(layer.options.get("negative_slope", 0.2)))


def _new_shape(layer: Layer, values: list[Any]) -> Exact:
    return values[0].reshape(*layer.options["newshape"])


def _transpose(layer: Layer, values: list[Any]) -> Exact:
    return values[0].transpose(*layer.options["axes"])


def _reduce(how: str) -> Callable[[Layer, list[Any]], Exact]:
    def function(layer: Layer, values: list[Any]) -> Exact:
        x, axis = values[0], layer.options["axis"]
        axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
        keep = bool(layer.options.get("keepdims", False))
        if how == "max":
            found = x.max(axes, keep)
        else:
            found = x.sum(axes, keep)
            if how == "mean":
                found = found / math.prod(x.shape[one] for one in axes)
        # A tensor without any axis but the batch's is one number an event.
        return found if len(found.shape) > 1 else found.reshape(-1, 1)

    return function


def _windows(layer: Layer, x: Exact) -> tuple[Exact, Exact, npt.NDArray[np.object_]]:
    """Maxima and sums over the windows, and how many elements of ``x`` each window has: fewer at a padded border."""
    rank = len(x.shape) - 2
    window = pair(layer.options["pool_size"], rank)
    strided = Layer(layer.kind, layer.name, layer.module, {**layer.options, "strides": _strides(layer, window)})
    lowest = min(x.numerators.ravel())
    largest = np.stack([seen for _, seen in _taps(strided, x.numerators, window, lowest)]).max(axis=0)
    total = np.stack([seen for _, seen in _taps(strided, x.numerators, window, 0)]).sum(axis=0)
    ones = np.ones(x.shape, object)
    counts = np.stack([seen for _, seen in _taps(strided, ones, window, 0)]).sum(axis=0)
    return Exact(largest, x.denominator), Exact(total, x.denominator), counts


def _strides(layer: Layer, window: tuple[int, ...]) -> tuple[int, ...]:
    return pair(layer.options.get("strides") or window, len(window))


def _max_pool(layer: Layer, values: list[Any]) -> Exact:
    return _windows(layer, values[0])[0]


def _average_pool(layer: Layer, values: list[Any]) -> Exact:
    """TensorFlow's mean of what lies in the window; QKeras multiplies by that of a whole window."""
    _, total, counts = _windows(layer, values[0])
    if layer.options.get("average_quantizer") is not None:
        return averaged(layer, total, math.prod(pair(layer.options["pool_size"], len(total.shape) - 2)))
    common = math.lcm(*(int(count) for count in counts.ravel()))
    return averaged(layer, Exact(total.numerators * (common // counts), total.denominator), common)


def averaged(layer: Layer, total: Exact, count: int) -> Exact:
    quantizer = layer.options.get("average_quantizer")
    if quantizer is None:
        return quantize(layer.options.get("activation"), total / count)
    factor = tensor(quantize, quantizer, np.array([1 / count], np.float32))
    return quantize(layer.options.get("activation"), total * factor)


def _global(how: str) -> Callable[[Layer, list[Any]], Exact]:
    def function(layer: Layer, values: list[Any]) -> Exact:
        x = values[0]
        axes, keep = tuple(range(1, len(x.shape) - 1)), bool(layer.options.get("keepdims", False))
        if how == "max":
            return x.max(axes, keep)
        count = math.prod(x.shape[1:-1]) if how == "mean" else int(layer.options.get("divisor", 1))
        return averaged(layer, x.sum(axes, keep), count)

    return function


def _pairs(layer: Layer, values: list[Any]) -> Exact:
    first, second = zip(*layer.options["pairs"], strict=True)
    return values[0][:, list(first)] * values[0][:, list(second)]


_add, _subtract, _multiply = (lambda a, b: a + b), (lambda a, b: a - b), (lambda a, b: a * b)
_SKIPPED = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
            "ActivityRegularization")  # fmt: skip
LAYERS: dict[str, Callable[[Layer, list[Any]], Exact]] = {
    "QDense": dense,
    "QConv1D": conv,
    "QConv2D": conv,
    "QDepthwiseConv2D": depthwise,
    "QSeparableConv1D": _separable,
    "QSeparableConv2D": _separable,
    "BatchNormalization": _normalize,
    "QBatchNormalization": _normalize,
    "QActivation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _relu,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "Add": folded(_add, merges=True),
    "Subtract": folded(_subtract, merges=True),
    "Multiply": folded(_multiply, merges=True),
    "ops.Add": folded(_add, merges=False),
    "ops.Subtract": folded(_subtract, merges=False),
    "ops.Multiply": folded(_multiply, merges=False),
    "ops.TrueDivide": folded(_divide, merges=False),
    "ops.Negative": _negative,
    "ops.Clip": _clip,
    "ops.Relu": _function("relu"),
    "ops.Relu6": _function("relu6"),
    "ops.LeakyRelu": _leaky,
    "ops.Concatenate": _concatenate,
    "ops.Reshape": _new_shape,
    "ops.Transpose": _transpose,
    "ops.Sum": _reduce("sum"),
    "ops.Mean": _reduce("mean"),
    "ops.Max": _reduce("max"),
    "MaxPooling1D": _max_pool,
    "MaxPooling2D": _max_pool,
    "AveragePooling1D": _average_pool,
    "AveragePooling2D": _average_pool,
    "QAveragePooling2D": _average_pool,
    "GlobalMaxPooling1D": _global("max"),
    "GlobalMaxPooling2D": _global("max"),
    "GlobalAveragePooling1D": _global("mean"),
    "GlobalAveragePooling2D": _global("mean"),
    "QGlobalAveragePooling2D": _global("mean"),
    "GlobalSumPooling1D": _global("sum"),
    "PairProducts": _pairs,
    **dict.fromkeys(_SKIPPED, _same),
}
