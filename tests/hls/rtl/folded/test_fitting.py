"""A part that is too small at an interval is told before anything is written, with what works."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import write_rtl_for
from hls.rtl.folded import check_fits
from hls.target import Target
from hls.target.parts import find_part
from tests.hls.rtl.folded.networks import SAME, Weights, port, quantized, two_layers

SMALL = Target("xc7a15tcpg236-1", "vitis", 5.0)


def _layers(*widths: int) -> FixedGraph:
    """Dense layers of random constants of four bits."""
    builder, weights = GraphBuilder("layers"), Weights()
    type_ = FixedType(True, 6, 3)
    h = builder.add(nodes.Input("x", (), "x", (widths[0],), type_, type_.raw_min, type_.raw_max))
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        dense = nodes.Dense(f"d{number}", (h,), f"d{number}", weights(inputs, outputs), weights(outputs))
        h = builder.add(dense)
        h = builder.add(nodes.Quantize(f"q{number}", (h,), f"d{number}", type_, type_.raw_min, type_.raw_max))
    return builder.finish(["x"], [h], ["y"])


def _image() -> FixedGraph:
    """A window of three by three on 16 by 16 pixels, for which an engine takes 2,304 clocks at least."""
    builder, weights = GraphBuilder("image"), Weights()
    type_ = FixedType(True, 6, 3)
    x = builder.add(nodes.Input("x", (), "x", (16, 16, 4), type_, type_.raw_min, type_.raw_max))
    conv = nodes.Conv("conv", (x,), "conv", weights(3, 3, 4, 8), weights(8), (1, 1), (1, 1), SAME, 1)
    y = builder.add(nodes.Quantize("q", (builder.add(conv),), "conv", type_, type_.raw_min, type_.raw_max))
    return builder.finish([x], [y], ["y"])


def _stated(message: str) -> dict[str, Any]:
    """The keys of project.toml that a message says to state."""
    cure = re.findall(r'\b(part|interval|interval_ns) = ("[^"]+"|[\d.]+)', message.partition(";")[2])
    return tomllib.loads("\n".join(f"{key} = {value}" for key, value in cure))


@pytest.mark.parametrize(
    ("graph", "target", "told"),
    [
        (_image(), SMALL, "an event a clock: RTL without engines would take about"),
        (_image(), replace(SMALL, interval=2303), "interval = 2303: RTL without engines would take about"),
        (_layers(256, 256, 256), replace(SMALL, interval_ns=25), "interval_ns = 25: RTL without engines would take"),
        (_layers(256, 256, 256), replace(SMALL, interval=16), "interval = 16: 2 engines would take about"),
        (_layers(256, 256, 256), replace(SMALL, interval=16, multipliers="lut"), "of which xc7a15t has 10,400"),
        (
            _layers(512, 512, 1024),
            replace(SMALL, interval=4096),
            "interval = 4096: 2 engines would hold 3,145,728 bits of weights, most of them those of layer 'd1', and "
            "memory blocks of xc7a15t hold 921,600",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_what_does(
    graph: FixedGraph, target: Target, told: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(told)) as raised:
        write_rtl_for(target, graph, "net", tmp_path)
    assert not list(tmp_path.iterdir())
    stated = _stated(str(raised.value))
    assert stated
    cured = replace(target, **stated)
    check_fits(graph, cured)
    if "part" not in stated:  # it is the shortest, and engines cannot go below eight clocks
        clocks = cured.interval_clocks - 1
        with pytest.raises(UnsupportedError):
            check_fits(graph, replace(target, interval=clocks, interval_ns=None))


def test_what_engines_cannot_read_is_told_a_part_for_shared_cores() -> None:
    """A transposed tensor is one that engines do not know; its layers are cores that positions share."""
    builder, weights = GraphBuilder("turned"), Weights()
    x = port(builder, "x", (64, 32))
    dense = builder.add(nodes.Dense("d", (x,), "d", weights(32, 32), weights(32)))
    h = quantized(builder, dense, FixedType(True, 5, 3))
    turned = builder.add(nodes.Transpose("turned", (h,), "turned", (1, 0)))
    dense = builder.add(nodes.Dense("e", (turned,), "e", weights(64, 64), weights(64)))
    graph = builder.finish([x], [quantized(builder, dense, FixedType(True, 5, 3))], ["y"])
    with pytest.raises(UnsupportedError, match=r"RTL without engines would take .* of which xc7a15t") as raised:
        check_fits(graph, replace(SMALL, interval=16))
    stated = _stated(str(raised.value))
    assert stated["part"] != SMALL.part
    check_fits(graph, replace(SMALL, **{"interval": 16, **stated}))


def test_nothing_is_said_of_what_fits_or_of_parts_that_are_not_known() -> None:
    check_fits(two_layers(), SMALL)
    check_fits(_layers(256, 256, 256), replace(SMALL, interval=4096))
    check_fits(_image(), replace(SMALL, part="asic"))


def test_what_no_part_holds_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hls.rtl.folded.fitting.all_parts", lambda: (find_part("xc7a15t"),))
    with pytest.raises(UnsupportedError, match="no part that is known holds it: take fewer weights, or"):
        check_fits(_layers(512, 512, 1024), SMALL)
