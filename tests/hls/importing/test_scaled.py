"""Weights with scales that are no powers of two: steps, and the float32 number that multiplies their sum."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.importing import import_keras
from hls.importing.quantizers import parse_quantizer
from hls.importing.scaled import Scaled, scaled
from hls.importing.weights import as_trainable, quantized_constant
from tests.hls.importing.files import activation, layer, port, tensor, write

KERNEL = [[3.0, 0.5], [-1.25, 0.2], [0.5, -0.125]]


def found(text: str, values: Any) -> Scaled:
    quantizer = parse_quantizer(text, "layer 'a', kernel")
    assert quantizer is not None
    chosen = scaled(as_trainable(quantizer), np.asarray(values, np.float32))
    assert chosen is not None
    return chosen


@pytest.mark.parametrize(
    ("text", "steps", "scale"),
    [
        # The largest magnitude becomes the largest step, the seventh.
        ("quantized_bits(4,0,1,alpha='auto')", [[7, 7], [-3, 3], [1, -2]], [3 * 2 / 14, 0.5 * 2 / 14]),
        ("quantized_bits(4,1,1,alpha='auto')", [[14, 14], [-6, 6], [2, -4]], [1.5 * 2 / 14, 0.25 * 2 / 14]),
        ("quantized_linear(4,0,alpha='auto')", [[7, 7], [-3, 3], [1, -2]], [3 * 2 / 14, 0.5 * 2 / 14]),
        ("quantized_linear(4,0,0,alpha='auto')", [[7, 7], [-3, 3], [1, -2]], [3 * 2 / 15, 0.5 * 2 / 15]),
        ("quantized_linear(4,0,keep_negative=0,alpha='auto')", [[15, 15], [0, 6], [2, 0]], [3 / 15, 0.5 / 15]),
        ("quantized_linear(4,0,alpha=0.75)", [[7, 5], [-7, 2], [5, -1]], [0.75 / 8]),
        # Means of magnitudes over means of squares, which are one and Keras's epsilon.
        ("binary(alpha='auto')", [[1, 1], [-1, 1], [1, -1]], [4.75 / 3, 0.825 / 3]),
        ("stochastic_binary(alpha='auto')", [[1, 1], [-1, 1], [1, -1]], [4.75 / 3, 0.825 / 3]),
        # Those beyond half of the scale, which settles at the mean of their magnitudes.
        ("ternary(alpha='auto')", [[1, 1], [-1, 1], [0, 0]], [2.125, 0.35]),
        ("stochastic_ternary(alpha='auto')", [[1, 1], [-1, 1], [0, 0]], [2.125, 0.35]),
    ],
)
def test_steps_and_scales_worked_by_hand(text: str, steps: Any, scale: Any) -> None:
    chosen = found(text, KERNEL)
    assert chosen.steps.tolist() == steps
    assert chosen.scale == pytest.approx(np.array(scale, np.float32), rel=1e-6)
    assert chosen.scale.dtype == np.float32


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("quantized_linear(4,0)", [[2.5, 0.4375], [-1.5, 0.25], [0.5, -0.125]]),
        ("quantized_linear(1,0)", [[2.0, 0.25], [-2.0, 0.25], [2.0, -0.25]]),
    ],
)
def test_scales_of_quantized_linear_that_are_powers_of_two(text: str, right: Any) -> None:
    chosen = found(text, [[2.5, 0.5], [-1.5, 0.25], [0.5, -0.125]])
    assert chosen.powers
    assert (chosen.steps * chosen.scale).tolist() == right


def test_a_vector_has_one_scale_or_one_for_each_element() -> None:
    assert found("quantized_bits(4,0,1,alpha='auto')", [0.7, 0.1]).scale.tolist() == [np.float32(0.7) * 2 / 14]
    assert found("binary(alpha='auto')", [0.5, -0.25]).scale.tolist() == pytest.approx([0.5, 0.25])
    linear = found("quantized_linear(4,0,alpha='auto')", [0.7, -0.1])
    assert linear.steps.tolist() == [7, -7]
    assert linear.scale.tolist() == pytest.approx([0.7 / 7, 0.1 / 7])


def test_an_element_of_a_vector_that_ternary_drops_stays_zero() -> None:
    """QKeras finds it below half of the first scale, which all share, and gives it the scale 0 from then on."""
    chosen = found("ternary(alpha='auto')", [1.0, 0.25, -0.5])
    assert (chosen.steps * chosen.scale).tolist() == pytest.approx([1.0, 0.0, -0.5])


def test_a_channel_of_zeros_stays_zero() -> None:
    for kind in ("quantized_bits(4,0,1,alpha='auto')", "binary(alpha='auto')", "ternary(alpha='auto')"):
        chosen = found(kind, [[0.0, 1.0], [0.0, 0.5]])
        assert not (chosen.steps * chosen.scale)[:, 0].any()
        assert np.isfinite(chosen.deviation(np.array([[0.0, 1.0], [0.0, 0.5]], np.float32))).all()


def test_the_constant_is_every_product_exactly() -> None:
    quantizer = parse_quantizer("quantized_bits(4,0,1,alpha='auto')", "a")
    assert quantizer is not None
    constant = quantized_constant(quantizer, np.asarray(KERNEL, np.float32), kernel=True)
    exact = [[Fraction(value) / 2**constant.fraction for value in row] for row in constant.integers.tolist()]
    scales = [Fraction(float(value)) for value in found("quantized_bits(4,0,1,alpha='auto')", KERNEL).scale]
    assert exact == [[7 * scales[0], 7 * scales[1]], [-3 * scales[0], 3 * scales[1]], [scales[0], -2 * scales[1]]]


def test_the_sum_of_the_steps_is_multiplied_once(tmp_path: Path) -> None:
    auto, bits = "quantized_bits(4,0,1,alpha='auto')", "quantized_bits(6,3,alpha=1)"
    dense = layer("QDense", "d", tensor("q"), units=2, kernel_quantizer=auto, bias_quantizer=bits, use_bias=True)
    entries = [port("x", 3), activation("q", bits, "x"), dense]
    graph = import_keras(write(tmp_path / "m.keras", entries, "d", {"d": [KERNEL, [0.25, -1.0]]}))
    kinds = [type(node) for node in graph if node.layer == "d"]
    assert kinds == [nodes.Dense, nodes.Scale]
    scales = [Fraction(float(value)) for value in found(auto, KERNEL).scale]
    x = [Fraction(7, 4), Fraction(-3), Fraction(1, 2)]
    right = [
        (7 * x[0] - 3 * x[1] + x[2]) * scales[0] + Fraction(1, 4),
        (7 * x[0] + 3 * x[1] - 2 * x[2]) * scales[1] - 1,
    ]
    assert [Fraction(value) for value in emulate(graph, [[float(v) for v in x]])[0]] == right
    assert graph.float32_inexact() == ("d",)


def test_a_depthwise_kernel_has_a_scale_for_each_of_its_multiples(tmp_path: Path) -> None:
    auto, bits = "quantized_bits(4,0,1,alpha='auto')", "quantized_bits(6,3,alpha=1)"
    kernel = np.array([[[[3.0, 0.5], [-1.25, 0.2]]]])  # two channels, two outputs of each
    entry = layer("QDepthwiseConv2D", "d", tensor("q"), depthwise_quantizer=auto, use_bias=False)
    path = write(tmp_path / "m.keras", [port("x", 1, 1, 2), activation("q", bits, "x"), entry], "d", {"d": [kernel]})
    graph = import_keras(path)
    one, two = (Fraction(float(value)) for value in found(auto, kernel).scale)
    values = emulate(graph, np.array([1.0, 2.0]).reshape(1, 1, 1, 2)).ravel()
    assert [Fraction(value) for value in values] == [7 * one, 7 * two, -3 * 2 * one, 3 * 2 * two]


def test_a_weight_that_float32_may_put_on_either_side_is_refused() -> None:
    """Half of the scale, which is two thirds of the largest magnitude at first."""
    with pytest.raises(UnsupportedError, match=r"which float32 puts on either side is not supported; train with"):
        found("ternary(alpha='auto')", [[3.0], [1.0]])
    quantizer = parse_quantizer("ternary(alpha='auto_po2')", "a")
    assert quantizer is not None
    assert quantized_constant(quantizer, np.array([[3.0], [1.0]], np.float32), kernel=True).shape == (2, 1)


@pytest.mark.parametrize("fraction", [0, 4])
def test_hard_swish_is_rounded_once(fraction: int, tmp_path: Path) -> None:
    entries = [
        port("x", 1),
        activation("q", f"quantized_bits(8,{7 - fraction},alpha=1)", "x"),
        activation("o", "quantized_hswish(6,2,alpha=1)", "q"),
    ]
    x = [Fraction(raw, 2**fraction) for raw in range(-128, 128)]
    right = [max(-32, min(31, round(v * min(max(v + 3, Fraction(0)), Fraction(6)) / 6 * 8))) for v in x]
    graph = import_keras(write(tmp_path / "m.keras", entries, "o"))
    assert (emulate(graph, [[float(v)] for v in x]).ravel() * 8).tolist() == right


def test_mu_law_is_the_logarithm_of_a_rounded_line(tmp_path: Path) -> None:
    entries = [
        port("x", 1),
        activation("q", "quantized_bits(8,3,alpha=1)", "x"),
        activation("o", "quantized_ulaw(4,1)", "q"),
    ]
    graph = import_keras(write(tmp_path / "m.keras", entries, "o"))
    x = np.arange(-128, 128) / 16
    share = 2 * np.rint(np.clip(x / 2 * 0.5 + 0.5, 0, 1) * 8) / 8 - 1
    right = 2 * np.clip(np.sign(share) * np.log1p(255 * np.abs(share)) / np.log(256), -1, 1 - 1 / 8)
    assert emulate(graph, x[:, None]).ravel() == pytest.approx(right, rel=1e-7)
