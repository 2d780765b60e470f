"""What each quantizer makes of trained weights, worked by hand from QKeras's definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hls.errors import UnsupportedError
from hls.importing.quantizers import parse_quantizer
from hls.importing.weights import quantized_constant


def constant(text: str, values: Any, *, kernel: bool = False) -> Any:
    quantizer = parse_quantizer(text, "layer 'a', kernel")
    assert quantizer is not None
    return quantized_constant(quantizer, np.asarray(values, np.float32), kernel=kernel).to_float().tolist()


@pytest.mark.parametrize(
    ("text", "values", "right"),
    [
        # Steps of 1/8; ties go to even, and 1.0 is beyond 7/8.
        ("quantized_bits(4,0,alpha=1)", [0.3, -0.99, 1.0, 0.0625, 0.1875], [0.25, -1.0, 0.875, 0.0, 0.25]),
        ("quantized_bits(4,0)", [0.3, -2.0], [0.25, -1.0]),
        ("quantized_bits(4,0,1,alpha=1)", [-2.0], [-0.875]),
        ("quantized_bits(4,0,keep_negative=0,alpha=1)", [-2.0, 0.3, 2.0], [0.0, 0.3125, 0.9375]),
        # quantized_bits scales what it has rounded, quantized_linear the grid on which it rounds.
        ("quantized_bits(4,0,alpha=0.5)", [0.3, -2.0], [0.125, -0.5]),
        ("quantized_linear(4,0,alpha=0.5)", [0.3, -2.0], [0.3125, -0.4375]),
        ("quantized_bits(1,0,alpha=1)", [0.0, -0.1, 3.0], [1.0, -1.0, 1.0]),
        ("quantized_linear(1,2)", [0.0, -0.1], [2.0, -2.0]),
        ("binary(alpha=1)", [0.0, -0.1, 3.0], [1.0, -1.0, 1.0]),
        ("binary(use_01=1,alpha=0.5)", [0.0, -0.1, 3.0], [0.5, 0.0, 0.5]),
        ("ternary(alpha=1)", [0.34, 0.32, -0.4, 0.0], [1.0, 0.0, -1.0, 0.0]),
        ("ternary(alpha=2,threshold=0.5)", [0.5, -0.49, -0.5], [2.0, 0.0, -2.0]),
        # A bit of four for the sign, one for that of the exponent: from 2**-4 to 2**3, and zero is the smallest.
        ("quantized_po2(4)", [0.3, -3.0, 100.0, 0.001, 0.0, 1.5], [0.25, -4.0, 8.0, 0.0625, 0.0625, 2.0]),
        ("quantized_po2(2)", [0.6, -3.0, 0.0], [0.5, -1.0, 0.5]),
        ("quantized_po2(4,1)", [100.0, 0.3, -0.001], [1.0, 0.25, -(2.0**-8)]),
        ("quantized_po2(4,2)", [100.0, 0.001], [2.0, 0.0625]),
        ("quantized_po2(4,log2_rounding='floor')", [3.0, -3.9, 4.0], [2.0, -2.0, 4.0]),
        # Exponents are twice those of the root: from -8 to 4.
        ("quantized_po2(4,quadratic_approximation=True)", [16.0, 100.0, 0.3, 0.001], [16.0, 16.0, 0.25, 2.0**-8]),
        ("quantized_relu_po2(3)", [3.0, -1.0, 0.0], [4.0, 0.0625, 0.0625]),
        ("quantized_relu_po2(3,negative_slope=0.5)", [3.0, -1.0, 0.0], [4.0, -0.5, 0.0625]),
        # Below 1e-7 a weight counts as the smallest power: 2**-128, of which TensorFlow makes zero.
        ("quantized_po2(9)", [2.0**-126, 0.0, 0.5], [0.0, 0.0, 0.5]),
    ],
)
def test_a_static_scale(text: str, values: list[float], right: list[float]) -> None:
    assert constant(text, values) == right


@pytest.mark.parametrize(
    ("text", "values", "right"),
    [
        # Seven steps of 1/8 in the first channel, of 1/64 in the second: each has a scale of its own.
        ("quantized_bits(4,0)", [[0.875, 0.109375], [-0.375, -0.046875]], [[0.875, 0.109375], [-0.375, -0.046875]]),
        ("quantized_bits(4,2)", [[3.5, 0.109375], [-1.0, -0.046875]], [[3.5, 0.109375], [-1.0, -0.046875]]),
        # The mean magnitudes, 3/4 and 1/4, to the nearest power of two.
        ("binary()", [[1.0, 0.25], [-0.5, 0.25]], [[1.0, 0.25], [-1.0, 0.25]]),
        ("ternary()", [[1.0, 0.25], [-1.0, -0.25], [0.1, 0.0]], [[1.0, 0.25], [-1.0, -0.25], [0.0, 0.0]]),
        ("ternary(number_of_unrolls=1)", [[1.0], [-1.0], [0.1], [0.0]], [[1.0], [-1.0], [0.0], [0.0]]),
    ],
)
def test_a_scale_for_each_channel_of_a_kernel(text: str, values: Any, right: Any) -> None:
    assert constant(text, values, kernel=True) == right


def test_a_vector_begins_with_one_scale() -> None:
    """7/8 sets the scale of both: 1/8 is one step of it, where a scale of its own would make 7/64 of it."""
    assert constant("quantized_bits(4,0,alpha='auto_po2')", [0.875, 0.125]) == [0.875, 0.125]


def test_a_scale_found_in_training_is_kept() -> None:
    """A scale of 4 over 2**3 levels: steps of 1/2, and seven of them at most."""
    text = "quantized_bits(4,0,alpha='auto_po2',post_training_scale=[[4.0, 8.0]])"
    assert constant(text, [[0.6, 0.6], [-9.0, -9.0]], kernel=True) == [[0.5, 1.0], [-3.5, -7.0]]
    assert constant(text.replace("8.0", "6.0"), [[0.6, 1.0]], kernel=True) == [[0.5, 0.75]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantized_bits(1,0,alpha='auto')", "use binary"),
        ("quantized_bits(1,0)", "use binary"),
        ("quantized_sigmoid(4)", "is not read as a quantizer of weights"),
        ("ternary(alpha=1,threshold='auto')", "use a number"),
        ("quantized_po2(1)", "no bit is left"),
    ],
)
def test_what_has_no_exact_weights_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        constant(text, [[1.0]], kernel=True)


def test_the_largest_power_that_float32_has() -> None:
    assert constant("quantized_po2(10)", [1.7e38]) == [2.0**127]
    with pytest.raises(UnsupportedError, match="beyond float32's"):
        constant("quantized_po2(10)", [3.3e38])
