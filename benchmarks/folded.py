"""RTL that takes an event each few clocks, with the unrolled RTL of the same network beside it.

    python -m benchmarks.folded [NETWORK ...] [--events N] [--cache FOLDER]

A row for each network and interval asked for, 1 being the unrolled: clocks between events and of latency as Verilator
measures them, cells by Yosys (UltraScale+, LUTs from packed in pairs to each by itself), seconds to write, and how many
of N events differ from the emulator's. The encoders are those of firmware_projects. Random weights of six bits have the
Deep Sets (3-32-32 for each of 16 particles, sum, 32-5), the MLP (16-64-32-32-5) and the CNN (28 by 28 pixels, 3x3 to 8,
pool, 3x3 to 16, pool, 10 outputs), which alone has its products in DSPs and is not unrolled. "mlp-digits" is the MLP
with adders that take a digit of each number a clock, "small-digits" one of 16-16-16-5.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.shared_rtl import random_events
from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.importing import import_model
from hls.project import read_project
from hls.rtl import Simulation, rtl_design, write_rtl
from hls.rtl.netlist import family_of, synthesise
from hls.target import AUTO, DIGITS, LUT, WHOLE

PART, CLOCK_NS = "xcvu13p-flga2577-2-e", 5.0
PROJECTS = Path("firmware_projects")
HEAD = "| network | asked | interval | latency | LUT | of unrolled | FF | DSP | written, s | differing |"


@dataclass(frozen=True)
class Case:
    """A network, and the intervals in clocks that are asked for it."""

    graph: Callable[[], FixedGraph]
    intervals: tuple[int, ...]
    multipliers: str = LUT
    adders: str = WHOLE


def encoder(name: str) -> FixedGraph:
    project = read_project(PROJECTS / name)
    return import_model(project.model_file(), project.file.model.statements())


def deep_sets(particles: int = 16, seed: int = 1) -> FixedGraph:
    random, builder = np.random.default_rng(seed), GraphBuilder("deep_sets")
    port = FixedType(True, 10, 3)
    h = x = builder.add(nodes.Input("x", (), "x", (particles, 3), port, port.raw_min, port.raw_max))

    def layer(name: str, x: str, width: int, type_: FixedType) -> str:
        shapes = (builder.edges[x].shape[-1], width), (width,)
        kernel, bias = (FixedArray(random.integers(-32, 32, shape), 5) for shape in shapes)
        y = builder.add(nodes.Dense(name, (x,), name, kernel, bias))
        return builder.add(nodes.Quantize(f"{name}_q", (y,), name, type_, type_.raw_min, type_.raw_max))

    h = layer("particle_1", h, 32, FixedType(False, 7, 2))
    h = layer("particle_2", h, 32, FixedType(False, 7, 3))
    total = builder.add(nodes.Pool("sum", (h,), "sum", (particles,), (1,), ((0, 0),), False))
    row = builder.add(nodes.Reshape("row", (total,), "sum", (32,)))
    one, zero, pooled = FixedArray(np.array([1]), 4), FixedArray(np.array([0]), 0), FixedType(False, 8, 3)
    mean = builder.add(nodes.Scale("mean", (row,), "sum", one, zero))
    rounded = builder.add(nodes.Quantize("pooled", (mean,), "sum", pooled, pooled.raw_min, pooled.raw_max))
    y = layer("event", rounded, 5, FixedType(True, 12, 6))
    return builder.finish([x], [y], ["y"])


class Layers:
    """Builds a network of random weights, each layer quantized."""

    def __init__(self, name: str, shape: tuple[int, ...], port: FixedType) -> None:
        self.builder, self.random = GraphBuilder(name), np.random.default_rng(1)
        self.x = self.builder.add(nodes.Input("x", (), "x", shape, port, port.raw_min, port.raw_max))

    def weights(self, *shape: int) -> FixedArray:
        return FixedArray(self.random.integers(-32, 32, shape), 5)

    def name(self) -> str:
        return f"n{len(self.builder.nodes)}"

    def quantize(self, type_: FixedType) -> None:
        name = self.name()
        self.x = self.builder.add(nodes.Quantize(name, (self.x,), name, type_, type_.raw_min, type_.raw_max))

    def dense(self, width: int, type_: FixedType) -> None:
        name, inputs = self.name(), self.builder.edges[self.x].shape[-1]
        node = nodes.Dense(name, (self.x,), name, self.weights(inputs, width), self.weights(width))
        self.x = self.builder.add(node)
        self.quantize(type_)

    def conv_and_pool(self, width: int, type_: FixedType) -> None:
        name, inputs = self.name(), self.builder.edges[self.x].shape[-1]
        kernel, same, none = self.weights(3, 3, inputs, width), ((1, 1), (1, 1)), ((0, 0), (0, 0))
        node = nodes.Conv(name, (self.x,), name, kernel, self.weights(width), (1, 1), (1, 1), same, 1)
        self.x = self.builder.add(node)
        self.quantize(type_)
        name = self.name()
        self.x = self.builder.add(nodes.Pool(name, (self.x,), name, (2, 2), (2, 2), none, True))

    def flatten(self) -> None:
        name, shape = self.name(), self.builder.edges[self.x].shape
        self.x = self.builder.add(nodes.Reshape(name, (self.x,), name, (math.prod(shape),)))

    def finish(self) -> FixedGraph:
        return self.builder.finish(["x"], [self.x], ["y"])


def mlp(hidden: tuple[tuple[int, int], ...] = ((64, 3), (32, 4), (32, 3))) -> FixedGraph:
    layers = Layers("mlp", (16,), FixedType(True, 10, 3))
    for width, integer in hidden:
        layers.dense(width, FixedType(False, 7, integer))
    layers.dense(5, FixedType(True, 12, 6))
    return layers.finish()


def cnn() -> FixedGraph:
    layers = Layers("cnn", (28, 28, 1), FixedType(False, 8, 0))
    layers.conv_and_pool(8, FixedType(False, 7, 2))
    layers.conv_and_pool(16, FixedType(False, 7, 4))
    layers.flatten()
    layers.dense(10, FixedType(True, 12, 8))
    return layers.finish()


CASES: Mapping[str, Case] = {
    "deep-sets-16": Case(deep_sets, (1, 16, 64)),
    **{f"compression-encoder-{n}": Case(partial(encoder, f"compression-encoder-{n}"), (1, 5)) for n in (8, 16, 32)},
    "mlp": Case(mlp, (1, 16, 64)),
    "mlp-digits": Case(mlp, (1, 5, 10, 20), adders=DIGITS),
    "small-digits": Case(partial(mlp, ((16, 3), (16, 3))), (1, 5, 10, 20), adders=DIGITS),
    "cnn": Case(cnn, (7056,), AUTO),
}


@dataclass(frozen=True)
class Row:
    asked: int
    interval: int
    latency: int
    lut: tuple[int, int]
    ff: int
    dsp: int
    seconds: float
    differing: int

    def text(self, network: str, unrolled: Row) -> str:
        share = self.lut[1] / unrolled.lut[1]
        cells = f"{self.lut[0]:,}–{self.lut[1]:,} | {share:.2f} | {self.ff:,} | {self.dsp:,}"
        return (
            f"| {network} | {self.asked} | {self.interval} | {self.latency} | {cells} "
            f"| {self.seconds:.1f} | {self.differing} |"
        )


def measure(case: Case, graph: FixedGraph, interval: int, events: int, place: Path, cache: Path) -> Row:
    start = time.perf_counter()
    project = write_rtl(
        graph, "net", place, CLOCK_NS, multipliers=case.multipliers, interval=interval, adders=case.adders
    )
    seconds = time.perf_counter() - start
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    raw = random_events(graph, events)
    run = simulation.run(raw)
    differing = np.zeros(events, bool)
    for found, expected in zip(run.outputs, Emulator(graph).run(raw), strict=True):
        differing |= (found != expected).reshape(events, -1).any(axis=1)
    cells = synthesise(project, family_of(PART), cache).resources
    timing = run.timing
    return Row(
        interval,
        timing.interval,
        timing.latency_cycles,
        (cells.lut_low, cells.lut_high),
        cells.ff,
        cells.dsp,
        seconds,
        int(differing.sum()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--cache", type=Path, help="folder of what Verilator and Yosys made; a new one by default")
    options = parser.parse_args()
    sys.stdout.write(f"{HEAD}\n|{' --- |' * 10}\n")
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder, "cache")
        for name in options.networks:
            case = CASES[name]
            graph = case.graph()
            unrolled: Row | None = None
            for interval in case.intervals:
                row = measure(case, graph, interval, options.events, Path(folder, "rtl"), cache.resolve())
                unrolled = unrolled or row
                sys.stdout.write(row.text(name, unrolled) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
