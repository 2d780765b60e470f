"""One function per operation: from stored input blocks to the stored output block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.emulation.plan import Storage, rescale, times_power_of_two, to_integers
from hls.graph import FLOAT64_LIMIT, Edge, nodes
from hls.graph.fixed import FixedArray, round_shift
from hls.graph.windows import patches

Block = npt.NDArray[Any]
Step = Callable[[Sequence[Block], Block | None], Block]
"""(input blocks, scratch for the output or None) -> output block. Scratch is only a place to write into."""


@singledispatch
def compile_step(node: nodes.Node, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    """The step that computes ``node``; ``edges`` are those of its inputs."""
    raise nodes.refusal(node, "compile_step (hls.emulation.steps)")


def _constant(constant: FixedArray, target: Storage, unit: int) -> Block:
    """A constant in units of ``2**-unit``, in the number format of ``target``."""
    if target.exact:
        return constant.at_fraction(unit).integers.astype(object)
    return np.ldexp(constant.integers.astype(np.float64), unit - constant.fraction).astype(target.dtype)


def _linear_constants(node: nodes.Dense | nodes.Conv, source: Storage, target: Storage) -> tuple[Block, Block]:
    return _constant(node.kernel, target, target.unit - source.unit), _constant(node.bias, target, target.unit)


def _operand(source: Storage, target: Storage, constant_fraction: int) -> Storage:
    """How a linear step wants its input: as it is stored, unless the number format differs."""
    if not target.exact:
        return Storage(target.dtype, source.unit)
    return Storage(target.dtype, target.unit - constant_fraction)


@compile_step.register
def _(node: nodes.Dense, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    operand = _operand(sources[0], target, node.kernel.fraction)
    kernel, bias = _linear_constants(node, operand, target)
    if not target.exact and not bias.any():
        bias = np.zeros(0, target.dtype)

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = rescale(inputs[0], sources[0], operand)
        # Particles of all events in one product: NumPy would multiply event by event, and be slower for it.
        into = None if out is None else out.reshape(-1, kernel.shape[1])
        result = np.matmul(x.reshape(-1, kernel.shape[0]), kernel, out=into)
        if bias.size:
            result += bias
        return result.reshape(*x.shape[:-1], kernel.shape[1])

    return step


@compile_step.register
def _(node: nodes.Conv, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    operand = _operand(sources[0], target, node.kernel.fraction)
    kernel, bias = _linear_constants(node, operand, target)
    rank = len(node.strides)
    window = node.kernel.shape[:rank]
    per_group, outputs = node.kernel.shape[-2], node.kernel.shape[-1] // node.groups

    def dense(windows: Block, group: int) -> Block:
        part = windows[..., group * per_group : (group + 1) * per_group]
        flat = np.ascontiguousarray(part).reshape(*part.shape[: rank + 1], -1)
        weights = kernel[..., group * outputs : (group + 1) * outputs].reshape(-1, outputs)
        return np.asarray(np.matmul(flat, weights))

    def depthwise(windows: Block) -> Block:
        weights = kernel.reshape(*window, node.groups, outputs)
        # Place by place of the window: all of it at once is a copy of the input for each of them.
        places = iter(np.ndindex(*window))
        first = next(places)
        total = windows[..., *first, :, None] * weights[first]
        for place in places:
            total += windows[..., *place, :, None] * weights[place]
        return np.asarray(total.reshape(*total.shape[:-2], -1))

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = rescale(inputs[0], sources[0], operand)
        windows = patches(x, window, node.strides, node.dilation, node.padding)
        if per_group == 1 and node.groups > 1:
            result = depthwise(windows)
        else:
            result = np.concatenate([dense(windows, group) for group in range(node.groups)], axis=-1)
        return np.add(result, bias, out=result)

    return step


@compile_step.register
def _(node: nodes.Scale, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    operand = _operand(sources[0], target, node.factor.fraction)
    factor = _constant(node.factor, target, target.unit - operand.unit)
    offset = _constant(node.offset, target, target.unit)

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        result = np.multiply(rescale(inputs[0], sources[0], operand), factor, out=out)
        return np.asarray(np.add(result, offset, out=result))

    return step


@compile_step.register
def _(node: nodes.Quantize, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    source, fraction = sources[0], node.type.fraction
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    if source.exact or target.exact:
        grid = edges[0].fraction

        def exact(inputs: Sequence[Block], out: Block | None) -> Block:
            raw = round_shift(to_integers(inputs[0], source, grid), grid - fraction, half_even=half_even)
            clipped = np.clip(raw.astype(object), node.raw_min, node.raw_max)
            return rescale(clipped, Storage(np.dtype(object), fraction), target)

        return exact

    round_to = np.rint if half_even else np.floor
    low, high = node.raw_min, node.raw_max
    direct = source.dtype == target.dtype
    # A narrow tensor saturates at the ends of a wide type, which only the wider format holds.
    wide = np.result_type(source.dtype, target.dtype)

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = inputs[0].astype(wide, copy=False)
        into = out if direct else None
        if source.unit != fraction:
            x = times_power_of_two(x, fraction - source.unit, out=into)
        result = round_to(x, out=into)
        np.clip(result, low, high, out=result)
        return result if direct else rescale(result, Storage(wide, fraction), target)

    return step


@compile_step.register
def _(node: nodes.Wrap, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    source, type_ = sources[0], node.type
    reach = (edges[0].magnitude << (type_.fraction - edges[0].fraction)) + (1 << type_.width)
    exact = source.exact or target.exact or reach >= FLOAT64_LIMIT
    wide = Storage(np.dtype(object if exact else np.float64), type_.fraction)

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = rescale(inputs[0], source, wide)
        return rescale((x - type_.raw_min) % (1 << type_.width) + type_.raw_min, wide, target)

    return step


@compile_step.register
def _(node: nodes.Pool, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    rank = len(node.window)
    axes = tuple(range(1 + rank, 1 + 2 * rank))
    smallest = edges[0].raw_min
    fill = float(np.ldexp(float(smallest), target.unit - edges[0].fraction)) if not target.exact else smallest

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = rescale(inputs[0], sources[0], target)
        windows = patches(x, node.window, node.strides, (1,) * rank, node.padding, fill if node.maximum else 0)
        return np.asarray(windows.max(axis=axes) if node.maximum else windows.sum(axis=axes))

    return step


@compile_step.register
def _(node: nodes.Relu, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    shift = node.slope_shift

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = rescale(inputs[0], sources[0], target)
        if shift is None:
            return np.asarray(np.maximum(x, 0, out=out))
        if target.exact:
            return np.where(x >= 0, x, x // (1 << shift))
        # The slope is 1 at most, so the larger of the two is the right one.
        below = times_power_of_two(x, -shift, out=out)
        return np.asarray(np.maximum(x, below, out=below))

    return step


@compile_step.register
def _(node: nodes.Table, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    raw = Storage(np.dtype(np.float64 if edges[0].magnitude < FLOAT64_LIMIT else object), edges[0].fraction)
    values, first = _constant(node.values, target, target.unit), node.first

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        # Few entries may lie far from zero: it is their numbers that fit into 64 bits.
        return values[(rescale(inputs[0], sources[0], raw) + first).astype(np.int64)]

    return step


def _same_rank(a: Block, b: Block) -> tuple[Block, Block]:
    """Missing axes are inserted right after the batch axis, as Keras does before it broadcasts."""
    rank = max(a.ndim, b.ndim)
    first, second = (x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (a, b))
    return first, second


@compile_step.register
def _(node: nodes.Add, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    combine = np.subtract if node.negate else np.add

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        a, b = (rescale(x, source, target) for x, source in zip(inputs, sources, strict=True))
        return np.asarray(combine(*_same_rank(a, b)))

    return step


@compile_step.register
def _(node: nodes.Multiply, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    operands = [Storage(target.dtype, edge.fraction) for edge in edges]

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        a, b = (rescale(x, s, o) for x, s, o in zip(inputs, sources, operands, strict=True))
        return np.asarray(np.multiply(*_same_rank(a, b)))

    return step


@compile_step.register
def _(node: nodes.Concatenate, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    axis = node.axis + 1 if node.axis >= 0 else node.axis

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        parts = [rescale(x, source, target) for x, source in zip(inputs, sources, strict=True)]
        return np.concatenate(parts, axis=axis)

    return step


@compile_step.register
def _(node: nodes.Reshape, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        x = rescale(inputs[0], sources[0], target)
        return x.reshape(len(x), *node.shape)

    return step


@compile_step.register
def _(node: nodes.Transpose, sources: Sequence[Storage], target: Storage, edges: Sequence[Edge]) -> Step:
    axes = (0, *(axis + 1 for axis in node.permutation))

    def step(inputs: Sequence[Block], out: Block | None) -> Block:
        return np.transpose(rescale(inputs[0], sources[0], target), axes)

    return step
