"""Small chains in logic, on every value of the port: what is constant, what is wide and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl.trace import WIDEST_EDGE, trace
from tests.hls.rtl.zoo import constant

PORT = FixedType(True, 5, 3)
EVEN, FLOOR = nodes.Rounding.NEAREST_EVEN, nodes.Rounding.FLOOR


def chain(*kinds: tuple[Any, ...], port: FixedType = PORT, size: int = 1) -> FixedGraph:
    builder = GraphBuilder("chain")
    x = builder.add(nodes.Input("x", (), "x", (size,), port, port.raw_min, port.raw_max))
    for number, (kind, *fields) in enumerate(kinds):
        x = builder.add(kind(f"n{number}", (x,), f"layer{number}", *fields))
    return builder.finish(["x"], [x], ["y"])


def assert_exact(graph: FixedGraph) -> None:
    port = graph.port("x")
    raw = np.arange(port.raw_min, port.raw_max + 1)
    events = [np.stack([np.roll(raw, 3 * place) for place in range(port.shape[0])], axis=1)]
    (found,), (right,) = trace(graph).interpret(events), Emulator(graph, threads=1).run(events)
    assert found.tolist() == right.tolist()


def fixed(value: int, fraction: int = 0) -> tuple[Any, ...]:
    """A number that never changes."""
    return nodes.Dense, constant([[0]]), constant([value], fraction)


def dense(kernel: Any, bias: Any, fraction: int = 0) -> tuple[Any, ...]:
    return nodes.Dense, FixedArray(np.array(kernel, object), 0), FixedArray(np.array(bias, object), fraction)


def quantize(type_: FixedType, low: int, high: int, rounding: nodes.Rounding = EVEN) -> tuple[Any, ...]:
    return nodes.Quantize, type_, low, high, rounding


@pytest.mark.parametrize("slope", [None, 0, 2])
@pytest.mark.parametrize("before", [fixed(-3, 1), fixed(3, 1), fixed(0), dense([[1]], [-9]), dense([[1]], [9])])
def test_relus_of_what_has_one_sign(before: tuple[Any, ...], slope: int | None) -> None:
    assert_exact(chain(before, (nodes.Relu, slope)))


@pytest.mark.parametrize("rounding", [EVEN, FLOOR])
@pytest.mark.parametrize("value", [-40, -13, -6, -2, 0, 2, 6, 10, 40])
def test_quantizers_of_constants(value: int, rounding: nodes.Rounding) -> None:
    """In quarters, to integers in [-3, 2]: ties go to even or down."""
    assert_exact(chain(fixed(value, 2), quantize(FixedType(True, 4, 4), -3, 2, rounding)))


@pytest.mark.parametrize("rounding", [EVEN, FLOOR])
@pytest.mark.parametrize(
    ("low", "high"), [(-8, 7), (0, 7), (0, 0), (-8, -8), (-1, 0), (5, 7), (-8, -5), (-100, 100), (6, 100)]
)
def test_saturation_anywhere(low: int, high: int, rounding: nodes.Rounding) -> None:
    for fraction in (-1, 0, 1, 2, 4):
        assert_exact(chain(quantize(FixedType(True, 8, 8 - fraction), low, high, rounding)))


def test_tables_of_constants_and_of_negative_grids() -> None:
    values = constant([5, -9, 0, 1 << 22, -(1 << 22) - 1, 3, 3, -1], 2)
    assert_exact(chain((nodes.Table, values, -4), port=FixedType(True, 3, 1)))
    assert_exact(chain((nodes.Table, values, 0), port=FixedType(False, 3, 5)))
    assert_exact(chain(fixed(3), (nodes.Table, constant([7, 8, 9], 1), 11)))  # 3 on the grid of the port is 12


@pytest.mark.parametrize(("low", "values"), [(0, [5, 7, 9]), (0, [5, 7, 1 << 22]), (-2, [4, -3, 6, 1, 8]), (2, [9])])
def test_a_table_behind_rounding_to_even_has_entries_for_what_is_reached_and_no_more(
    low: int, values: list[int]
) -> None:
    """Of halves, 2 is the highest that is reached, and rounds to itself; carry and integer, added, could be 3."""
    halves = FixedType(True, 4, 3)
    port = (nodes.Quantize, halves, 2 * low, 4, FLOOR)
    assert_exact(chain(port, quantize(FixedType(True, 4, 4), -8, 7), (nodes.Table, constant(values), low)))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_maxima_of_any_count(size: int) -> None:
    shaped = (nodes.Reshape, (size, 1))
    assert_exact(chain(shaped, (nodes.Pool, (size,), (1,), ((0, 0),), True), size=size))


@pytest.mark.parametrize("weight", [(1 << 20) - 1, (1 << 20) + 1, -(1 << 20), (1 << 39) + 12345])
def test_kernels_around_the_widest_part(weight: int) -> None:
    assert_exact(chain(dense([[weight, 1]], [0, 0])))


@pytest.mark.parametrize(("bias", "bits"), [((1 << 24) - 1, None), ((1 << 24) + 1, 25), (1 << 40, None)])
def test_added_constants_have_so_many_bits(bias: int, bits: int | None) -> None:
    """Between the first and the last one: a power of two has a single bit."""
    for value in (bias, -bias):
        for graph in (chain(dense([[1]], [value])), chain(fixed(value))):
            if bits is None:
                assert_exact(graph)
                continue
            with pytest.raises(UnsupportedError, match=rf"layer 'layer0': a constant of {bits} bits is needed"):
                trace(graph)


def test_an_edge_may_have_so_many_bits_and_no_more() -> None:
    assert_exact(chain(dense([[1 << (WIDEST_EDGE - 5)]], [0])))
    with pytest.raises(UnsupportedError, match=rf"layer 'layer0': {WIDEST_EDGE + 1} bits are more"):
        trace(chain(dense([[1 << (WIDEST_EDGE - 4)]], [0])))
