"""Trained weights through their QKeras quantizers, in numpy, to exact constants.

QKeras computes in float32, and so does this file wherever a rounding decision depends on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles
from hls.importing import learned_bits
from hls.importing.quantizers import Quantizer, grid, sign_scale, static_scale, without_scale
from hls.importing.scaled import scaled
from hls.importing.scales import (
    EPSILON,
    LOG2,
    Array,
    channel_axes,
    least_squares_power,
    nearest_power,
    round_to_grid,
    signs,
    symmetric_steps,
    ternary_threshold,
    trained_scale,
)

_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -126, 127
_MOST_EXPONENT_BITS = 10


def quantized_constant(quantizer: Quantizer, values: Array, *, kernel: bool) -> FixedArray:
    """The constant that the layer really multiplies by, or adds.

    ``kernel``: QKeras turns ``alpha=None`` into ``"auto_po2"`` for kernels (and only for them).

    Raises:
        UnsupportedError: a scale that fits no channel, or numbers beyond float32's.
    """
    quantizer = as_trainable(quantizer) if kernel else quantizer
    chosen = scaled(quantizer, values)
    if chosen is not None:
        return chosen.constant()
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is told below
        quantized = _quantize(quantizer, values.astype(np.float32))
    if not np.isfinite(quantized).all():
        raise quantizer.unsupported("numbers beyond float32's", "use a smaller alpha, or fewer integer bits")
    return FixedArray.from_float(quantized)


def as_trainable(quantizer: Quantizer) -> Quantizer:
    """What a layer makes of the quantizer of a kernel, gamma or variance: no ``alpha`` becomes ``"auto_po2"``.

    >>> as_trainable(Quantizer("quantized_bits", {"bits": 4}, "a")).options
    {'bits': 4, 'alpha': 'auto_po2', 'symmetric': 1}
    """
    options = dict(quantizer.options)
    if options.get("alpha") is None and quantizer.kind in ("quantized_bits", "binary", "ternary"):
        options |= {"alpha": "auto_po2", "symmetric": 1}
    if options.get("alpha") is None and quantizer.kind == "quantized_linear":
        options["alpha"] = "auto_po2"
    return Quantizer(quantizer.kind, options, quantizer.where)


def _quantize(quantizer: Quantizer, values: Array) -> Array | Doubles:
    alpha = quantizer.options.get("alpha")
    automatic = isinstance(alpha, str)
    if automatic and alpha != "auto_po2":
        raise quantizer.unsupported(
            f"alpha={alpha!r}",
            "its scales are quotients of float32 sums, whose last bits depend on the machine; train with "
            "alpha='auto_po2' "
            "or alpha=1",
        )
    match quantizer.kind:
        case "quantized_bits" if automatic:
            return _auto_bits(quantizer, values)
        case learned_bits.KIND:
            return learned_bits.quantize_learned(quantizer, values)
        case "binary":
            return _binary(quantizer, values)
        case "ternary":
            return _auto_ternary(quantizer, values) if automatic else _ternary(quantizer, values)
        case "quantized_po2":
            return _power_of_two(quantizer, values)
        case "quantized_relu_po2":
            return _relu_power_of_two(quantizer, values)
    if automatic:
        raise quantizer.unsupported("alpha='auto_po2'", "use quantized_bits, or alpha=1")
    plain = grid(quantizer)
    if plain is not None:
        return round_to_grid(plain, values)
    if quantizer.kind in ("quantized_bits", "quantized_linear"):
        unscaled = grid(without_scale(quantizer))
        if unscaled is None:
            sign = np.where(values >= 0, np.float32(1), np.float32(-1))
            return np.asarray(sign * np.float32(sign_scale(quantizer)))
        return np.asarray(round_to_grid(unscaled, values).astype(np.float32) * _static_alpha(quantizer))
    raise UnsupportedError(
        f"{quantizer.where}: {quantizer.kind} is not read as a quantizer of weights; use quantized_bits, "
        "which is another network: train it again"
    )


def _static_alpha(quantizer: Quantizer) -> np.float32:
    return np.float32(static_scale(quantizer))


def _auto_bits(quantizer: Quantizer, values: Array) -> Array:
    half_levels = np.float32(2 ** (quantizer.bits - 1) - 1)
    if half_levels < 1:
        raise quantizer.unsupported("bits=1 and alpha='auto_po2'", "use binary(alpha='auto_po2')")
    top = np.float32(2.0**quantizer.integer)
    x = values / top
    scale = trained_scale(quantizer, values)
    if scale is None:
        scale = nearest_power(np.abs(x).max(axis=channel_axes(x), keepdims=True) * 2 / (2 * half_levels))
        for _ in range(5):
            scale = least_squares_power(x, symmetric_steps(x, scale, half_levels))
    return np.asarray(scale * symmetric_steps(x, scale, half_levels) * top, np.float32)


def _binary(quantizer: Quantizer, values: Array) -> Array:
    sign = signs(quantizer, values)
    if isinstance(quantizer.options.get("alpha"), str):
        return np.asarray(least_squares_power(values, sign) * sign, np.float32)
    return np.asarray(sign * _static_alpha(quantizer), np.float32)


def _ternary(quantizer: Quantizer, values: Array) -> Array:
    sign = np.where(np.abs(values) >= ternary_threshold(quantizer), np.sign(values), np.float32(0))
    return np.asarray(sign * _static_alpha(quantizer), np.float32)


def _auto_ternary(quantizer: Quantizer, values: Array) -> Array:
    axes = channel_axes(values) if values.ndim > 1 else None
    scale = nearest_power((2 * np.abs(values).max(axis=axes, keepdims=True) / np.float32(3)).astype(np.float32))
    sign = np.zeros_like(values)
    for _ in range(quantizer.whole("number_of_unrolls", 5)):
        rounded = scale * np.rint(values / scale)
        sign = np.where(np.abs(rounded) >= scale / 2, np.sign(values), np.float32(0))
        scale = least_squares_power(values, sign)
    return np.asarray(scale * sign, np.float32)


# Logarithms of TensorFlow and of NumPy are off by a few units in the last place, and not by the same in short arrays as
# in long ones: at the middle of two powers of two, one of them is the nearest here and the other there.
_LOGARITHM_ERROR = 8 * 2.0**-23


def _exponents(quantizer: Quantizer, magnitude: Array, bits: int, side: int = 0) -> npt.NDArray[np.int64]:
    """Exponents of the nearest powers of two, clipped to what ``bits`` bits of exponent hold.

    ``side`` -1 and 1: the least and greatest that they may be with the error of a logarithm.
    """
    limit = quantizer.options.get("max_value")
    sign_bit = int(limit is None or limit > 1)
    if bits < sign_bit:
        raise quantizer.unsupported(f"bits={quantizer.bits}", "no bit is left for an exponent; use more, or binary()")
    exponents = min(bits - sign_bit, _MOST_EXPONENT_BITS)  # no float32 has an exponent that more of them could state
    low, high = -(2**exponents), 2**exponents - 1
    quadratic = bool(quantizer.get("quadratic_approximation", False))
    if quadratic:
        high = 2 * (high // 2)
    tiny = magnitude < EPSILON
    x = np.where(tiny, EPSILON, magnitude)
    if limit is not None:
        x = np.minimum(x, np.float32(limit))
    # In float32 as QKeras has it: a root of two is a tie, which falls as the last bit of the logarithm says.
    logarithm = np.log(np.sqrt(x) if quadratic else x).astype(np.float32) / LOG2
    if side:
        logarithm = logarithm.astype(np.float64) + side * _LOGARITHM_ERROR * np.abs(logarithm)
    rounded = np.floor(logarithm) if quantizer.get("log2_rounding", "rnd") == "floor" else np.rint(logarithm)
    exponent = np.clip(rounded, low, high) * (2 if quadratic else 1)
    exponent = np.asarray(np.where(tiny, low, exponent), np.int64)
    if exponent.max(initial=0) > _LARGEST_EXPONENT:
        raise quantizer.unsupported("exponents beyond float32's", "use fewer bits, or a max_value")
    return exponent


def _powers(exponents: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """``2**exponents``, and 0 where float32 has no normal number that small: TensorFlow flushes those."""
    return np.where(exponents < _SMALLEST_EXPONENT, 0.0, np.exp2(exponents.astype(np.float64)))


def _power_of_two(quantizer: Quantizer, values: Array, side: int = 0) -> Array:
    exponents = _exponents(quantizer, np.abs(values), quantizer.bits - 1, side)
    sign = np.where(values >= 0, np.float32(1), np.float32(-1))
    return np.asarray(sign * _powers(exponents), np.float32)


def _relu_power_of_two(quantizer: Quantizer, values: Array, side: int = 0) -> Array:
    slope = np.float32(quantizer.get("negative_slope", 0.0))
    # QKeras leaks 0.2 into the logarithm's argument below zero; only the clip to the smallest power is seen of it.
    positive = np.where(values >= 0, values, np.float32(0.2) * values)
    up = _powers(_exponents(quantizer, positive, quantizer.bits, side))
    if slope == 0:
        return np.asarray(up, np.float32)
    negative = np.where(values <= 0, -values, np.float32(-0.2) * values) * slope
    down = -_powers(_exponents(quantizer, negative, quantizer.bits, side))
    return np.asarray(np.where(values >= 0, up, down), np.float32)


def quantize_values(quantizer: Quantizer, values: Array) -> Array:
    """A quantizer applied to numbers, as an activation would (no automatic scale)."""
    return np.asarray(_quantize(quantizer, values), np.float32)


def around(quantizer: Quantizer, values: Array) -> tuple[Array, Array]:
    """The least and greatest power of two that float32 may make of each of ``values``."""
    quantize = _power_of_two if quantizer.kind == "quantized_po2" else _relu_power_of_two
    found = [quantize(quantizer, values, side) for side in (-1, 0, 1)]
    return np.minimum.reduce(found), np.maximum.reduce(found)


def _clipped_first(quantizer: Quantizer, x: Array) -> Array:
    """What a quantizer adds and subtracts again."""
    if quantizer.kind != "quantized_relu_po2":
        return x
    leaky = np.where(x >= 0, x, x * np.float32(quantizer.get("negative_slope", 0.0)))
    return np.asarray(np.minimum(leaky, np.float32(quantizer.get("max_value", np.inf))), np.float32)


def float32_deviation(quantizer: Quantizer, values: Array, constant: FixedArray) -> Doubles | None:
    """By how much the constant that QKeras has for each of ``values`` may be off ours; None if nowhere.

    It has ``x + (q - x)`` in float32, which may not be ``q``.
    """
    exact, x = constant.to_float(), _clipped_first(quantizer, values.astype(np.float32))
    if quantizer.kind == learned_bits.KIND:
        return None
    held = exact.astype(np.float32)
    off = np.maximum(np.abs(held - exact), np.abs((x + (held - x)).astype(np.float64) - exact))
    if quantizer.kind in ("quantized_po2", "quantized_relu_po2"):
        low, high = around(quantizer, values)
        off = np.maximum(off, np.maximum(exact - low, high - exact))
    return off if off.any() else None


def float32_deviation_near(quantizer: Quantizer, values: Doubles, error: Doubles, constant: FixedArray) -> Doubles:
    """By how much QKeras's constants may be off ``constant`` where it quantizes other numbers, up to ``error`` away.

    Quantizers are monotonic, so that the ends and ``values`` say what ``q`` may be. Between them ``x + (q - x)`` may
    stick where it does at none of the three.
    """
    exact = constant.to_float()
    near = [np.asarray(values + side * error, np.float32) for side in (-1, 0, 1)]
    off = np.zeros(np.shape(exact))
    for one in near:
        found = FixedArray.from_float(quantize_values(quantizer, one))
        stuck = float32_deviation(quantizer, one, found)
        off = np.maximum(off, np.abs(found.to_float() - exact) + (0.0 if stuck is None else stuck))
    if quantizer.kind == learned_bits.KIND:
        return off
    x = [_clipped_first(quantizer, one).astype(np.float64) for one in near]
    return off + _sticks(np.minimum(x[0], x[2]), np.maximum(x[0], x[2]), exact, off)


def _sticks(low: Doubles, high: Doubles, q: Doubles, off: Doubles) -> Doubles:
    """A bound of what ``x + (q - x)`` loses for an ``x`` in [low, high] and a ``q`` that may be ``off``."""
    smallest, largest = np.minimum(np.abs(low), np.abs(high)), np.maximum(np.abs(low), np.abs(high))
    target = np.abs(q)
    same_sign = (low > 0) & (q > 0) | (high < 0) & (q < 0)
    near = (2 * target >= largest) & (target <= 2 * smallest)  # Sterbenz: the difference is exact
    below = (target <= smallest) & (np.fmod(target, np.spacing(largest.astype(np.float32))) == 0)
    kept = (off == 0) & ((q == 0) | (same_sign & (near | below)))
    return np.where(kept, 0.0, 3 * 2.0**-24 * (target + off + largest))
