"""What each layer's events are like, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hls
from hls.cli.table import print_report
from hls.events.coverage import PortCoverage
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.project.report.network_schema import LayerValues
from hls.project.report.values import advice, layer_values

WIDE = FixedType(True, 8, 6)
"""Steps of 1/4 from -32 to 31.75."""


def quantized(type_: FixedType, *, raw_min: int | None = None) -> FixedGraph:
    """A port of type WIDE, rounded to another type."""
    builder = GraphBuilder("q")
    builder.add(nodes.Input("x", (), "x", (1,), WIDE, WIDE.raw_min, WIDE.raw_max))
    low = type_.raw_min if raw_min is None else raw_min
    builder.add(nodes.Quantize("q", ("x",), "q", type_, low, type_.raw_max))
    return builder.finish(["x"], ["q"], ["q"])


def seen(graph: FixedGraph, *values: float) -> LayerValues:
    """What the values, given at the port, put on layer q."""
    raw = np.array(values)[:, None] * 4
    return layer_values(graph, [raw.astype(np.int64)], ())["q"]


def test_by_hand() -> None:
    """ap_fixed<4,3>: steps of 1/2 from -4 to 3.5. 0.25 rounds to 0, 4 is the end of the range, 5 and -9 lie beyond."""
    found = seen(quantized(FixedType(True, 4, 3)), 0.0, 0.25, 0.5, -1.0, 3.5, 4.0, 5.0, -9.0)
    assert (found.events, found.zeros, found.zero_share) == (8, 2, 0.25)
    assert found.magnitudes == [1, 1, 3, 1]  # 1; -2; 7, 7, 7; and -8, which has one bit more
    assert (found.saturated, found.zeroed) == (2 / 8, 1 / 7)
    assert (found.unused_high, found.unused_low, found.negative) == (0, 0, True)


def test_what_a_relu_cuts_off_does_not_saturate() -> None:
    found = seen(quantized(FixedType(True, 4, 3), raw_min=0), -9.0, -0.25, 0.25, 1.0)
    assert (found.saturated, found.zeroed) == (0.0, 1 / 2)


def test_bits_that_nothing_needs() -> None:
    """1 and 2 on ap_fixed<8,6>: of seven bits of magnitude the lowest two and the highest three are idle."""
    found = seen(quantized(WIDE), 1.0, 2.0)
    assert (found.unused_high, found.unused_low, found.negative) == (3, 2, False)
    graph = quantized(WIDE)
    told = list(advice(graph.nodes["q"], graph.edges["q"], found))
    assert told == [
        "q: no value needs the highest 3 bits of ap_fixed<8,6>; fewer integer bits do",
        "q: the lowest 2 bits of ap_fixed<8,6> are always 0; fewer fraction bits do",
    ]


def test_a_binary_quantizer_is_meant_to_saturate() -> None:
    found = seen(quantized(FixedType(True, 2, 2), raw_min=-1), 9.0, -9.0)
    assert found.saturated is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"saturated": 0.06}, "6 % of its values lie beyond ap_fixed<4,3>"),
        ({"zeroed": 0.6}, "60 % of the values that are not 0 round to it"),
        ({"saturated": 0.05, "zeroed": 0.5, "unused_high": 1, "unused_low": 1}, None),
    ],
)
def test_advice_only_where_it_is_worth_a_sentence(changes: dict[str, float], words: str | None) -> None:
    graph = quantized(FixedType(True, 4, 3))
    told = list(advice(graph.nodes["q"], graph.edges["q"], seen(graph, 3.5, 0.5, -4.0).model_copy(update=changes)))
    assert len(told) == (words is not None)
    assert words is None or words in told[0]


def test_what_a_port_loses_is_told_with_the_events() -> None:
    graph = quantized(FixedType(True, 4, 3))
    lost = seen(graph, 3.5, 0.5, -4.0).model_copy(update={"saturated": 0.9, "zeroed": 0.9})
    assert list(advice(graph.nodes["x"], graph.edges["x"], lost)) == []


def test_ports_say_what_was_lost_before_them() -> None:
    graph = quantized(WIDE)
    port = PortCoverage("x", "ap_fixed<8,6>", 1, 1, saturated=0.5, zeroed=0.25)
    found = layer_values(graph, [np.ones((2, 1), np.int64)], (port,))
    assert (found["x"].saturated, found["x"].zeroed) == (0.5, 0.25)


def test_wide_integers() -> None:
    """Beyond what a float64 holds: 2^60 - 1 has 60 bits, which as a float64 would be 61."""
    builder = GraphBuilder("wide")
    type_ = FixedType(True, 64, 64)
    builder.add(nodes.Input("x", (), "x", (1,), type_, type_.raw_min, type_.raw_max))
    graph = builder.finish(["x"], ["x"], ["x"])
    found = layer_values(graph, [np.array([[2**60 - 1], [-4]])], ())["x"]
    assert [bit for bit, amount in enumerate(found.magnitudes) if amount] == [2, 59]
    assert found.unused_high == 3


def test_inputs_a_hundred_times_too_large_are_told(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a network whose ports end at 8: the events that it was made for pass, those times a hundred do not."""
    events = np.random.default_rng(4).normal(0, 0.05, (200, 4))
    for name, factor in (("good", 1), ("bad", 100)):
        np.save(tmp_path / f"{name}.npy", factor * events)
    good, bad = (hls.build(project, inputs=tmp_path / f"{name}.npy") for name in ("good", "bad"))
    assert not any("saturates" in warning for warning in good.verification.warnings)
    (port,) = bad.verification.ports
    assert port.saturated is not None
    assert 0.05 < port.saturated < 0.2  # 8 lies at 1.6 standard deviations
    print_report(bad)
    for shown in (capsys.readouterr().out, bad.html.read_text(encoding="utf-8")):
        assert "of the values of input x saturate" in shown
        assert "in the network&#39;s own units" in shown or "in the network's own units" in shown
