"""HGQ's layers (arXiv:2405.00645): bits that were trained for each weight and each value.

A trained network (``HQuantize``, ``HDense``) knows how finely each number is rounded, and nothing of where it would
overflow: its values are rounded and never clipped. A proxy network, which HGQ makes for firmware, has plain layers of
quantized numbers with a ``FixedPointQuantizer`` behind each, whose numbers wrap around at their ends.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from hls.importing.options import fits
from hls.importing.spec import LayerSpec

PROXY, QUANTIZE = "FixedPointQuantizer", "HQuantize"
_MOST_BITS = 32


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


def _whole(spec: LayerSpec, values: npt.NDArray[np.float32]) -> Integers:
    rounded = np.rint(values)
    if np.abs(rounded).max(initial=0) > 127:
        raise ModelFileError(f"layer {spec.name!r}: numbers of bits beyond ±127; train and save the model again")
    # The first axis is that of the batch, of size one.
    return rounded.astype(np.int64).reshape(values.shape[1:] if values.ndim > 1 else values.shape)


def _proxy(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit_formats(emit, inputs[0], proxy_formats(spec))


def _quantize(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _values(emit, spec, inputs[0], _bits(spec, spec.weights, 0))


def _dense(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``paq(x @ kq(kernel) + paq(bias))``, then the activation, as HGQ's ``HDense`` at inference."""
    has_bias = bool(spec.config.get("use_bias", True))
    kernel = spec.weights[0] if spec.weights else np.zeros(0, np.float32)
    if kernel.ndim != 2 or len(spec.weights) < 3 + has_bias:
        raise ModelFileError(f"layer {spec.name!r}: kernel, bias and their bits are not in the file; save it again")
    kernel_bits, value_bits = (_bits(spec, spec.weights, number + has_bias) for number in (1, 2))
    weights = _rounded_numbers(spec, "kq_conf", kernel, kernel_bits)
    bias = np.zeros(kernel.shape[1], np.float32)
    if has_bias:
        most = value_bits.reshape(-1, value_bits.shape[-1]).max(axis=0) if value_bits.ndim else value_bits
        bias = _rounded_numbers(spec, "paq_conf", spec.weights[1], most)
    out = emit(nodes.Dense, "dense", inputs, FixedArray.from_float(weights), FixedArray.from_float(bias))
    out = _values(emit, spec, out, value_bits)
    return emit_activation(emit, spec.config.get("activation"), out)


def _bits(spec: LayerSpec, weights: tuple[npt.NDArray[np.float32], ...], number: int) -> Integers:
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


def _rounded_numbers(
    spec: LayerSpec, key: str, values: npt.NDArray[np.float32], bits: Integers
) -> npt.NDArray[np.float32]:
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


HANDLERS: dict[str, Handler] = {PROXY: _proxy, QUANTIZE: _quantize, "HDense": _dense}
