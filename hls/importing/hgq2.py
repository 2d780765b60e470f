"""HGQ2's layers (hgq 0.2): each reads its inputs, its kernel and its bias through trained quantizers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing import operators
from hls.importing.activations import emit_activation
from hls.importing.element_types import Formats, check_modes, emit_formats
from hls.importing.emitter import Emitter, Handler
from hls.importing.model_file import layer_kinds
from hls.importing.options import sizes, sliding
from hls.importing.spec import LayerSpec

Floats = npt.NDArray[np.float32]
PREFIX = "hgq."
_MOST_BITS = 64


def is_hgq2(model_file: Path) -> bool:
    """Whether any layer of a model file is HGQ2's."""
    return any(kind.startswith(PREFIX) for kind in layer_kinds(model_file))


@dataclass(frozen=True)
class _Order:
    """Where a quantizer keeps its numbers: trained ones come first in a file, then those that are not."""

    names: tuple[str, ...]

    def of(self, arrays: tuple[Floats, ...], name: str) -> Floats:
        return arrays[self.names.index(name)]


def _order(kind: str, overflow: str) -> _Order:
    wraps = overflow == "WRAP"
    first, second = ("b", "i") if kind == "kbi" else ("i", "f")
    if not wraps:
        return _Order((first, second, "k"))
    return _Order(("b", "k", "i")) if kind == "kbi" else _Order(("f", "k", "i"))


def formats(spec: LayerSpec, role: str, config: Any) -> Formats | None:
    """The types of the quantizer that the layer holds as ``role``; None for one that does nothing.

    Raises:
        UnsupportedError: a quantizer that is none of fixed point.
        ModelFileError: its numbers are not in the file, or are no types.
    """
    options: Mapping[str, Any] = config.get("config", {}) if isinstance(config, Mapping) else {}
    kind = str(options.get("q_type"))
    if kind == "dummy":
        return None
    if kind not in ("kbi", "kif") or options.get("scaler") is not None:
        raise UnsupportedError(
            f"layer {spec.name!r}, {role}: a quantizer of type {kind!r}; quantize with 'kbi' or 'kif', without a scaler"
        )
    rounding, overflow = str(options.get("round_mode")).upper(), str(options.get("overflow_mode")).upper()
    rounding = rounding.removeprefix("S_")  # stochastic in training alone
    check_modes(spec, rounding, overflow)
    arrays = spec.parts.get(f"{role}/quantizer", ())
    if len(arrays) < 3:
        raise ModelFileError(
            f"layer {spec.name!r}: its quantizer {role} is not in the file; save the whole model again"
        )
    order = _order(kind, overflow)
    signed, integer = (np.rint(order.of(arrays, name)).astype(np.int64) for name in ("k", "i"))
    if kind == "kbi":
        fraction = np.rint(order.of(arrays, "b")).astype(np.int64) - integer
    else:
        fraction = np.rint(order.of(arrays, "f")).astype(np.int64)
    bits = signed + integer + fraction
    used = bits > (signed if overflow == "SAT_SYM" else 0)  # a sign alone, and symmetric, is zero
    if not np.isin(signed, (0, 1)).all() or np.abs(np.where(used, [integer, fraction], 0)).max() > _MOST_BITS:
        raise ModelFileError(f"layer {spec.name!r}: the types of its quantizer {role} are none")
    return Formats(signed, np.where(used, bits, 0), np.where(used, signed + integer, 0), rounding, overflow)


def part(spec: LayerSpec, name: str, **config: Any) -> LayerSpec:
    """A layer that this one holds, with its own arrays, as if it stood alone."""
    held = {path.removeprefix(f"{name}/"): arrays for path, arrays in spec.parts.items() if path.startswith(f"{name}/")}
    return replace(spec, weights=spec.parts.get(name, ()), parts=held, config=config)


def input_formats(spec: LayerSpec) -> Formats | None:
    """The types in which a layer with one input reads it, without the batch axis; None where it does not say."""
    if not spec.config.get("enable_iq", True):
        return None
    found = formats(spec, "iq", spec.config.get("iq_conf"))
    return None if found is None else of_values(found)


def of_values(found: Formats) -> Formats:
    """Types of values: the first axis, of size one, is the batch's."""
    signed, bits, integer = (a.reshape(a.shape[1:]) for a in (found.signed, found.bits, found.integer))
    return replace(found, signed=signed, bits=bits, integer=integer)


def formats_of_several(spec: LayerSpec, number: int) -> Formats | None:
    """The types in which a layer with several inputs reads that one; None where it does not say."""
    if not spec.config.get("enable_iq", True):
        return None
    configs = spec.config.get("iq_confs")
    config = configs[number] if isinstance(configs, list) and number < len(configs) else configs
    group = "quantizer" if number == 0 else f"quantizer_{number}"
    held = {"iq/quantizer": spec.parts.get(f"iq/quantizers/{group}/quantizer", ())}
    found = formats(replace(spec, parts=held), "iq", config)
    return None if found is None else of_values(found)


def read(emit: Emitter, spec: LayerSpec, x: str) -> str:
    """The input, through its quantizer where there is one."""
    found = input_formats(spec)
    return x if found is None else emit_formats(emit, x, found)


def write(emit: Emitter, spec: LayerSpec, x: str) -> str:
    """The activation, and the quantizer behind it, where there is one."""
    x = emit_activation(emit, spec.config.get("activation"), x)
    if not spec.config.get("enable_oq", False):
        return x
    found = formats(spec, "oq", spec.config.get("oq_conf"))
    return x if found is None else emit_formats(emit, x, of_values(found))


def constant(spec: LayerSpec, role: str, values: Floats) -> Floats:
    """Weights through the quantizer ``role``, in float32, as HGQ2 computes them."""
    found = formats(spec, role, spec.config.get(f"{role}_conf"))
    if found is None:
        return values
    return through(found, values)


def through(found: Formats, values: Floats) -> Floats:
    """Constants of those types."""
    scale, end = (np.ldexp(np.float32(1), exponent) for exponent in (found.fraction, found.integer - found.signed))
    top = end - 1 / scale
    bottom = -found.signed * (top if found.overflow == "SAT_SYM" else end)
    if found.overflow != "WRAP":  # a weight that wraps is rounded only: its range was made for it
        values = np.clip(values, bottom, top)
    steps = values * scale
    half = np.float32(0.5 if found.rounding == "RND" else 0.0)
    steps = np.rint(steps) if found.rounding == "RND_CONV" else np.floor(steps + half)
    return np.asarray(np.where(found.used, steps / scale, 0), np.float32)


def array(spec: LayerSpec, number: int) -> Floats:
    """One of the layer's own weights."""
    held = arrays(spec)
    if len(held) <= number:
        raise ModelFileError(f"layer {spec.name!r}: weight {number} is not in the file; save the whole model again")
    return held[number]


def arrays(spec: LayerSpec) -> list[Floats]:
    """Weights, without the scalars that count what training costs."""
    return [array for array in spec.weights if array.ndim]


def _has_bias(spec: LayerSpec) -> bool:
    return bool(spec.config.get("use_bias", True))


def _bias(spec: LayerSpec, outputs: int, values: Floats | None) -> FixedArray:
    if values is None:
        return FixedArray(np.zeros(outputs, np.int64), 0)
    return FixedArray.from_float(np.broadcast_to(constant(spec, "bq", values), values.shape).reshape(outputs))


def _dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    kernel = array(spec, 0)
    bias = _bias(spec, kernel.shape[-1], array(spec, 1) if _has_bias(spec) else None)
    x = read(emit, spec, inputs[0])
    return write(
        emit, spec, emit(nodes.Dense, "dense", (x,), FixedArray.from_float(constant(spec, "kq", kernel)), bias)
    )


def _conv(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    if spec.config.get("data_format") == "channels_first":
        raise UnsupportedError(
            f"layer {spec.name!r}: data_format='channels_first', and its types are in that order too; build the model "
            "channels_last, Permute what it reads, and train it again"
        )
    kernel = FixedArray.from_float(constant(spec, "kq", array(spec, 0)))
    rank = kernel.integers.ndim - 2
    x = read(emit, spec, inputs[0])
    strides, dilation, padding = sliding(spec, emit.edge(x).shape[:rank], kernel.shape[:rank])
    bias = _bias(spec, kernel.shape[-1], array(spec, 1) if _has_bias(spec) else None)
    groups = int(spec.config.get("groups") or 1)
    return write(emit, spec, emit(nodes.Conv, "conv", (x,), kernel, bias, strides, dilation, padding, groups))


def _sum(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A sum over any axes, times a power of two."""
    x = read(emit, spec, inputs[0])
    shape = emit.edge(x).shape
    stated = spec.config.get("axes", -1)
    axes = sorted({operators.axis_of(emit, spec, x, axis) for axis in sizes(stated, 1)})
    window = shape[:-1]
    if axes == list(range(len(window))) and len(window) in (1, 2):
        out = emit(nodes.Pool, "sum", (x,), window, window, ((0, 0),) * len(window), False)
        if not spec.config.get("keepdims", False):
            out = emit(nodes.Reshape, "squeeze", (out,), shape[-1:])
    else:
        out = operators.HANDLERS["ops.Sum"](emit, replace(spec, config={**spec.config, "axis": stated}), (x,))
    mean = spec.class_name == f"{PREFIX}QMeanPow2"
    count = math.prod(shape[axis] for axis in axes)
    scale = 2.0 ** round(-math.log2(count)) if mean else float(spec.config.get("scale", 1.0))
    if scale != 1.0:
        out = emit(
            nodes.Scale, "scale", (out,), FixedArray.from_float(np.array([scale])), FixedArray(np.zeros(1, np.int64), 0)
        )
    return write(emit, spec, out)


def _merge(kind: type[nodes.Node], suffix: str, *fields: object) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        out, *others = merged_inputs(emit, spec, inputs)
        for other in others:
            out = emit(kind, suffix, (out, other), *fields)
        return write(emit, spec, out)

    return handler


def merged_inputs(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> tuple[str, ...]:
    """What a layer reads several of, each through a quantizer of its own."""
    return tuple(_merged_input(emit, spec, x, number) for number, x in enumerate(inputs))


def _merged_input(emit: Emitter, spec: LayerSpec, x: str, number: int) -> str:
    found = formats_of_several(spec, number)
    return x if found is None else emit_formats(emit, x, found)


def _batch_normalization(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``x * kq(factor) + bq(offset)``, one of each a channel."""
    scale, center = bool(spec.config.get("scale", True)), bool(spec.config.get("center", True))
    held = arrays(spec)
    if len(held) < scale + center + 2:
        raise ModelFileError(f"layer {spec.name!r}: its normalization is not in the file; save the whole model again")
    gamma = held[0] if scale else np.float32(1)
    beta = held[int(scale)] if center else np.float32(1)  # one, as HGQ2 0.2 has it, where there is no center
    mean, variance = held[-2:]
    factor = np.asarray(gamma / np.sqrt(variance + np.float32(spec.config.get("epsilon", 1e-3))), np.float32)
    offset = np.asarray(beta - mean * factor, np.float32)
    x = read(emit, spec, inputs[0])
    constants = (FixedArray.from_float(constant(spec, role, v)) for role, v in (("kq", factor), ("bq", offset)))
    axis = operators.axis_of(emit, spec, x, sizes(spec.config.get("axis", -1), 1)[0])
    normalized = operators.with_axis_last(emit, x, axis, lambda x: emit(nodes.Scale, "normalize", (x,), *constants))
    return write(emit, spec, normalized)


def _batchnorm_dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """A normalization of the input in the kernel: its mean goes into the bias without the scale, as HGQ2 has it."""
    held = arrays(spec)
    scale = bool(spec.config.get("scale", True))
    if len(held) != 4 + scale:
        raise ModelFileError(f"layer {spec.name!r}: its normalization is not in the file; save the whole model again")
    kernel, bias, mean, variance = held[0], held[1], held[-2], held[-1]
    gamma = held[2] if scale else np.float32(1)
    factor = np.asarray(gamma / np.sqrt(variance + np.float32(spec.config.get("epsilon", 1e-3))), np.float32)
    weights = constant(spec, "kq", np.asarray(factor[:, None] * kernel, np.float32))
    offset = np.asarray(bias - np.dot(mean, kernel), np.float32)
    x = read(emit, spec, inputs[0])
    sums = (FixedArray.from_float(weights), _bias(spec, kernel.shape[-1], offset))
    return write(emit, spec, emit(nodes.Dense, "dense", (x,), *sums))


_HANDLERS: dict[str, Callable[[Emitter, LayerSpec, tuple[str, ...]], str]] = {
    "QDense": _dense,
    "QBatchNormDense": _batchnorm_dense,
    "QConv1D": _conv,
    "QConv2D": _conv,
    "QSum": _sum,
    "QMeanPow2": _sum,
    "QAdd": _merge(nodes.Add, "add"),
    "QSubtract": _merge(nodes.Add, "subtract", True),
    "QMultiply": _merge(nodes.Multiply, "multiply"),
    "QBatchNormalization": _batch_normalization,
}
HANDLERS: dict[str, Handler] = {f"{PREFIX}{name}": handler for name, handler in _HANDLERS.items()}
MERGES = frozenset(f"{PREFIX}{name}" for name in ("QAdd", "QSubtract", "QMultiply"))
"""Those that read several tensors, each through a quantizer of its own; the others read one, through ``iq``."""
SINGLE_INPUT = frozenset(HANDLERS) - MERGES
