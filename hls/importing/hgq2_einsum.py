"""HGQ2's einsums (hgq 0.2): of a tensor and a kernel, and of two tensors, each read through its quantizer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing import contractions, hgq2
from hls.importing.emitter import Emitter, Handler
from hls.importing.spec import LayerSpec

Floats = npt.NDArray[np.float32]
_EPSILON = 1e-7
"""Keras's own, which HGQ2 0.2 takes for the normalization that it folds, whatever the layer's ``epsilon``."""
_MOST_WEIGHTS = 1 << 22


@dataclass(frozen=True)
class _Equation:
    """``source,kernel->out`` without the batch, a letter an axis."""

    source: str
    kernel: str
    out: str

    def kept(self, apart: str) -> tuple[str, str, str, str]:
        """Axes that all weights are the same for; those with weights of their own; those summed; those made."""
        own = "".join(a for a in self.source if a in self.out and (a in self.kernel or a in apart))
        free = "".join(a for a in self.source if a in self.out and a not in own)
        summed = "".join(a for a in self.source if a not in self.out)
        made = "".join(a for a in self.kernel if a not in self.source)
        return free, own, summed, made


def _equation(spec: LayerSpec, rank: int) -> _Equation:
    """That of a layer whose input has ``rank`` axes beside the batch's.

    Raises:
        UnsupportedError: the batch is not in front, an axis stands twice, or one is summed that the other has not.
    """
    stated = str(spec.config.get("equation")).replace(" ", "")
    left, _, out = stated.partition("->")
    source, _, kernel = left.partition(",")
    if "..." in stated:
        dots = "".join(a for a in ascii_letters if a not in stated)[: max(rank + 4 - len(source), 0)]
        source, out = source.replace("...", dots), out.replace("...", dots)
    found = _Equation(source[1:], kernel, out[1:])
    twice = any(len(set(axes)) != len(axes) for axes in (source, kernel, out))
    alone = (set(found.source) ^ set(kernel)) - set(out)
    if source[:1] != out[:1] or source[:1] in kernel or twice or alone or not set(out) <= set(source + kernel):
        raise UnsupportedError(
            f"layer {spec.name!r}: the equation {stated!r} has an axis twice, or one that it sums over in one of the "
            "two alone, or does not begin with the batch; write it with the batch in front and each other axis in the "
            "result or in both, which is another network"
        )
    return found


def dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``QEinsumDense``."""
    bias = None if spec.config.get("bias_axes") is None else hgq2.array(spec, 1)
    return _of_kernel(emit, spec, inputs[0], hgq2.constant(spec, "kq", hgq2.array(spec, 0)), bias)


def _batchnorm(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``QEinsumDenseBatchnorm``: the normalization is folded into kernel and bias before they are quantized."""
    scale = bool(spec.config.get("scale", True))
    kernel, bias = hgq2.array(spec, 0), hgq2.array(spec, 1)
    gamma = hgq2.array(spec, 2) if scale else np.float32(1)
    arrays = hgq2.arrays(spec)
    if len(arrays) != 4 + scale or arrays[-1].shape != arrays[-2].shape:
        raise ModelFileError(f"layer {spec.name!r}: its normalization is not in the file; save the whole model again")
    mean, variance = arrays[-2:]
    factor = np.asarray(gamma / np.sqrt(variance + np.float32(_EPSILON)), np.float32)
    axes = _equation(spec, len(emit.edge(inputs[0]).shape)).kernel
    chosen = "".join(axis for axis in axes if axis in str(spec.config.get("bias_axes")))
    fused = np.einsum(f"{axes},{chosen}->{axes}", kernel, factor).astype(np.float32)
    offset = np.asarray(bias + (-mean * factor).reshape(bias.shape), np.float32)
    return _of_kernel(emit, spec, inputs[0], hgq2.constant(spec, "kq", fused), offset)


def _of_kernel(emit: Emitter, spec: LayerSpec, x: str, kernel: Floats, bias: Floats | None) -> str:
    """One matrix product, whose matrix has a block for each place that has weights, or biases, of its own."""
    x = hgq2.read(emit, spec, x)
    shape = emit.edge(x).shape
    equation = _equation(spec, len(shape))
    if len(shape) != len(equation.source) or kernel.ndim != len(equation.kernel):
        raise ModelFileError(f"layer {spec.name!r}: its equation is of other shapes; save the whole model again")
    told = "" if bias is None else "".join(a for a in str(spec.config["bias_axes"]) if a in equation.out)
    free, own, summed, made = equation.kept(told)
    length = dict(zip(equation.source, shape, strict=True)) | dict(zip(equation.kernel, kernel.shape, strict=True))
    if any(kernel.shape[equation.kernel.index(a)] != length[a] for a in equation.kernel) or any(
        shape[equation.source.index(a)] != length[a] for a in equation.source
    ):
        raise ModelFileError(f"layer {spec.name!r}: its kernel is of other lengths; save the whole model again")

    def lengths(axes: str) -> tuple[int, ...]:
        return tuple(length[axis] for axis in axes)

    blocks, rows, columns = (prod(lengths(axes)) for axes in (own, summed, made))
    if blocks * rows * blocks * columns > _MOST_WEIGHTS:
        raise UnsupportedError(
            f"layer {spec.name!r}: {blocks:,} blocks of {rows:,} x {columns:,} weights are more than are read here; "
            "train it with fewer, which is another network"
        )
    x = _arranged(emit, x, equation.source, free + own + summed, (*lengths(free), blocks * rows))
    inside = "".join(a for a in own if a in equation.kernel)
    block = np.einsum(f"{equation.kernel}->{inside}{summed}{made}", kernel)
    block = block.reshape([length[a] if a in inside else 1 for a in own] + [rows, columns])
    block = np.broadcast_to(block, (*lengths(own), rows, columns)).reshape(blocks, rows, columns)
    matrix = np.zeros((blocks, rows, blocks, columns), np.float32)
    matrix[np.arange(blocks), :, np.arange(blocks), :] = block
    offset = _offset(spec, told, own + made, length, bias)
    weights = FixedArray.from_float(matrix.reshape(blocks * rows, blocks * columns))
    out = emit(nodes.Dense, "dense", (x,), weights, offset)
    here = free + own + made
    if len(own + made) != 1:
        out = emit(nodes.Reshape, "unflatten", (out,), lengths(here) or (1,))
    if here != equation.out:
        out = emit(nodes.Transpose, "order", (out,), tuple(here.index(axis) for axis in equation.out))
    return hgq2.write(emit, spec, out)


def _arranged(emit: Emitter, x: str, axes: str, wanted: str, shape: tuple[int, ...]) -> str:
    """The tensor with its axes in that order, the last ones as one."""
    if axes != wanted:
        x = emit(nodes.Transpose, "axes", (x,), tuple(axes.index(axis) for axis in wanted))
    return x if emit.edge(x).shape == shape else emit(nodes.Reshape, "flatten", (x,), shape)


def _offset(spec: LayerSpec, told: str, axes: str, length: dict[str, int], bias: Floats | None) -> FixedArray:
    """The quantized bias at every place of ``axes``; stored in the result's order, of length 1 where it has no axis."""
    shape = [length[axis] for axis in axes]
    if bias is None:
        return FixedArray(np.zeros(prod(shape), np.int64), 0)
    values = np.broadcast_to(hgq2.constant(spec, "bq", bias), bias.shape)
    if values.size != prod(length[axis] for axis in told):
        raise ModelFileError(f"layer {spec.name!r}: its bias is not over {told!r}; save the whole model again")
    out = str(spec.config.get("equation")).partition("->")[2]
    stored = "".join(sorted(told, key=out.index))
    ordered = "".join(axis for axis in axes if axis in told)
    values = np.einsum(f"{stored}->{ordered}", values.reshape([length[axis] for axis in stored]))
    spread = values.reshape([length[axis] if axis in told else 1 for axis in axes])
    return FixedArray.from_float(np.broadcast_to(spread, shape).reshape(-1))


def _of_two(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``QEinsum``: of two tensors with the batch in front of both."""
    stated = str(spec.config.get("equation")).replace(" ", "")
    left, _, out = stated.partition("->")
    sources = left.split(",")
    if len(sources) != 2 or len(inputs) != 2 or "..." in stated or not sources[0][:1] == sources[1][:1] == out[:1]:
        raise UnsupportedError(
            f"layer {spec.name!r}: the equation {stated!r} is not of two tensors with the batch in front of both and "
            "of the result; chain two of them, which is another network"
        )
    first, second = hgq2.merged_inputs(emit, spec, inputs)
    axes = (sources[0][1:], sources[1][1:])
    return hgq2.write(emit, spec, contractions.contracted(emit, f"layer {spec.name!r}", (first, second), axes, out[1:]))


def _dot(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    read = hgq2.merged_inputs(emit, spec, inputs)
    stated: Any = spec.config.get("axes", -1)
    told = replace(spec, config={**spec.config, "axes": stated})
    return hgq2.write(emit, spec, contractions.HANDLERS["Dot"](emit, told, read))


HANDLERS: dict[str, Handler] = {
    f"{hgq2.PREFIX}QEinsumDense": dense,
    f"{hgq2.PREFIX}QEinsumDenseBatchnorm": _batchnorm,
    f"{hgq2.PREFIX}QEinsum": _of_two,
    f"{hgq2.PREFIX}QDot": _dot,
}
MERGES = frozenset(f"{hgq2.PREFIX}{name}" for name in ("QEinsum", "QDot"))
