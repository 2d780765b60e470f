"""Refusals of quantizers of QKeras, each with its cure."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.hls.importing.cures import ANOTHER, W4, Case, X, dense, keras
from tests.hls.importing.files import activation, layer


def of(kind: str, **options: Any) -> dict[str, Any]:
    """A quantizer as a dictionary."""
    return {"class_name": kind, "config": options}


ACTIVATIONS: list[tuple[Any, str, Any]] = [
    ("quantized_softmax(4)", "end the network before it and take the softmax", "linear"),
    ("foo(4)", "put one of these in its place, which is another network (binary", "quantized_bits(4,0,alpha=1)"),
    ("quantized_bits(", "write a call with numbers, like quantized_bits(8, 2)", "quantized_bits(8, 2)"),
    (of("quantized_bits", alpha=[1.0, 2.0]), "use a single number", of("quantized_bits", alpha=1.0)),
    ("quantized_bits(6,0,0,2,alpha=1)", "use 0 or 1", "quantized_bits(6,0,0,1,alpha=1)"),
    ("quantized_bits(0,0,alpha=1)", "use at least 1", "quantized_bits(1,0,alpha=1)"),
    ("quantized_bits(65,0,alpha=1)", "use at most 64", "quantized_bits(64,0,alpha=1)"),
    (of("quantized_relu", bits=4, relu_upper_bound=0.3, is_quantized_clip=False), "use a multiple of its LSB, 2**-4",
     of("quantized_relu", bits=4, relu_upper_bound=0.3125, is_quantized_clip=False)),
    (of("quantized_bits", alpha=1, scale_axis=0), "QKeras does not save it; use the default",
     of("quantized_bits", alpha=1)),
    (of("quantized_po2", max_value="much"), "give it a number", of("quantized_po2", max_value=2)),
    (of("quantized_po2", max_value=[1]), "give it a number", of("quantized_po2", max_value=1)),
    (of("quantized_bits", alpha={}), "give it a number", of("quantized_bits", alpha=1)),
    ("quantized_hswish(6,1,relu_shift=-1)", "QKeras wants them positive", "quantized_hswish(6,1,relu_shift=1)"),
    (of("ternary", alpha=1, threshold="x"), "use a number", of("ternary", alpha=1, threshold=0.5)),
    (of("learned_bits", fraction=[0.5]), "use whole numbers from -24 to 24", of("learned_bits", fraction=[1])),
    (of("learned_bits", fraction=2, integer=0.5, rounding="floor"), "use whole numbers from -24 to 24",
     of("learned_bits", fraction=2, integer=1, rounding="floor")),
    (of("learned_bits", fraction=2, rounding="up"), "use 'nearest' or 'floor'",
     of("learned_bits", fraction=2, rounding="nearest")),
    (of("learned_bits", fraction=[2, 1, 0], integer=1), "use rounding='floor'",
     of("learned_bits", fraction=[2, 1, 0], integer=1, rounding="floor")),
    (of("learned_bits", fraction=-3, integer=1), "give it more integer or fraction bits",
     of("learned_bits", fraction=-3, integer=3)),
    (of("learned_bits", fraction=-3, integer=1, rounding="floor"), "give it more integer or fraction bits",
     of("learned_bits", fraction=-1, integer=1, rounding="floor")),
    (of("learned_bits", fraction=[2, 1, 0], integer=[1, 1, 2], rounding="floor"),
     "give one to each channel of an unsigned quantizer",
     of("learned_bits", fraction=[2, 1, 0], integer=[1, 1, 2], rounding="floor", signed=False)),
]  # fmt: skip
WEIGHTS: list[tuple[Any, str, Any]] = [
    ("quantized_ulaw(4)", "use quantized_bits, which is another network", W4),
    (
        of("quantized_tanh", bits=4, alpha="auto"),
        "train with alpha='auto_po2' or alpha=1",
        of("quantized_tanh", bits=4, alpha=1),
    ),
    (of("quantized_tanh", bits=4, alpha="auto_po2"), "use quantized_bits, or alpha=1", of("quantized_tanh", bits=4)),
    ("quantized_bits(1,0,alpha='auto_po2')", "use binary(alpha='auto_po2')", "binary(alpha='auto_po2')"),
    ("quantized_bits(1,0,alpha='auto')", "use binary(alpha='auto')", "binary(alpha='auto')"),
    ("quantized_po2(1)", "use more, or binary()", "binary()"),
]
CASES: list[Case] = [
    keras([activation("o", "quantized_linear(4,0,alpha=0.75)", "q")], ("quantized_bits takes any alpha", ANOTHER),
     [activation("o", "quantized_bits(4,0,alpha=0.75)", "q")]),
    keras([activation("o", "quantized_bits(4,0,alpha='auto')", "q")], ("set alpha=1", ANOTHER),
     [activation("o", "quantized_bits(4,0,alpha=1)", "q")]),
    keras([activation("o", "quantized_relu(4,2,use_sigmoid=1)", "q")], ("quantized_relu without it", "other networks"),
     [activation("o", "quantized_relu(4,2)", "q")]),
    keras([activation("o", "quantized_relu(4,2,negative_slope=0.3)", "q")], ("powers of two", "[2**-3, 1]"),
     [activation("o", "quantized_relu(4,2,negative_slope=0.125)", "q")]),
    keras([activation("o", "bernoulli()", "q")], ("binary(use_01=True, alpha=1)", ANOTHER),
     [activation("o", "binary(use_01=True, alpha=1)", "q")]),
    keras([activation("o", "quantized_hswish(6,1,alpha=0.3)", "q")], ("set alpha=1", ANOTHER),
     [activation("o", "quantized_hswish(6,1,alpha=1)", "q")]),
    keras([activation("o", "quantized_ulaw(1)", "q")], ("use 2 bits at least",),
     [activation("o", "quantized_ulaw(2)", "q")]),
    keras([activation("o", "quantized_bits(4.5,1,alpha=1)", "q")], ("whole number",),
     [activation("o", "quantized_bits(4,1,alpha=1)", "q")]),
    keras([activation("o", "quantized_bits(4,1,alpha=1,qnoise_factor=0.5)", "q")], ("qnoise_factor = 1",),
     [activation("o", "quantized_bits(4,1,alpha=1,qnoise_factor=1.0)", "q")]),
    *(keras([activation("o", wrong, "q")], told, [activation("o", right, "q")]) for wrong, told, right in ACTIVATIONS),
    keras([activation("o", "quantized_sigmoid(6,use_real_sigmoid=1)", "q")],
          "put QActivation(quantized_bits(10, ..., alpha=1)) before it",
          [activation("r", "quantized_bits(10,3,alpha=1)", "q"),
           activation("o", "quantized_sigmoid(6,use_real_sigmoid=1)", "r")], first="quantized_bits(24,3,alpha=1)"),
    *(keras([layer("QDense", "o", X, units=2, use_bias=False, kernel_quantizer=wrong)], ("kernel_quantizer", told),
            [layer("QDense", "o", X, units=2, use_bias=False, kernel_quantizer=right)])
      for wrong, told, right in WEIGHTS),
    keras([dense("o", "q", kernel_quantizer="quantized_bits(8,8,alpha=1e38)")],
          "use a smaller alpha, or fewer integer bits",
          [dense("o", "q", kernel_quantizer="quantized_bits(8,8,alpha=1)")],
          weights={"o": [np.full((3, 2), 8.0)]}),
    keras([dense("o", "q", kernel_quantizer="quantized_po2(12)")], "use fewer bits, or a max_value",
          [dense("o", "q", kernel_quantizer="quantized_po2(4)")], weights={"o": [np.full((3, 2), 3.4e38)]}),
    keras([layer("QDense", "o", X, units=2, use_bias=False, kernel_quantizer="ternary(alpha='auto')")],
          ("on either side", "train with alpha='auto_po2'"),
          [layer("QDense", "o", X, units=2, use_bias=False, kernel_quantizer="ternary(alpha='auto_po2')")],
          weights={"o": [np.array([[0.75, 0.3], [0.25, 0.1], [0.1, 0.2]])]}),
]  # fmt: skip
