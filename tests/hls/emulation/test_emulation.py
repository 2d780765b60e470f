"""The emulator against rational arithmetic, and what it says to bad events."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator, emulate, engine, quantize_inputs
from hls.errors import EventError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from tests.hls.random_graphs import corner_and_random_events, graphs
from tests.hls.rational import evaluate


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.integers(0, 2**31))
def test_every_node_equals_rational_arithmetic(graph: FixedGraph, seed: int) -> None:
    events = corner_and_random_events(graph, seed, random=2)
    trace = Emulator(graph).trace([events])
    for number, event in enumerate(events):
        for name, expected in evaluate(graph, {"x": event}).items():
            unit = Fraction(1, 2) ** graph.edges[name].fraction
            got = [int(v) * unit for v in trace[name][number].ravel()]
            assert got == list(expected.ravel()), name


def test_a_table_of_few_entries_may_lie_far_from_zero() -> None:
    builder, far = GraphBuilder("table"), 1 << 70
    x = builder.add(nodes.Input("x", (), "x", (1,), FixedType(False, 2, 2), 0, 3))
    offset = FixedArray(np.array([far], object), 0)
    moved = builder.add(nodes.Scale("moved", (x,), "moved", FixedArray(np.array([1], np.int64), 0), offset))
    table = builder.add(nodes.Table("table", (moved,), "table", FixedArray(np.array([5, 6, 7, 9]), 0), far))
    graph = builder.finish([x], [table], [table])
    assert Emulator(graph).run([np.array([[0], [1], [3]])])[0].tolist() == [[5], [6], [9]]


def _chain(width: int, bits: int, layers: int = 1) -> FixedGraph:
    port = FixedType(True, 8, 4)
    builder = GraphBuilder("chain")
    x = builder.add(nodes.Input("x", (), "x", (width,), port, port.raw_min, port.raw_max))
    rng = np.random.default_rng(3)
    for number in range(layers):
        kernel = FixedArray(rng.integers(-(2**bits), 2**bits, (width, width)), bits)
        x = builder.add(nodes.Dense(f"d{number}", (x,), "d", kernel, FixedArray(np.zeros(width, np.int64), 0)))
    return builder.finish(["x"], [x], [x])


@pytest.mark.parametrize(
    ("bits", "layers", "inside"),
    [(8, 1, "< 2**24: float32"), (30, 1, "< 2**53: float64"), (30, 3, "beyond: Python integers")],
)
def test_number_formats_give_the_same_integers(bits: int, layers: int, inside: str) -> None:
    graph = _chain(5, bits, layers)
    bound = graph.edges[graph.outputs[0]].partial_bound
    assert {"< 2**24": bound < 2**24, "< 2**53": 2**24 <= bound < 2**53, "beyond": bound >= 2**53}[inside.split(":")[0]]
    raw = np.random.default_rng(1).integers(-128, 128, (7, 5))
    expected = raw.astype(object)
    for node in list(graph)[1:]:
        assert isinstance(node, nodes.Dense)
        expected = expected @ node.kernel.integers.astype(object)
    assert (Emulator(graph).run([raw])[0].astype(object) == expected).all()


@pytest.mark.parametrize("bits", [23, 24, 25, 52, 53, 54])
def test_sums_that_a_float_format_would_round_are_exact(bits: int) -> None:
    """2**bits + 1 and its neighbours, on both sides of what float32 and float64 hold."""
    port = FixedType(True, 2, 2)
    builder = GraphBuilder("odd")
    x = builder.add(nodes.Input("x", (), "x", (2,), port, port.raw_min, port.raw_max))
    kernel, bias = FixedArray(np.array([[2**bits], [1]]), 0), FixedArray(np.array([0]), 0)
    y = builder.add(nodes.Dense("y", (x,), "y", kernel, bias))
    graph = builder.finish([x], [y], ["y"])
    raw = np.array([[1, 1], [1, -1], [-1, -1], [-2, 1]])
    expected = [[2**bits + 1], [2**bits - 1], [-(2**bits) - 1], [1 - 2 ** (bits + 1)]]
    assert Emulator(graph).run([raw])[0].tolist() == expected


@pytest.mark.parametrize("bits", [23, 25, 54])
@pytest.mark.parametrize("negate", [True, False])
def test_wide_terms_that_nearly_cancel_are_added_exactly(bits: int, negate: bool) -> None:
    """(x + 2**bits + 1) - (y + 2**bits) is small enough for float32, and its terms are not."""
    port = FixedType(False, 3, 3)
    builder = GraphBuilder("cancels")
    x, y = (builder.add(nodes.Input(name, (), name, (1,), port, 0, 7)) for name in "xy")
    one, sign = FixedArray(np.array([1]), 0), 1 if negate else -1
    a = builder.add(nodes.Scale("a", (x,), "a", one, FixedArray(np.array([2**bits + 1]), 0)))
    b = builder.add(
        nodes.Scale("b", (y,), "b", FixedArray(np.array([sign]), 0), FixedArray(np.array([sign << bits]), 0))
    )
    c = builder.add(nodes.Add("c", (a, b), "c", negate))
    graph = builder.finish([x, y], [c], ["c"])
    raw = [np.array([[0], [5], [7]]), np.array([[7], [2], [7]])]
    assert Emulator(graph).run(raw)[0].tolist() == [[-6], [4], [1]]


@pytest.mark.parametrize("integer", [-1200, -600, -140, -60, 4, 64, 140, 1200])
def test_a_sum_rounded_to_units_that_no_float_has(integer: int) -> None:
    """A sum is held in the unit of the quantizer that reads it; where a float32 has no such power, in its own."""
    port, type_ = FixedType(True, 4, 4), FixedType(True, 4, integer)
    builder = GraphBuilder("far")
    x = builder.add(nodes.Input("x", (), "x", (2,), port, port.raw_min, port.raw_max))
    ones, zero = FixedArray(np.array([[1], [1]]), 0), FixedArray(np.array([0]), 0)
    y = builder.add(nodes.Relu("positive", (builder.add(nodes.Dense("y", (x,), "y", ones, zero)),), "y", 0))
    z = builder.add(nodes.Quantize("z", (y,), "z", type_, type_.raw_min, type_.raw_max))
    w = builder.add(nodes.Quantize("w", ("y",), "w", type_, type_.raw_min, type_.raw_max))
    graph = builder.finish([x], [z, w], ["z", "w"])
    ends = [[0], [7], [-8]] if integer < 4 else [[0], [3], [-2]] if integer == 4 else [[0], [0], [0]]
    assert [out.tolist() for out in Emulator(graph).run([np.array([[0, 0], [1, 2], [-1, -1]])])] == [ends, ends]


@pytest.mark.parametrize("bits", [24, 28, 54, 70])
def test_a_narrow_tensor_saturates_at_the_ends_of_a_wide_type(bits: int) -> None:
    """Two integers held in float32 become the ends of a type that only float64 or Python integers hold."""
    port, wide = FixedType(True, 4, 4), FixedType(True, bits, 1)
    builder = GraphBuilder("saturates")
    x = builder.add(nodes.Input("x", (), "x", (2,), port, port.raw_min, port.raw_max))
    y = builder.add(nodes.Quantize("y", (x,), "q", wide, wide.raw_min, wide.raw_max))
    graph = builder.finish(["x"], [y], ["y"])
    assert Emulator(graph).run([np.array([[7, -8]])])[0].tolist() == [[2 ** (bits - 1) - 1, -(2 ** (bits - 1))]]
    assert graph.float32_inexact() == ("q",)  # QKeras adds (q - x) to x, and 7 - 2**-23 has no place in 24 bits


def test_blocks_and_threads_change_nothing() -> None:
    graph = _chain(3, 4)
    raw = np.random.default_rng(1).integers(-128, 128, (1001, 3))
    one = Emulator(graph, threads=1)
    many = Emulator(graph, threads=4)
    many.block = 16
    assert (one.run([raw])[0] == many.run([raw])[0]).all()
    assert (one.run([raw[500:501]])[0] == one.run([raw])[0][500:501]).all()


def test_no_events_give_no_events() -> None:
    assert emulate(_chain(3, 4), np.zeros((0, 3))).shape == (0, 3)


def test_a_port_rounds_half_to_even_and_saturates() -> None:
    graph = _chain(5, 1)
    lsb = 2.0**-4
    x = np.array([[0.5 * lsb, 1.5 * lsb, -0.5 * lsb, 1e30, -np.inf]])
    assert quantize_inputs(graph, x)[0].tolist() == [[0, 2, 0, 127, -128]]


@pytest.mark.parametrize("bits", [24, 53, 54, 56, 60, 63])
@pytest.mark.parametrize("signed", [True, False])
def test_a_port_wider_than_a_float_saturates_at_its_own_end(bits: int, signed: bool) -> None:
    """Not at the power of two behind it, which is what a float64 makes of the end."""
    type_ = FixedType(signed, bits, 10)
    builder = GraphBuilder("wide")
    builder.add(nodes.Input("x", (), "x", (1,), type_, type_.raw_min, type_.raw_max))
    graph = builder.finish(["x"], ["x"], ["x"])
    events = np.array([[1e9], [-np.inf], [0.25], [1024.0]])
    expected = [type_.raw_max, type_.raw_min, 1 << (type_.fraction - 2), type_.raw_max]
    (raw,) = quantize_inputs(graph, events)
    assert raw.ravel().tolist() == expected
    assert Emulator(graph).run([raw])[0].ravel().tolist() == expected
    assert emulate(graph, events).ravel().tolist() == [value / 2**type_.fraction for value in expected]


@pytest.mark.filterwarnings("error")
def test_what_float32_does_not_hold_saturates_without_a_word() -> None:
    port = FixedType(True, 4, 2)
    builder = GraphBuilder("wire")
    x = builder.add(nodes.Input("x", (), "x", (1,), port, port.raw_min, port.raw_max))
    graph = builder.finish([x], [x], ["x"])
    assert quantize_inputs(graph, np.array([[1e300], [-1e300], [np.inf]]))[0].tolist() == [[7], [-8], [7]]


def test_floats_arrive_as_float32_like_in_keras() -> None:
    graph = _chain(1, 1)
    almost_tie = np.array([[0.5 * 2.0**-4 + 1e-12]])  # float32 makes it the tie, which goes to even
    assert quantize_inputs(graph, almost_tie)[0].tolist() == [[0]]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (np.full((2, 3), np.nan), "NaN in event 0"),
        (np.array([[0.0, 0, 0], [0, np.nan, 0]]), "NaN in event 1"),
        (np.zeros((2, 4)), r"shape \(2, 4\); expected \(events, 3\)"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((2, 3), complex), "dtype complex128"),
        (np.array([["a", "b", "c"]]), "dtype <U1"),
        ({"y": np.zeros((2, 3))}, "unknown: \\['y'\\], missing: \\['x'\\]"),
        ([np.zeros((2, 3)), np.zeros((2, 3))], "has 1 inputs|expected"),
    ],
)
def test_bad_events_are_named(events: object, message: str) -> None:
    with pytest.raises(EventError, match=message):
        quantize_inputs(_chain(3, 4), events)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrap", [lambda array: array, lambda array: [array], lambda array: {"x": array}, list])
def test_a_mask_is_never_dropped(wrap: Callable[[Any], Any]) -> None:
    """What lies below it is no event: rows of a list may bring masks of their own."""
    events = np.ma.array(np.zeros((5, 3)), mask=np.zeros((5, 3), bool))
    graph = _chain(3, 4)
    assert quantize_inputs(graph, wrap(events))[0].shape == (5, 3)
    events[2, 1] = np.ma.masked
    for read in (quantize_inputs, emulate):
        with pytest.raises(EventError, match="1 values are masked"):
            read(graph, wrap(events))


def test_nan_is_refused_by_emulate_too() -> None:
    with pytest.raises(EventError, match="'x' holds NaN"):
        emulate(_chain(3, 4), np.array([[0.0, np.inf, np.nan]]))


def _image(side: int, channels: int) -> FixedGraph:
    """A depthwise and a dense 3 x 3 convolution of a picture, and the sum of all that comes out."""
    port, bits = FixedType(True, 4, 4), FixedType(True, 4, 4)
    rng, builder, around = np.random.default_rng(5), GraphBuilder("image"), ((1, 1), (1, 1))
    none, one = FixedArray(np.zeros(channels, np.int64), 0), (1, 1)
    depthwise, dense = (FixedArray(rng.integers(-4, 4, (3, 3, inner, channels)), 0) for inner in (1, channels))
    x = builder.add(nodes.Input("x", (), "x", (side, side, channels), port, -8, 7))
    x = builder.add(nodes.Conv("each", (x,), "each", depthwise, none, one, one, around, channels))
    x = builder.add(nodes.Quantize("q", (x,), "q", bits, -8, 7))
    x = builder.add(nodes.Conv("all", (x,), "all", dense, none, one, one, around, 1))
    x = builder.add(nodes.Pool("sum", (x,), "sum", (side, side), (side, side), ((0, 0), (0, 0)), False))
    return builder.finish(["x"], [x], [x])


def test_large_pictures_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = _image(64, 4)
    events = np.random.default_rng(1).integers(-8, 8, (16, 64, 64, 4))
    at_once = Emulator(graph, threads=1)
    assert at_once.block == 16
    monkeypatch.setattr(engine, "_THREAD_BYTES", 1 << 20)
    one_by_one = Emulator(graph, threads=1)
    assert one_by_one.block == 1
    tracemalloc.start()
    outputs = one_by_one.run([events])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20  # 16 events at once take 16 MB
    assert outputs[0].tolist() == at_once.run([events])[0].tolist()


def test_the_largest_magnitudes_are_those_of_the_trace() -> None:
    graph = _image(5, 2)
    events = np.random.default_rng(2).integers(-8, 8, (70, 5, 5, 2))
    traced = Emulator(graph).trace([events])
    lsb = {name: 2.0**-edge.fraction for name, edge in graph.edges.items()}
    assert Emulator(graph).largest([events]) == {n: np.abs(v).max() * lsb[n] for n, v in traced.items()}
    assert Emulator(graph).largest([events[:0]]) == {}
