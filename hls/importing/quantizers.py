"""QKeras quantizers as data: parsed from a configuration dictionary or from a call written as text, never executed."""

from __future__ import annotations

import ast
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedType
from hls.graph.nodes import PortRounding
from hls.importing.options import numbers
from hls.importing.refusals import ANOTHER

# Positional parameters, for quantizers written as text: "quantized_bits(6, 0, alpha=1)".
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "quantized_bits": (
        "bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding", "scale_axis",
        "qnoise_factor", "var_name", "use_ste", "use_variables", "elements_per_scale", "min_po2_exponent",
        "max_po2_exponent", "post_training_scale",
    ),
    "quantized_linear": (
        "bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding", "scale_axis",
        "qnoise_factor", "var_name", "use_variables",
    ),
    "quantized_relu": (
        "bits", "integer", "use_sigmoid", "negative_slope", "use_stochastic_rounding", "relu_upper_bound",
        "is_quantized_clip", "qnoise_factor", "var_name", "use_ste", "use_variables",
    ),
    "quantized_tanh": ("bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"),
    "quantized_sigmoid": ("bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"),
    "quantized_po2": (
        "bits", "max_value", "use_stochastic_rounding", "quadratic_approximation", "log2_rounding", "qnoise_factor",
        "var_name", "use_ste", "use_variables",
    ),
    "quantized_relu_po2": (
        "bits", "max_value", "negative_slope", "use_stochastic_rounding", "quadratic_approximation", "log2_rounding",
        "qnoise_factor", "var_name", "use_ste", "use_variables",
    ),
    "quantized_hswish": (
        "bits", "integer", "symmetric", "alpha", "use_stochastic_rounding", "scale_axis", "qnoise_factor", "var_name",
        "use_variables", "relu_shift", "relu_upper_bound",
    ),
    "quantized_ulaw": ("bits", "integer", "symmetric", "u"),
    "binary": ("use_01", "alpha", "use_stochastic_rounding"),
    "ternary": ("alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"),
    "stochastic_binary": ("alpha", "temperature", "use_real_sigmoid"),
    "stochastic_ternary": ("alpha", "threshold", "temperature", "use_real_sigmoid", "number_of_unrolls"),
    "learned_bits": ("fraction", "shape", "rounding", "integer", "signed"),
}  # fmt: skip
_AT_INFERENCE = {"stochastic_binary": "binary", "stochastic_ternary": "ternary"}
"""Quantizers that are random in training alone, and what QKeras computes in their place after it."""
_CURES = {
    "bernoulli": f"its outputs are random, firmware's are not; use binary(use_01=True, alpha=1), {ANOTHER}",
    "quantized_softmax": "end the network before it and take the softmax of its outputs in software",
}
_DEFAULT_BITS = 8
_MOST_BITS = 64
_NUMBERS = ("negative_slope", "relu_upper_bound", "relu_shift", "max_value", "threshold", "qnoise_factor", "alpha", "u")
"""Options that are numbers where they are not None or, some of them, the name of a rule."""
_LONGEST_TEXT = 4096
PICKLED = ("__lambda__", "__bytes__")
"""What Keras calls Python code in a file."""
HARD, SMOOTH, REAL = "hard", "smooth", "real"
_LOST_OPTIONS = ("scale_axis", "elements_per_scale", "min_po2_exponent", "max_po2_exponent")


@dataclass(frozen=True)
class Grid:
    """A plain fixed-point quantizer: ``rounding`` onto ``type``, saturated to ``[raw_min, raw_max]``.

    ``wraps``: it stands for one that wraps around beyond them, which a port does not.
    """

    type: FixedType
    raw_min: int
    raw_max: int
    rounding: PortRounding = PortRounding.NEAREST_EVEN
    wraps: bool = False


@dataclass(frozen=True, eq=False)
class Quantizer:
    """``kind`` is QKeras's class name; ``where`` names layer and role for error messages."""

    kind: str
    options: Mapping[str, Any]
    where: str

    def get(self, name: str, default: Any = None) -> Any:
        """An option, or QKeras's default for it."""
        value = self.options.get(name, default)
        return default if value is None else value

    def whole(self, name: str, default: int) -> int:
        """An option that fixed point takes as a whole number: QKeras computes with 4.5 bits, firmware has none.

        Raises:
            UnsupportedError: it is no whole number.
        """
        value = self.get(name, default)
        if not isinstance(value, int | float) or value != value or (abs(value) <= _MOST_BITS and value != int(value)):
            raise self.unsupported(f"{name}={value!r}", "round it to a whole number and train once more")
        if abs(value) > _MOST_BITS:
            raise self.unsupported(f"{name}={reprlib.repr(value)}", f"use at most {_MOST_BITS}")
        return int(value)

    @property
    def bits(self) -> int:
        """Total bits."""
        bits = self.whole("bits", _DEFAULT_BITS)
        if bits < 1:
            raise self.unsupported(f"bits={bits}", "use at least 1")
        return bits

    @property
    def integer(self) -> int:
        """Integer bits as QKeras counts them, without the sign."""
        return self.whole("integer", 0)

    @property
    def symmetric(self) -> int:
        """Steps that QKeras takes off the lower end: a number, of which True is one."""
        return self.whole("symmetric", int(self.kind == "quantized_linear"))

    @property
    def internal_sigmoid(self) -> str:
        """What ``quantized_sigmoid`` and ``quantized_tanh`` are made of; QKeras holds it outside of the model."""
        return str(self.get("internal_sigmoid", HARD))

    def unsupported(self, what: str, cure: str) -> UnsupportedError:
        """An error that names this quantizer."""
        return UnsupportedError(f"{self.where}: {self.kind} with {what} is not supported; {cure}")


def function_name(value: Any) -> str | None:
    """The name of a plain function such as ``"relu"``, which a file holds as text or as an object; None otherwise.

    >>> function_name("relu"), function_name("quantized_relu(4)"), function_name("binary")
    ('relu', None, None)
    """
    if isinstance(value, Mapping) and value.get("class_name") == "function":
        value = value.get("config")
    return value if isinstance(value, str) and "(" not in value and value not in _PARAMETERS else None


def parse_quantizer(value: Any, where: str) -> Quantizer | None:
    """The quantizer that a configuration entry describes; None for none.

    Raises:
        UnsupportedError: a quantizer that is not known here, or options whose effect cannot be stated exactly.

    >>> quantizer = parse_quantizer("quantized_bits(6, 2, alpha=1)", "layer 'a'")
    >>> quantizer.kind, quantizer.bits, quantizer.integer, quantizer.symmetric
    ('quantized_bits', 6, 2, 0)
    >>> parse_quantizer({"class_name": "qkeras>ternary", "config": {"threshold": 0.5}}, "layer 'a'").options
    {'threshold': 0.5}
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        kind = str(value.get("class_name")).split(">")[-1]
        if not isinstance(value.get("config") or {}, Mapping):
            raise UnsupportedError(
                f"{where}: cannot read the quantizer {kind!r}: its options are no dictionary; save it again"
            )
        options = {name: _plain(option) for name, option in dict(value.get("config") or {}).items()}
    elif isinstance(value, str):
        kind, options = _parse_text(value, where)
    else:
        raise UnsupportedError(f"{where}: cannot read the quantizer {reprlib.repr(value)}; save the model again")
    if kind not in _PARAMETERS:
        raise _unknown(kind, where)
    quantizer = Quantizer(_AT_INFERENCE.get(kind, kind), options, where)
    _check_numbers(quantizer)
    _check_sign(quantizer)
    if quantizer.get("qnoise_factor", 1.0) != 1.0:
        raise quantizer.unsupported("qnoise_factor != 1", "finish the quantization schedule (qnoise_factor = 1) first")
    for name in _LOST_OPTIONS:
        if options.get(name) is not None:
            raise quantizer.unsupported(f"{name}={options[name]!r}", "QKeras does not save it; use the default")
    return quantizer


def _unknown(kind: str, where: str) -> UnsupportedError:
    """The refusal of a quantizer that is not known here, with those that are: none of them is that one."""
    if kind in _CURES:
        return UnsupportedError(f"{where}: quantizer {kind!r} is not supported; {_CURES[kind]}")
    known = ", ".join(sorted(_PARAMETERS))
    return UnsupportedError(
        f"{where}: quantizer {kind!r} is not supported; put one of these in its place, which is another network "
        f"({known})"
    )


def _check_numbers(quantizer: Quantizer) -> None:
    for name in _NUMBERS:
        value = quantizer.options.get(name)
        if value is not None and not isinstance(value, str) and numbers(value) is None:
            raise quantizer.unsupported(f"{name}={reprlib.repr(value)}", "give it a number")
    for name in ("negative_slope", "relu_upper_bound", "relu_shift", "max_value", "qnoise_factor", "u"):
        if not isinstance(quantizer.options.get(name), int | float | None):
            raise quantizer.unsupported(f"{name}={reprlib.repr(quantizer.options[name])}", "give it a number")


def _check_sign(quantizer: Quantizer) -> None:
    """QKeras takes ``keep_negative`` off the bits as a number, and reads it as a truth elsewhere."""
    value = quantizer.options.get("keep_negative")
    if isinstance(value, int | float) and value not in (0, 1):
        raise quantizer.unsupported(f"keep_negative={value!r}", f"use 0 or 1, {ANOTHER}")


def _plain(option: Any) -> Any:
    """An option that was saved as a tensor, as plain numbers: a schedule of QKeras leaves such behind."""
    if isinstance(option, Mapping) and option.get("class_name") in ("__tensor__", "__numpy__"):
        option = option["config"]["value"]
        while isinstance(option, list) and len(option) == 1:
            option = option[0]
    return option


def _parse_text(text: str, where: str) -> tuple[str, dict[str, Any]]:
    if len(text) > _LONGEST_TEXT:
        raise UnsupportedError(f"{where}: cannot read a quantizer of {len(text)} characters; save the model again")
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if isinstance(call, ast.Name):
            return call.id, {}
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError(text)
        names = _PARAMETERS.get(call.func.id, ())
        if names and len(call.args) > len(names):
            raise ValueError(text)
        options = {name: ast.literal_eval(arg) for name, arg in zip(names, call.args, strict=False)}
        options.update({str(item.arg): ast.literal_eval(item.value) for item in call.keywords})
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):  # all that ast says of a bad text
        raise UnsupportedError(
            f"{where}: cannot read the quantizer {reprlib.repr(text)}; write a call with numbers, like "
            "quantized_bits(8, 2)"
        ) from None
    return call.func.id, options


def static_scale(quantizer: Quantizer) -> float:
    """A constant ``alpha``, as the float32 that QKeras multiplies by; 1 for none.

    Raises:
        UnsupportedError: data-dependent, or an array.
    """
    alpha = quantizer.options.get("alpha")
    if alpha is None:
        return 1.0
    if isinstance(alpha, str):
        raise quantizer.unsupported(
            f"alpha={alpha!r} on activations",
            "its scale depends on the batch; set alpha=1 and choose integer bits, which is another network: train it "
            "again",
        )
    if not isinstance(alpha, int | float):
        raise quantizer.unsupported(
            "an array as alpha", "use a single number, which is another network: train it again"
        )
    return float(np.float32(alpha))


def sign_scale(quantizer: Quantizer) -> float:
    """What a quantizer of one bit makes of the sign: ``alpha``, for quantized_linear half a step of its grid.

    >>> sign_scale(parse_quantizer("binary(alpha=0.75)", "a"))
    0.75
    >>> sign_scale(parse_quantizer("quantized_linear(1, 2)", "a"))
    2.0
    """
    linear = quantizer.kind == "quantized_linear"
    return static_scale(quantizer) * (math.ldexp(0.5, quantizer.integer) if linear else 1.0)


def power_of_two_scale(quantizer: Quantizer) -> int:
    """Exponent of a constant ``alpha`` that is a power of two.

    Raises:
        UnsupportedError: it is not: what is divided by it lies on no binary grid.
    """
    mantissa, exponent = math.frexp(static_scale(quantizer))
    if mantissa != 0.5:
        raise quantizer.unsupported(
            f"alpha={quantizer.options['alpha']}",
            "it divides by alpha, and only a quotient by a power of two lies on a binary grid; quantized_bits takes "
            "any "
            "alpha and rounds before it multiplies, which is another network: train it again",
        )
    return exponent - 1


def grid(quantizer: Quantizer) -> Grid | None:
    """The quantizer as plain fixed point, or None if it is something else (a slope, a table, a sign).

    QKeras does not count the sign among the integer bits, fixed point does:

    >>> found = grid(parse_quantizer("quantized_bits(6, 2, alpha=1)", "layer 'a'"))
    >>> str(found.type), found.raw_min, found.raw_max
    ('ap_fixed<6,3>', -32, 31)
    >>> grid(parse_quantizer("quantized_bits(6, 2, symmetric=True, alpha=1)", "layer 'a'")).raw_min
    -31
    >>> grid(parse_quantizer("ternary()", "layer 'a'")) is None
    True
    """
    if quantizer.kind in ("quantized_bits", "quantized_linear"):
        return _bits_grid(quantizer)
    if quantizer.kind == "quantized_relu" and not quantizer.get("negative_slope", 0.0):
        _refuse_sigmoid(quantizer)
        type_ = FixedType(False, quantizer.bits, quantizer.integer)
        return Grid(type_, 0, upper_bound(quantizer, type_))
    if quantizer.kind == "learned_bits":
        return _learned_grid(quantizer)
    if quantizer.kind == "quantized_tanh" and not quantizer.get("use_real_tanh", False):
        if quantizer.internal_sigmoid != HARD:
            return None
        type_ = FixedType(True, quantizer.bits, 1)
        return Grid(type_, type_.raw_min + quantizer.symmetric, type_.raw_max)
    return None


def _bits_grid(quantizer: Quantizer) -> Grid | None:
    signed = bool(quantizer.get("keep_negative", True))
    if signed and quantizer.bits == 1:
        return None  # QKeras makes a sign function of it
    linear = quantizer.kind == "quantized_linear"
    if not linear and static_scale(quantizer) != 1:
        return None  # quantized_bits rounds first and scales then; quantized_linear scales its grid
    exponent = power_of_two_scale(quantizer) if linear else 0
    type_ = FixedType(signed, quantizer.bits, quantizer.integer + signed + exponent)
    return Grid(type_, type_.raw_min + (quantizer.symmetric if signed else 0), type_.raw_max)


def _learned_grid(quantizer: Quantizer) -> Grid | None:
    """One number of bits, rounded to nearest and saturated; any other needs more than one rounding of one tensor."""
    fraction, integer = quantizer.get("fraction", _DEFAULT_BITS), quantizer.options.get("integer")
    if (
        not isinstance(fraction, int)
        or not isinstance(integer, int)
        or quantizer.get("rounding", "nearest") != "nearest"
    ):
        return None
    signed = bool(quantizer.get("signed", True))
    if signed + integer + fraction < 1:
        raise quantizer.unsupported("no bits at all", "give it more integer or fraction bits")
    type_ = FixedType(signed, signed + integer + fraction, signed + integer)
    return Grid(type_, type_.raw_min, type_.raw_max)


def without_scale(quantizer: Quantizer) -> Quantizer:
    """The same quantizer with ``alpha=1``."""
    return Quantizer(quantizer.kind, {**quantizer.options, "alpha": 1}, quantizer.where)


def _refuse_sigmoid(quantizer: Quantizer) -> None:
    if quantizer.get("use_sigmoid", 0):
        raise quantizer.unsupported(
            "use_sigmoid", "use quantized_relu without it, or quantized_sigmoid, which are other networks: train again"
        )


def upper_bound(quantizer: Quantizer, type_: FixedType) -> int:
    """Largest raw integer of a quantized_relu.

    ``relu_upper_bound`` acts only with ``is_quantized_clip=False``, which QKeras does not save: a model read back from
    a file never has it, and neither has ours.

    >>> kept = "quantized_relu(4, 1, relu_upper_bound=1.5, is_quantized_clip=False)"
    >>> upper_bound(parse_quantizer(kept, "a"), FixedType(False, 4, 1))  # in steps of 1/8
    12
    """
    _refuse_sigmoid(quantizer)
    bound = quantizer.options.get("relu_upper_bound")
    if not bound or quantizer.get("is_quantized_clip", True):
        return type_.raw_max
    raw = math.ldexp(float(bound), type_.fraction)
    if raw >= type_.raw_max:
        return type_.raw_max
    if raw != int(raw):
        raise quantizer.unsupported(
            f"relu_upper_bound={bound}",
            f"use a multiple of its LSB, 2**-{type_.fraction}, which is another network: train it again",
        )
    return int(raw)
