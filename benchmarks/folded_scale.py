"""Engines of networks of millions of weights: what it takes to write, simulate and synthesise them.

    python -m benchmarks.folded_scale [NETWORK ...] [--events N]

Dense layers of random weights of six bits, an event each so many clocks. Seconds are of processor time, those of g++,
Verilator and Yosys included. Writing is a process of its own, whose peak of memory has the network in it. Events a
second of processor time are those of all passes of the simulation (back to back, with gaps, with resets, with valid_in
held high); beside them those back to back by the clock on the wall. LUTs are from packed in pairs to each by itself,
before placement for UltraScale+; memories of weights are black boxes for Yosys, counted by their size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.folded import CLOCK_NS, PART, Layers, mlp
from benchmarks.paper_encoder import fresh, peak_mib, processor_seconds_of
from benchmarks.shared_rtl import random_events
from hls.emulation import Emulator
from hls.graph import FixedGraph
from hls.graph.fixed import FixedType
from hls.rtl import RtlProject, Simulation, rtl_design, write_rtl
from hls.rtl.netlist import family_of, synthesise

PASSES = 5


@dataclass(frozen=True)
class Case:
    """Widths of dense layers, and the clocks from event to event."""

    widths: tuple[int, ...]
    interval: int

    def graph(self) -> FixedGraph:
        layers = Layers("net", self.widths[:1], FixedType(True, 8, 3))
        for width in self.widths[1:]:
            layers.dense(width, FixedType(False, 7, 4))
        return layers.finish()

    def write(self, graph: FixedGraph, folder: Path) -> RtlProject:
        return write_rtl(graph, "net", folder, CLOCK_NS, interval=self.interval)


CASES: Mapping[str, Case] = {
    "1M": Case((512, 1024, 464), 1024),
    "7.5M": Case((1024, 2048, 2048, 592), 4096),
}


def written(case: Case, folder: Path) -> str:
    graph = case.graph()
    write_rtl(mlp(), "warm", folder / "warm", CLOCK_NS, interval=64)  # imports what writes
    seconds = processor_seconds_of(lambda: case.write(graph, folder))
    return f"{graph.parameters():,} weights written in {seconds:.2f} s, {peak_mib():.0f} MiB"


def simulated(case: Case, folder: Path, events: int) -> str:
    graph = case.graph()
    simulation = Simulation(rtl_design(case.write(graph, folder)), folder / "cache")
    compiled = processor_seconds_of(simulation.compile)
    raw = random_events(graph, events)
    runs = []
    seconds = processor_seconds_of(lambda: runs.append(simulation.run(raw)))
    (run,) = runs
    expected = Emulator(graph).run(raw)
    differing = sum(int((one != other).any(axis=1).sum()) for one, other in zip(run.outputs, expected, strict=True))
    return (
        f"interval {run.timing.interval}, latency {run.timing.latency_cycles}, compiled in {compiled:.0f} s, "
        f"{PASSES * events / seconds:.0f} events/s ({events / run.seconds:.0f} on the wall), {differing} differ"
    )


def synthesised(case: Case, folder: Path) -> str:
    project = case.write(case.graph(), folder)
    found = []
    seconds = processor_seconds_of(
        lambda: found.append(synthesise(project, family_of(PART), folder / "cache").resources)
    )
    (cells,) = found
    return (
        f"Yosys {seconds:.0f} s: {cells.lut_low:,}–{cells.lut_high:,} LUT, {cells.ff:,} FF, {cells.dsp:,} DSP, "
        f"{cells.bram:,} blocks of 18 kbit"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--events", type=int, default=600)
    options = parser.parse_args()
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            case, place = CASES[name], Path(folder).resolve()
            for stage, *more in ((written,), (simulated, options.events), (synthesised,)):
                sys.stdout.write(f"{name}  {fresh(stage, case, place, *more)}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
