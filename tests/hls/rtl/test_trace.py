"""Logic of a graph, by interpretation: no Verilog, no simulator."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import Rounding
from hls.rtl.logic import Constant
from hls.rtl.trace import WIDEST_EDGE, trace
from tests.hls.random_graphs import corner_and_random_events, graphs
from tests.hls.rtl.zoo import add_input, constant, random_events, zoo


def assert_traces(graph: FixedGraph, raw: list[np.ndarray]) -> None:
    for found, expected in zip(trace(graph).interpret(raw), Emulator(graph, threads=1).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_random_graphs_equal_the_emulator(graph: FixedGraph) -> None:
    try:
        assert_traces(graph, [corner_and_random_events(graph, seed=1, random=20)])
    except UnsupportedError as error:
        widest = max(edge.type.width for edge in graph.edges.values())
        assert widest > 24, f"nothing here is wide, and yet: {error}"


def test_every_node_kind_equals_the_emulator() -> None:
    graph = zoo()
    kinds = {kind for kind in nodes.Node.__subclasses__() if kind.__module__ == nodes.__name__}
    assert {type(node) for node in graph} == kinds
    assert_traces(graph, random_events(graph, 500))


def one_input(type_: FixedType) -> tuple[GraphBuilder, str]:
    builder = GraphBuilder("one")
    return builder, add_input(builder, "x", (1,), type_)


def all_values(type_: FixedType) -> list[np.ndarray]:
    return [np.arange(type_.raw_min, type_.raw_max + 1)[:, None]]


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(),
    st.integers(1, 7),
    st.integers(-2, 7),
    st.booleans(),
    st.integers(1, 6),
    st.integers(-4, 10),
    st.sampled_from(Rounding),
    st.data(),
)
def test_every_value_through_any_quantizer(
    signed: bool, width: int, integer: int, to_signed: bool, to_width: int, to_integer: int, rounding: Rounding,
    data: st.DataObject,
) -> None:  # fmt: skip
    """Against rational arithmetic, value by value; also where all values round to one."""
    source, target = FixedType(signed, width, integer), FixedType(to_signed, to_width, to_integer)
    low = data.draw(st.integers(target.raw_min, target.raw_max))
    high = data.draw(st.integers(low, target.raw_max))
    builder, x = one_input(source)
    y = builder.add(nodes.Quantize("y", (x,), "y", target, low, high, rounding))
    raw = all_values(source)
    unit = Fraction(2) ** (target.fraction - source.fraction)
    exact = [int(value) * unit for value in raw[0].ravel()]
    rounded = [round(v) if rounding is Rounding.NEAREST_EVEN else v.__floor__() for v in exact]
    found = trace(builder.finish([x], [y], ["y"])).interpret(raw)[0].ravel()
    assert found.tolist() == [min(max(v, low), high) for v in rounded]


def test_ties_round_to_even_and_saturate_by_hand() -> None:
    """Quarters from -2 to 1.75, to integers in [-1, 1]."""
    builder, x = one_input(FixedType(True, 4, 2))
    y = builder.add(nodes.Quantize("y", (x,), "y", FixedType(True, 2, 2), -1, 1))
    found = trace(builder.finish([x], [y], ["y"])).interpret(all_values(FixedType(True, 4, 2)))[0].ravel()
    assert found.tolist() == [-1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_alkaid_rounds_and_saturates_as_qkeras_does() -> None:
    """The mode that quantizers rest on: AP_RND_CONV in alkaid, on every value of 7 bits."""
    from alkaid.trace import FVariable
    from alkaid.trace import trace as alkaid_trace

    x = FVariable(-64.0, 63.0, 1.0, hwconf=(1, 1, -1))
    values = np.arange(-64.0, 64.0)[:, None]
    signed = alkaid_trace(x, (x * 2.0**-3).quantize(1, 2, 0, "SAT", "RND_CONV")).predict(values).ravel()
    np.testing.assert_array_equal(signed, np.clip(np.rint(values.ravel() / 8), -4, 3))
    unsigned = alkaid_trace(x, (x * 2.0**-3).quantize(0, 2, 1, "SAT", "RND_CONV")).predict(values).ravel()
    np.testing.assert_array_equal(unsigned, np.clip(np.rint(values.ravel() / 4), 0, 7) / 2)


def test_a_kernel_wider_than_float32_is_exact() -> None:
    builder, x = one_input(FixedType(True, 6, 6))
    kernel = constant([[(1 << 30) + 1, -(1 << 33) + 5, 12345678901]])
    y = builder.add(nodes.Dense("y", (x,), "y", kernel, constant([7, 0, -3])))
    assert_traces(builder.finish([x], [y], ["y"]), all_values(FixedType(True, 6, 6)))


def test_a_table_wider_than_float32_is_exact() -> None:
    builder, x = one_input(FixedType(False, 3, 3))
    values = constant([1, (1 << 30) + 1, -(1 << 31) - 1, 0, 5, 5, 1 << 24, (1 << 24) + 1])
    y = builder.add(nodes.Table("y", (x,), "y", values, 0))
    assert_traces(builder.finish([x], [y], ["y"]), all_values(FixedType(False, 3, 3)))


def test_what_is_too_wide_is_refused_by_layer() -> None:
    builder, x = one_input(FixedType(True, 30, 30))
    y = builder.add(nodes.Multiply("y", (x, x), "square"))
    with pytest.raises(UnsupportedError, match=rf"layer 'square': 60 bits .*\({WIDEST_EDGE}\).*quantizer"):
        trace(builder.finish([x], [y], ["y"]))
    builder, x = one_input(FixedType(True, 6, 6))
    y = builder.add(nodes.Dense("y", (x,), "offset", constant([[3]]), constant([(1 << 27) + 1])))
    with pytest.raises(UnsupportedError, match=r"layer 'offset': a constant of 28 bits .*; quantize the bias"):
        trace(builder.finish([x], [y], ["y"]))


def test_what_was_too_wide_fits_once_it_is_quantized() -> None:
    """The cures that the refusals name: fewer bits before a product, or in a bias."""
    builder, x = one_input(FixedType(True, 30, 30))
    type_ = FixedType(True, 12, 12)
    fewer = builder.add(nodes.Quantize("q", (x,), "q", type_, type_.raw_min, type_.raw_max))
    y = builder.add(nodes.Multiply("y", (fewer, fewer), "square"))
    assert_traces(builder.finish([x], [y], ["y"]), [np.arange(-5000, 5000, 7).reshape(-1, 1)])
    builder, x = one_input(FixedType(True, 6, 6))
    y = builder.add(nodes.Dense("y", (x,), "offset", constant([[3]]), constant([(1 << 22) + 1])))
    assert_traces(builder.finish([x], [y], ["y"]), all_values(FixedType(True, 6, 6)))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_saturation_end_that_merges_with_a_wide_offset_is_refused(sign: int) -> None:
    """2**21 + 1 added before and 2048 - 2**-8 subtracted to compare make one constant of 29 bits."""
    builder, x = one_input(FixedType(True, 6, 6))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[1 << 16]]), constant([sign * ((1 << 21) + 1)])))
    type_, end = FixedType(True, 20, 12), (1 << 19) - 1
    low, high = (type_.raw_min, end) if sign > 0 else (-end, type_.raw_max)
    z = builder.add(nodes.Quantize("z", (y,), "clipped", type_, low, high))
    with pytest.raises(UnsupportedError, match="layer 'clipped': a constant of 29 bits"):
        trace(builder.finish([x], [z], ["z"]))
    builder, x = one_input(FixedType(True, 6, 6))  # cured: of an offset of 14 bits 22 are needed
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[1 << 16]]), constant([sign * ((1 << 13) + 1)])))
    z = builder.add(nodes.Quantize("z", (y,), "clipped", type_, low, high))
    assert_traces(builder.finish([x], [z], ["z"]), all_values(FixedType(True, 6, 6)))


@pytest.mark.parametrize("constant_first", [True, False])
def test_a_product_with_a_constant_takes_adders_and_no_multiplier(constant_first: bool) -> None:
    builder, x = one_input(FixedType(True, 6, 4))
    zero = FixedArray(np.array([[0]]), 0)
    fixed = builder.add(nodes.Dense("fixed", (x,), "fixed", zero, FixedArray(np.array([-7]), 3)))
    y = builder.add(nodes.Multiply("y", (fixed, x) if constant_first else (x, fixed), "y"))
    graph = builder.finish([x], [y], ["y"])
    assert trace(graph).multiplications == 0
    assert_traces(graph, all_values(FixedType(True, 6, 4)))


def test_constants_are_no_logic_and_multiplications_are_counted() -> None:
    builder = GraphBuilder("mixed")
    x = add_input(builder, "x", (2,), FixedType(True, 5, 5))
    y = builder.add(nodes.Multiply("y", (x, x), "y"))
    zero = builder.add(nodes.Dense("zero", (x,), "zero", constant([[0], [0]]), constant([9])))
    logic = trace(builder.finish([x], [y, zero], ["y", "zero"]))
    assert logic.multiplications == 2
    assert logic.outputs[1] == (Constant(Fraction(9)),)
    only = builder.finish([x], [zero], ["zero"])
    assert trace(only).cores == ()
    assert trace(only).interpret([np.zeros((3, 2), np.int64)])[0].tolist() == [[9], [9], [9]]


def test_what_always_lies_half_way_is_rounded_to_even() -> None:
    """3 x / 4 - 1 / 2 of x in {0, 4, 8, 12} is -0.5, 2.5, 5.5, 8.5; alkaid rounds half of these up."""
    b = GraphBuilder("ties")
    port = FixedType(False, 2, 4)
    x = b.add(nodes.Input("x", (), "x", (1,), port, 0, 3))
    d = b.add(nodes.Dense("d", (x,), "d", FixedArray(np.array([[6]]), 3), FixedArray(np.array([-4]), 3)))
    q = b.add(nodes.Quantize("q", (d,), "q", FixedType(True, 5, 5), -16, 15, nodes.Rounding.NEAREST_EVEN))
    graph = b.finish([x], [q], ["q"])
    (found,) = trace(graph).interpret([np.array([[0], [1], [2], [3]])])
    assert found.ravel().tolist() == [0, 2, 6, 8]
