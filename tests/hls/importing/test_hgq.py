"""HGQ's layers against its definitions, written out here in exact fractions of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hls import emulate
from hls.errors import ModelFileError, UnsupportedError
from hls.importing.architecture import layer_kind
from hls.importing.importer import build_graph
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef


def layer(kind: str, name: str, source: str, *weights: Any, **config: Any) -> LayerSpec:
    arrays = tuple(np.asarray(w, np.float32) for w in weights)
    return LayerSpec(name, kind, config, (Call((TensorRef(source, 0, 0),)),), arrays)


def model(*layers: LayerSpec, shape: tuple[int, ...] = (4,)) -> ModelSpec:
    port = LayerSpec("x", "InputLayer", {"batch_shape": [None, *shape]}, (Call(),), ())
    held = {spec.name: spec for spec in (port, *layers)}
    return ModelSpec("net", held, (TensorRef("x", 0, 0),), (TensorRef(layers[-1].name, 0, 0),))


def gfixed(x: np.ndarray, k: Any, b: Any, i: Any, rounding: str) -> np.ndarray:
    """Fixed point of k sign bits, b bits and i bits before the point, wrapping (HGQ's proxy, and AP_WRAP)."""
    k, b, i = (np.asarray(a, np.float64) for a in (k, b, i))
    steps = x * 2 ** (b - i)
    steps = {"TRN": np.floor(steps), "RND": np.floor(steps + 0.5), "RND_CONV": np.rint(steps)}[rounding]
    low = -k * 2 ** (b - 1)
    return ((steps - low) % 2**b + low) * 2 ** (i - b) * (b > 0)


def proxy(name: str, source: str, k: Any, b: Any, i: Any, rounding: str = "TRN") -> LayerSpec:
    arrays = [np.asarray(a)[None] if np.ndim(a) else np.asarray(a) for a in (k, b, i)]
    return layer("FixedPointQuantizer", name, source, *arrays, RND=rounding, SAT="WRAP")


X = np.random.default_rng(3).uniform(-40, 40, (400, 4))


@pytest.mark.parametrize("rounding", ["TRN", "RND", "RND_CONV"])
@pytest.mark.parametrize(
    ("k", "b", "i"),
    [
        (1, 6, 3),
        (0, 5, 7),
        ([1, 1, 1, 1], [6, 4, 0, 3], [3, 3, 1, 5]),
        ([0, 0, 0, 0], [6, 4, 2, 3], [3, -1, 1, 5]),
        ([1, 0, 1, 0], [6, 4, 7, 0], [3, 3, 1, 5]),
        ([0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]),
    ],
    ids=["one", "coarse", "each", "unsigned", "mixed", "none"],
)
def test_a_proxy_rounds_and_wraps_each_value_at_its_own_end(k: Any, b: Any, i: Any, rounding: str) -> None:
    graph = build_graph(model(proxy("q", "x", k, b, i, rounding)), None)
    port = graph.port("x")
    step = 2.0**-port.type.fraction
    # Numbers between the port's steps become what HGQ makes of them.
    wanted = gfixed(np.clip(X, port.raw_min * step, port.raw_max * step), k, b, i, rounding)
    assert np.array_equal(emulate(graph, X), wanted)
    # Of a wider port, which is stated, the chip wraps them.
    wider = build_graph(model(proxy("q", "x", k, b, i, rounding)), "ap_fixed<16,8>")
    events = np.floor(X * 2**8) / 2**8
    assert np.array_equal(emulate(wider, events), gfixed(events, k, b, i, rounding))
    assert len(np.unique(wanted)) > 1 or not np.any(b)


@pytest.mark.parametrize(
    ("rounding", "wanted"), [("TRN", [0, 0, 0, -1]), ("RND", [0, 1, 1, 0]), ("RND_CONV", [0, 0, 1, 0])]
)
def test_events_between_the_steps_of_a_port_by_hand(rounding: str, wanted: list[int]) -> None:
    # Of 0.3, rounded to halves first, 0.5 is left, which rounds up: 1 where HGQ has 0.
    graph = build_graph(model(proxy("q", "x", 1, 4, 4, rounding)))
    assert emulate(graph, [[0.3, 0.5, 0.7, -0.3]]).tolist() == [wanted]


def test_events_beside_ties_of_values_that_are_rounded_half_to_even_at_places_of_their_own() -> None:
    # Steps of 1 and of 1/2. At steps of 1/4, as finely as a tie of any lies, 0.51 would be a tie of the first.
    graph = build_graph(model(proxy("q", "x", [1, 1], [5, 6], [5, 5], "RND_CONV"), shape=(2,)))
    x = np.array([[0.5, 0.25], [0.51, 0.26], [1.49, 0.74], [1.5, 0.75], [-0.5, -0.25], [-0.51, -0.26], [-2.5, 1.75]])
    assert emulate(graph, x).tolist() == [[0, 0], [1, 0.5], [1, 0.5], [2, 1], [0, 0], [-1, -0.5], [-2, 2]]
    near = np.nextafter(np.float32(x), np.float32(9))
    assert np.array_equal(emulate(graph, near), gfixed(near.astype(float), 1, [5, 6], [5, 5], "RND_CONV"))


def test_the_port_holds_what_the_first_quantizer_tells_apart() -> None:
    graph = build_graph(model(proxy("q", "x", [1, 0, 1, 0], [6, 4, 7, 0], [3, 3, 1, 5], "RND")))
    assert str(graph.port("x").type) == "ap_fixed<11,4>"  # an unsigned 3 needs a sign beside it; 6 bits, and the half


def test_a_quantizer_of_pixels() -> None:
    rng = np.random.default_rng(5)
    k, b, i = np.ones((2, 2, 3)), rng.integers(0, 6, (2, 2, 3)), rng.integers(1, 4, (2, 2, 3))
    x = np.ldexp(rng.integers(-128, 128, (50, 2, 2, 3)), -4).astype(float)
    graph = build_graph(model(proxy("q", "x", k, b, i), shape=(2, 2, 3)), "ap_fixed<8,4>")
    port = graph.port("x").type
    stored = np.clip(np.floor(x * 2**port.fraction), port.raw_min, port.raw_max) / 2**port.fraction
    assert np.array_equal(emulate(graph, stored), gfixed(stored, k, b, i, "TRN"))


def test_a_proxy_network_by_its_definition() -> None:
    rng = np.random.default_rng(7)
    kernel, bias = rng.integers(-8, 8, (4, 3)) / 4, rng.integers(-8, 8, 3) / 8
    dense = layer("Dense", "d", "q", kernel, bias, units=3, use_bias=True, activation="linear")
    spec = model(
        proxy("q", "x", [1, 1, 1, 1], [6, 5, 4, 6], [3, 3, 3, 2]),
        dense,
        proxy("dq", "d", 1, 7, 4),
        layer("ReLU", "r", "dq"),
        proxy("rq", "r", [0, 0, 0], [4, 3, 0], [3, 2, 0]),
    )
    graph = build_graph(spec)
    stored = gfixed(X, 1, 8, 4, "TRN")  # on the port's grid
    found = gfixed(stored, [1, 1, 1, 1], [6, 5, 4, 6], [3, 3, 3, 2], "TRN") @ kernel + bias
    found = gfixed(np.maximum(gfixed(found, 1, 7, 4, "TRN"), 0), 0, [4, 3, 0], [3, 2, 0], "TRN")
    port = graph.port("x").type
    kept = (np.abs(stored) < 2.0 ** (port.integer - 1)).all(axis=1)  # the port saturates where HGQ would wrap
    assert kept.sum() > 5
    assert np.array_equal(emulate(graph, stored[kept]), found[kept])


def test_a_trained_network_by_its_definition() -> None:
    rng = np.random.default_rng(9)
    kernel, bias = rng.normal(size=(4, 3)), rng.normal(size=3)
    kernel_bits, value_bits, input_bits = rng.integers(0, 6, (4, 3)), [[2, 4, -1]], [[3, 2, 4, 1]]
    conf = {"kq_conf": {"rnd_strategy": "standard_round"}, "paq_conf": {"rnd_strategy": "standard_round"}}
    spec = model(
        layer("HQuantize", "q", "x", input_bits, **conf),
        layer("HDense", "d", "q", kernel, bias, kernel_bits, value_bits, activation="relu", use_bias=True, **conf),
    )
    graph = build_graph(spec, "ap_fixed<14,7>")

    def rounded(x: np.ndarray, bits: Any) -> np.ndarray:
        return np.floor(x * 2.0 ** np.asarray(bits) + 0.5) / 2.0 ** np.asarray(bits)

    stored = np.rint(X * 2**7) / 2**7
    sums = rounded(stored, input_bits) @ rounded(kernel.astype(np.float32), kernel_bits)
    sums += rounded(bias.astype(np.float32), value_bits[0])
    assert np.array_equal(emulate(graph, stored), np.maximum(rounded(sums, value_bits), 0))


ROUNDED = {"kq_conf": {"rnd_strategy": "standard_round"}, "paq_conf": {"rnd_strategy": "standard_round"}}


def half_up(x: np.ndarray, bits: Any) -> np.ndarray:
    return np.asarray(np.floor(x * 2.0 ** np.asarray(bits) + 0.5) / 2.0 ** np.asarray(bits))


def test_a_trained_convolution_has_its_normalization_in_the_kernel() -> None:
    rng = np.random.default_rng(4)
    kernel, bias, beta, mean = (
        rng.integers(-8, 9, shape).astype(np.float32) / 8 for shape in ((2, 1, 3), (3,), (3,), (3,))
    )
    gamma = np.array([1, -2, 0.5], np.float32)
    variance = np.array([4, 1, 0.25], np.float32) - np.float32(1e-3)
    kernel_bits, value_bits = rng.integers(0, 4, (2, 1, 3)), rng.integers(0, 4, (1, 3, 3))
    arrays = [kernel, bias, kernel_bits, value_bits, beta, gamma, np.float32(1e-6), np.float32(0), mean, variance]
    entry = layer(
        "HConv1DBatchNorm", "c", "r", *arrays, activation="relu", use_bias=True, scale=True, center=True, strides=[1],
        padding="valid", dilation_rate=[1], groups=1, epsilon=1e-3, kernel_size=[2], **ROUNDED,
    )  # fmt: skip
    spec = model(layer("Reshape", "r", "x", target_shape=[4, 1]), entry)
    graph = build_graph(spec, "ap_fixed<9,3>")
    factor = (gamma / np.sqrt(variance + np.float32(1e-3))).astype(np.float32)
    weights = half_up(kernel * factor, kernel_bits)
    offset = half_up(bias - mean * factor + beta, value_bits.max(axis=(0, 1)))
    stored = np.clip(np.rint(X * 2**6), -(2**8), 2**8 - 1) / 2**6
    windows = np.stack([stored[:, i : i + 2] for i in range(3)], axis=1)
    sums = half_up(np.einsum("npk,kc->npc", windows, weights[:, 0]) + offset, value_bits)
    assert np.array_equal(emulate(graph, stored), np.maximum(sums, 0))


def test_sums_and_activations_are_rounded_behind_them() -> None:
    bits = [[1, 2, 0, 3]]
    spec = model(
        layer("HActivation", "a", "x", bits, activation="relu", **ROUNDED),
        LayerSpec("s", "HAdd", ROUNDED, (Call((TensorRef("x", 0, 0), TensorRef("a", 0, 0))),), (np.array(bits),)),
    )
    graph = build_graph(spec, "ap_fixed<9,3>")
    stored = np.clip(np.rint(X * 2**6), -(2**8), 2**8 - 1) / 2**6
    assert np.array_equal(emulate(graph, stored), half_up(stored + half_up(np.maximum(stored, 0), bits), bits))


def test_layers_that_only_move_are_kerass() -> None:
    entry = {"class_name": "HGQ>PMaxPooling2D", "module": None}
    assert layer_kind(entry) == "MaxPooling2D"
    assert layer_kind({"class_name": "PReshape", "module": "HGQ.layers.passive_layers"}) == "Reshape"
    assert layer_kind({"class_name": "HGQ>Signature"}) == "Identity"


def test_a_trained_network_without_a_range_asks_for_one() -> None:
    conf = {"paq_conf": {"rnd_strategy": "floor"}}
    with pytest.raises(UnsupportedError, match="input_type"):
        build_graph(model(layer("HQuantize", "q", "x", [[1, 2, 3, 4]], **conf)))


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"RND": "RND_INF"}, UnsupportedError, "rounds by RND_INF"),
        ({"SAT": "WRAP_SM"}, UnsupportedError, "overflows by WRAP_SM"),
    ],
)
def test_what_a_proxy_cannot_be(change: dict[str, str], error: type[Exception], told: str) -> None:
    spec = proxy("q", "x", 1, 4, 2)
    with pytest.raises(error, match=told):
        build_graph(model(LayerSpec("q", spec.class_name, {**spec.config, **change}, spec.calls, spec.weights)))


def test_types_that_are_none_are_a_damaged_file() -> None:
    with pytest.raises(ModelFileError, match=r"'q': its types are none"):
        build_graph(model(proxy("q", "x", 3, 4, 2)))


def test_plain_weights_of_many_bits_are_still_refused() -> None:
    dense = layer("Dense", "d", "x", [[0.1]] * 4, [0.0], units=1, use_bias=True, activation="linear")
    with pytest.raises(UnsupportedError, match="plain floats"):
        build_graph(model(dense), "ap_fixed<8,4>")
