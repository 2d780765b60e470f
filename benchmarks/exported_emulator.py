"""The exported C++ emulator against hls4ml's C simulation and our numpy emulator, each on one core, in one run.

    python benchmarks/exported_emulator.py [PROJECT ...] [--events N]

All three get the same random events and must return the same integers. hls4ml's is compiled with -O3 -march=native, as
the exported one is. What is printed are events per second, the ratios, and the microseconds of one event alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hls.cpp import CompiledEmulator, export_emulator
from hls.emulation import Emulator
from hls.graph import FixedGraph
from hls.graph.raw import RawArray
from hls.hls4ml_project import CSimulation, write_project
from hls.importing import import_model
from hls.project import read_project
from hls.project.exporting import emulator_name

PROJECTS = ("evn-two-body", "evn-two-body-paper", "evn-pair", "evn-two-body-lean", "compression-encoder-8")
BEST_OF = 3

SINGLE = """#include "{name}.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>
int main() {{
    using namespace {namespace};
    Emulator emulator;
    std::vector<std::int64_t> x(100000), y(100000);
    const std::int64_t* from[n_inputs];
    std::int64_t* to[n_outputs];
    std::fill(from, from + n_inputs, x.data());
    std::fill(to, to + n_outputs, y.data());
    double best = 1e9;
    for (int round = 0; round < 100; ++round) {{
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < 200; ++i) emulator.run(from, to, 1);
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count() / 200);
    }}
    std::printf("%.2f", best);
}}
"""


def rate(run: Callable[[], list[RawArray]], events: int) -> tuple[list[RawArray], float]:
    """Outputs, and events per second of the best of some runs."""
    outputs = run()
    seconds = []
    for _ in range(BEST_OF):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return outputs, events / min(seconds)


def alone(graph: FixedGraph, name: str, folder: Path) -> str:
    """Microseconds of one event."""
    export_emulator(graph, name, folder, [np.zeros((1, *graph.edges[port].shape), np.int64) for port in graph.inputs])
    text = SINGLE.format(name=name, namespace=f"{name}_{graph.digest()[:12]}")
    (folder / "single.cpp").write_text(text, encoding="utf-8")
    command = ["g++", "-std=c++17", "-O3", "-march=native", "single.cpp", f"{name}.cpp", "-o", "single"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(["./single"], cwd=folder, check=True, capture_output=True, text=True).stdout


def measure(project: Path, events: int) -> str:
    """A row of the table."""
    found = read_project(project)
    graph = import_model(found.model_file(), found.file.model.statements())
    rng = np.random.default_rng(1)
    ports = [graph.port(name) for name in graph.inputs]
    raw = [rng.integers(p.raw_min, p.raw_max, (events, *p.shape), np.int64, endpoint=True) for p in ports]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        exported = CompiledEmulator(graph, folder / "cache")
        ours, fast = rate(lambda: exported.run(raw), events)
        numpy_, plain = rate(lambda: Emulator(graph, threads=1).run(raw), events)
        simulation = CSimulation(jobs=1)
        simulation.compile(write_project(graph, found.target, "peer", folder / "hls"))
        few = max(events // 100, 100)
        start = time.perf_counter()
        theirs = simulation.run([array[:few] for array in raw])
        slow = few / (time.perf_counter() - start)
        for a, b, c in zip(ours, numpy_, theirs, strict=True):
            if not (np.array_equal(a, b) and np.array_equal(a[:few], c)):
                raise SystemExit(f"{project.name}: they differ")
        single = alone(graph, emulator_name(found), folder / "export")
    ratios = f"{fast / slow:,.0f} | {fast / plain:.1f}"
    return f"| {project.name} | {graph.multiplications():,} | {fast:,.0f} | {ratios} | {single} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=Path, help="folders; by default some of firmware_projects/")
    parser.add_argument("--events", type=int, default=100_000)
    options = parser.parse_args()
    home = Path(__file__).parents[1] / "firmware_projects"
    sys.stdout.write(
        "| project | multiplications | events/s | of hls4ml's | of numpy's | one event, us |\n"
        "|---|---|---|---|---|---|\n"
    )
    for project in options.projects or [home / name for name in PROJECTS]:
        sys.stdout.write(measure(project, options.events) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
