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
from hls.importing.options import numbers
from hls.importing.quantizers import Grid, Quantizer, grid, sign_scale, static_scale, without_scale

Array = npt.NDArray[np.float32]

# keras.backend.epsilon()
_EPSILON = np.float32(1e-7)
_SMALLEST_EXPONENT, _LARGEST_EXPONENT = -126, 127
_MOST_EXPONENT_BITS = 10
_LOG2 = np.float32(np.log(2.0))


def quantized_constant(quantizer: Quantizer, values: Array, *, kernel: bool) -> FixedArray:
    """The constant that the layer really multiplies by, or adds.

    ``kernel``: QKeras turns ``alpha=None`` into ``"auto_po2"`` for kernels (and only for them).

    Raises:
        UnsupportedError: a scale that is not a power of two.
    """
    quantizer = as_trainable(quantizer) if kernel else quantizer
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


def round_to_grid(plain: Grid, values: Array) -> Doubles:
    """Values on the grid, with its ends as they are: float32 has none beyond 24 bits."""
    scaled = np.rint(np.ldexp(values.astype(np.float64), plain.type.fraction))
    raw = np.clip(scaled, float(plain.raw_min), float(plain.raw_max))
    return np.asarray(np.ldexp(raw, -plain.type.fraction), np.float64)


def _static_alpha(quantizer: Quantizer) -> np.float32:
    return np.float32(static_scale(quantizer))


def _channel_axes(values: Array) -> tuple[int, ...]:
    return tuple(range(values.ndim - 1)) if values.ndim > 1 else (0,)


def _po2(scale: Array) -> Array:
    exponent = np.rint(np.log((scale + _EPSILON).astype(np.float32)) / _LOG2)
    return np.exp2(exponent).astype(np.float32)


def _least_squares_po2(values: Array, quantized: Array) -> Array:
    """The power of two nearest (in the logarithm) to the least-squares scale of each channel."""
    qx, qq = values * quantized, quantized * quantized
    if values.ndim > 1:
        axes = _channel_axes(values)
        qx, qq = qx.mean(axis=axes, keepdims=True), qq.mean(axis=axes, keepdims=True)
    return _po2((qx / (qq + _EPSILON)).astype(np.float32))


def _auto_bits(quantizer: Quantizer, values: Array) -> Array:
    half_levels = np.float32(2 ** (quantizer.bits - 1) - 1)
    if half_levels < 1:
        raise quantizer.unsupported("bits=1 and alpha='auto_po2'", "use binary(alpha='auto_po2')")
    top = np.float32(2.0**quantizer.integer)
    x = values / top

    def rounded(scale: Array) -> Array:
        steps = np.floor(np.abs(x) / scale + np.float32(0.5))
        return np.asarray((np.sign(x) * np.where(steps < half_levels, steps, half_levels)).astype(np.float32))

    trained = quantizer.options.get("post_training_scale")
    if trained is not None:
        levels = np.float32(2.0 ** (quantizer.bits - int(bool(quantizer.get("keep_negative", True)))))
        found = numbers(trained)
        if found is None or found.shape not in (
            (),
            (1,),
            values.shape[-1:],
            (*(1,) * (values.ndim - 1), values.shape[-1]),
        ):
            raise quantizer.unsupported("a post_training_scale that fits no kernel", "save the model again")
        scale = np.asarray(found, np.float32) / levels
        if (np.frexp(scale)[0] != 0.5).any():
            raise quantizer.unsupported("a post_training_scale that is no power of two", "train with auto_po2 scales")
    else:
        scale = _po2(np.abs(x).max(axis=_channel_axes(x), keepdims=True) * 2 / (2 * half_levels))
        for _ in range(5):
            scale = _least_squares_po2(x, rounded(scale))
    return np.asarray(scale * rounded(scale) * top, np.float32)


def _binary(quantizer: Quantizer, values: Array) -> Array:
    sign = np.where(values >= 0, np.float32(1), np.float32(-1))
    if quantizer.get("use_01", False):
        sign = (sign + 1) / 2
    if isinstance(quantizer.options.get("alpha"), str):
        return np.asarray(_least_squares_po2(values, sign) * sign, np.float32)
    return np.asarray(sign * _static_alpha(quantizer), np.float32)


def ternary_threshold(quantizer: Quantizer) -> np.float32:
    """Magnitude from which a ternary quantizer gives plus or minus one."""
    threshold = quantizer.options.get("threshold")
    if isinstance(threshold, str):
        raise quantizer.unsupported(f"threshold={threshold!r}", "use a number")
    return np.float32(0.33 if threshold is None else threshold)


def _ternary(quantizer: Quantizer, values: Array) -> Array:
    sign = np.where(np.abs(values) >= ternary_threshold(quantizer), np.sign(values), np.float32(0))
    return np.asarray(sign * _static_alpha(quantizer), np.float32)


def _auto_ternary(quantizer: Quantizer, values: Array) -> Array:
    axes = _channel_axes(values) if values.ndim > 1 else None
    scale = _po2((2 * np.abs(values).max(axis=axes, keepdims=True) / np.float32(3)).astype(np.float32))
    sign = np.zeros_like(values)
    for _ in range(quantizer.whole("number_of_unrolls", 5)):
        rounded = scale * np.rint(values / scale)
        sign = np.where(np.abs(rounded) >= scale / 2, np.sign(values), np.float32(0))
        scale = _least_squares_po2(values, sign)
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
    tiny = magnitude < _EPSILON
    x = np.where(tiny, _EPSILON, magnitude)
    if limit is not None:
        x = np.minimum(x, np.float32(limit))
    # In float32 as QKeras has it: a root of two is a tie, which falls as the last bit of the logarithm says.
    logarithm = np.log(np.sqrt(x) if quadratic else x).astype(np.float32) / _LOG2
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
