"""Functions without finite binary values: with the quantizer behind them a table, refused where there is none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import qkeras

from hls.emulation import emulate
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, nodes
from hls.importing import import_keras
from hls.importing.functions import SMOOTH, elu, rounded
from hls.importing.quantizers import grid, parse_quantizer
from tests.hls.importing.files import activation, layer, port, tensor, write

Q8 = "quantized_bits(8,3,alpha=1)"  # steps of 1/16 up to 8
EVENT = [-1.5, 0.25, 0.0, 2.0]


def graph_of(folder: Path, *entries: dict[str, Any], weights: Any = None) -> FixedGraph:
    """A network of four numbers of type ap_fixed<8,4>, the last of ``entries`` its output."""
    layers = [port("x", 4), activation("q", Q8, "x"), *entries]
    return import_keras(write(folder / "m.keras", layers, entries[-1]["config"]["name"], weights))


STEPS = {
    "elu": [-12, 4, 0, 32],  # exp(-1.5) - 1 = -0.777
    "selu": [-22, 4, 0, 34],  # 1.758 * -0.777, and 1.0507 * 0.25, 1.0507 * 2
    "softplus": [3, 13, 11, 34],  # 0.2014, 0.8259, ln 2 = 0.6931, 2.1269
    "softsign": [-10, 3, 0, 11],  # -0.6, 0.2, 0, 2/3
    "swish": [-4, 2, 0, 28],  # -1.5 * 0.1824, 0.25 * 0.5622, 2 * 0.8808
    "silu": [-4, 2, 0, 28],
    "hard_swish": [-6, 2, 0, 27],  # -1.5 * 1.5 / 6, 0.25 * 3.25 / 6, 2 * 5 / 6
    "hard_silu": [-6, 2, 0, 27],
    "gelu": [-2, 2, 0, 31],  # -1.5 * 0.0668, 0.25 * 0.5987, 2 * 0.9772
    "exponential": [4, 21, 16, 118],  # 0.2231, 1.2840, 1, 7.3891
    "hard_sigmoid": [4, 9, 8, 13],  # a sixth of 1.5, 3.25, 3 and 5
    "tanh": [-14, 4, 0, 15],  # -0.9051, 0.2449, 0, 0.9640
    "sigmoid": [3, 9, 8, 14],  # 0.1824, 0.5622, 0.5, 0.8808
}
"""What each function makes of the event, in steps."""


@pytest.mark.parametrize("name", SMOOTH)
def test_a_function_and_the_quantizer_behind_it(name: str, tmp_path: Path) -> None:
    graph = graph_of(tmp_path, layer("Activation", "f", tensor("q"), activation=name), activation("o", Q8, "f"))
    assert (emulate(graph, [EVENT])[0] * 16).tolist() == STEPS[name]
    assert [type(node) for node in graph if node.layer in ("f", "o")][-1] is nodes.Table
    assert not any(isinstance(node, nodes.Relu) for node in graph)


def test_each_quantizer_behind_a_function_rounds_for_itself(tmp_path: Path) -> None:
    f = layer("QDense", "f", tensor("q"), units=1, kernel_quantizer=Q8, use_bias=False, activation="exponential")
    fine, coarse = activation("a", "quantized_relu(8,2)", "f"), activation("b", "quantized_bits(3,2,alpha=1)", "f")
    add = layer("Add", "o", [tensor("a"), tensor("b")])
    graph = graph_of(tmp_path, f, fine, coarse, add, weights={"f": [[[1.0], [0.0], [0.0], [0.0]]]})
    # exp(1) is 2.718: 174 of 1/64, and 3, the largest of three bits; exp(-1) is 0.368: 24 of 1/64, and 0.
    assert emulate(graph, [[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]).ravel().tolist() == [174 / 64 + 3, 24 / 64]


def test_elu_of_another_alpha_and_prelu(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, layer("ELU", "f", tensor("q"), alpha=0.5), activation("o", Q8, "f"))
    assert (emulate(graph, [EVENT])[0] * 16).tolist() == [-6, 4, 0, 32]  # half of -0.777
    slopes = np.array([0.25, -1.0, 0.3, 0.0], np.float32)
    graph = graph_of(tmp_path, layer("PReLU", "o", tensor("q"), shared_axes=None), weights={"o": [slopes]})
    assert emulate(graph, [[-1.5, -2.0, -1.0, -3.0], EVENT]).tolist() == [
        [-0.375, 2.0, -float(np.float32(0.3)), 0.0],
        [-0.375, 0.25, 0.0, 2.0],
    ]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([layer("Activation", "o", tensor("q"), activation="gelu")], "'o': activation 'gelu'.*right after it"),
        ([layer("ELU", "f", tensor("q")), layer("ReLU", "o", tensor("f"))], "'f': ELU is not.*right after it"),
        ([layer("ELU", "f", tensor("q")), activation("o", "binary()", "f")], "'o'.*quantized_bits.*between the two"),
    ],
)
def test_without_a_quantizer_that_rounds_there_is_no_table(
    entries: list[dict[str, Any]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=message):
        graph_of(tmp_path, *entries)


def test_slopes_of_every_place(tmp_path: Path) -> None:
    layers = [port("x", 2, 4), activation("q", Q8, "x"), layer("PReLU", "o", tensor("q"))]
    slopes = np.array([[0.5, 0.25, 1, 2], [0, -0.5, 0.125, 0.75]])
    graph = import_keras(write(tmp_path / "m.keras", layers, "o", {"o": [slopes]}))
    x = np.arange(-60, 60).reshape(-1, 2, 4) / 16
    np.testing.assert_array_equal(emulate(graph, x), np.where(x >= 0, x, slopes * x))


def test_float32_may_be_off_by_a_step_next_to_a_tie_only() -> None:
    quantizer = parse_quantizer("quantized_bits(8,3,alpha=1)", "here")
    assert quantizer is not None
    plain = grid(quantizer)
    assert plain is not None
    tie = math.log(1 - 12.5 / 16)  # where elu is -12.5 of 1/16
    near, far = np.array([tie]), np.array([-1.5])
    function = rounded(elu(1.0), plain)
    assert [float(end[0]) * 16 for end in function.bounds(near)] == [-13, -12]
    assert [float(end[0]) * 16 for end in function.bounds(far)] == [-12, -12]


@pytest.mark.slow
def test_keras_computes_the_same() -> None:
    inputs = keras.Input((4,), name="x")
    q = qkeras.QActivation(Q8)(inputs)
    layers = [keras.layers.Activation(name) for name in SMOOTH]
    layers += [keras.layers.ELU(0.5), keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.375))]
    outputs = [qkeras.QActivation("quantized_bits(9,4,alpha=1)")(each(q)) for each in layers]
    model = keras.Model(inputs, outputs)
    graph = import_keras(model)
    events = np.arange(-128, 128).reshape(-1, 4) / 16
    for layer_, ours, theirs in zip(layers, emulate(graph, events), model(events.astype(np.float32)), strict=True):
        assert np.array_equal(ours, np.asarray(theirs)), layer_.name
