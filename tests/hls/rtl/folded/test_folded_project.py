"""Folded RTL under Verilator: the bits of the emulator, at any pace, with a constant latency."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import ToolError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.raw import RawArrays
from hls.rtl import RtlProject, RtlTiming, Simulation, rtl_design
from hls.rtl.folded import folded_project, least_interval, write_folded
from hls.target import AUTO, LUT
from tests.hls.rtl.folded.networks import RandomNetworks, Weights, menagerie, pixels, port, two_layers


def _events(graph: FixedGraph, count: int) -> RawArrays:
    random = np.random.default_rng(3)
    ports = [graph.port(name) for name in graph.inputs]
    return [random.integers(node.raw_min, node.raw_max + 1, (count, *node.shape)) for node in ports]


def _simulated(graph: FixedGraph, project: RtlProject, cache: Path, events: int) -> tuple[RtlTiming, int]:
    """What was measured, and how many numbers differ from the emulator's."""
    raw = _events(graph, events)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run(raw)
    pairs = zip(run.outputs, Emulator(graph).run(raw), strict=True)
    return run.timing, sum(int((found != expected).sum()) for found, expected in pairs)


def _flipped(row: re.Match[str]) -> str:
    """The row of a memory with its lowest bit changed."""
    return f"rows[2] = {row[1]}'h{int(row[2], 16) ^ 1:x};"


def test_two_layers_give_the_bits_of_the_emulator(tmp_path: Path, cache: Path) -> None:
    project = write_folded(two_layers(), "net", tmp_path, 5.0, 8, LUT)
    timing, differing = _simulated(two_layers(), project, cache, 400)
    assert (timing.interval, timing.latency_cycles, differing) == (8, project.stages, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("interval", "multipliers"), [(180, LUT), (360, AUTO)])
def test_every_kind_of_engine(tmp_path: Path, cache: Path, interval: int, multipliers: str) -> None:
    graph = menagerie()
    assert least_interval(graph) == 180
    project = write_folded(graph, "net", tmp_path, 5.0, interval, multipliers)
    timing, differing = _simulated(graph, project, cache, 60)
    assert (timing.interval, timing.latency_cycles, differing) == (interval, project.stages, 0)


@pytest.mark.slow
def test_weights_in_a_file_and_a_memory_with_a_place_too_few(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folded_project, "INLINE_BITS", 10_000)
    builder, weights = GraphBuilder("wide"), Weights()
    x = port(builder, "x", (64,))
    first = builder.add(nodes.Dense("first", (x,), "first", weights(64, 80), weights(80)))
    second = builder.add(nodes.Dense("second", (first,), "second", weights(80, 2), weights(2)))
    graph = builder.finish([x], [second], ["y"])
    project = write_folded(graph, "net", tmp_path, 5.0, 320)
    assert [path.name for path in project.memories] == ["net_u0_weights.mem"]
    assert _simulated(graph, project, cache, 50)[1] == 0
    unit = tmp_path / "src" / "net_u1.v"
    text = unit.read_text(encoding="utf-8")
    (size,) = {line.split(".DEPTH(")[1].split(")")[0] for line in text.splitlines() if "net_ring" in line}
    unit.write_text(text.replace(f".DEPTH({size})", f".DEPTH({int(size) - 1})"), encoding="utf-8")
    # Back to back the next event's words come too soon, with gaps between events they do not.
    with pytest.raises(ToolError, match="with gaps the design gives other results"):
        _simulated(graph, project, cache, 50)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("net_u0_weights", r"rows\[2\] = (\d+)'h(\w+);", _flipped),  # a bit of a weight
        ("net_u0", r"\.KX\(3\)", ".KX(2)"),  # a loop that ends too soon
    ],
)
def test_what_is_wrong_in_an_engine_is_found(
    file: str, right: str, wrong: str | Callable[[re.Match[str]], str], tmp_path: Path, cache: Path
) -> None:
    project = write_folded(pixels(), "net", tmp_path, 5.0, 16)
    path = tmp_path / "src" / f"{file}.v"
    changed, times = re.subn(right, wrong, path.read_text(encoding="utf-8"))
    assert times == 1
    path.write_text(changed, encoding="utf-8")
    try:
        assert _simulated(pixels(), project, cache, 100)[1]
    except ToolError as error:
        assert re.search("valid flags|other results", str(error))


def test_an_interval_that_is_too_short_is_refused_with_the_least(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"'conv': an interval of 100 clocks .* needs 180 at least"):
        write_folded(menagerie(), "net", tmp_path, 5.0, 100)


def test_an_order_that_no_engine_writes_is_refused_by_name(tmp_path: Path) -> None:
    builder, weights = GraphBuilder("turned"), Weights()
    x = port(builder, "x", (4, 3))
    dense = builder.add(nodes.Dense("dense", (x,), "dense", weights(3, 5), weights(5)))
    turned = builder.add(nodes.Transpose("turned", (dense,), "turned", (1, 0)))
    last = builder.add(nodes.Dense("last", (turned,), "last", weights(4, 2), weights(2)))
    with pytest.raises(UnsupportedError, match="layer 'last': 'turned' reads 'dense' in an order"):
        write_folded(builder.finish([x], [last], ["y"]), "net", tmp_path, 5.0, 64)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "multipliers"), [(1, LUT), (2, AUTO)])
def test_random_networks_side_by_side(tmp_path: Path, cache: Path, seed: int, multipliers: str) -> None:
    graph = RandomNetworks(seed).graph(6)
    project = write_folded(graph, "net", tmp_path, 5.0, least_interval(graph) + 10 * seed, multipliers)
    timing, differing = _simulated(graph, project, cache, 100)
    assert (timing.interval, timing.latency_cycles, differing) == (project.interval, project.stages, 0)
