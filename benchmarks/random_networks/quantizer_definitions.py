"""QKeras's quantizers in rational numbers, written from the source of ``qkeras/quantizers.py``.

Numbers of a file are float32 there and stay what they are here; what QKeras computes with them is exact here.
Where the last bit of a float32 logarithm decides, the definition is no number: ``Undecided``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.random_networks.exact import Exact, constant, where
from benchmarks.random_networks.network import Quantizer

_EPSILON = Fraction(float(np.float32(1e-7)))
"""keras.backend.epsilon()"""
_LOG2 = np.float32(np.log(2.0))
PRECISE = Context(prec=50)
_NEAR_A_TIE = 1e-5
_LEAST_EXPONENT, _LARGEST_EXPONENT = -126, 127
"""Of normal float32 numbers: TensorFlow makes smaller ones zero."""


class Undecided(Exception):
    """What QKeras computes depends on how float32 rounded a logarithm or a mean."""


def float32(value: Any) -> Fraction:
    """A Python number as QKeras meets it."""
    return Fraction(float(np.float32(value)))


def power(exponent: int) -> Fraction:
    """``2**exponent``."""
    return Fraction(2) ** exponent


def quantize(quantizer: Quantizer | str | None, x: Exact) -> Exact:
    """An activation, or a quantizer that is called with numbers and has a constant scale."""
    if quantizer is None:
        return x
    kind = quantizer if isinstance(quantizer, str) else quantizer.kind
    if kind in FUNCTIONS:
        return FUNCTIONS[kind](x)
    options = {} if isinstance(quantizer, str) else dict(quantizer.options)
    if isinstance(options.get("alpha"), str):
        return _AUTOMATIC[kind](options, x)
    return QUANTIZERS[kind](options, x)


def quantize_trainable(quantizer: Quantizer | None, weights: Exact) -> Exact:
    """Kernels, gammas and variances: their layer calls ``_set_trainable_parameter`` first, if there is one."""
    if quantizer is None:
        return weights
    options = dict(quantizer.options)
    if quantizer.kind in _AUTOMATIC and options.get("alpha") is None:
        options["alpha"] = "auto_po2"
    return quantize(Quantizer(quantizer.kind, options), weights)


def _scale(options: dict[str, Any]) -> Fraction:
    alpha = options.get("alpha")
    return Fraction(1) if alpha is None else float32(alpha)


def _signs(x: Exact) -> Exact:
    """``sign(x)``, and 1 for 0."""
    return where(x.at_least(0), 1, -1)


def _sign(x: Exact) -> Exact:
    return where(x.at_least(0), where((-x).at_least(0), 0, 1), -1)


def _magnitude(x: Exact) -> Exact:
    return Exact(abs(x.numerators), x.denominator)


def _bits(options: dict[str, Any], x: Exact) -> Exact:
    keep = int(options.get("keep_negative", True))
    unsigned = int(options.get("bits", 8)) - keep
    m, m_i = power(unsigned), power(int(options.get("integer", 0)))
    if unsigned > 0:
        low = keep * (-m + int(options.get("symmetric", 0)))
        return (x * (m / m_i)).round().clip(low, m - 1) * (m_i / m * _scale(options))
    signs = _signs(x)
    return (signs if keep else (signs + 1) / 2) * _scale(options)


def _linear(options: dict[str, Any], x: Exact) -> Exact:
    keep, bits = int(options.get("keep_negative", True)), int(options.get("bits", 8))
    step = _scale(options) * power(int(options.get("integer", 0)) - bits + keep)
    if bits == 1 and keep:
        half = Fraction(1, 2)
        return ((x / step).clip(-half, half) - half).round() * step + step * half
    m = power(bits - keep)
    low = keep * (-m + int(options.get("symmetric", 1)))
    return (x / step).clip(low, m - 1).round() * step


def _relu(options: dict[str, Any], x: Exact) -> Exact:
    slope = Fraction(options.get("negative_slope", 0))
    m = power(int(options.get("bits", 8)) - (slope != 0))
    m_i = power(int(options.get("integer", 0)))
    p = x * (m / m_i)
    q = (p.round() / m).clip(0, 1 - 1 / m) * m_i
    if slope > 0:
        q = q + ((p * slope).round() / (slope * m)).clip(-1, 0) * (m_i * slope)
    bound = options.get("relu_upper_bound")
    if bound and not options.get("is_quantized_clip", True):
        q = where(q.at_least(float32(bound)), float32(bound), q)
    return q


def hard_sigmoid(x: Exact) -> Exact:
    """QKeras's own, of slope one half."""
    return (x * Fraction(1, 2) + Fraction(1, 2)).clip(0, 1)


def _smooth_sigmoid(x: Exact) -> Exact:
    return (x * Fraction(3, 16) + Fraction(1, 2)).clip(0, 1)


def _tanh(options: dict[str, Any], x: Exact) -> Exact:
    m = power(int(options.get("bits", 8)) - 1)
    p = _each(_real_tanh, x) if options.get("use_real_tanh") else hard_sigmoid(x) * 2 - 1
    return ((p * m).round() / m).clip(-1 + int(options.get("symmetric", 0)) / m, 1 - 1 / m)


def _sigmoid(options: dict[str, Any], x: Exact) -> Exact:
    m = power(int(options.get("bits", 8)))
    p = _each(real_sigmoid, x) if options.get("use_real_sigmoid") else hard_sigmoid(x)
    return ((p * m).round() / m).clip(int(options.get("symmetric", 0)) / m, 1 - 1 / m)


def _each(function: Callable[[Fraction], Fraction], x: Exact) -> Exact:
    return Exact.of(x.each(function))


@lru_cache(maxsize=1 << 16)
def real_sigmoid(value: Fraction) -> Fraction:
    if abs(value) > 200:
        return Fraction(int(value > 0))
    exponential = PRECISE.exp(PRECISE.divide(Decimal(-int(value.numerator)), Decimal(int(value.denominator))))
    return Fraction(PRECISE.divide(Decimal(1), 1 + exponential))


def _real_tanh(value: Fraction) -> Fraction:
    return 2 * real_sigmoid(2 * value) - 1


def _binary(options: dict[str, Any], x: Exact) -> Exact:
    signs = _signs(x)
    return ((signs + 1) / 2 if options.get("use_01") else signs) * _scale(options)


def _ternary(options: dict[str, Any], x: Exact) -> Exact:
    threshold = options.get("threshold")
    above = _magnitude(x).at_least(float32(0.33 if threshold is None else threshold))
    return where(above, _sign(x), 0) * _scale(options)


def _power_of_two(options: dict[str, Any], x: Exact) -> Exact:
    return _signs(x) * _clipped_power(options, _magnitude(x), int(options.get("bits", 8)) - 1)


def _relu_power_of_two(options: dict[str, Any], x: Exact) -> Exact:
    bits, slope = int(options.get("bits", 8)), Fraction(options.get("negative_slope", 0))
    positive = x.at_least(0)
    up = _clipped_power(options, where(positive, x, x * float32(0.2)), bits)  # Keras's default slope
    if slope == 0:
        return up
    down = _clipped_power(options, where((-x).at_least(0), -x, -x * float32(0.2)) * slope, bits)
    return where(positive, up, -down)


def _clipped_power(options: dict[str, Any], magnitude: Exact, bits: int) -> Exact:
    limit = options.get("max_value")
    effective = bits - (limit is None or limit > 1)
    low, high = -(2**effective), 2**effective - 1
    quadratic = bool(options.get("quadratic_approximation"))
    if quadratic:
        high = 2 * (high // 2)

    def exponent(value: Fraction) -> Fraction:
        if value < _EPSILON:
            found = low
        else:
            value = min(value, float32(limit)) if limit is not None else value
            rounded = _log2(value, quadratic, options.get("log2_rounding", "rnd") == "floor")
            found = min(max(rounded, low), high) * (2 if quadratic else 1)
        return power(found) if found >= _LEAST_EXPONENT else Fraction(0)

    return _each(exponent, magnitude)


@lru_cache(maxsize=1 << 16)
def _log2(value: Fraction, root: bool, floor: bool) -> int:
    """``round(log(value) / log(2))``; every step rounded to float32, correctly."""
    argument = Fraction(float(np.sqrt(np.float32(float(value))))) if root else value
    logarithm = np.float32(float(PRECISE.ln(Decimal(int(argument.numerator)) / Decimal(int(argument.denominator)))))
    quotient = float(logarithm / _LOG2)
    exact = math.log2(value) / (2 if root else 1)
    edge = exact if floor else exact + 0.5
    on_edge = 2 * exact == round(2 * exact)
    if abs(edge - round(edge)) < _NEAR_A_TIE and (not on_edge or math.log2(value) in _UNSETTLED[root, floor]):
        raise Undecided("a float32 logarithm near a tie")
    return math.floor(quotient) if floor else round(quotient)


_UNSETTLED: dict[tuple[bool, bool], tuple[int, ...]] = {
    (False, False): (), (True, True): (), (False, True): (-13, 13), (True, False): (-15, -1, 13),
}  # fmt: skip
"""(root, floor): powers of two of which TensorFlow's code for one number and that for eight at once differ."""


def _nearest_power(scale: Fraction) -> Fraction:
    """``2 ** round(log2(scale + epsilon))`` of a scale that float32 may have rounded."""
    logarithm = math.log2(scale + _EPSILON)
    if abs(logarithm % 1 - 0.5) < _NEAR_A_TIE:
        raise Undecided("an automatic scale near a tie")
    return power(round(logarithm))


def _all_but_last(x: Exact) -> tuple[int, ...]:
    return tuple(range(len(x.shape) - 1)) or (0,)


def _least_squares(x: Exact, q: Exact) -> Exact:
    """The scale of each channel; of each element if there is one axis only."""
    products, squares = x * q, q * q
    if len(x.shape) > 1:
        axes = _all_but_last(x)
        count = math.prod(x.shape[:-1])
        products, squares = products.sum(axes, True) / count, squares.sum(axes, True) / count
    return _each(_nearest_power, products * (squares + _EPSILON).inverse())


def _automatic_bits(options: dict[str, Any], x: Exact) -> Exact:
    bits, keep = int(options.get("bits", 8)), int(options.get("keep_negative", True))
    m, m_i = power(bits - keep), power(int(options.get("integer", 0)))
    half_levels = 2 ** (bits - 1) - 1
    x = x / m_i

    def rounded(scale: Exact) -> Exact:
        # From 2**23 on, float32 has no halves: the sum is a tie that goes to even before it is floored.
        halves = _magnitude(x) * scale.inverse() + Fraction(1, 2)
        steps = Exact.of(halves.floats().astype(np.float32)).floor()
        return _sign(x) * where(steps.at_least(half_levels), half_levels, steps)

    trained = options.get("post_training_scale")
    if trained is not None:
        scale = Exact.of(np.asarray(trained, np.float32)) / m
    else:
        scale = _each(_nearest_power, _magnitude(x).max(_all_but_last(x), True) / half_levels)
        for _ in range(5):
            scale = _least_squares(x, rounded(scale))
    return rounded(scale) * scale * m_i


def _automatic_binary(options: dict[str, Any], x: Exact) -> Exact:
    signs = _signs(x)
    signs = (signs + 1) / 2 if options.get("use_01") else signs
    return signs * _least_squares(x, signs)


def _automatic_ternary(options: dict[str, Any], x: Exact) -> Exact:
    axes = _all_but_last(x) if len(x.shape) > 1 else (0,)
    scale = _each(_nearest_power, _magnitude(x).max(axes, True) * Fraction(2, 3))
    q = constant(0) * x
    for _ in range(int(options.get("number_of_unrolls", 5))):
        rounded = _magnitude((x * scale.inverse()).round() * scale)
        q = where(rounded.at_least(scale / 2), _sign(x), 0)
        scale = _least_squares(x, q)
    return q * scale


QUANTIZERS: dict[str, Callable[[dict[str, Any], Exact], Exact]] = {
    "quantized_bits": _bits,
    "quantized_linear": _linear,
    "quantized_relu": _relu,
    "quantized_tanh": _tanh,
    "quantized_sigmoid": _sigmoid,
    "binary": _binary,
    "ternary": _ternary,
    "quantized_po2": _power_of_two,
    "quantized_relu_po2": _relu_power_of_two,
}
_AUTOMATIC: dict[str, Callable[[dict[str, Any], Exact], Exact]] = {
    "quantized_bits": _automatic_bits,
    "binary": _automatic_binary,
    "ternary": _automatic_ternary,
}
FUNCTIONS: dict[str, Callable[[Exact], Exact]] = {
    "linear": lambda x: x,
    "relu": lambda x: where(x.at_least(0), x, 0),
    "relu6": lambda x: x.clip(0, 6),
    "hard_tanh": lambda x: hard_sigmoid(x) * 2 - 1,
    "hard_sigmoid": hard_sigmoid,
    "smooth_sigmoid": _smooth_sigmoid,
    "smooth_tanh": lambda x: _smooth_sigmoid(x) * 2 - 1,
    "binary_sigmoid": lambda x: hard_sigmoid(x).round(),
    "binary_tanh": lambda x: hard_sigmoid(x).round() * 2 - 1,
}
