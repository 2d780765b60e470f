"""Which ports come in beats, and how far apart these are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.rtl import read_design
from hls.rtl.folded import plan, write_folded
from hls.rtl.folded.arrival import beats_of
from hls.rtl.ports import Beats
from hls.target import WHOLE
from tests.hls.rtl.folded.networks import Weights, menagerie, pixels, port


def _beats(graph: FixedGraph, interval: int, ports: str = "beats") -> dict[str, Beats]:
    return beats_of(graph, plan(graph, interval, ports), interval)


def _read_as(shape: tuple[int, ...], *axes: int, out: bool = False, joined: bool = False) -> FixedGraph:
    """A port of (3, 4) in another shape or order, and a layer on it; the port ``out`` too, or ``joined`` to another."""
    builder, weights = GraphBuilder("read"), Weights()
    x = read = port(builder, "x", (3, 4))
    inputs = [x]
    if joined:
        inputs.append(port(builder, "z", (3, 4)))
        read = builder.add(nodes.Concatenate("joined", tuple(inputs), "joined", 0))
    if axes:
        read = builder.add(nodes.Transpose("turned", (read,), "turned", axes))
    read = builder.add(nodes.Reshape("shaped", (read,), "shaped", shape))
    y = builder.add(nodes.Dense("dense", (read,), "dense", weights(shape[-1], 2), weights(2)))
    outputs = [y, *([x] if out else [])]
    return builder.finish(inputs, outputs, outputs)


def test_a_position_a_beat_spread_over_the_interval() -> None:
    """Of two ports only the image has positions: 20 of them, which in 190 clocks are 9 clocks apart."""
    assert _beats(menagerie(), 190) == {"image": Beats(20, 9)}


def test_what_is_asked_for_as_a_whole_comes_so() -> None:
    assert _beats(menagerie(), 190, WHOLE) == {}


@pytest.mark.parametrize(
    ("graph", "beats"),
    [
        (_read_as((3, 4)), {"x": Beats(3, 5)}),
        (_read_as((6, 2)), {"x": Beats(6, 2)}),
        (_read_as((12,)), {}),
        (_read_as((4, 3), 1, 0), {}),
        (_read_as((3, 4), out=True), {}),
        (_read_as((6, 4), joined=True), {}),
    ],
)
def test_beats_are_positions_as_they_are_read(graph: FixedGraph, beats: dict[str, Beats]) -> None:
    """Not those of one position alone, in another order, that leave as they came, or that are wired to another port."""
    assert _beats(graph, 16) == beats


def test_more_positions_than_clocks_come_as_a_whole() -> None:
    """A window that steps over most of a frame needs fewer clocks than the frame has positions."""
    builder, weights = GraphBuilder("sparse"), Weights()
    x = port(builder, "x", (12, 1))
    conv = nodes.Conv("conv", (x,), "conv", weights(2, 1, 1), weights(1), (4,), (1,), ((0, 0),), 1)
    graph = builder.finish([x], [builder.add(conv)], ["y"])
    assert [_beats(graph, interval) for interval in (11, 12)] == [{}, {"x": Beats(12, 1)}]


def test_the_port_of_a_project_has_a_beat_and_so_has_the_one_read_again(tmp_path: Path) -> None:
    project = write_folded(pixels(), "net", tmp_path, 5.0, 16)
    (x,) = project.inputs
    assert (x.beats, x.elements, x.bits) == (Beats(4, 4), 2, 8)
    assert "input [7:0] in_x" in (tmp_path / "src" / "net_top.v").read_text()
    found = read_design(pixels(), "net", tmp_path, 5.0)
    assert found is not None
    assert found.inputs == project.inputs
