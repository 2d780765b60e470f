"""Random quantizers: every one that support.md names, with every option, some of them at the edge of what there is."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.random_networks.network import Quantizer

_SLOPES = (0.5, 0.25, 0.125, 1.0)


def power_of_two(r: random.Random, low: int = -3, high: int = 3) -> float:
    """A power of two."""
    return 2.0 ** r.randint(low, high)


def alpha(r: random.Random) -> Any:
    """A constant scale: mostly none or one, sometimes any number."""
    return r.choice([None, 1, 1, 1.0, power_of_two(r), 0.75, -0.5, round(r.uniform(0.1, 3), 3)])


def bits(r: random.Random, wide: bool) -> int:
    """Of a quantizer."""
    return r.choice([1, 2, 8, 12, 16, 18, 20, 24, 28]) if wide else r.choice([1, 2, 3, 4, 5, 6, 7, 8, 10, 12])


def _symmetric(r: random.Random, width: int) -> int:
    return r.choice([0, 0, 0, 1, 1, 2, 3]) if width > 3 else r.choice([0, 0, 1])


def _bits(r: random.Random, wide: bool) -> dict[str, Any]:
    width = bits(r, wide)
    options = {
        "bits": width,
        "integer": r.randint(-3, 4),
        "symmetric": _symmetric(r, width),
        "keep_negative": r.random() < 0.85,
    }
    return options


def _po2(r: random.Random) -> dict[str, Any]:
    return {
        "bits": r.randint(2, 5),
        "max_value": r.choice([None, None, 0.5, 1, 2, 4, 3.0]),
        "quadratic_approximation": r.random() < 0.3,
        "log2_rounding": r.choice(["rnd", "rnd", "floor"]),
    }


def _relu_po2(r: random.Random) -> dict[str, Any]:
    return {**_po2(r), "bits": r.randint(1, 4), "negative_slope": r.choice([0, 0, 0.25, 0.5, 1.0])}


def weight_quantizer(r: random.Random, wide: bool = False, automatic: bool = True) -> Quantizer:
    """Of a kernel, a bias or a number of a normalization. ``automatic``: scales by data may be among them."""
    kind = r.choice(["quantized_bits"] * 6 + ["quantized_linear"] * 2
                    + ["binary", "ternary", "quantized_po2", "quantized_relu_po2", "quantized_relu"])  # fmt: skip
    match kind:
        case "quantized_bits":
            options = {**_bits(r, wide), "alpha": alpha(r)}
            if automatic and r.random() < 0.3:
                options |= {"bits": max(options["bits"], 2), "symmetric": 1, "alpha": "auto_po2"}
                if r.random() < 0.2:
                    options["post_training_scale"] = [power_of_two(r)]
            elif automatic and options["alpha"] is None:
                options["bits"] = max(options["bits"], 2)
        case "quantized_linear":
            options = {**_bits(r, wide), "alpha": r.choice([1, 1.0, power_of_two(r)])}
        case "binary":
            options = {"use_01": r.random() < 0.3, "alpha": alpha(r)}
            if automatic and r.random() < 0.3:
                options["alpha"] = "auto_po2"
        case "ternary":
            options = {"alpha": alpha(r), "number_of_unrolls": r.choice([1, 3, 5, 5])}
            if automatic and (options["alpha"] is None or r.random() < 0.3):
                options["alpha"] = r.choice([None, "auto_po2"])
            else:
                options["threshold"] = r.choice([None, 0.5, 0.25, 0.7])
        case "quantized_po2":
            options = _po2(r)
        case "quantized_relu_po2":
            options = _relu_po2(r)
        case _:
            options = {"bits": bits(r, wide), "integer": r.randint(0, 3)}
    return _in_some_form(r, kind, options)


def activation_quantizer(r: random.Random, wide: bool = False) -> Quantizer:
    """Of a QActivation or an ``activation=``."""
    kind = r.choice(["quantized_bits"] * 5 + ["quantized_relu"] * 6
                    + ["quantized_linear", "binary", "ternary", "quantized_po2", "quantized_relu_po2"]
                    + ["quantized_tanh", "quantized_sigmoid"] * 2)  # fmt: skip
    few = r.choice([2, 3, 4, 5, 6, 8, 10, 12])
    match kind:
        case "quantized_bits":
            options = {**_bits(r, wide), "alpha": alpha(r)}
        case "quantized_linear":
            options = {**_bits(r, wide), "alpha": r.choice([None, 1, power_of_two(r)])}
        case "quantized_relu":
            options = _relu(r, wide)
        case "binary":
            options = {"use_01": r.random() < 0.5, "alpha": alpha(r)}
        case "ternary":
            options = {"alpha": alpha(r), "threshold": r.choice([None, 0.5, 0.25, 0.7, 1.0])}
        case "quantized_po2":
            options = _po2(r)
        case "quantized_relu_po2":
            options = _relu_po2(r)
        case "quantized_tanh":
            options = {"bits": few, "symmetric": _symmetric(r, few), "use_real_tanh": r.random() < 0.4}
        case _:
            options = {"bits": few, "symmetric": _symmetric(r, few), "use_real_sigmoid": r.random() < 0.4}
    return _in_some_form(r, kind, options)


def _relu(r: random.Random, wide: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"bits": bits(r, wide), "integer": r.randint(0, 4)}
    if r.random() < 0.35:
        options["bits"] = max(options["bits"], 2)
        options["negative_slope"] = r.choice(_SLOPES[: options["bits"] - 1])
    elif r.random() < 0.4:
        options["relu_upper_bound"] = r.choice([6, 1.5])
        if r.random() < 0.3:
            options["is_quantized_clip"] = False  # QKeras reads it, though it never writes it
    return options


def grid_quantizer(r: random.Random, wide: bool = False) -> Quantizer:
    """Plain fixed point, which is what may be first behind an input, and ends a sum before it grows too wide."""
    options = _bits(r, wide)
    if options["bits"] == 1:
        options |= {"bits": 2, "symmetric": 0}
    return _in_some_form(r, "quantized_bits", {**options, "alpha": 1})


def fence(r: random.Random) -> Quantizer:
    """Few bits."""
    options = {"bits": r.randint(4, 8), "integer": r.randint(0, 3), "symmetric": r.randint(0, 1), "alpha": 1}
    return _in_some_form(r, "quantized_bits", options)


def _in_some_form(r: random.Random, kind: str, options: dict[str, Any]) -> Quantizer:
    """Some quantizers as text, in which QKeras reads no list."""
    return Quantizer(kind, options, as_text=r.random() < 0.25 and "post_training_scale" not in options)
