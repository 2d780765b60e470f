"""Recurrent layers, unrolled: each against the few lines of its definition, on exact numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import FirmwareError, ModelFileError
from hls.graph import FixedGraph
from hls.importing import import_keras
from tests.hls.importing.files import activation, layer, port, tensor, write

STEPS, FEATURES, UNITS = 3, 2, 2
W4, STATE, PORT = "quantized_bits(4,0,alpha=1)", "quantized_bits(6,2,alpha=1)", "quantized_bits(5,1,alpha=1)"
QUANTIZED: dict[str, Any] = {
    "units": UNITS,
    "activation": "quantized_tanh(5)",
    "recurrent_activation": "quantized_sigmoid(5)",
    "kernel_quantizer": W4,
    "recurrent_quantizer": W4,
    "bias_quantizer": W4,
    "state_quantizer": STATE,
    "use_bias": True,
}
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
Vector = list[Fraction]


def weights(kind: str, *, two_biases: bool = False, seed: int = 1) -> list[Any]:
    """Numbers that the quantizers leave as they are."""
    random, wide = np.random.default_rng(seed), GATES[kind] * UNITS
    shapes = ((FEATURES, wide), (UNITS, wide), (2, wide) if two_biases else (wide,))
    return [random.integers(-8, 8, shape) / 8 for shape in shapes]


def read(path: Path, kind: str, arrays: list[Any], **config: Any) -> FixedGraph:
    entry = layer(f"Q{kind}", "r", tensor("q"), module="qkeras.qrecurrent", **{**QUANTIZED, **config})
    layers = [port("x", STEPS, FEATURES), activation("q", PORT, "x"), entry]
    return import_keras(write(path / "m.keras", layers, "r", {"r/cell": arrays}))


def events() -> Any:
    return np.random.default_rng(2).integers(-16, 16, (40, STEPS, FEATURES)) / 8


def rounded(x: Fraction, bits: int, low: int, high: int) -> Fraction:
    return Fraction(max(low, min(high, round(x * 2**bits))), 2**bits)


def tanh(x: Vector) -> Vector:
    return [rounded(v, 4, -16, 15) for v in x]


def sigmoid(x: Vector) -> Vector:
    return [rounded(v / 2 + Fraction(1, 2), 5, 0, 31) for v in x]


def state(x: Vector) -> Vector:
    return [rounded(v, 3, -32, 31) for v in x]


def times(x: Vector, kernel: Any) -> Vector:
    return [sum((a * Fraction(b) for a, b in zip(x, column, strict=True)), Fraction(0)) for column in kernel.T]


def plus(*vectors: Vector) -> Vector:
    return [sum(values, Fraction(0)) for values in zip(*vectors, strict=True)]


def product(a: Vector, b: Vector) -> Vector:
    return [v * w for v, w in zip(a, b, strict=True)]


def exact(values: Any) -> Vector:
    return [Fraction(v) for v in values]


def simple_rnn(sequence: Any, arrays: list[Any]) -> list[Vector]:
    h, outputs = [Fraction(0)] * UNITS, []
    for x in sequence:
        h = tanh(plus(times(exact(x), arrays[0]), times(state(h), arrays[1]), exact(arrays[2])))
        outputs.append(h)
    return outputs


def lstm(sequence: Any, arrays: list[Any]) -> list[Vector]:
    h, c, outputs = [Fraction(0)] * UNITS, [Fraction(0)] * UNITS, []
    for x in sequence:
        h, c = state(h), state(c)
        sums = plus(times(exact(x), arrays[0]), times(h, arrays[1]), exact(arrays[2]))
        i, f, g, o = (sums[n * UNITS : (n + 1) * UNITS] for n in range(4))
        c = plus(product(sigmoid(f), c), product(sigmoid(i), tanh(g)))
        h = product(sigmoid(o), tanh(c))
        outputs.append(h)
    return outputs


def gru(sequence: Any, arrays: list[Any]) -> list[Vector]:
    """As it resets before the product, with one bias, or after it, with two."""
    after = arrays[2].ndim == 2
    inner, outer = (arrays[2][0], arrays[2][1]) if after else (arrays[2], np.zeros(3 * UNITS))
    h, outputs = [Fraction(0)] * UNITS, []
    for x in sequence:
        h = state(h)
        given = plus(times(exact(x), arrays[0]), exact(inner))
        kept = plus(times(h, arrays[1]), exact(outer))
        z, r = (sigmoid(plus(given[part], kept[part])) for part in (slice(0, UNITS), slice(UNITS, 2 * UNITS)))
        last = slice(2 * UNITS, 3 * UNITS)
        past = product(r, kept[last]) if after else times(product(r, h), arrays[1][:, last])
        h = plus(product(z, h), product([1 - v for v in z], tanh(plus(given[last], past))))
        outputs.append(h)
    return outputs


CELLS = [("SimpleRNN", simple_rnn, False), ("LSTM", lstm, False), ("GRU", gru, False), ("GRU", gru, True)]


@pytest.mark.parametrize(("kind", "definition", "after"), CELLS)
@pytest.mark.parametrize("backwards", [False, True])
def test_every_step_is_that_of_the_definition(
    kind: str, definition: Any, after: bool, backwards: bool, tmp_path: Path
) -> None:
    arrays = weights(kind, two_biases=after)
    options = {"reset_after": after, "return_sequences": True, "go_backwards": backwards}
    graph = read(tmp_path, kind, arrays, **options)
    right = [definition(event[::-1] if backwards else event, arrays) for event in events()]
    found = emulate(graph, events())
    assert found.shape == (40, STEPS, UNITS)
    assert [[exact(step) for step in event] for event in found] == right
    last = emulate(read(tmp_path, kind, arrays, **{**options, "return_sequences": False}), events())
    assert [exact(event) for event in last] == [event[-1] for event in right]


def test_without_a_bias(tmp_path: Path) -> None:
    kernel, recurrent, _ = weights("LSTM")
    found = emulate(read(tmp_path, "LSTM", [kernel, recurrent], use_bias=False), events())
    right = [lstm(event, [kernel, recurrent, np.zeros(4 * UNITS)])[-1] for event in events()]
    assert [exact(event) for event in found] == right


MERGES: dict[str, Callable[[Vector, Vector], Vector]] = {
    "concat": lambda a, b: [*a, *b],
    "sum": plus,
    "mul": product,
    "ave": lambda a, b: [v / 2 for v in plus(a, b)],
}


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("sequences", [False, True])
def test_both_directions(merge: str, sequences: bool, tmp_path: Path) -> None:
    forward, backward = weights("LSTM", seed=3), weights("LSTM", seed=4)
    held = {"class_name": "qkeras>QLSTM", "config": {"name": "a", **QUANTIZED, "return_sequences": sequences}}
    entry = layer("Bidirectional", "r", tensor("q"), layer=held, merge_mode=merge)
    layers = [port("x", STEPS, FEATURES), activation("q", PORT, "x"), entry]
    arrays = {"r": [], "r/forward_layer/cell": forward, "r/backward_layer/cell": backward}
    found = emulate(import_keras(write(tmp_path / "m.keras", layers, "r", arrays)), events())
    for event, got in zip(events(), found, strict=True):
        one, other = lstm(event, forward), lstm(event[::-1], backward)
        if sequences:
            right = [MERGES[merge](a, b) for a, b in zip(one, reversed(other), strict=True)]
            assert [exact(step) for step in got] == right
        else:
            assert exact(got) == MERGES[merge](one[-1], other[-1])


def test_a_layer_at_every_step(tmp_path: Path) -> None:
    config = {"name": "d", "units": 2, "kernel_quantizer": W4, "use_bias": False, "activation": "relu"}
    entry = layer("TimeDistributed", "t", tensor("q"), layer={"class_name": "qkeras>QDense", "config": config})
    kernel = np.array([[0.5, -0.25], [0.125, 0.75]])
    layers = [port("x", STEPS, FEATURES), activation("q", PORT, "x"), entry]
    graph = import_keras(write(tmp_path / "m.keras", layers, "t", {"t/layer": [kernel]}))
    assert np.array_equal(emulate(graph, events()), np.maximum(events() @ kernel, 0))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "has no kernel and recurrent kernel"),
        ([np.zeros((2, 8)), np.zeros((2, 7)), np.zeros(8)], "its kernels do not fit"),
        ([np.zeros((2, 8)), np.zeros((2, 8)), np.zeros(7)], r"its bias has the shape \(7,\)"),
    ],
)
def test_damaged_cells(arrays: list[Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=message):
        read(tmp_path, "LSTM", arrays)


@pytest.mark.parametrize("held", [None, {"class_name": "LSTM"}, {"class_name": "Conv1D", "config": {"name": "c"}}])
def test_wrappers_of_what_is_not_read(held: Any, tmp_path: Path) -> None:
    entry = layer("Bidirectional", "r", tensor("q"), layer=held)
    layers = [port("x", STEPS, FEATURES), activation("q", PORT, "x"), entry]
    with pytest.raises(
        FirmwareError, match=r"'r'.*holds no layer; save the whole model again|'r'.* of a Conv1D, and only"
    ):
        import_keras(write(tmp_path / "m.keras", layers, "r", {"r": []}))


@pytest.mark.parametrize("kind", list(GATES))
def test_a_state_that_the_first_step_is_given(kind: str, tmp_path: Path) -> None:
    """A sequence in two pieces, the second begun with the states of the first, is the whole sequence."""
    names = ("h", "c")[: 2 if kind == "LSTM" else 1]
    arrays, quantized = weights(kind), {**QUANTIZED, "state_quantizer": "quantized_bits(16,5,alpha=1)"}
    entry = layer(f"Q{kind}", "r", tensor("q"), module="qkeras.qrecurrent", **quantized)
    entry["inbound_nodes"] = [{"args": [tensor("q")], "kwargs": {"initial_state": [tensor(name) for name in names]}}]
    ports = [port("x", STEPS, FEATURES), *(port(name, UNITS) for name in names)]
    layers = [*ports, activation("q", PORT, "x"), entry]
    graph = import_keras(write(tmp_path / "m.keras", layers, "r", {"r/cell": arrays}), "ap_fixed<40,5>")
    whole = read(tmp_path, kind, arrays, state_quantizer="quantized_bits(16,5,alpha=1)")
    x, zero = events(), np.zeros((40, UNITS))
    assert np.array_equal(emulate(graph, [x, *(zero for _ in names)]), emulate(whole, x))
    if kind != "LSTM":  # whose other state is no output
        begun = emulate(read(tmp_path, kind, arrays, state_quantizer="quantized_bits(16,5,alpha=1)"), x)
        twice = layer(f"Q{kind}", "r", tensor("q"), module="qkeras.qrecurrent", **quantized)
        longer = [port("x", 2 * STEPS, FEATURES), activation("q", PORT, "x"), twice]
        both = import_keras(write(tmp_path / "l.keras", longer, "r", {"r/cell": arrays}))
        again = x[::-1].copy()
        assert np.array_equal(emulate(graph, [again, begun]), emulate(both, np.concatenate([x, again], axis=1)))


def test_initial_states_that_are_none_of_the_cell(tmp_path: Path) -> None:
    entry = layer("QLSTM", "r", tensor("q"), module="qkeras.qrecurrent", **QUANTIZED)
    entry["inbound_nodes"] = [{"args": [tensor("q")], "kwargs": {"initial_state": [tensor("h")]}}]
    layers = [port("x", STEPS, FEATURES), port("h", UNITS), activation("q", PORT, "x"), entry]
    path = write(tmp_path / "m.keras", layers, "r", {"r/cell": weights("LSTM")})
    with pytest.raises(ModelFileError, match="1 initial states, where 2 of 2 numbers are read"):
        import_keras(path, "ap_fixed<16,5>")
