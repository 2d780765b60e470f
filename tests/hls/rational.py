"""A second, deliberately slow evaluation of a graph in rational numbers, sharing no arithmetic with the package."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np

from hls.graph import FixedGraph, nodes


def rationals(constant: Any) -> np.ndarray:
    unit = Fraction(1, 2) ** constant.fraction
    return np.array([int(v) * unit for v in constant.integers.ravel()], dtype=object).reshape(constant.shape)


def evaluate(graph: FixedGraph, raw_inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Value of every node for ONE event, as arrays of Fraction."""
    values: dict[str, np.ndarray] = {}
    for node in graph:
        if isinstance(node, nodes.Input):
            unit = Fraction(1, 2) ** node.type.fraction
            flat = [int(v) * unit for v in raw_inputs[node.name].ravel()]
            values[node.name] = np.array(flat, dtype=object).reshape(node.shape)
        else:
            values[node.name] = _node(node, [values[name] for name in node.inputs])
    return values


def _each(function: Any, array: np.ndarray) -> np.ndarray:
    return np.array([function(v) for v in array.ravel()], dtype=object).reshape(array.shape)


def _quantize(node: nodes.Quantize, value: Fraction) -> Fraction:
    scaled = value * Fraction(2) ** node.type.fraction
    # round() on a Fraction is half to even; // floors
    raw = round(scaled) if node.rounding is nodes.Rounding.NEAREST_EVEN else scaled // 1
    return min(max(raw, node.raw_min), node.raw_max) * Fraction(1, 2) ** node.type.fraction


def _windows(shape: tuple[int, ...], window: Any, strides: Any, dilation: Any, padding: Any) -> Any:
    """(position, [(tap, source index or None if padding)])"""
    ranges = []
    for size, w, s, d, (before, after) in zip(shape, window, strides, dilation, padding, strict=False):
        last = size + after - d * (w - 1)
        ranges.append([(p, start) for p, start in enumerate(range(-before, last, s))])
    for position in itertools.product(*ranges):
        taps = []
        for tap in itertools.product(*(range(w) for w in window)):
            source = tuple(start + t * d for (_, start), t, d in zip(position, tap, dilation, strict=True))
            inside = all(0 <= i < n for i, n in zip(source, shape, strict=False))
            taps.append((tap, source if inside else None))
        yield tuple(p for p, _ in position), taps


def _conv(node: nodes.Conv, x: np.ndarray) -> np.ndarray:
    kernel, bias, rank = rationals(node.kernel), rationals(node.bias), len(node.strides)
    outputs, per_group = kernel.shape[-1] // node.groups, kernel.shape[-2]
    found = list(_windows(x.shape, kernel.shape[:rank], node.strides, node.dilation, node.padding))
    out = np.empty((*(max(p[i] for p, _ in found) + 1 for i in range(rank)), kernel.shape[-1]), dtype=object)
    for position, taps in found:
        for channel in range(kernel.shape[-1]):
            group = channel // outputs
            total = Fraction(0) + bias[channel]
            for tap, source in taps:
                for c in range(per_group if source is not None else 0):
                    total += x[source][group * per_group + c] * kernel[tap][c, channel]
            out[(*position, channel)] = total
    return out


def _pool(node: nodes.Pool, x: np.ndarray) -> np.ndarray:
    rank = len(node.window)
    found = list(_windows(x.shape, node.window, node.strides, (1,) * rank, node.padding))
    out = np.empty((*(max(p[i] for p, _ in found) + 1 for i in range(rank)), x.shape[-1]), dtype=object)
    for position, taps in found:
        for channel in range(x.shape[-1]):
            seen = [x[source][channel] for _, source in taps if source is not None]
            out[(*position, channel)] = max(seen) if node.maximum else sum(seen, Fraction(0))
    return out


def _node(node: nodes.Node, inputs: list[np.ndarray]) -> np.ndarray:
    x = inputs[0]
    match node:
        case nodes.Quantize():
            return _each(lambda v: _quantize(node, v), x)
        case nodes.Wrap():
            turn = Fraction(2) ** node.type.integer
            low = -turn / 2 if node.type.signed else Fraction(0)
            return _each(lambda v: (v - low) % turn + low, x)
        case nodes.Dense():
            return np.dot(x, rationals(node.kernel)) + rationals(node.bias)
        case nodes.Conv():
            return _conv(node, x)
        case nodes.Scale():
            return x * rationals(node.factor) + rationals(node.offset)
        case nodes.Pool():
            return _pool(node, x)
        case nodes.Relu():
            slope = Fraction(0) if node.slope_shift is None else Fraction(1, 2**node.slope_shift)
            return _each(lambda v: v if v >= 0 else v * slope, x)
        case nodes.Add():
            return inputs[0] - inputs[1] if node.negate else inputs[0] + inputs[1]
        case nodes.Multiply():
            return inputs[0] * inputs[1]
        case nodes.Concatenate():
            return np.concatenate(inputs, axis=node.axis)
        case nodes.Reshape():
            return x.reshape(node.shape)
        case nodes.Transpose():
            return x.transpose(node.permutation)
    raise NotImplementedError(type(node).__name__)
