"""Processor time and memory of the proof that engines compute their network, weights in memories included.

    python -m benchmarks.proof_engines [NETWORK:INTERVAL ...]

The networks are those of ``python -m benchmarks.folded``, and a dense one of 99,333 weights (256-256-128-5, the first
layer's in a file). Each is written and proved by a process of its own, with nothing remembered; its memory is the most
that it took. Seconds are those of the processor, Yosys and Bitwuzla included, and no clock's: other programs may run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.folded import CASES, CLOCK_NS, PART, Case, Layers
from hls.graph import FixedGraph
from hls.graph.fixed import FixedType
from hls.proof import Subject
from hls.proof.graph_verilog import prove_verilog
from hls.rtl import rtl_design, write_rtl
from hls.target import LUT, Target

DEFAULT = ("mlp:64", "mlp:16", "dense:256", "cnn:7056")
HEAD = "| network | parameters | interval | outputs | state | CPU, s | MB |"


def dense() -> FixedGraph:
    layers = Layers("dense", (256,), FixedType(True, 10, 3))
    for width, integer in ((256, 5), (128, 6)):
        layers.dense(width, FixedType(False, 7, integer))
    layers.dense(5, FixedType(True, 12, 9))
    return layers.finish()


@dataclass(frozen=True)
class Row:
    """What the proof of one network took."""

    network: str
    parameters: int
    interval: int
    outputs: int
    state: str
    seconds: float
    megabytes: int

    def text(self) -> str:
        cells = (self.network, f"{self.parameters:,}", self.interval, self.outputs, self.state, f"{self.seconds:.0f}")
        return f"| {' | '.join(map(str, cells))} | {self.megabytes:,} |"


def measure(asked: str) -> Row:
    name, _, clocks = asked.partition(":")
    case = CASES.get(name, Case(dense, (256,), LUT))
    graph, interval = case.graph(), int(clocks)
    with tempfile.TemporaryDirectory() as place:
        rtl = write_rtl(graph, "net", Path(place, "rtl"), CLOCK_NS, multipliers=case.multipliers, interval=interval)
        target = Target(PART, "vitis", CLOCK_NS)
        link = prove_verilog(Subject(name, graph, target, Path(place, "cache"), rtl_design(rtl), time_limit=7200.0))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in used)
    state = link.state if link.reason is None else f"{link.state}: {link.reason}"
    proved = link.outputs.proved if link.outputs is not None else 0
    return Row(name, graph.parameters(), interval, proved, state, seconds, max(u.ru_maxrss for u in used) // 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK:INTERVAL", default=DEFAULT)
    networks = parser.parse_args().networks
    sys.stdout.write(f"{HEAD}\n|{' --- |' * 7}\n")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(measure, networks):
            sys.stdout.write(row.text() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
