"""RTL of a Deep Sets encoder with one module for all particles, and flat, in one run.

    python benchmarks/shared_rtl.py [--particles 8 16 32] [--flat 8] [--preset trigger] [--netlist] [--events N]

The encoder has random weights: a network of two layers for each particle of four features, a sum, log10(beta) beside
it, two dense layers, means and log-variances. Seconds are of processor time, g++, Verilator and Yosys included; every
output is compared with the emulator's. ``--flat`` names the particle counts for which flat RTL is built too.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import Simulation, rtl_design, write_rtl
from hls.rtl.netlist import NetlistSimulation, family_of, synthesise
from hls.rtl.partition import partition, whole

PART, CLOCK_NS = "xcvu13p-flga2577-2-e", 5.0
GATE_EVENTS = 2000
# Widths of both networks, latents, bits of weights and of activations.
PRESETS = {"trigger": ((16, 16), (32, 32), 16, 6, 7), "small": ((8, 8), (12,), 4, 4, 5)}


def encoder(particles: int, preset: str, seed: int = 1) -> FixedGraph:
    each, event, latents, bits, activation = PRESETS[preset]
    random = np.random.default_rng(seed)
    builder = GraphBuilder("encoder")

    def port(name: str, shape: tuple[int, ...], type_: FixedType) -> str:
        return builder.add(nodes.Input(name, (), name, shape, type_, type_.raw_min, type_.raw_max))

    def layer(name: str, x: str, width: int, type_: FixedType) -> str:
        shapes = (builder.edges[x].shape[-1], width), (width,)
        kernel, bias = (FixedArray(random.integers(-1 << bits - 1, 1 << bits - 1, shape), bits - 1) for shape in shapes)
        y = builder.add(nodes.Dense(name, (x,), name, kernel, bias))
        return builder.add(nodes.Quantize(f"{name}_q", (y,), name, type_, type_.raw_min, type_.raw_max))

    hidden, latent, pooled = FixedType(False, activation, 2), FixedType(True, 10, 5), FixedType(False, 8, 4)
    h = x = port("particles", (particles, 4), FixedType(True, 10, 3))
    beta = port("log10_beta", (1,), FixedType(True, 8, 4))
    for number, width in enumerate(each):
        h = layer(f"particle{number}", h, width, hidden)
    total = builder.add(nodes.Pool("sum", (h,), "sum", (particles,), (1,), ((0, 0),), False))
    row = builder.add(nodes.Reshape("row", (total,), "sum", (each[-1],)))
    quarter, zero = FixedArray(np.array([1]), 2), FixedArray(np.array([0]), 0)
    scaled = builder.add(nodes.Scale("scaled", (row,), "sum", quarter, zero))
    rounded = builder.add(nodes.Quantize("pooled", (scaled,), "sum", pooled, pooled.raw_min, pooled.raw_max))
    h = builder.add(nodes.Concatenate("joined", (rounded, beta), "joined", 0))
    for number, width in enumerate(event):
        h = layer(f"event{number}", h, width, hidden)
    outputs = [layer(name, h, latents, latent) for name in ("mean", "log_variance")]
    return builder.finish([x, beta], outputs, ["mean", "log_variance"])


def random_events(graph: FixedGraph, events: int) -> list[np.ndarray]:
    """Small values more often than large ones, or every quantizer would saturate."""
    random = np.random.default_rng(0)
    arrays = []
    for name in graph.inputs:
        edge = graph.edges[name]
        raw = random.integers(edge.raw_min, edge.raw_max + 1, (events, *edge.shape))
        arrays.append(np.rint(raw * random.random(raw.shape) ** 2).astype(np.int64))
    return arrays


def processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def measure(graph: FixedGraph, flat: bool, options: argparse.Namespace, place: Path) -> dict[str, Any]:
    raw = random_events(graph, options.events)
    expected = Emulator(graph).run(raw)
    marks = [processor_seconds()]

    def passed() -> float:
        marks.append(processor_seconds())
        return marks[-1] - marks[-2]

    project = write_rtl(graph, "encoder", place / "rtl", CLOCK_NS, stages=(whole if flat else partition)(graph))
    row: dict[str, Any] = {"write s": passed(), "clocks": project.stages}
    simulation = Simulation(rtl_design(project), place.parent / "cache")
    simulation.compile()
    row["compile s"] = passed()
    run = simulation.run(raw)
    row["events/s"] = len(raw[0]) / run.seconds
    assert run.timing.latency_cycles == project.stages
    equal(run.outputs, expected)
    if options.netlist:
        passed()
        netlist = synthesise(project, family_of(PART), place.parent / "cache")
        row |= {"synthesis s": passed(), "LUT": netlist.resources.lut_high, "FF": netlist.resources.ff}
        few = min(GATE_EVENTS, options.events)
        gates = NetlistSimulation(project, netlist).run([x[:few] for x in raw])
        row["gates s"] = passed()
        equal(gates.outputs, [y[:few] for y in expected])
    return row


def equal(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--particles", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--flat", type=int, nargs="*", default=[8])
    parser.add_argument("--preset", choices=PRESETS, default="trigger")
    parser.add_argument("--netlist", action="store_true")
    parser.add_argument("--events", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        # Verilator's own library is compiled once for all designs: not part of what is compared.
        warm = encoder(2, "small")
        Simulation(rtl_design(write_rtl(warm, "warm", place / "warm", CLOCK_NS)), place / "cache").compile()
        for particles in options.particles:
            for flat in (False, True)[: 1 + (particles in options.flat)]:
                label = "flat" if flat else "shared"
                row = measure(encoder(particles, options.preset), flat, options, place / f"{label}{particles}")
                figures = "  ".join(f"{name} {value:,.0f}" for name, value in row.items())
                sys.stdout.write(f"{particles:3d} particles, {label:6s}  {figures}\n")
                sys.stdout.flush()
    sys.stdout.write("all outputs equal: True\n")


if __name__ == "__main__":
    main()
