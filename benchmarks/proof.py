"""Time and memory of the proof that firmware projects compute their networks, and a simulation's of a million events.

    python -m benchmarks.proof firmware_projects/evn-*
    python -m benchmarks.proof --netlist firmware_projects/evn-pair

A row for each project: what proves its Verilog and its hls4ml C++, or with ``--netlist`` its netlist, which Yosys makes
before; and beside it, in the same run, Verilator's time to compile the same Verilog and to compute ``--events`` events
of random numbers. Each of them is a process of its own, with nothing remembered. Seconds are those of the processor,
Yosys, Bitwuzla and g++ included, and no clock's: other programs may run. Memory is that of the largest process. The
Verilog is what a build writes; with ``--unrolled`` it takes an event each clock whatever the project's interval is.
LUTs are counted by Yosys with ``--netlist``, and estimated (``qtrigger estimate``) without.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

from benchmarks.shared_rtl import random_events
from hls.figures.estimates import estimate_rtl
from hls.graph import FixedGraph
from hls.hls4ml_project import write_project
from hls.importing import import_model
from hls.project import read_project
from hls.proof import Link, Subject
from hls.proof.graph_verilog import prove_verilog
from hls.proof.hls4ml_types import prove_hls4ml
from hls.proof.verilog_netlist import prove_netlist
from hls.rtl import RtlProject, Simulation, rtl_design, write_rtl_for
from hls.rtl.netlist import family_of, synthesise
from hls.target import Target, project_identifier

_VERILOG, _HLS4ML, _NETLIST = "graph = verilog", "graph = hls4ml", "verilog = netlist"
_LINKS: Mapping[str, Callable[[Subject], Link]] = {
    _VERILOG: prove_verilog,
    _HLS4ML: prove_hls4ml,
    _NETLIST: prove_netlist,
}
_AT_ONCE = 100_000
"""Events of one simulation: their numbers are held as 64 bits each."""


@dataclass(frozen=True)
class Asked:
    """What is measured of a project."""

    project: Path
    unrolled: bool
    time_limit: float
    events: int

    def read(self) -> tuple[FixedGraph, Target, str]:
        """Its network, its target and its name."""
        found = read_project(self.project)
        graph = import_model(found.model_file(), found.file.model.statements())
        target = replace(found.target, interval=None, interval_ns=None) if self.unrolled else found.target
        return graph, target, project_identifier(found.name)

    def written(self, graph: FixedGraph, target: Target, name: str, place: Path) -> RtlProject:
        """Its Verilog, in ``place``."""
        return write_rtl_for(target, graph, name, place / "rtl")


@dataclass(frozen=True)
class Cost:
    """What a step took: seconds of the processor, MB of the largest process, and what came of it."""

    seconds: float
    megabytes: int
    state: str = ""

    def cells(self) -> tuple[str, str]:
        """As it stands in a table."""
        open_ = "" if self.state in ("", "proved") else f" ({self.state})"
        return f"{self.seconds:.1f}{open_}", f"{self.megabytes:,}"


def _used() -> float:
    return sum(
        u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _cost(before: float, state: str = "") -> Cost:
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Cost(_used() - before, most // 1024, state)


def proved(name: str, asked: Asked, netlist: Path | None) -> tuple[Cost, str]:
    """What a link took, and how it is proved."""
    graph, target, top = asked.read()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        verilog = rtl_design(asked.written(graph, target, top, place))
        hls4ml = place / "hls" if name == _HLS4ML else None
        if hls4ml is not None:
            write_project(graph, target, asked.project.name, hls4ml)
        subject = Subject(
            project=asked.project.name,
            graph=graph,
            target=target,
            cache=place / "cache",
            verilog=verilog,
            hls4ml=hls4ml,
            netlist=netlist,
            time_limit=asked.time_limit,
        )
        before = _used()
        link = _LINKS[name](subject)
        state = link.state if link.reason is None else f"{link.state}: {link.reason}"
        return _cost(before, state), link.method


def synthesised(asked: Asked, cache: Path) -> tuple[Path, int]:
    """The folder of its netlist, and how many LUTs that has."""
    graph, target, name = asked.read()
    with tempfile.TemporaryDirectory() as place:
        made = synthesise(asked.written(graph, target, name, Path(place)), family_of(target.part), cache)
    return made.folder, made.resources.lut_high


def simulated(asked: Asked) -> tuple[Cost, Cost]:
    """What Verilator's compilation took, and the simulation of all events."""
    graph, target, name = asked.read()
    with tempfile.TemporaryDirectory() as folder:
        simulation = Simulation(rtl_design(asked.written(graph, target, name, Path(folder))), Path(folder) / "cache")
        before = _used()
        simulation.compile()
        compiled = _cost(before)
        seconds = 0.0
        for done in range(0, asked.events, _AT_ONCE):
            events = random_events(graph, min(_AT_ONCE, asked.events - done))
            before = _used()
            simulation.run(events)
            seconds += _used() - before
        return compiled, Cost(seconds, _cost(before).megabytes)


def measured(netlist: bool) -> Sequence[str]:
    """The links of a row."""
    return (_NETLIST,) if netlist else (_VERILOG, _HLS4ML)


def row(asked: Asked, netlist: bool, pool: Pool) -> str:
    """The row of one project."""
    graph, target, _ = asked.read()
    with tempfile.TemporaryDirectory() as cache:
        if netlist:
            folder, lut = pool.apply(synthesised, (asked, Path(cache)))
            size = f"{lut:,}"
        else:
            value = estimate_rtl(graph, target.clock_ns, multipliers=target.multipliers).figures["lut"].value
            folder, size = None, f"about {value:,.0f}"
        found = [pool.apply(partial(proved, name, asked, folder)) for name in measured(netlist)]
    cells = [asked.project.name, f"{graph.parameters():,}", size]
    cells += [cell for cost, _ in found for cell in cost.cells()]
    if asked.events:
        compiled, run = pool.apply(simulated, (asked,))
        cells += [f"{compiled.seconds:.1f}", f"{run.seconds:.1f}"]
    return f"| {' | '.join(cells)} |"


def head(netlist: bool, events: int) -> str:
    """The table's first two lines."""
    links = measured(netlist)
    cells = ["project", "parameters", "LUT", *(cell for name in links for cell in (f"{name}, CPU s", "MB"))]
    if events:
        cells += ["Verilator compiles, CPU s", f"{events:,} events, CPU s"]
    return f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--netlist", action="store_true", help="measure the link from Verilog to netlist")
    parser.add_argument("--unrolled", action="store_true", help="an event each clock, whatever the project says")
    parser.add_argument("--time-limit", type=float, default=3600.0)
    parser.add_argument("--events", type=int, default=1_000_000, help="that Verilator computes; 0 for none")
    asked = parser.parse_args()
    sys.stdout.write(f"{head(asked.netlist, asked.events)}\n")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for project in asked.projects:
            one = Asked(project, asked.unrolled, asked.time_limit, asked.events)
            sys.stdout.write(f"{row(one, asked.netlist, pool)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
