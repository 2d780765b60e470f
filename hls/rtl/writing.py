"""The Verilog of a network: unrolled, cores shared in time, adders in digits, or engines, by what is the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hls.errors import ProjectError
from hls.graph import FixedGraph
from hls.rtl.folded import check_fits, choose, write_folded
from hls.rtl.partition import Stage
from hls.rtl.pipeline import Pipelining
from hls.rtl.rtl_project import VERILOG, RtlProject, write_in
from hls.rtl.serial import in_digits, serial_stages
from hls.rtl.streamed import with_handshakes
from hls.rtl.trace import trace
from hls.target import AUTO, BEATS, PACED, STREAM, WHOLE, Target


def write_rtl(
    graph: FixedGraph,
    name: str,
    folder: Path,
    clock_ns: float,
    hard_dc: int = 2,
    stages: Sequence[Stage] | None = None,
    multipliers: str = AUTO,
    pipelining: Pipelining | None = None,
    interval: int = 1,
    ports: str = BEATS,
    io: str = PACED,
    adders: str = WHOLE,
) -> RtlProject:
    """Write ``graph`` as Verilog that takes one event a clock, or one each ``interval`` clocks at the most.

    Args:
        graph: the network.
        name: of the firmware; its top module is ``<name>_top``.
        folder: made if missing; sources go to ``src/``, clock constraints beside it.
        clock_ns: clock period in ns, which decides where the pipeline is cut (``latency_cutoff``).
        hard_dc: how hard the adder trees are optimised, see ``trace``.
        stages: how the nodes are divided among cores; by default what all positions do alike is one module.
        multipliers: one of ``MULTIPLIERS``; with "lut" a product is written as adders, which no tool puts in DSPs.
        pipelining: where the pipeline is cut, by a family's own delays; by alkaid's rule for ``clock_ns`` without.
        interval: the most clocks from one event to the next. Within them a core takes several positions, or engines
            compute a layer in many clocks, where that saves logic; the project may be ready earlier.
        io: one of ``IO``; "stream" puts valid and ready on both sides, with queues that wait.
        ports: one of ``PORTS``, how engines take events at positions. All else takes an event in one clock.
        adders: one of ``ADDERS``; "digits" lets adders take a few bits of each number a clock, where that saves logic.

    Raises:
        ProjectError: ``name`` is no identifier, or ``interval`` is below 1.
        UnsupportedError: the graph has numbers too wide for RTL.
    """
    if interval < 1:
        raise ProjectError(f"interval = {interval}: 1 clock is the shortest there is; ask for at least that")
    choice = choose(graph, interval, ports, adders) if stages is None and pipelining is None else None
    if choice is not None and choice.engines:
        project = write_folded(graph, name, folder, clock_ns, choice.interval, multipliers, choice.engines)
    elif choice is not None and choice.digits:
        logic = in_digits(trace(graph, hard_dc, serial_stages(graph), interval=interval), interval)
        project = write_in(VERILOG, logic, name, folder, clock_ns, multipliers)
    else:
        logic = trace(graph, hard_dc, stages, pipelining, interval)
        project = write_in(VERILOG, logic, name, folder, clock_ns, multipliers, pipelining)
    return with_handshakes(project) if io == STREAM else project


def write_rtl_for(
    target: Target, graph: FixedGraph, name: str, folder: Path, pipelining: Pipelining | None = None
) -> RtlProject:
    """``write_rtl`` as ``target`` asks, unless its part cannot hold what that would be.

    Raises:
        ProjectError: ``name`` is no identifier.
        UnsupportedError: the graph has numbers too wide for RTL, or the part is too small at such an interval.
    """
    if pipelining is None:
        check_fits(graph, target)
    return write_rtl(
        graph,
        name,
        folder,
        target.clock_ns,
        multipliers=target.multipliers,
        pipelining=pipelining,
        interval=target.interval_clocks,
        ports=target.ports,
        io=target.io,
        adders=target.adders,
    )
