"""Small networks through C simulation and RTL, several side by side in one project: a compilation takes seconds."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks.compare import REFUSED, RIGHT, TRACEBACK, WRONG, Compared, Outcome, reason
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.hls4ml_project import CSimulation, write_project
from hls.rtl import Simulation, rtl_design, write_rtl
from hls.rtl.trace import WIDEST_EDGE
from hls.target import Target

_TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
_TOGETHER = 25
_MOST_PRODUCTS, _LONGEST_TABLE, _MOST_NODES = 100, 256, 25
_LONGEST_TRACEBACK = 1500

Raw = list[npt.NDArray[Any]]
Simulate = Callable[[FixedGraph, Raw, Path, Path], Raw]
"""Of a graph and port integers, in a folder of its own, with a cache for all."""


def is_small(graph: FixedGraph) -> bool:
    """Whether hundreds like it can be compiled in an hour, and RTL carries its numbers."""
    tables = (node.values.integers.size for node in graph if isinstance(node, nodes.Table))
    return (
        all(edge.type.width <= WIDEST_EDGE for edge in graph.edges.values())
        and graph.multiplications() <= _MOST_PRODUCTS
        and max(tables, default=0) <= _LONGEST_TABLE
        and len(graph.nodes) <= _MOST_NODES
    )


def simulate(against: str, networks: Sequence[Compared]) -> Iterator[Outcome]:
    """Every network under C simulation ("csim") or RTL simulation ("rtl"), against what the emulator found."""
    with tempfile.TemporaryDirectory(prefix="random-networks-cache-") as cache:
        for start in range(0, len(networks), _TOGETHER):
            yield from _judged(against, networks[start : start + _TOGETHER], Path(cache))


def _judged(against: str, group: Sequence[Compared], cache: Path) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory(prefix="random-networks-") as folder:
        try:
            graph = _side_by_side([one.graph for one in group])
            raw_inputs = [raw for one in group for raw in one.raw_inputs]
            found = _SIMULATIONS[against](graph, raw_inputs, Path(folder), cache)
        except UnsupportedError as error:
            found, failed = None, (REFUSED, reason(str(error)))
        except Exception:  # noqa: BLE001 - whatever it is, it is counted, and the others go on
            found, failed = None, (TRACEBACK, traceback.format_exc()[-_LONGEST_TRACEBACK:])
    if found is None and len(group) == 1:
        result, detail = failed
        yield Outcome(_seed(group[0]), against, result, detail=detail)
        return
    if found is None:  # one of them fails: by halves it is found
        yield from _judged(against, group[: len(group) // 2], cache)
        yield from _judged(against, group[len(group) // 2 :], cache)
        return
    for one in group:
        outputs, found = found[: len(one.raw_outputs)], found[len(one.raw_outputs) :]
        wrong = sum(int((got != want).sum()) for got, want in zip(outputs, one.raw_outputs, strict=True))
        values = sum(want.size for want in one.raw_outputs)
        yield Outcome(_seed(one), against, WRONG if wrong else RIGHT, values, f"{wrong} values differ" if wrong else "")


def _seed(one: Compared) -> int:
    return int(one.network.name.removeprefix("net"))


def _side_by_side(graphs: Sequence[FixedGraph]) -> FixedGraph:
    """One graph of all, which share nothing."""
    builder = GraphBuilder("together")
    inputs, outputs = [], []
    for number, graph in enumerate(graphs):
        for node in graph:
            own = tuple(f"n{number}_{name}" for name in node.inputs)
            builder.add(replace(node, name=f"n{number}_{node.name}", inputs=own, layer=f"n{number}_{node.layer}"))
        inputs += [f"n{number}_{name}" for name in graph.inputs]
        outputs += [f"n{number}_{name}" for name in graph.outputs]
    return builder.finish(inputs, outputs, [f"o{number}" for number in range(len(outputs))])


def _csim(graph: FixedGraph, raw_inputs: Raw, folder: Path, cache: Path) -> Raw:
    simulation = CSimulation(jobs=1)
    simulation.compile(write_project(graph, _TARGET, "together", folder))
    return list(simulation.run([np.asarray(raw, np.int64) for raw in raw_inputs]))


def _rtl(graph: FixedGraph, raw_inputs: Raw, folder: Path, cache: Path) -> Raw:
    simulation = Simulation(rtl_design(write_rtl(graph, "together", folder, 5.0)), cache, jobs=1)
    simulation.compile()
    return list(simulation.run([np.asarray(raw, np.int64) for raw in raw_inputs]).outputs)


_SIMULATIONS: dict[str, Simulate] = {"csim": _csim, "rtl": _rtl}
