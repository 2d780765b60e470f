"""One fixed-point type for each value of a tensor, whose numbers wrap around or saturate at ends of their own.

HGQ and HGQ2 train such types. They become nodes that know one type a tensor: each value is multiplied by its power of
two, rounded, wrapped or saturated as all others are, and multiplied back, which is wires.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import PortRounding
from hls.importing.emitter import Emitter
from hls.importing.options import fits
from hls.importing.quantizers import Grid
from hls.importing.spec import LayerSpec

Integers = npt.NDArray[np.int64]
_ROUNDINGS, _OVERFLOWS = ("TRN", "RND", "RND_CONV"), ("WRAP", "SAT", "SAT_SYM")


@dataclass(frozen=True, eq=False)
class Formats:
    """One fixed-point type for each value: bits in all, of them before the point (the sign among them), and signs."""

    signed: Integers
    bits: Integers
    integer: Integers
    rounding: str
    overflow: str = "WRAP"

    @property
    def fraction(self) -> Integers:
        """Bits behind the point."""
        return self.bits - self.integer

    @property
    def used(self) -> npt.NDArray[np.bool_]:
        """Those that have any bits; the others are zero."""
        return self.bits > 0

    def port(self) -> Grid:
        """What holds the values of all, and as much of what they are rounded from as decides.

        Half up, that is the half. Half to even, it is more of a number, unless all do it at the same place, which the
        port does for them then: the half, and whether anything lies beyond it.
        """
        fractions, wraps = np.unique(self.fraction[self.used]), self.overflow == "WRAP"
        if self.rounding != "RND_CONV":
            type_ = self._port_type(int(self.rounding == "RND"))
            return Grid(type_, type_.raw_min, type_.raw_max, PortRounding.FLOOR, wraps)
        if len(fractions) < 2:
            type_ = self._port_type(0)
            return Grid(type_, type_.raw_min, type_.raw_max, PortRounding.NEAREST_EVEN, wraps)
        type_ = self._port_type(2)
        return Grid(type_, type_.raw_min, type_.raw_max - 1, PortRounding.ODD, wraps)

    def _port_type(self, beyond: int) -> FixedType:
        """Of so many bits behind the last of any value."""
        used = self.used
        if not used.any():
            return FixedType(False, 1, 1)
        signed = bool(self.signed[used].any())
        whole = int((self.integer + (signed & (self.signed == 0)))[used].max())
        fraction = int(self.fraction[used].max()) + beyond
        return FixedType(signed, max(whole + fraction, 1), whole)


def check_modes(spec: LayerSpec, rounding: str, overflow: str) -> None:
    """Raise UnsupportedError, naming the layer, for modes of ap_fixed that are not written here."""
    if rounding not in _ROUNDINGS or overflow not in _OVERFLOWS:
        raise UnsupportedError(
            f"layer {spec.name!r} rounds by {rounding} and overflows by {overflow}; "
            f"quantize with {', '.join(_ROUNDINGS)} and {', '.join(_OVERFLOWS)}"
        )


def emit_formats(emit: Emitter, x: str, formats: Formats) -> str:
    """Every value rounded to its type, and wrapped or saturated at its ends."""
    if not formats.used.any():
        return scaled(emit, "nothing", x, formats.bits, formats.used)
    if formats.overflow != "WRAP":
        return _saturated(emit, x, formats)
    rounded = emit_rounded(emit, x, formats.fraction, formats.used, formats.rounding)
    return _wrapped(emit, rounded, formats, formats.used)


def _saturated(emit: Emitter, x: str, formats: Formats) -> str:
    """Rounded, then saturated; ranges that differ are brought to one that saturates below 1, and brought back."""
    used, ends = formats.used, formats.integer - formats.signed
    x = emit_rounded(emit, x, formats.fraction, used, formats.rounding)
    signed, fraction = bool(formats.signed[used].any()), formats.fraction
    kinds = set(zip(formats.signed[used].tolist(), ends[used].tolist(), fraction[used].tolist(), strict=True))
    if len(kinds) == 1 and used.all():
        (_, end, bits), *_ = kinds
        return _clipped(emit, x, signed, end, bits, symmetric=formats.overflow == "SAT_SYM")
    if formats.overflow == "SAT_SYM" or not (formats.signed[used] == signed).all():
        raise UnsupportedError(
            f"layer {emit.layer!r}: values that saturate each at ends of its own, symmetric or of both signs; "
            "train its quantizer with overflow_mode='WRAP'"
        )
    finest = int((ends + fraction)[used].max())
    aligned = _clipped(emit, scaled(emit, "align", x, -ends, used), signed, 0, finest, symmetric=False)
    # The end of a coarser value is below that of the finest: what lies between has bits that it drops.
    spread = scaled(emit, "spread", aligned, ends + fraction, used)
    return scaled(emit, "gather", _on_grid(emit, spread, 0, nodes.Rounding.FLOOR), -fraction, used)


def _clipped(emit: Emitter, x: str, signed: bool, end: int, fraction: int, *, symmetric: bool) -> str:
    type_ = FixedType(signed, max(signed + end + fraction, 1), signed + end)
    low = type_.raw_min + (symmetric and signed)
    edge = emit.edge(x)
    if edge.fraction == type_.fraction and low <= edge.raw_min and edge.raw_max <= type_.raw_max:
        return x
    return emit(nodes.Quantize, "saturate", (x,), type_, low, type_.raw_max)


def emit_rounded(emit: Emitter, x: str, fraction: Integers, used: npt.NDArray[np.bool_], rounding: str) -> str:
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
    spread = scaled(emit, "spread", x, fraction, used, half)
    return scaled(emit, "gather", _on_grid(emit, spread, 0, mode), -fraction, used)


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
    aligned = scaled(emit, "align", x, -ends, used, FixedArray(halves, 1))
    wrapped = _wrap(emit, aligned, signs == {1}, 0)
    back = FixedArray.from_float(-np.ldexp(halves.astype(np.float64), ends - 1))
    restored = scaled(emit, "restore", wrapped, ends, used, back)
    return _on_grid(emit, restored, int(formats.fraction[used].max()), nodes.Rounding.FLOOR)


def _wrap(emit: Emitter, x: str, signed: bool, integer: int) -> str:
    edge = emit.edge(x)
    type_ = FixedType(signed, max(integer + edge.fraction, 1), integer)
    if type_.raw_min <= edge.raw_min and edge.raw_max <= type_.raw_max and edge.fraction == type_.fraction:
        return x
    return emit(nodes.Wrap, "wrap", (x,), type_)


_NOTHING = FixedArray(np.zeros((), np.int64), 0)


def scaled(
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
