"""learned_bits and PairProducts: what the file says is what QKeras computes and what the graph computes, bit by bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pytest
from qkeras import QActivation, QConv1D, QDense

import hls
from hls.rtl.trace import trace
from qmodels.product_layers import PairProducts, all_pairs
from qmodels.training.precision.finish import prune, snap
from qmodels.training.precision.quantizer import learned_bits


def ports(fraction: int = 4) -> QActivation:
    return QActivation(learned_bits(fraction, integer=2), name="port")


def agrees(model: keras.Model, tmp_path: Path, seed: int = 3, suffix: str = "keras") -> hls.FixedGraph:
    """The graph of the saved file against the model in memory, and the logic against the graph; returns the graph."""
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    graph = hls.import_keras(path)
    x = np.random.default_rng(seed).normal(0, 2, (500, *model.input.shape[1:])).astype(np.float32)
    expected = np.asarray(model(x), np.float64)
    np.testing.assert_array_equal(hls.emulate(graph, x), expected)
    edge = graph.edges[graph.inputs[0]]
    raw = np.clip(np.rint(x.astype(np.float64) * 2.0**edge.fraction), edge.raw_min, edge.raw_max).astype(np.int64)
    out = graph.edges[graph.outputs[0]]
    np.testing.assert_array_equal(trace(graph).interpret([raw])[0], expected * 2.0**out.fraction)
    return graph


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_quadratic_form_with_bits_for_every_weight_and_product(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    pairs = all_pairs(4)
    start = keras.Input((4,))
    x = PairProducts(pairs)(ports()(start))
    x = QActivation(learned_bits(rng.integers(2, 8, len(pairs)), rounding="floor"))(x)
    fractions = rng.integers(-1, 5, (len(pairs), 3))
    x = QDense(3, kernel_quantizer=learned_bits(fractions), bias_quantizer=learned_bits([1, 2, 3]))(x)
    relu = learned_bits(rng.integers(0, 4, 3), rounding="floor", integer=1, signed=False)
    model = keras.Model(start, QActivation(relu)(x))
    model.set_weights([rng.normal(0, 1, w.shape) for w in model.get_weights()])
    graph = agrees(model, tmp_path, suffix=suffix)
    assert graph.float32_inexact() == ()


@pytest.mark.parametrize("rounding", ["nearest", "floor"])
@pytest.mark.parametrize("integer", [None, 1])
@pytest.mark.parametrize("signed", [True, False])
def test_one_number_of_bits_for_a_tensor(
    tmp_path: Path, rounding: Literal["nearest", "floor"], integer: int | None, signed: bool
) -> None:
    start = keras.Input((3,))
    out = QActivation(learned_bits(2, rounding=rounding, integer=integer, signed=signed))(ports()(start))
    agrees(keras.Model(start, out), tmp_path)


def test_channels_of_their_own_bits_rounded_to_nearest(tmp_path: Path) -> None:
    start = keras.Input((3,))
    agrees(keras.Model(start, QActivation(learned_bits([0, 1, 3]))(ports()(start))), tmp_path)


@pytest.mark.parametrize("fraction", [[3, 2, 0, 1], [2, 1, 0, 1], [-1, -2, -3, -2]])
def test_channels_of_a_relu_that_saturate_each_by_itself(tmp_path: Path, fraction: list[int]) -> None:
    start = keras.Input((4,))
    relu = learned_bits(fraction, rounding="floor", integer=[0, 1, 2, 1], signed=False)
    graph = agrees(keras.Model(start, QActivation(relu)(ports()(start))), tmp_path)
    tops = [max(2.0**i - 2.0**-f, 0.0) for i, f in zip([0, 1, 2, 1], fraction, strict=True)]
    np.testing.assert_array_equal(hls.emulate(graph, np.full((1, 4), 3.99))[0], tops)


def test_any_qkeras_layer_takes_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    start = keras.Input((6, 2))
    x = QActivation(learned_bits(3, integer=1))(start)
    kernel = learned_bits(rng.integers(0, 5, (3, 2, 4)))
    x = QConv1D(4, 3, kernel_quantizer=kernel, bias_quantizer=learned_bits(2))(x)
    model = keras.Model(start, QActivation(learned_bits([1, 2, 3, 0], rounding="floor", integer=2))(x))
    model.set_weights([rng.normal(0, 1, w.shape) for w in model.get_weights()])
    agrees(model, tmp_path)


def test_what_is_pruned_is_gone_from_the_graph_and_nothing_changes(tmp_path: Path) -> None:
    """V = a b - c d: 4 products of 10, and of two hidden features the one that the output reads."""
    pairs = all_pairs(4)
    start = keras.Input((4,))
    x = QActivation(learned_bits(6, (len(pairs),), "floor"))(PairProducts(pairs)(ports()(start)))
    form = learned_bits(3, (len(pairs), 2))
    x = QDense(2, kernel_quantizer=form, bias_quantizer=learned_bits(3, (2,)), name="form")(x)
    x = QActivation(learned_bits(4, (2,), "floor", integer=3))(x)
    model = keras.Model(start, QDense(1, use_bias=False, kernel_quantizer=learned_bits(2, (2, 1)), name="out")(x))
    kernel = np.zeros((len(pairs), 2), np.float32)
    kernel[pairs.index((0, 1)), 0], kernel[pairs.index((2, 3)), 0] = 1.03, -0.99
    kernel[pairs.index((0, 0)), 0] = 0.05  # rounds to nothing
    kernel[:, 1] = 1.0
    model.set_weights([kernel, np.zeros(2, np.float32), np.array([[0.5], [0.01]], np.float32)])
    small = prune(model)
    snap(small)
    assert [layer.pairs for layer in small.layers if isinstance(layer, PairProducts)] == [[(0, 1), (2, 3)]]
    assert small.get_layer("form").kernel.shape == (2, 1)
    x = np.random.default_rng(2).normal(0, 1, (300, 4)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(small(x)), np.asarray(model(x)))
    graph = agrees(small, tmp_path)
    assert graph.multiplications() == 2


def test_an_input_that_nothing_reads_stays_a_port(tmp_path: Path) -> None:
    start = keras.Input((3,))
    dropped = QActivation(learned_bits([2, 2, 1], (3,), "floor"))(ports()(start))
    x = QDense(2, use_bias=False, kernel_quantizer=learned_bits(2, (3, 2)))(dropped)
    x = QDense(1, use_bias=False, kernel_quantizer=learned_bits(1, (2, 1)))(x)
    model = keras.Model(start, x)
    model.set_weights([np.array([[1, 1], [0, 1], [-1, 1]], np.float32), np.array([[1], [0]], np.float32)])
    small = prune(model)
    assert [layer.output.shape[-1] for layer in small.layers] == [3, 3, 3, 1, 1]
    x = np.random.default_rng(3).normal(0, 1, (300, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(small(x)), np.asarray(model(x)))
    agrees(small, tmp_path)


def test_unread_products_cost_no_logic(tmp_path: Path) -> None:
    pairs = all_pairs(3)
    start = keras.Input((3,))
    x = QDense(1, use_bias=False, kernel_quantizer=learned_bits(0, (6, 1)))(PairProducts(pairs)(ports()(start)))
    model = keras.Model(start, x)
    model.set_weights([np.eye(6, 1, dtype=np.float32)])
    assert trace(agrees(model, tmp_path)).multiplications == 1


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"fraction": 99}, "fraction bits"),
        ({"fraction": [0.5]}, "fraction bits"),
        ({"fraction": 2, "rounding": "up"}, "rounding='up'"),
        ({"fraction": [1, 2]}, "shape"),
    ],
)
def test_nonsense_in_a_file_is_refused_by_name(config: dict[str, Any], named: str) -> None:
    from hls.importing.importer import build_graph
    from hls.importing.memory import read_memory

    start = keras.Input((3,))
    model = keras.Model(start, QActivation(learned_bits(2), name="odd")(ports()(start)))
    spec = read_memory(model)
    layer = spec.layers["odd"]
    layer.config["activation"]["config"] = config
    with pytest.raises(hls.FirmwareError, match="odd") as refusal:
        build_graph(spec)
    assert named in str(refusal.value)


def test_pairs_beyond_the_features_are_refused() -> None:
    from hls.importing.importer import build_graph
    from hls.importing.memory import read_memory

    start = keras.Input((3,))
    spec = read_memory(keras.Model(start, PairProducts([(0, 2)], name="pairs")(ports()(start))))
    layer = spec.layers["pairs"]
    beyond = replace(layer, config={**layer.config, "pairs": [[0, 3]]})
    with pytest.raises(hls.FirmwareError, match="pairs"):
        build_graph(replace(spec, layers={**spec.layers, "pairs": beyond}))
