"""The interval in which QKeras's float32 may lie: the exact value where nothing rounds, wide enough for any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT, Entries, Float32, Quotient
from hls.verification.float32_error import output_spans
from hls.verification.span import Span, extreme
from tests.hls.rtl.zoo import add_input, random_events, zoo

F32 = npt.NDArray[np.float32]


def one_layer(
    kind: type[nodes.Node], type_: FixedType, shape: tuple[int, ...], *fields: Any, note: Float32 | None = None
) -> FixedGraph:
    builder = GraphBuilder("one")
    x = add_input(builder, "x", shape, type_)
    builder.add(kind("y", (x,), "layer", *fields), note)
    return builder.finish([x], ["y"], ["y"])


def only(graph: FixedGraph, *raw: Any) -> Span:
    (span,) = output_spans(graph, [np.asarray(values, np.int64) for values in raw])
    return span


def test_where_nothing_rounds_the_interval_is_the_exact_value() -> None:
    graph = zoo()
    raw = random_events(graph, 50)
    assert graph.float32_inexact() == ()
    for span, exact, name in zip(output_spans(graph, raw), Emulator(graph).run(raw), graph.outputs, strict=True):
        step = 1 << (span.fraction - graph.edges[name].fraction)
        assert span.on_grid
        assert (span.low == exact * step).all()
        assert (span.high == exact * step).all()


def sums(x: F32, kernel: F32, bias: F32, rng: np.random.Generator) -> F32:
    """The products of float32 numbers, added in some order of their own in each event."""
    result = np.empty((len(x), kernel.shape[1]), np.float32)
    for event in range(len(x)):
        terms = np.concatenate([x[event][:, None] * kernel, bias[None]])
        total = np.zeros(kernel.shape[1], np.float32)
        for index in rng.permutation(len(terms)):
            total = (total + terms[index]).astype(np.float32)
        result[event] = total
    return result


@pytest.mark.parametrize(("bits", "rounds"), [(10, False), (16, True), (20, True)])
def test_a_sum_in_any_order_lies_inside_and_is_exact_below_two_to_the_24(bits: int, rounds: bool) -> None:
    rng = np.random.default_rng(bits)
    wide = FixedType(True, bits, 3)
    kernel = FixedArray(rng.integers(-1000, 1000, (12, 3)), 10)
    bias = FixedArray(rng.integers(-1000, 1000, 3), 8)
    graph = one_layer(nodes.Dense, wide, (12,), kernel, bias)
    assert graph.float32_inexact() == (("layer",) if bits > 10 else ())
    raw = rng.integers(wide.raw_min, wide.raw_max + 1, (200, 12))
    found = sums(
        np.ldexp(raw.astype(np.float32), -wide.fraction),
        kernel.to_float().astype(np.float32),
        bias.to_float().astype(np.float32),
        rng,
    )
    span = only(graph, raw)
    exact = Emulator(graph).run([raw])[0]
    assert span.holds(found).all()
    assert bool((np.ldexp(found.astype(np.float64), span.fraction) != exact).any()) == rounds
    assert bool((span.low != span.high).any()) == rounds
    # Rigorous, and no more than that: thirteen roundings of 2**-24, of sums of magnitudes.
    magnitude = np.abs(raw) @ np.abs(kernel.integers) + np.abs(bias.integers) * 2 ** (span.fraction - bias.fraction)
    assert (span.high - exact <= 13 * 1.001 * 2.0**-24 * magnitude).all()
    assert (exact - span.low == span.high - exact).all()
    assert ((span.low == span.high) >= (magnitude < 1 << 24)).all()


def test_a_value_outside_is_not_held() -> None:
    kernel = FixedArray(np.full((2, 1), 4095), 0)
    graph = one_layer(nodes.Dense, FixedType(True, 17, 17), (2,), kernel, FixedArray(np.zeros(1, np.int64), 0))
    span = only(graph, [[65001, 65003]])  # 532,366,380, in steps of 32: half of one at each rounding, two of them
    assert (int(span.low[0, 0]), int(span.high[0, 0])) == (532_366_380 - 63, 532_366_380 + 63)
    inside = np.array([532_366_368, 532_366_400], np.float32)
    outside = np.array([532_366_304, 532_366_464], np.float32)
    assert [bool(span.holds(np.array([[value]]))[0, 0]) for value in inside] == [True, True]
    assert [bool(span.holds(np.array([[value]]))[0, 0]) for value in outside] == [False, False]
    assert not span.holds(np.array([[np.nan]], np.float32)).any()


def test_a_quantizer_behind_makes_a_value_of_an_interval_unless_a_tie_lies_inside() -> None:
    builder = GraphBuilder("two")
    x = add_input(builder, "x", (2,), FixedType(True, 17, 17))
    kernel, zero = FixedArray(np.full((2, 1), 4095), 0), FixedArray(np.zeros(1, np.int64), 0)
    dense = builder.add(nodes.Dense("dense", (x,), "dense", kernel, zero))
    coarse = FixedType(True, 20, 31)  # steps of 2048
    builder.add(nodes.Quantize("q", (dense,), "q", coarse, coarse.raw_min, coarse.raw_max))
    graph = builder.finish([x], ["q"], ["q"])
    # The first lies 44 above a tie of those steps, and float32 may be off by 63; the other lies far from one.
    raw = np.array([[65_001, 65_003], [65_000, 15_001]])
    span, exact = only(graph, raw), Emulator(graph).run([raw])[0]
    assert (span.high == exact).all()
    assert (exact - span.low).ravel().tolist() == [1, 0]


def test_what_is_added_and_subtracted_again_may_stick() -> None:
    """QKeras gives ``x + (q - x)``: q in steps of 1/64 beside an x of 2**20, whose neighbours are 1/8 away."""
    builder = GraphBuilder("stick")
    x = add_input(builder, "x", (1,), FixedType(True, 22, 22))
    type_ = FixedType(True, 8, 2)
    builder.add(nodes.Quantize("q", (x,), "q", type_, type_.raw_min, type_.raw_max))
    graph = builder.finish([x], ["q"], ["q"])
    assert graph.float32_inexact() == ("q",)
    raw = np.array([[1], [-1], [2**18], [2**21 - 1], [2**20 + 1]])
    span = only(graph, raw)
    value = raw.astype(np.float32)
    q = np.ldexp(Emulator(graph).run([raw])[0].astype(np.float32), -6)
    qkeras = (value + (q - value)).astype(np.float32)
    assert (qkeras != q).ravel().tolist() == [False, False, False, True, True]
    assert span.holds(qkeras).all()
    assert (span.low == span.high).ravel().tolist() == [True, True, True, False, False]
    said = replace(graph, float32={"q": EXACT})  # a clip, which adds and subtracts nothing
    assert said.float32_inexact() == ()
    assert not only(said, raw).holds(qkeras)[3:].any()


def test_a_clip_rounds_nothing_and_ends_where_it_has_an_end() -> None:
    """A value that may be off by 1/16, beside a clip on halves: at 3 from above, and from below at -4 or nowhere."""
    for below, lowest in ((True, -4.0), (False, -4.0625)):
        builder = GraphBuilder("clip")
        x = add_input(builder, "x", (1,), FixedType(True, 4, 3))
        one, none = FixedArray(np.array([1]), 0), FixedArray(np.array([0]), 0)
        builder.add(nodes.Scale("s", (x,), "s", one, none), Float32(offset=np.array([2.0**-4])))
        builder.add(
            nodes.Quantize("c", ("s",), "c", FixedType(True, 4, 3), -8, 6), Float32(exact=True, cut=(below, True))
        )
        graph = builder.finish([x], ["c"], ["c"])
        span = only(graph, [[-8], [1], [7]])
        assert span.holds(np.array([[lowest], [0.5625], [3.0]], np.float32)).all()
        assert not span.holds(np.array([[lowest - 0.0625], [0.75], [3.0625]], np.float32)).any()


def test_a_port_wider_than_float32_is_fed_its_neighbour() -> None:
    builder = GraphBuilder("port")
    x = add_input(builder, "x", (2,), FixedType(True, 30, 30))
    graph = builder.finish([x], [x], [x])
    assert graph.float32_inexact() == ("x",)
    span = only(graph, [[(1 << 25) + 1, 5]])
    assert (span.low.tolist(), span.high.tolist()) == ([[1 << 25, 5]], [[(1 << 25) + 1, 5]])


def test_constants_that_may_be_off_move_their_products() -> None:
    three, half = FixedArray(np.array([3]), 0), FixedArray(np.array([1]), 1)
    note = Float32(weights=np.array([2.0**-12]), offset=np.array([2.0**-8]))
    graph = one_layer(nodes.Scale, FixedType(True, 8, 4), (1,), three, half, note=note)
    assert graph.float32_inexact() == ("layer",)
    span = only(graph, [[64], [0]])  # 4 and 0
    low, high = np.ldexp(span.low.astype(float), -span.fraction), np.ldexp(span.high.astype(float), -span.fraction)
    assert not span.on_grid
    # 4 * 3 + 1/2, off by 4 * 2**-12 and 2**-8, and by two roundings of 13
    assert high.ravel() == pytest.approx([12.5 + 2**-10 + 2**-8, 0.5 + 2**-8], abs=3 * 13 * 2.0**-24)
    assert low.ravel() == pytest.approx([12.5 - 2**-10 - 2**-8, 0.5 - 2**-8], abs=3 * 13 * 2.0**-24)


def test_a_mean_is_the_quotient_rounded_once() -> None:
    """The graph multiplies by a reciprocal and floors on a fine grid, the float32 that QKeras gives lies between."""
    builder = GraphBuilder("mean")
    x = add_input(builder, "x", (1,), FixedType(True, 12, 12))
    third = FixedArray(np.array([((1 << 31) // 3 + 1) // 2]), 30)
    scaled = builder.add(nodes.Scale("s", (x,), "mean", third, FixedArray(np.array([1 << 10]), 30)), EXACT)
    type_ = FixedType(True, 20, 12)
    floor = nodes.Quantize("y", (scaled,), "mean", type_, type_.raw_min, type_.raw_max, nodes.Rounding.FLOOR)
    builder.add(floor, Float32(quotient=Quotient(x, (3,))))
    graph = builder.finish([x], ["y"], ["y"])
    assert graph.float32_inexact() == ()
    raw = np.array([[300], [301], [-7]])
    span = only(graph, raw)
    assert span.holds(raw.astype(np.float32) / np.float32(3)).all()
    assert (span.low == span.high).all()
    assert not span.holds(np.nextafter(raw.astype(np.float32) / np.float32(3), np.float32(9e9))).any()


def test_an_entry_of_a_table_that_may_be_its_neighbour() -> None:
    values = FixedArray(np.array([0, 1, 5, 7]), 0)
    note = Float32(entries=Entries(np.array([0, 1, 4, 7]), np.array([0, 2, 5, 7])))
    graph = one_layer(nodes.Table, FixedType(False, 2, 2), (1,), values, 0, note=note)
    assert graph.float32_inexact() == ("layer",)
    span = only(graph, [[0], [1], [2], [3]])
    assert (span.low.ravel().tolist(), span.high.ravel().tolist()) == ([0, 1, 4, 7], [0, 2, 5, 7])


def test_extremes_of_ranges() -> None:
    entries = np.random.default_rng(3).integers(-50, 50, 37)
    first, last = (np.sort(np.random.default_rng(4).integers(0, 37, (2, 100)), axis=0)[row] for row in (0, 1))
    for choose, of in ((np.minimum, min), (np.maximum, max)):
        expected = [of(entries[a : b + 1].tolist()) for a, b in zip(first, last, strict=True)]
        assert extreme(entries, first, last, choose).tolist() == expected


@pytest.mark.parametrize(
    "make", [lambda: nodes.Add("y", ("x", "x"), "layer"), lambda: nodes.Multiply("y", ("x", "x"), "l")]
)
def test_sums_and_products_of_two_variables(make: Callable[[], nodes.Node]) -> None:
    builder = GraphBuilder("two")
    x = add_input(builder, "x", (1,), FixedType(True, 25, 4))
    builder.add(make())
    graph = builder.finish([x], ["y"], ["y"])
    raw = np.array([[(1 << 23) + 1], [3], [-(1 << 24)]])
    value = np.ldexp(raw.astype(np.float32), -21)
    found = value + value if isinstance(make(), nodes.Add) else value * value
    span = only(graph, raw)
    assert span.holds(found).all()
    assert span.low[1] == span.high[1]


def test_a_rectified_interval_is_cut_at_zero_and_no_higher() -> None:
    """2**-30 beside a tenth of it: float32 keeps neither sum, and what is below zero becomes zero."""
    type_ = FixedType(True, 8, 8)
    builder = GraphBuilder("cut")
    x = add_input(builder, "x", (1,), type_)
    factor, offset = FixedArray(np.array([1]), 0), FixedArray(np.array([1]), 30)
    y = builder.add(nodes.Scale("y", (x,), "y", factor, offset))
    z = builder.add(nodes.Relu("z", (y,), "z"))
    span = only(builder.finish([x], [z], ["z"]), [[3], [-3], [0]])
    step = float(2**span.fraction)
    for event, exact in enumerate((3 + 2**-30, 0.0, 2**-30)):
        assert span.low[event, 0] / step <= np.float32(exact) <= span.high[event, 0] / step
    assert span.low[0, 0] > 2.9 * step
    assert span.high[0, 0] < 3.1 * step
    assert span.low[1, 0] == span.high[1, 0] == 0
    assert 0 <= span.low[2, 0] <= 2**-30 * step


def test_a_product_has_its_ends_at_products_of_both_ends() -> None:
    """3 + 2**-30, which float32 makes 3, times 5 and times -5."""
    type_ = FixedType(True, 8, 8)
    builder = GraphBuilder("product")
    x, times = (add_input(builder, name, (1,), type_) for name in ("x", "times"))
    y = builder.add(nodes.Scale("y", (x,), "y", FixedArray(np.array([1]), 0), FixedArray(np.array([1]), 30)))
    z = builder.add(nodes.Multiply("z", (y, times), "z"))
    span = only(builder.finish([x, times], [z], ["z"]), [[3], [3]], [[5], [-5]])
    step = 2**span.fraction
    for event, factor in enumerate((5, -5)):
        ends = sorted((factor * 3 * step, factor * (3 * step + step // 2**30)))
        assert span.low[event, 0] <= ends[0] < ends[1] <= span.high[event, 0]
