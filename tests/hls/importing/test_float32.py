"""QKeras inside the intervals that the importer lets its float32 have, and outside them where a weight is wrong."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import qkeras

from hls.emulation import Emulator, quantize_inputs
from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedArray
from hls.importing import import_keras
from hls.verification.explanation import Explanation, explain
from tests.hls.importing import networks as nets

pytestmark = pytest.mark.slow


def judged(model: Any, graph: FixedGraph, events: npt.NDArray[np.float32]) -> tuple[int, Explanation]:
    """How many events of QKeras differ from the graph, and what float32 explains of them."""
    raw = quantize_inputs(graph, events)
    values = nets.predict(model, [events])
    exact = Emulator(graph).run(raw)
    fractions = [graph.edges[name].fraction for name in graph.outputs]
    differing = np.zeros(len(events), np.bool_)
    for found, integers, fraction in zip(values, exact, fractions, strict=True):
        unequal = np.ldexp(found.astype(np.float64), fraction) != integers
        differing |= unequal.reshape(len(events), -1).any(axis=1)
    return int(differing.sum()), explain(graph, raw, exact, values, differing)


def normalized(bits: int, features: int = 6) -> Any:
    """Batch normalization, a dense sum, and no quantizer behind: every last place of the root is seen."""
    inputs = keras.Input((features,), name="x")
    x = nets.activation(f"quantized_bits({bits},2,alpha=1)")(inputs)
    x = keras.layers.BatchNormalization(name="normalize")(x)
    model = keras.Model(inputs, nets.dense(3, "quantized_bits(12,0,alpha=1)", "quantized_bits(12,0,alpha=1)")(x))
    nets.randomize(model, 3)
    return model


def events(model: Any, count: int = 400) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(1)
    return (rng.integers(-512, 512, (count, *model.inputs[0].shape[1:])) / 128).astype(np.float32)


def nudged(graph: FixedGraph, kind: type[nodes.Node], field: str) -> FixedGraph:
    """The graph with the last place of one constant changed, as it would be if the emulator computed another weight."""
    (name,) = (node.name for node in graph if isinstance(node, kind))
    node = graph.nodes[name]
    constant = getattr(node, field)
    integers = constant.integers.copy()
    integers.flat[0] += 1
    changed: dict[str, Any] = {field: FixedArray(integers, constant.fraction)}
    return replace(graph, nodes=MappingProxyType({**graph.nodes, name: replace(node, **changed)}))


def test_the_root_of_a_batch_normalization_is_explained_and_a_wrong_weight_is_not() -> None:
    model = normalized(10)
    graph = import_keras(model)
    assert "normalize" in graph.float32_inexact()
    assert any("gamma * (1 / sqrt(variance + epsilon))" in note for note in graph.notes)
    differing, found = judged(model, graph, events(model))
    assert differing > 0
    assert found.count == differing
    assert found.share < 1e-5
    wrong = nudged(graph, nodes.Dense, "kernel")
    differing, found = judged(model, wrong, events(model))
    assert differing - found.count > 300


def test_a_factor_may_be_off_by_seven_parts_in_two_to_the_23() -> None:
    model = normalized(10)
    graph = import_keras(model)
    (scale,) = (node for node in graph if isinstance(node, nodes.Scale))
    off = graph.float32[scale.name].weights
    assert off is not None
    assert off / np.abs(scale.factor.to_float()) == pytest.approx(np.full(6, 7 * 2.0**-23), abs=2.0**-23)


@pytest.mark.parametrize(
    ("text", "bits"),
    [("quantized_tanh(12,use_real_tanh=True)", 16), ("quantized_sigmoid(14,use_real_sigmoid=True)", 16)],
)
def test_real_functions_differ_at_ties_alone(text: str, bits: int) -> None:
    inputs = keras.Input((1,), name="x")
    port = nets.activation(f"quantized_bits({bits},2,alpha=1)")(inputs)
    model = keras.Model(inputs, qkeras.QActivation(text, name="real")(port))
    graph = import_keras(model)
    assert graph.float32_inexact() == ("real",)
    steps = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))[:, None]
    x = np.ldexp(steps.astype(np.float32), 3 - bits)
    differing, found = judged(model, graph, x)
    assert found.count == differing
    assert 0 < differing < 200
    (table,) = (node for node in graph if isinstance(node, nodes.Table))
    entries = graph.float32[table.name].entries
    assert entries is not None
    open_to_doubt = int((entries.low != entries.high).sum())
    assert differing <= open_to_doubt < 2000
    assert (entries.high - entries.low).max() == 1


def test_few_bits_leave_no_entry_in_doubt() -> None:
    inputs = keras.Input((1,), name="x")
    port = nets.activation("quantized_bits(7,2,alpha=1)")(inputs)
    model = keras.Model(inputs, nets.activation("quantized_tanh(6,use_real_tanh=True)")(port))
    assert import_keras(model).float32_inexact() == ()


def test_a_quantizer_far_below_its_input_sticks_as_float32_makes_it() -> None:
    inputs = keras.Input((2,), name="x")
    x = nets.activation("quantized_bits(12,11,alpha=1)")(inputs)
    x = nets.dense(2, "quantized_bits(12,11,alpha=1)", "quantized_bits(4,3,alpha=1)")(x)
    model = keras.Model(inputs, qkeras.QActivation("quantized_bits(10,0,alpha=1)", name="stick")(x))
    nets.randomize(model, 1)
    model.layers[-2].set_weights([np.array([[1033.0, 3.0], [-777.0, 5.0]]), np.array([1.0, 2.0])])
    graph = import_keras(model)
    assert graph.float32_inexact() == ("stick",)
    x = np.random.default_rng(1).integers(-2048, 2048, (500, 2)).astype(np.float32)
    differing, found = judged(model, graph, x)
    assert differing > 0
    assert found.count == differing
    assert found.deviation == found.allowed  # what float32 makes of two known numbers is one number


def test_weights_of_more_bits_than_float32_keep_their_ends() -> None:
    inputs = keras.Input((1,), name="x")
    x = nets.activation("quantized_bits(4,3,alpha=1)")(inputs)
    model = keras.Model(inputs, nets.dense(2, "quantized_bits(28,0,alpha=1)", "quantized_bits(4,3,alpha=1)")(x))
    model.layers[-1].set_weights([np.array([[1.5, 0.25]]), np.zeros(2)])
    graph = import_keras(model)
    (dense,) = (node for node in graph if isinstance(node, nodes.Dense))
    assert dense.kernel.at_fraction(27).integers.tolist() == [[2**27 - 1, 2**25]]
    assert graph.float32_inexact() == (dense.layer,)
    x = np.arange(-8, 8, dtype=np.float32)[:, None]
    differing, found = judged(model, graph, x)  # QKeras takes 1 for the end of the type
    assert differing == found.count == 15


def test_a_tie_between_two_powers_of_two_may_go_either_way() -> None:
    """TensorFlow's logarithm of a root of two falls to either side of a half, by the length of its array."""
    inputs = keras.Input((1,), name="x")
    x = nets.activation("quantized_bits(4,3,alpha=1)")(inputs)
    kernel = "quantized_po2(4,quadratic_approximation=True)"
    model = keras.Model(inputs, nets.dense(2, kernel, "quantized_bits(4,3,alpha=1)")(x))
    model.layers[-1].set_weights([np.array([[0.5, 0.3]]), np.zeros(2)])
    (dense,) = (node for node in import_keras(model) if isinstance(node, nodes.Dense))
    off = import_keras(model).float32[dense.name].weights
    assert off is not None
    assert off.ravel().tolist() == [0.75, 0.0]  # a quarter or one; 0.3 is a quarter


def test_a_negative_alpha_turns_the_sign_and_float32_sticks() -> None:
    inputs = keras.Input((1,), name="x")
    x = nets.activation("quantized_bits(22,-5,alpha=1)")(inputs)
    model = keras.Model(inputs, qkeras.QActivation("quantized_bits(1,0,alpha=-0.5)", name="turned")(x))
    graph = import_keras(model)
    assert graph.float32_inexact() == ("turned",)
    x = np.ldexp(np.arange(-(2**21), 2**21, 997, dtype=np.float32), -26)[:, None]
    differing, found = judged(model, graph, x)
    assert 0 < differing == found.count


def test_a_quantized_inverse_of_the_other_sign_sticks() -> None:
    """1 / sqrt(2) becomes -0.5: float32 adds -0.5 - 0.707 to 0.707, which is 24 bits long already."""
    inputs = keras.Input((12,), name="x")
    x = nets.activation("quantized_bits(8,3,alpha=1)")(inputs)
    quantizers = dict.fromkeys(("gamma_quantizer", "beta_quantizer", "mean_quantizer", "variance_quantizer"))
    inverse = qkeras.quantized_bits(1, 0, keep_negative=True, alpha=-0.5)
    layer = qkeras.QBatchNormalization(scale=False, inverse_quantizer=inverse, name="n", **quantizers)
    model = keras.Model(inputs, layer(x))
    layer.set_weights([np.zeros(12), np.zeros(12), np.linspace(1.1, 3.9, 12)])
    graph = import_keras(model)
    (scale,) = (node for node in graph if isinstance(node, nodes.Scale))
    assert set(scale.factor.to_float()) == {-0.5}
    differing, found = judged(model, graph, events(model))
    assert 0 < differing == found.count


def test_values_off_the_grid_go_through_a_clip() -> None:
    """The least value that is reached exactly is no end of QKeras's, whose root may take it lower."""
    inputs = keras.Input((12,), name="x")
    x = keras.layers.BatchNormalization(name="normalize")(nets.activation("quantized_bits(3,2,alpha=1)")(inputs))
    model = keras.Model(inputs, keras.layers.ReLU(negative_slope=1.0, max_value=0.75)(x))
    nets.randomize(model, 4)
    graph = import_keras(model)
    differing, found = judged(model, graph, events(model))
    assert 0 < differing == found.count
