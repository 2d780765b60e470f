"""HGQ's layers (arXiv:2405.00645): bits that were trained for each weight and each value.

A trained network (``HQuantize``, ``HDense``) knows how finely each number is rounded, and nothing of where it would
overflow: its values are rounded and never clipped. A proxy network, which HGQ makes for firmware, has plain layers of
quantized numbers with a ``FixedPointQuantizer`` behind each, whose numbers wrap around at their ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.importing.activations import emit_activation
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import fits
from hls.importing.spec import LayerSpec

Integers = npt.NDArray[np.int64]
PROXY, QUANTIZE = "FixedPointQuantizer", "HQuantize"
_MOST_BITS = 32
_ROUNDINGS = ("TRN", "RND", "RND_CONV")


@dataclass(frozen=True, eq=False)
class Formats:
    """One fixed-point type for each value: bits in all, of them before the point (the sign among them), and signs."""

    signed: Integers
    bits: Integers
    integer: Integers
    rounding: str

    @property
    def fraction(self) -> Integers:
        """Bits behind the point."""
        return self.bits - self.integer

    def port_type(self) -> FixedType:
        """A type that holds the values of all, and the half that rounding looks at."""
        used = self.bits > 0
        if not used.any():
            return FixedType(False, 1, 1)
        signed = bool(self.signed[used].any())
        whole = int((self.integer + (signed & (self.signed == 0)))[used].max())
        fraction = int(self.fraction[used].max()) + (self.rounding != "TRN")
        return FixedType(signed, max(whole + fraction, 1), whole)


def proxy_formats(spec: LayerSpec) -> Formats:
    """The types of a ``FixedPointQuantizer``.

    Raises:
        ModelFileError: they are no types.
        UnsupportedError: a rounding or an overflow that this is not written for.
    """
    rounding, overflow = str(spec.config.get("RND", "TRN")), str(spec.config.get("SAT", "WRAP"))
    if rounding not in _ROUNDINGS or overflow != "WRAP":
        raise UnsupportedError(
            f"layer {spec.name!r}: a {PROXY} that rounds by {rounding} and overflows by {overflow}; "
            f"make the proxy with {', '.join(_ROUNDINGS)} and WRAP, HGQ's own"
        )
    if len(spec.weights) != 3 or len({array.shape for array in spec.weights}) != 1:
        raise ModelFileError(f"layer {spec.name!r}: a {PROXY} has three arrays of one shape; save the proxy again")
    signed, bits, integer = (_whole(spec, array) for array in spec.weights)
    if not np.isin(signed, (0, 1)).all() or bits.min() < 0 or max(bits.max(), np.abs(integer).max()) > _MOST_BITS:
        raise ModelFileError(f"layer {spec.name!r}: its types are none (bits from {bits.min()} to {bits.max()})")
    return Formats(signed, bits, integer, rounding)


def _whole(spec: LayerSpec, values: npt.NDArray[np.float32]) -> Integers:
    rounded = np.rint(values)
    if np.abs(rounded).max(initial=0) > 127:
        raise ModelFileError(f"layer {spec.name!r}: numbers of bits beyond ±127; train and save the model again")
    # The first axis is that of the batch, of size one.
    return rounded.astype(np.int64).reshape(values.shape[1:] if values.ndim > 1 else values.shape)


def _proxy(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    formats = proxy_formats(spec)
    used = formats.bits > 0
    if not used.any():
        return _scaled(emit, "nothing", inputs[0], formats.bits, used)
    x = _rounded(emit, inputs[0], formats.fraction, used, formats.rounding)
    return _wrapped(emit, x, formats, used)


def _rounded(emit: Emitter, x: str, fraction: Integers, used: npt.NDArray[np.bool_], rounding: str) -> str:
    """Every value rounded to its own bits behind the point; those without any bits become zero.

    Values are multiplied by their power of two, rounded as whole numbers, and divided again: wires, but for the
    rounding itself.
    """
    mode = nodes.Rounding.NEAREST_EVEN if rounding == "RND_CONV" else nodes.Rounding.FLOOR
    up = rounding == "RND"
    alike = bool(used.all()) and len(set(fraction.ravel().tolist())) == 1
    if alike and not up:
        return _on_grid(emit, x, int(fraction.ravel()[0]), mode)
    half = FixedArray(used.astype(np.int64), 1) if up else _NOTHING
    spread = _scaled(emit, "spread", x, fraction, used, half)
    return _scaled(emit, "gather", _on_grid(emit, spread, 0, mode), -fraction, used)


def _on_grid(emit: Emitter, x: str, fraction: int, rounding: nodes.Rounding) -> str:
    """Rounded to ``2**-fraction``, in a type that no value of the interval leaves."""
    edge = emit.edge(x)
    if edge.fraction <= fraction:
        return x
    dropped = edge.fraction - fraction
    up = int(rounding is nodes.Rounding.NEAREST_EVEN)
    low, high = min(edge.raw_min >> dropped, 0), max((edge.raw_max >> dropped) + up, 0)
    type_ = FixedType.covering(low, high, fraction)
    return emit(nodes.Quantize, "round", (x,), type_, type_.raw_min, type_.raw_max, rounding)


def _wrapped(emit: Emitter, x: str, formats: Formats, used: npt.NDArray[np.bool_]) -> str:
    """Every value modulo its own range.

    Ranges that differ are brought to [0, 1) or [-1/2, 1/2), wrapped there as one tensor, and brought back; where some
    are signed and some are not, the signed ones are moved up by a half for the while.
    """
    signs, ends = set(formats.signed[used].tolist()), formats.integer
    if len(signs) == 1 and len(set(ends[used].tolist())) == 1:
        return _wrap(emit, x, bool(signs.pop()), int(ends[used][0]))
    halves = (formats.signed * used).astype(np.int64) if len(signs) > 1 else np.zeros_like(ends)
    aligned = _scaled(emit, "align", x, -ends, used, FixedArray(halves, 1))
    wrapped = _wrap(emit, aligned, signs == {1}, 0)
    back = FixedArray.from_float(-np.ldexp(halves.astype(np.float64), ends - 1))
    restored = _scaled(emit, "restore", wrapped, ends, used, back)
    return _on_grid(emit, restored, int(formats.fraction[used].max()), nodes.Rounding.FLOOR)


def _wrap(emit: Emitter, x: str, signed: bool, integer: int) -> str:
    edge = emit.edge(x)
    type_ = FixedType(signed, max(integer + edge.fraction, 1), integer)
    if type_.raw_min <= edge.raw_min and edge.raw_max <= type_.raw_max and edge.fraction == type_.fraction:
        return x
    return emit(nodes.Wrap, "wrap", (x,), type_)


_NOTHING = FixedArray(np.zeros((), np.int64), 0)


def _scaled(
    emit: Emitter,
    name: str,
    x: str,
    exponent: Integers,
    used: npt.NDArray[np.bool_],
    offset: FixedArray = _NOTHING,
) -> str:
    """Each value times its power of two and plus its offset; those not ``used`` become the offset alone."""
    shape = emit.edge(x).shape
    deep = exponent.ndim > 1 and max(exponent.shape[:-1]) > 1
    if deep:
        x = emit(nodes.Reshape, "flat", (x,), (int(np.prod(shape)),))

    if deep and not all(fits(values.shape, shape) for values in (exponent, used, offset.integers)):
        raise ModelFileError(f"layer {emit.layer!r}: bits of shape {exponent.shape} for {shape}; save it again")

    def row(values: npt.NDArray[np.generic]) -> Integers:
        return np.asarray(np.broadcast_to(values, shape) if deep else values, np.int64).reshape(-1)

    chosen, powers = row(used) > 0, row(exponent)
    least = int(powers[chosen].min()) if chosen.any() else 0
    ones = np.where(chosen, np.left_shift(1, np.where(chosen, powers - least, 0)), 0)
    addend = FixedArray(row(offset.integers), offset.fraction)
    out = emit(nodes.Scale, name, (x,), FixedArray(ones, -least), addend)
    return emit(nodes.Reshape, "shape", (out,), shape) if deep else out


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
    return _rounded(emit, x, bits, np.ones(bits.shape, bool), rounding)


HANDLERS: dict[str, Handler] = {PROXY: _proxy, QUANTIZE: _quantize, "HDense": _dense}
