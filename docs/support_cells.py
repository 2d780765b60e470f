"""The columns of docs/reference/support.md: what each witness computes of the rows' networks."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from support_rows import SEED, model

from hls.emulation import Emulator
from hls.errors import ToolError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder
from hls.graph.raw import RawArray
from hls.hls4ml_project import CSimulation, available, write_project
from hls.target import BACKENDS, IO_TYPES, Target

EVENTS = 200
CLOCK_NS = 5.0
PART = "xcvu13p-flga2577-2-e"
TICK = "✓"
_SYNTHESISED_TOGETHER = 12
"""Rows in one netlist: reading the cells takes seconds, and the time to map them grows faster than the design."""


def columns() -> list[str]:
    """QKeras, every backend with either interface, RTL and netlist."""
    hls4ml = [f"{backend} {io_type.removeprefix('io_')}" for backend in BACKENDS.names() for io_type in IO_TYPES]
    return ["QKeras", *hls4ml, "RTL", "netlist"]


def events(graph: FixedGraph) -> list[RawArray]:
    """Port integers: all lowest, all highest, then random ones."""
    rng = np.random.default_rng(SEED)
    arrays = []
    for name in graph.inputs:
        port = graph.port(name)
        raw = rng.integers(port.raw_min, port.raw_max + 1, (EVENTS, *port.shape))
        raw[0], raw[1] = port.raw_min, port.raw_max
        arrays.append(raw)
    return arrays


def joined(graphs: Mapping[str, FixedGraph]) -> FixedGraph:
    """All of them side by side, as one graph."""
    builder = GraphBuilder("cells")
    inputs: list[str] = []
    outputs: list[str] = []
    for row, graph in graphs.items():
        for node in graph:
            builder.add(replace(node, name=f"{row}/{node.name}", inputs=tuple(f"{row}/{x}" for x in node.inputs)))
        inputs += [f"{row}/{name}" for name in graph.inputs]
        outputs += [f"{row}/{name}" for name in graph.outputs]
    return builder.finish(inputs, outputs, [f"{number}" for number in range(len(outputs))])


Run = Callable[[FixedGraph, list[RawArray]], list[RawArray]]
"""What a witness computes of a graph; raises UnsupportedError or ToolError where it cannot."""


def compared(graphs: Mapping[str, FixedGraph], run: Run) -> dict[str, str]:
    """A tick, or what is wrong, for each of ``graphs``; the design that cannot be built is halved until it is found."""
    if not graphs:
        return {}
    whole = joined(graphs)
    raw = [array for graph in graphs.values() for array in events(graph)]
    try:
        found = iter(run(whole, raw))
    except (UnsupportedError, ToolError) as error:
        if len(graphs) == 1:
            return dict.fromkeys(graphs, reason(str(error)))
        names = list(graphs)
        halves = names[: len(names) // 2], names[len(names) // 2 :]
        return {k: v for half in halves for k, v in compared({name: graphs[name] for name in half}, run).items()}
    cells = {}
    for row, graph in graphs.items():
        wanted = Emulator(graph).run(events(graph))
        equal = [np.array_equal(next(found), want) for want in wanted]
        cells[row] = TICK if all(equal) else "differs"
    return cells


def reason(text: str) -> str:
    """A refusal without the names of one network and one backend."""
    text = re.sub(r" on hls4ml's \w+ backend with io_\w+", "", text)
    return re.sub(r"^(layer '[^']*'( \(\w+ '[^']*'\))?|\S+): ", "", text.splitlines()[0])


def csimulation(target: Target) -> Run:
    """hls4ml's C simulation; where no compiler is at hand, the writing of the project alone."""

    def run(graph: FixedGraph, raw: list[RawArray]) -> list[RawArray]:
        with tempfile.TemporaryDirectory(prefix="support-") as folder:
            project = write_project(graph, target, "cells", folder)
            missing = available(target)
            if missing is not None:
                raise UnsupportedError(f"written, {missing}")
            simulation = CSimulation()
            simulation.compile(project)
            return simulation.run(raw)

    return run


def rtl(graph: FixedGraph, raw: list[RawArray]) -> list[RawArray]:
    """Our Verilog under Verilator."""
    from hls.rtl import write_rtl
    from hls.rtl.simulation import Simulation, rtl_design

    with tempfile.TemporaryDirectory(prefix="support-") as folder:
        project = write_rtl(graph, "cells", Path(folder), CLOCK_NS)
        simulation = Simulation(rtl_design(project), Path(folder) / "cache")
        simulation.compile()
        return simulation.run(raw).outputs


def netlist(graph: FixedGraph, raw: list[RawArray]) -> list[RawArray]:
    """Yosys's netlist of it."""
    from hls.rtl import write_rtl
    from hls.rtl.netlist import NetlistSimulation, family_of, synthesise

    with tempfile.TemporaryDirectory(prefix="support-") as folder:
        project = write_rtl(graph, "cells", Path(folder), CLOCK_NS)
        made = synthesise(project, family_of(PART), Path(folder) / "cache", None)
        return list(NetlistSimulation(project, made).run(raw).outputs)


def refused_before(graphs: Mapping[str, FixedGraph], target: Target) -> dict[str, str]:
    """What a backend refuses as the project is lowered, or cannot write; each alone, so that each has its own words."""
    from hls.hls4ml_project.layers import lower

    cells = {}
    for row, graph in graphs.items():
        try:
            if available(target) is None:
                lower(graph, target)
            else:
                csimulation(target)(graph, [])
        except (UnsupportedError, ToolError) as error:
            cells[row] = reason(str(error))
    return cells


def qkeras_cells(rows: Iterable[str], graphs: Mapping[str, FixedGraph]) -> dict[str, str]:
    """The network itself, run by Keras, against the emulator."""
    from hls.witnesses.framework import port_values, to_raw

    cells = {}
    for row in rows:
        graph, raw = graphs[row], events(graphs[row])
        said = model(row)(port_values(graph, raw) if len(raw) > 1 else port_values(graph, raw)[0], training=False)
        edge = graph.edges[graph.outputs[0]]
        wrong = (to_raw(np.asarray(said), edge.fraction, edge.shape) != Emulator(graph).run(raw)[0]).reshape(EVENTS, -1)
        rounded = "QKeras rounds in float32 here" if graph.float32_inexact() else "differs"
        cells[row] = rounded if wrong.any() else TICK
    return cells


def cells(column: str, graphs: Mapping[str, FixedGraph]) -> dict[str, str]:
    """The cells of one column, by row."""
    if column == "QKeras":
        return qkeras_cells(graphs, graphs)
    if column == "RTL":
        return compared(graphs, rtl)
    if column == "netlist":
        rows, found = list(graphs), dict[str, str]()
        for start in range(0, len(rows), _SYNTHESISED_TOGETHER):
            found |= compared({row: graphs[row] for row in rows[start : start + _SYNTHESISED_TOGETHER]}, netlist)
        return found
    backend, io_type = column.split()
    target = Target(PART, backend, CLOCK_NS, f"io_{io_type}")
    found = refused_before(graphs, target)
    return found | compared({row: graph for row, graph in graphs.items() if row not in found}, csimulation(target))
