"""Quantizers whose bits were trained, one for all or one for each channel or weight: ``learned_bits`` of qmodels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter
from hls.importing.options import whole_numbers
from hls.importing.quantizers import Quantizer

KIND = "learned_bits"
_MOST_BITS = 24


def fraction_bits(quantizer: Quantizer) -> npt.NDArray[np.int64]:
    """Fraction bits: () or one for each channel or weight.

    Raises:
        UnsupportedError: they are no whole numbers in [-24, 24].
    """
    bits = whole_numbers(quantizer.options.get("fraction", 8))
    if bits is None or not bits.size or np.abs(bits).max() > _MOST_BITS:
        raise quantizer.unsupported("such fraction bits", f"use whole numbers from {-_MOST_BITS} to {_MOST_BITS}")
    return bits


def quantize_learned(quantizer: Quantizer, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Numbers on their grid, float32, as the quantizer computes them."""
    bits = fraction_bits(quantizer)
    try:
        bits = np.broadcast_to(bits, values.shape)
    except ValueError:
        raise quantizer.unsupported(
            f"bits of shape {bits.shape} for numbers of shape {values.shape}", "train and save the model again"
        ) from None
    if not quantizer.get("signed", True):
        values = np.maximum(values, np.float32(0))
    if quantizer.options.get("integer") is not None:
        end = np.ldexp(np.float32(1), _integer_bits(quantizer))
        values = np.clip(values, -end, end - np.ldexp(np.float32(1), -bits))
    steps = np.ldexp(values.astype(np.float32), bits)
    steps = np.floor(steps) if _floors(quantizer) else np.rint(steps)
    return np.asarray(np.ldexp(steps, -bits), np.float32)


def emit_learned(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    """Saturate and round on the finest grid, then drop the bits that each channel does without."""
    bits = fraction_bits(quantizer)
    finest = int(bits.max())
    uniform = bool((bits == finest).all())
    saturates = quantizer.options.get("integer") is not None
    if not uniform and saturates and not _floors(quantizer):
        raise quantizer.unsupported("saturation after rounding each channel to nearest", "use rounding='floor'")
    if not uniform and bits.shape not in (emit.edge(x).shape[-1:], emit.edge(x).shape):
        raise UnsupportedError(
            f"{quantizer.where}: bits of shape {bits.shape} for a tensor of shape {emit.edge(x).shape}; "
            "train and save the model again"
        )
    if not quantizer.get("signed", True):
        x = emit(nodes.Relu, "relu", (x,))
    if saturates and _integer_bits(quantizer).shape:
        return _saturate_channels(emit, quantizer, x, bits)
    if uniform or saturates:
        x = _round(emit, quantizer, x, finest)
    return x if uniform else _round_channels(emit, quantizer, x, bits)


def _integer_bits(quantizer: Quantizer) -> npt.NDArray[np.int64]:
    """Integer bits of a quantizer that saturates: () or one for each channel."""
    bits = whole_numbers(quantizer.options["integer"])
    if bits is None or not bits.size or np.abs(bits).max() > _MOST_BITS:
        raise quantizer.unsupported("such integer bits", f"use whole numbers from {-_MOST_BITS} to {_MOST_BITS}")
    return bits


def _floors(quantizer: Quantizer) -> bool:
    rounding = quantizer.get("rounding", "nearest")
    if rounding not in ("nearest", "floor"):
        raise quantizer.unsupported(f"rounding={rounding!r}", "use 'nearest' or 'floor'")
    return bool(rounding == "floor")


def _round(emit: Emitter, quantizer: Quantizer, x: str, fraction: int) -> str:
    """To ``2**-fraction``, saturated if the quantizer saturates, else on a type that holds the whole interval."""
    edge = emit.edge(x)
    signed = bool(quantizer.get("signed", True))
    if quantizer.options.get("integer") is not None:
        width = signed + quantizer.integer + fraction
        if width < 1:
            raise quantizer.unsupported("no bits at all", "give it more integer or fraction bits")
        type_ = FixedType(signed, width, signed + quantizer.integer)
        low, high = type_.raw_min, type_.raw_max
    else:
        # Rounding up can reach one step beyond the interval.
        low, high = (int(_shifted(raw, edge.fraction - fraction)) for raw in (edge.raw_min, edge.raw_max))
        low, high = min(low, 0), max(high + 1, 0)
        type_ = FixedType.covering(low, high, fraction)
    rounding = nodes.Rounding.FLOOR if _floors(quantizer) else nodes.Rounding.NEAREST_EVEN
    return emit(nodes.Quantize, "quantize", (x,), type_, low, high, rounding, float32=EXACT)


def _shifted(raw: int, shift: int) -> int:
    return raw >> shift if shift >= 0 else raw << -shift


@dataclass(frozen=True)
class _SaturatingChannels:
    """Where each channel saturates, at ``2**end``, and how many bits it keeps below that."""

    end: npt.NDArray[np.int64]
    kept: npt.NDArray[np.int64]

    @property
    def most_kept(self) -> int:
        """Bits of the channel that keeps most, one at least: a tensor has a type even if all of it is zero."""
        return max(int(self.kept.max()), 1)


def _saturate_channels(emit: Emitter, quantizer: Quantizer, x: str, bits: npt.NDArray[np.int64]) -> str:
    """Every channel divided by the power of two at which it saturates: all saturate at 1, then drop their bits.

    Two channels of 3.25, of which one saturates at 2 on quarters and the other at 4 on whole numbers, keep 3 and 2
    bits: ``end`` (1, 2), ``kept`` (3, 2). Then ::

        align       (3.25 / 2, 3.25 / 4)    = (1.625, 0.8125)
        saturate    below 1, on eighths     = (0.875, 0.75)
        drop        times (8, 4), rounded   = (7, 3)
        gather      times (1/4, 1)          = (1.75, 3)
    """
    channels = _saturating_channels(quantizer, bits)
    x = _scale(emit, "align", x, -channels.end)
    x = _round(emit, _with_options(quantizer, integer=0), x, channels.most_kept)
    if (channels.kept == channels.most_kept).all():  # saturating dropped all that is to be dropped
        return _scale(emit, "restore", x, channels.end)
    return _scale(emit, "gather", _dropped(emit, quantizer, x, channels.kept), channels.end - channels.kept)


def _saturating_channels(quantizer: Quantizer, bits: npt.NDArray[np.int64]) -> _SaturatingChannels:
    end = _integer_bits(quantizer)
    if bits.shape != end.shape or quantizer.get("signed", True):
        raise quantizer.unsupported(
            f"integer bits of shape {end.shape} for channels of shape {bits.shape}",
            "give one to each channel of an unsigned quantizer",
        )
    kept = np.maximum(end + bits, 0)
    # A channel without bits is zero wherever it saturates: not where that would widen what the others need.
    return _SaturatingChannels(np.where(kept > 0, end, end[kept > 0].max(initial=0)), kept)


def _round_channels(emit: Emitter, quantizer: Quantizer, x: str, bits: npt.NDArray[np.int64]) -> str:
    """Each channel times a power of two to whole numbers, rounded as one tensor, and back: wires and roundings."""
    return _scale(emit, "gather", _dropped(emit, quantizer, x, bits), -bits)


def _dropped(emit: Emitter, quantizer: Quantizer, x: str, bits: npt.NDArray[np.int64]) -> str:
    """Whole numbers: each channel times ``2**bits``, rounded."""
    plain = _with_options(quantizer, integer=None, signed=True)
    return _round(emit, plain, _scale(emit, "spread", x, bits), 0)


def _with_options(quantizer: Quantizer, **options: Any) -> Quantizer:
    return Quantizer(quantizer.kind, {**quantizer.options, **options}, quantizer.where)


def _scale(emit: Emitter, name: str, x: str, exponent: npt.NDArray[np.int64]) -> str:
    """Each channel times its power of two."""
    least = int(exponent.min())
    ones = np.left_shift(np.int64(1), exponent - least)
    return emit(nodes.Scale, name, (x,), FixedArray(ones, -least), FixedArray(np.zeros(1, np.int64), 0))
