"""What is stated element by element, value by value against the emulator and against what ap_fixed does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project.layers import lower
from hls.hls4ml_project.pointwise import clamping_shifts, saturation
from hls.target import Target
from tests.hls.hls4ml_project.stated import compute, overflown

VITIS, QUARTUS, CATAPULT = (Target("part-1", backend, 5.0) for backend in ("vitis", "quartus", "catapult"))
PORT = FixedType(True, 5, 3)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_overflow_mode_saturates_where_the_quantizer_does(signed: bool, width: int) -> None:
    """Every saturation range of a type, met by every interval around it; None is said only where no mode does it."""
    type_ = FixedType(signed, width, width)
    inside = range(type_.raw_min, type_.raw_max + 1)
    around = range(type_.raw_min - 3, type_.raw_max + 4)
    for raw_min, raw_max in itertools.combinations_with_replacement(inside, 2):
        for bottom, top in itertools.combinations_with_replacement(around, 2):
            values = range(bottom, top + 1)
            wanted = [min(max(value, raw_min), raw_max) for value in values]
            right = {
                mode
                for mode in ("WRAP", "SAT", *(["SAT_SYM"] if signed else []))
                if [overflown(type_, mode, value) for value in values] == wanted
            }
            found = saturation(type_, raw_min, raw_max, bottom, top)
            assert found in right if found else "SAT" not in right
            if bottom >= raw_min and top <= raw_max:
                assert found == "WRAP"  # no logic where nothing overflows


def test_clamping_by_shifts_is_clamping() -> None:
    """Saturation to an unsigned type after each shift, then back, for every range in a small neighbourhood."""
    for bottom, top in itertools.combinations_with_replacement(range(-6, 7), 2):
        for raw_min, raw_max in itertools.combinations_with_replacement(range(-4, 5), 2):
            spread = min(raw_max, top) - max(raw_min, bottom)
            largest = (1 << max(spread.bit_length(), 1)) - 1
            for value in range(bottom, top + 1):
                x, shifted = value, 0
                for shift in clamping_shifts((raw_min, raw_max), (bottom, top), largest):
                    x, shifted = min(max(x + shift - shifted, 0), largest), shift
                assert x - shifted == min(max(value, raw_min), raw_max)


def behind_a_port(port: FixedType, *kinds: tuple[type[nodes.Node], Mapping[str, Any]]) -> FixedGraph:
    """A chain of nodes, each on the one before, behind a port of one number."""
    builder = GraphBuilder("chain")
    x = builder.add(nodes.Input("x", (), "x", (1,), port, port.raw_min, port.raw_max))
    for number, (kind, options) in enumerate(kinds):
        x = builder.add(kind(f"n{number}", (x,), f"layer{number}", **options))
    return builder.finish(["x"], [x], ["y"])


def assert_states_the_same(graph: FixedGraph, target: Target) -> None:
    """On every value that the port has."""
    port, layers = graph.port("x"), lower(graph, target)
    raw = np.arange(port.raw_min, port.raw_max + 1)
    right = Emulator(graph, threads=1).run([raw[:, None]])[0].ravel()
    unit = Fraction(2) ** -graph.edges[graph.outputs[0]].fraction
    got = [compute(layers, int(value) * Fraction(2) ** -port.type.fraction)[0] for value in raw]
    assert got == [int(value) * unit for value in right]


@settings(max_examples=200, deadline=None)
@given(
    st.builds(FixedType, st.booleans(), st.integers(1, 6), st.integers(-2, 6)),
    st.builds(FixedType, st.booleans(), st.integers(1, 5), st.integers(-3, 8)),
    st.sampled_from(nodes.Rounding),
    st.sampled_from([VITIS, QUARTUS, CATAPULT]),
    st.booleans(),
    st.data(),
)
def test_any_quantizer(
    port: FixedType, type_: FixedType, rounding: nodes.Rounding, target: Target, behind: bool, data: st.DataObject
) -> None:
    """Behind a port, and behind a scale that may do the cast itself."""
    low = data.draw(st.integers(type_.raw_min, type_.raw_max))
    high = data.draw(st.integers(low, type_.raw_max))
    factor, offset = (
        FixedArray(np.array([data.draw(st.integers(-9, 9))]), data.draw(st.integers(-1, 3))) for _ in "ab"
    )
    quantizer = {"type": type_, "raw_min": low, "raw_max": high, "rounding": rounding}
    scale = [(nodes.Scale, {"factor": factor, "offset": offset})] if behind else []
    assert_states_the_same(behind_a_port(port, *scale, (nodes.Quantize, quantizer)), target)


@pytest.mark.parametrize("rounding", nodes.Rounding)
def test_a_quantizer_behind_a_scale_of_one(rounding: nodes.Rounding) -> None:
    """The port is 0 or 4, in one bit; the scale, which no layer states, would have it in units of 1."""
    one, none = FixedArray(np.array([1]), 0), FixedArray(np.array([0]), 0)
    quantizer = {"type": FixedType(False, 1, 3), "raw_min": 0, "raw_max": 1, "rounding": rounding}
    scale = (nodes.Scale, {"factor": one, "offset": none})
    assert_states_the_same(behind_a_port(FixedType(False, 1, 3), scale, (nodes.Quantize, quantizer)), VITIS)


@pytest.mark.parametrize("target", [VITIS, QUARTUS, CATAPULT], ids=lambda target: target.backend)
@pytest.mark.parametrize("width", [1, 2, 5])
def test_one_value_less_of_the_same_type(width: int, target: Target) -> None:
    """Nothing is rounded and nothing leaves the type, and yet the lowest value is another."""
    type_ = FixedType(True, width, 2)
    quantizer = {"type": type_, "raw_min": -type_.raw_max, "raw_max": type_.raw_max}
    assert_states_the_same(behind_a_port(type_, (nodes.Quantize, quantizer)), target)


@pytest.mark.parametrize("target", [VITIS, QUARTUS, CATAPULT], ids=lambda target: target.backend)
@pytest.mark.parametrize("factor", [0, 1, -3, 4])
@pytest.mark.parametrize("offset", [0, 1, -5])
def test_scales(factor: int, offset: int, target: Target) -> None:
    constants = {"factor": FixedArray(np.array([factor]), 0), "offset": FixedArray(np.array([offset]), 4)}
    assert_states_the_same(behind_a_port(PORT, (nodes.Scale, constants)), target)


@pytest.mark.parametrize("target", [VITIS, QUARTUS, CATAPULT], ids=lambda target: target.backend)
@pytest.mark.parametrize("shift", [None, 0, 1, 3])
def test_relus(shift: int | None, target: Target) -> None:
    assert_states_the_same(behind_a_port(PORT, (nodes.Relu, {"slope_shift": shift})), target)


@pytest.mark.parametrize("target", [VITIS, QUARTUS], ids=lambda target: target.backend)
@pytest.mark.parametrize(
    ("port", "first", "last"),
    [
        (PORT, -16, 15),
        (FixedType(True, 4, 4), -8, 7),
        (FixedType(False, 4, 4), 0, 15),  # an index already
        (FixedType(False, 3, 1), 0, 7),
        (FixedType(False, 3, 5), 0, 7),
        (FixedType(False, 1, 1), 0, 1),
        (PORT, -20, 30),  # a table that is longer than what can come
    ],
)
def test_tables(port: FixedType, first: int, last: int, target: Target) -> None:
    values = FixedArray(np.random.default_rng(1).integers(-99, 100, last - first + 1) * 2, 5)
    assert_states_the_same(behind_a_port(port, (nodes.Table, {"values": values, "raw_min": first})), target)


def test_tables_that_are_not_built_are_refused() -> None:
    values = FixedArray(np.arange(32), 0)
    graph = behind_a_port(PORT, (nodes.Table, {"values": values, "raw_min": -16}))
    for target in (CATAPULT, Target("part-1", "quartus", 5.0, io_type="io_stream")):
        with pytest.raises(UnsupportedError, match=r"layer 'layer0' .*a lookup table is not built"):
            lower(graph, target)
    for bits, refused in ((20, False), (21, True)):
        port = FixedType(False, bits, bits)
        graph = behind_a_port(port, (nodes.Table, {"values": FixedArray(np.arange(1 << bits) % 5, 0), "raw_min": 0}))
        if refused:
            with pytest.raises(UnsupportedError, match="a table over 21 bits is not built"):
                lower(graph, VITIS)
        else:
            assert lower(graph, VITIS).layers[1].class_name == "UnaryLUT"


def test_a_scale_that_changes_nothing_is_no_layer() -> None:
    constants = {"factor": FixedArray(np.array([2]), 1), "offset": FixedArray(np.array([0]), 0)}
    layers = lower(behind_a_port(PORT, (nodes.Scale, constants), (nodes.Relu, {})), VITIS).layers
    assert [layer.class_name for layer in layers] == ["InputLayer", "Activation"]
