"""What ONNX and QONNX define, computed step by step in float64 with numpy: channels first, the batch as one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.hls.importing.onnx_files import CHANNELS_LAST, File, Step

Array = npt.NDArray[Any]
ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "ROUND_TO_ZERO": np.trunc,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - 0.5),
}


def run(file: File, x: Array) -> Array:
    """The output for events ``x``, the batch as their first axis."""
    known: dict[str, Array] = {name: np.asarray(values) for name, values in file.constants.items()}
    known = {name: v.astype(np.float64) if v.dtype.kind == "f" else v for name, v in known.items()}
    known["x"] = x.astype(np.float64)
    for step in file.steps:
        known[step.output] = OPERATORS[step.kind](step, [known[name] for name in step.inputs])
    return known[file.steps[-1].output]


def _quant(step: Step, a: Sequence[Array]) -> Array:
    x, scale, zero, bits = a
    signed, narrow = step.options.get("signed", 1), step.options.get("narrow", 0)
    low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    rounded = ROUNDINGS[step.options.get("rounding_mode", "ROUND")](np.clip(x / scale + zero, low, high))
    return np.asarray((rounded - zero) * scale)


def _trunc(step: Step, a: Sequence[Array]) -> Array:
    x, scale, zero, bits, out = a
    divided = np.round(x / scale + zero) / 2.0 ** (bits - out)
    return np.asarray((ROUNDINGS[step.options.get("rounding_mode", "FLOOR")](divided) - zero) * scale)


def _thresholds(step: Step, a: Sequence[Array]) -> Array:
    x, steps = a
    moved = np.moveaxis(x, 1, -1)[..., None]
    count = (moved >= steps).sum(axis=-1)
    return np.asarray(
        np.moveaxis(step.options.get("out_scale", 1.0) * count + step.options.get("out_bias", 0.0), -1, 1)
    )


def _windows(x: Array, step: Step, size: Sequence[int], fill: float) -> Array:
    """(batch, channels, *positions, *window)."""
    rank = len(size)
    pads, strides = step.options.get("pads", [0] * 2 * rank), step.options.get("strides", [1] * rank)
    dilations = step.options.get("dilations", [1] * rank)
    pairs = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    x = np.pad(x, pairs, constant_values=fill)
    spread = [d * (n - 1) + 1 for n, d in zip(size, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, spread, axis=tuple(range(2, 2 + rank)))
    places = [slice(None, None, stride) for stride in strides] + [slice(None, None, d) for d in dilations]
    return np.asarray(view[(slice(None), slice(None), *places)])


def _conv(step: Step, a: Sequence[Array]) -> Array:
    x, kernel, *bias = a
    if step.domain == CHANNELS_LAST:
        x, kernel = np.moveaxis(x, -1, 1), np.moveaxis(kernel, -1, 1)
    groups = step.options.get("group", 1)
    rank = kernel.ndim - 2
    found = []
    for part, weights in zip(np.split(x, groups, 1), np.split(kernel, groups), strict=True):
        view = _windows(part, step, kernel.shape[2:], 0.0)
        axes = [1, *range(2 + rank, 2 + 2 * rank)], [1, *range(2, 2 + rank)]
        found.append(np.moveaxis(np.tensordot(view, weights, axes), -1, 1))
    y = np.concatenate(found, axis=1) + (bias[0].reshape(-1, *(1,) * rank) if bias else 0.0)
    return np.asarray(np.moveaxis(y, 1, -1) if step.domain == CHANNELS_LAST else y)


def _conv_transpose(step: Step, a: Sequence[Array]) -> Array:
    """Every value of the input times the kernel, added where it belongs, and pads cut off."""
    x, kernel, *bias = a
    groups, rank = step.options.get("group", 1), kernel.ndim - 2
    strides, dilations, more = (
        step.options.get(name, [default] * rank)
        for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    )
    pads = step.options.get("pads", [0] * 2 * rank)
    axes = list(zip(x.shape[2:], kernel.shape[2:], strides, dilations, strict=True))
    reach = [(n - 1) * s + (k - 1) * d + 1 + m for (n, k, s, d), m in zip(axes, more, strict=True)]
    y = np.zeros((len(x), kernel.shape[1] * groups, *reach))
    per_group = x.shape[1] // groups
    for place in np.ndindex(*x.shape[1:]):
        channel, *at = place
        first = channel // per_group * kernel.shape[1]
        for tap in np.ndindex(*kernel.shape[1:]):
            output, *offset = tap
            there = (p * s + o * d for p, s, o, d in zip(at, strides, offset, dilations, strict=True))
            y[(slice(None), first + output, *there)] += x[(slice(None), *place)] * kernel[(channel, *tap)]
    y += bias[0].reshape(-1, *(1,) * rank) if bias else 0.0
    kept = (slice(p, n - q) for n, p, q in zip(reach, pads[:rank], pads[rank:], strict=True))
    return y[(slice(None), slice(None), *kept)]


def _pool(reduce: Callable[..., Any], fill: float) -> Callable[[Step, Sequence[Array]], Array]:
    def pool(step: Step, a: Sequence[Array]) -> Array:
        size = step.options["kernel_shape"]
        return np.asarray(reduce(_windows(a[0], step, size, fill), axis=tuple(range(-len(size), 0))))

    return pool


def _normalize(step: Step, a: Sequence[Array]) -> Array:
    gamma, beta, mean, variance = (v.reshape(-1, *(1,) * (a[0].ndim - 2)) for v in a[1:])
    return np.asarray((a[0] - mean) / np.sqrt(variance + step.options.get("epsilon", 1e-5)) * gamma + beta)


def _gemm(step: Step, a: Sequence[Array]) -> Array:
    kernel = a[1].T if step.options.get("transB") else a[1]
    return np.asarray(step.options.get("alpha", 1.0) * a[0] @ kernel + step.options.get("beta", 1.0) * a[2])


def _softmax(step: Step, a: Sequence[Array]) -> Array:
    powers = np.exp(a[0] - a[0].max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _slice(step: Step, a: Sequence[Array]) -> Array:
    x, starts, ends, axes, steps = a
    cut = [slice(None)] * x.ndim
    for axis, start, end, stride in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(start, end, stride)
    return x[tuple(cut)]


def _concat(step: Step, a: Sequence[Array]) -> Array:
    """A constant goes along with each event."""
    events = max(len(one) for one in a)
    whole = [np.broadcast_to(one, (events, *one.shape[1:])) if len(one) == 1 else one for one in a]
    return np.concatenate(whole, step.options["axis"])


def _reshape(step: Step, a: Sequence[Array]) -> Array:
    return a[0].reshape(len(a[0]), *a[1][1:].tolist())


OPERATORS: dict[str, Callable[[Step, Sequence[Array]], Array]] = {
    "Add": lambda step, a: a[0] + a[1],
    "And": lambda step, a: np.logical_and(*a),
    "AveragePool": _pool(np.mean, 0.0),
    "BatchNormalization": _normalize,
    "BipolarQuant": lambda step, a: np.where(a[0] >= 0, a[1], -a[1]),
    "Cast": lambda step, a: a[0].astype({1: np.float64, 6: np.int32, 7: np.int64, 9: np.bool_}[step.options["to"]]),
    "Ceil": lambda step, a: np.ceil(a[0]),
    "Clip": lambda step, a: np.clip(a[0], a[1], a[2]),
    "Concat": _concat,
    "ConstantOfShape": lambda step, a: np.full(a[0], step.options["value"][0]),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DequantizeLinear": lambda step, a: (a[0].astype(np.float64) - a[2]) * a[1],
    "Div": lambda step, a: a[0] / a[1],
    "Equal": lambda step, a: np.equal(a[0], a[1]),
    "Expand": lambda step, a: np.broadcast_to(a[0], np.broadcast_shapes(a[0].shape, a[1])),
    "Einsum": lambda step, a: np.einsum(step.options["equation"], *a),
    "Floor": lambda step, a: np.floor(a[0]),
    "Flatten": lambda step, a: a[0].reshape(len(a[0]), -1),
    "Gather": lambda step, a: np.take(a[0], a[1], axis=step.options["axis"]),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda step, a: a[0].mean(axis=tuple(range(2, a[0].ndim)), keepdims=True),
    "Identity": lambda step, a: a[0],
    "LeakyRelu": lambda step, a: np.where(a[0] >= 0, a[0], np.float32(step.options["alpha"]) * a[0]),
    "Less": lambda step, a: np.less(a[0], a[1]),
    "LessOrEqual": lambda step, a: np.less_equal(a[0], a[1]),
    "MatMul": lambda step, a: a[0] @ a[1],
    "Max": lambda step, a: np.maximum(*a),
    "MaxPool": _pool(np.max, -np.inf),
    "Min": lambda step, a: np.minimum(*a),
    "Mul": lambda step, a: a[0] * a[1],
    "MultiThreshold": _thresholds,
    "Neg": lambda step, a: -a[0],
    "Not": lambda step, a: np.logical_not(a[0]),
    "Or": lambda step, a: np.logical_or(*a),
    "Pad": lambda step, a: np.pad(a[0], np.reshape(a[1], (2, -1)).T),
    "PRelu": lambda step, a: np.where(a[0] >= 0, a[0], np.asarray(a[1], np.float32) * a[0]),
    "Pow": lambda step, a: a[0] ** a[1],
    "Quant": _quant,
    "QuantizeLinear": lambda step, a: np.clip(np.round(a[0] / a[1]) + a[2], *_range(a[2])),
    "ReduceMean": lambda step, a: a[0].mean(axis=tuple(step.options["axes"]), keepdims=bool(step.options["keepdims"])),
    "Relu": lambda step, a: np.maximum(a[0], 0),
    "Reshape": _reshape,
    "Erf": lambda step, a: np.vectorize(math.erf, otypes=[np.float64])(a[0]),
    "Greater": lambda step, a: np.greater(a[0], a[1]),
    "GreaterOrEqual": lambda step, a: np.greater_equal(a[0], a[1]),
    "HardSwish": lambda step, a: a[0] * np.clip(a[0] / 6 + 0.5, 0, 1),
    "Round": lambda step, a: np.round(a[0]),
    "Sigmoid": lambda step, a: 1 / (1 + np.exp(-a[0])),
    "Sign": lambda step, a: np.sign(a[0]),
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": lambda step, a: np.squeeze(a[0], tuple(a[1])),
    "Sub": lambda step, a: a[0] - a[1],
    "Tanh": lambda step, a: np.tanh(a[0]),
    "Tile": lambda step, a: np.tile(a[0], a[1]),
    "Transpose": lambda step, a: np.transpose(a[0], step.options["perm"]),
    "Trunc": _trunc,
    "Unsqueeze": lambda step, a: np.expand_dims(a[0], tuple(a[1])),
    "Where": lambda step, a: np.where(*a),
    "Xor": lambda step, a: np.logical_xor(*a),
}


def _range(zero: Array) -> tuple[int, int]:
    bounds = np.iinfo(zero.dtype)
    return int(bounds.min), int(bounds.max)
