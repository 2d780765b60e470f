"""HGQ's layers (arXiv:2405.00645): bits that were trained for each weight and each value.

A trained network (``HQuantize``, ``HDense``, ``HConv2D``) knows how finely each number is rounded, and nothing of where
it would
overflow: its values are rounded and never clipped. A proxy network, which HGQ makes for firmware, has plain layers of
quantized numbers with a ``FixedPointQuantizer`` behind each, whose numbers wrap around at their ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.activations import emit_activation
from hls.importing.element_types import Formats, Integers, check_modes, emit_formats, emit_rounded
from hls.importing.emitter import Emitter, Handler
from hls.importing.model_file import layer_kinds
from hls.importing.options import fits, sliding
from hls.importing.spec import LayerSpec

PROXY, QUANTIZE = "FixedPointQuantizer", "HQuantize"
_MOST_BITS = 32
Floats = npt.NDArray[np.float32]


def is_hgq(model_file: Path) -> bool:
    """Whether any layer of a model file is HGQ's."""
    return not HANDLERS.keys().isdisjoint(layer_kinds(model_file))


def proxy_formats(spec: LayerSpec) -> Formats:
    """The types of a ``FixedPointQuantizer``.

    Raises:
        ModelFileError: they are no types.
        UnsupportedError: a rounding or an overflow that this is not written for.
    """
    rounding, overflow = str(spec.config.get("RND", "TRN")), str(spec.config.get("SAT", "WRAP"))
    check_modes(spec, rounding, overflow)
    if len(spec.weights) != 3 or len({array.shape for array in spec.weights}) != 1:
        raise ModelFileError(f"layer {spec.name!r}: a {PROXY} has three arrays of one shape; save the proxy again")
    signed, bits, integer = (_whole(spec, array) for array in spec.weights)
    if not np.isin(signed, (0, 1)).all() or bits.min() < 0 or max(bits.max(), np.abs(integer).max()) > _MOST_BITS:
        raise ModelFileError(f"layer {spec.name!r}: its types are none (bits from {bits.min()} to {bits.max()})")
    return Formats(signed, bits, integer, rounding, overflow)


def _whole(spec: LayerSpec, values: Floats) -> Integers:
    rounded = np.rint(values)
    if np.abs(rounded).max(initial=0) > 127:
        raise ModelFileError(f"layer {spec.name!r}: numbers of bits beyond ±127; train and save the model again")
    # The first axis is that of the batch, of size one.
    return rounded.astype(np.int64).reshape(values.shape[1:] if values.ndim > 1 else values.shape)


def _proxy(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit_formats(emit, inputs[0], proxy_formats(spec))


def _quantize(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _values(emit, spec, inputs[0], _bits(spec, spec.weights, 0))


def _sums(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``paq(x @ kq(kernel) + paq(bias))``, then the activation, as HGQ's ``HDense`` and ``HConv*`` at inference."""
    has_bias = bool(spec.config.get("use_bias", True))
    arrays = [array for array in spec.weights if array.ndim]
    kernel = arrays[0] if arrays else np.zeros(0, np.float32)
    if kernel.ndim < 2 or len(arrays) < 3 + has_bias:
        raise ModelFileError(f"layer {spec.name!r}: kernel, bias and their bits are not in the file; save it again")
    kernel_bits, value_bits = (_bits(spec, tuple(arrays), number + has_bias) for number in (1, 2))
    bias = arrays[1] if has_bias else np.zeros(kernel.shape[-1], np.float32)
    if spec.class_name.endswith("BatchNorm"):
        kernel, bias = _folded(spec, kernel, bias, arrays[3 + has_bias :])
    weights = FixedArray.from_float(_rounded_numbers(spec, "kq_conf", kernel, kernel_bits))
    most = value_bits.reshape(-1, value_bits.shape[-1]).max(axis=0) if value_bits.ndim else value_bits
    offset = FixedArray.from_float(_rounded_numbers(spec, "paq_conf", bias, most))
    out = _values(emit, spec, _product(emit, spec, inputs[0], weights, offset), value_bits)
    return emit_activation(emit, spec.config.get("activation"), out)


def _product(emit: Emitter, spec: LayerSpec, x: str, weights: FixedArray, offset: FixedArray) -> str:
    if len(weights.shape) == 2:
        return emit(nodes.Dense, "dense", (x,), weights, offset)
    rank = len(weights.shape) - 2
    window = sliding(spec, emit.edge(x).shape[:rank], weights.shape[:rank])
    return emit(nodes.Conv, "conv", (x,), weights, offset, *window, int(spec.config.get("groups") or 1))


def _folded(spec: LayerSpec, kernel: Floats, bias: Floats, arrays: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Kernel and bias with the normalization in them, float32 as HGQ computes them."""
    scale, center = bool(spec.config.get("scale", True)), bool(spec.config.get("center", True))
    if len(arrays) != 2 * (scale + center):
        raise ModelFileError(f"layer {spec.name!r}: its normalization is not in the file; save the whole model again")
    trained, moving = arrays[: scale + center], arrays[scale + center :]
    factor = np.ones(kernel.shape[-1], np.float32)
    if scale:
        root = np.sqrt(moving[-1] + np.float32(spec.config.get("epsilon", 1e-3)))
        factor = np.asarray(trained[-1] * (np.float32(1) / root), np.float32)
    if center:
        bias = np.asarray(bias - moving[0] * factor + trained[0], np.float32)
    return np.asarray(kernel * factor, np.float32), bias


def _add(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    out = inputs[0]
    for other in inputs[1:]:
        out = emit(nodes.Add, "add", (out, other))
    return _values(emit, spec, out, _bits(spec, spec.weights, 0))


def _activation(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    out = emit_activation(emit.inside(), spec.config.get("activation"), inputs[0], of_keras=True)
    return _values(emit, spec, out, _bits(spec, spec.weights, 0))


def _bits(spec: LayerSpec, weights: tuple[Floats, ...], number: int) -> Integers:
    if len(weights) <= number:
        raise ModelFileError(f"layer {spec.name!r}: its trained bits are not in the file; save the whole model again")
    array = weights[number]
    return _whole(spec, array) if array.shape[:1] == (1,) else np.rint(array).astype(np.int64)


def _floors(spec: LayerSpec, key: str) -> bool:
    """Whether a quantizer drops bits; otherwise it rounds half up. HGQ resolves ``auto`` by its own rule."""
    stated = spec.config.get(key)
    strategy = stated.get("rnd_strategy", "floor") if isinstance(stated, Mapping) else "floor"
    if strategy in ("floor", 3):
        return True
    if strategy == "auto":
        raise UnsupportedError(f"layer {spec.name!r}: rnd_strategy 'auto'; take HGQ's proxy of the model")
    return False


def _rounded_numbers(spec: LayerSpec, key: str, values: Floats, bits: Integers) -> Floats:
    if not fits(bits.shape, values.shape):
        raise ModelFileError(
            f"layer {spec.name!r}: bits of shape {bits.shape} for numbers of {values.shape}; save it again"
        )
    steps = np.ldexp(values, bits)
    steps = np.floor(steps if _floors(spec, key) else steps + np.float32(0.5))
    return np.asarray(np.ldexp(steps, -bits), np.float32)


def _values(emit: Emitter, spec: LayerSpec, x: str, bits: Integers) -> str:
    """Values rounded to their bits, without an end."""
    rounding = "TRN" if _floors(spec, "paq_conf") else "RND"
    return emit_rounded(emit, x, bits, np.ones(bits.shape, bool), rounding)


SUMS = ("HDense", "HDenseBatchNorm", "HConv1D", "HConv1DBatchNorm", "HConv2D", "HConv2DBatchNorm")
HANDLERS: dict[str, Handler] = {
    PROXY: _proxy, QUANTIZE: _quantize, "HAdd": _add, "HActivation": _activation, **dict.fromkeys(SUMS, _sums),
}  # fmt: skip
MERGES = frozenset({"HAdd"})
