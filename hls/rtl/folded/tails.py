"""What follows an engine's sums element by element: one lane of it, by the way that unrolled RTL goes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl.folded.grouping import Kind, Unit
from hls.rtl.rtl_project import VERILOG, write_in
from hls.rtl.trace import trace


@dataclass(frozen=True)
class TailOutput:
    """An export of the unit, and the signal of the lane that carries it."""

    tensor: str
    signal: str
    type: FixedType


@dataclass(frozen=True)
class Tail:
    """A lane: module ``top`` takes ``inputs`` (signal, tensor) and has ``outputs`` after ``clocks``."""

    top: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[TailOutput, ...]
    clocks: int


def write_tail(
    graph: FixedGraph,
    unit: Unit,
    name: str,
    source: Path,
    clock_ns: float,
    multipliers: str,
) -> Tail | None:
    """Write the modules of one lane to ``source``; None if the sums themselves are what leaves."""
    if not unit.tail:
        return None
    read = unit.operands if unit.kind is Kind.ELEMENTWISE else (unit.head.name,)
    lane = lane_graph(graph, unit, read)
    with tempfile.TemporaryDirectory(prefix="rtl-") as place:
        logic = trace(lane)
        project = write_in(VERILOG, logic, name, Path(place), clock_ns, multipliers)
        for path in project.sources:
            shutil.move(path, source / path.name)
    inputs = tuple((port.signal, tensor) for port, tensor in zip(project.inputs, read, strict=True))
    outputs = tuple(
        TailOutput(tensor, port.signal, port.type) for port, tensor in zip(project.outputs, unit.exports, strict=True)
    )
    return Tail(project.top, inputs, outputs, project.stages)


def lane_graph(graph: FixedGraph, unit: Unit, read: tuple[str, ...]) -> FixedGraph:
    """The nodes of a tail for one element, whose intervals are those of all elements together."""
    builder = GraphBuilder(graph.name)
    known: dict[str, str] = {}
    for number, tensor in enumerate(read):
        edge = graph.edges[tensor]
        port = nodes.Input(f"x{number}", (), f"x{number}", (1,), edge.type, edge.raw_min, edge.raw_max)
        known[tensor] = builder.add(port)
    for node in unit.tail:
        sources = tuple(known[name] if name in known else known[_behind(graph, name)] for name in node.inputs)
        known[node.name] = builder.add(replace(node, inputs=sources))
    chosen = [known[name] for name in unit.exports]
    return builder.finish([known[tensor] for tensor in read], chosen, [f"y{i}" for i in range(len(chosen))])


def _behind(graph: FixedGraph, name: str) -> str:
    """The tensor of which ``name`` is another shape."""
    node = graph.nodes[name]
    return name if not node.wiring else _behind(graph, node.inputs[0])
