"""C simulation against hls4ml's own predict, on one project, in one run; or how long it takes.

    python benchmarks/csim.py [--model FILE] [--events N] [--backend vitis] [--io-type io_parallel] [--jobs N]
    python benchmarks/csim.py --durations

Without a model (.keras or .h5) the event-variable network 8-128-64-64-64-32-1 with random 6-bit weights is built. Both
sides get the same layers and the same events and must return the same numbers; what is printed are events per second
and their ratio. --durations compiles and runs networks of several sizes, and prints the seconds of one core that each
takes beside those of `hls.hls4ml_project.duration`, and the coefficients that fit best.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project import CSimulation, convert, write_project
from hls.hls4ml_project.duration import expected_seconds, sizes
from hls.hls4ml_project.layers import lower
from hls.importing import import_keras
from hls.target import Target

WIDTHS = (8, 128, 64, 64, 64, 32, 1)


def network(seed: int = 0) -> FixedGraph:
    """The event-variable network: 8-bit activations, 6-bit weights."""
    random = np.random.default_rng(seed)
    builder = GraphBuilder("benchmark")
    wide, activation = FixedType(True, 10, 4), FixedType(False, 8, 3)
    name = builder.add(nodes.Input("x", (), "x", (WIDTHS[0],), wide, wide.raw_min, wide.raw_max))
    for index, (n_in, n_out) in enumerate(pairwise(WIDTHS)):
        kernel = FixedArray(random.integers(-32, 32, (n_in, n_out)), 5)
        bias = FixedArray(random.integers(-32, 32, n_out), 5)
        name = builder.add(nodes.Dense(f"dense{index}", (name,), f"dense{index}", kernel, bias))
        if n_out > 1:
            ends = (activation.raw_min, activation.raw_max)
            name = builder.add(nodes.Quantize(f"relu{index}", (name,), f"relu{index}", activation, *ends))
    return builder.finish(["x"], [name], ["score"])


def peer(graph: FixedGraph, target: Target, folder: Path, raw: np.ndarray) -> tuple[np.ndarray, float]:
    """hls4ml's own compile and predict of the same layers: outputs as numbers, events per second."""
    model = convert.build_model(lower(graph, target), target, "peer", folder)
    port = graph.edges[graph.inputs[0]]
    events = np.ldexp(raw.astype(np.float64), -port.fraction)
    with convert.without_keras(), convert.quiet():
        model.compile()
        model.predict(events[:10])
        start = time.perf_counter()
        outputs = model.predict(events)
        return outputs, len(events) / (time.perf_counter() - start)


def images(size: int, channels: int, layers: int) -> FixedGraph:
    """Convolutions of 3 x 3 with ReLUs, on square images."""
    random = np.random.default_rng(size)
    builder = GraphBuilder("benchmark")
    wide, activation = FixedType(True, 8, 4), FixedType(False, 6, 3)
    name = builder.add(nodes.Input("x", (), "x", (size, size, channels), wide, wide.raw_min, wide.raw_max))
    for index in range(layers):
        kernel = FixedArray(random.integers(-8, 8, (3, 3, channels, channels)), 5)
        bias = FixedArray(random.integers(-8, 8, channels), 5)
        window = nodes.Conv(f"conv{index}", (name,), f"conv{index}", kernel, bias, (1, 1), (1, 1), ((1, 1), (1, 1)), 1)
        name = builder.add(window)
        ends = (activation.raw_min, activation.raw_max)
        name = builder.add(nodes.Quantize(f"relu{index}", (name,), f"relu{index}", activation, *ends))
    return builder.finish(["x"], [name], ["image"])


def seconds(graph: FixedGraph, events: int) -> tuple[float, float]:
    """Of one core: what compiling takes, and what ``events`` events take."""
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, "io_parallel")
    port = graph.edges[graph.inputs[0]]
    raw = np.random.default_rng(1).integers(port.raw_min, port.raw_max + 1, (events, *port.shape))
    with tempfile.TemporaryDirectory() as place:
        simulation = CSimulation(1)
        start = _children()
        simulation.compile(write_project(graph, target, "benchmark", place))
        compiled = _children()
        simulation.run([raw])
        return compiled - start, _children() - compiled


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


DURATIONS: dict[str, tuple[FixedGraph, int]] = {
    "dense": (network(), 2000),
    "image 8, 4 channels, 1 layer": (images(8, 4, 1), 2000),
    "image 16, 8 channels, 2 layers": (images(16, 8, 2), 100),
    "image 32, 8 channels, 2 layers": (images(32, 8, 2), 50),
    "image 16, 8 channels, 6 layers": (images(16, 8, 6), 50),
    "image 12, 16 channels, 12 layers": (images(12, 16, 12), 20),
}


def durations() -> None:
    """Measure, compare, fit."""
    compiling, running = [], []
    for name, (graph, events) in DURATIONS.items():
        count, products, elements = sizes(graph)
        compiled, ran = seconds(graph, events)
        compiling.append((1.0, count, compiled))
        running.append((products, elements, ran / events))
        told = expected_seconds(graph, 0)
        sys.stdout.write(
            f"{name}: {count} nodes, {products} products, {elements} values: "
            f"compiled in {compiled:.1f} s (expected {told:.1f}), {ran / events:.2e} s an event\n"
        )
    for what, rows in (("compiler, node", compiling), ("product, value", running)):
        table = np.array(rows)
        weights = 1 / table[:, -1]  # so that small and large ones count alike
        found = np.linalg.lstsq(table[:, :-1] * weights[:, None], np.ones(len(rows)), rcond=None)[0]
        sys.stdout.write(f"{what}: {', '.join(f'{value:.2e}' for value in found)}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a QKeras model of one input and one output")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--io-type", default="io_parallel")
    parser.add_argument("--backend", default="vitis")
    parser.add_argument("--jobs", type=int, default=None)
    parser.add_argument("--durations", action="store_true", help="how long networks of several sizes take")
    options = parser.parse_args()
    if options.durations:
        durations()
        return
    graph = import_keras(options.model) if options.model else network()
    target = Target("xcvu13p-flga2577-2-e", options.backend, 5.0, options.io_type)
    port = graph.edges[graph.inputs[0]]
    raw = np.random.default_rng(1).integers(port.raw_min, port.raw_max + 1, (options.events, *port.shape))
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        project = write_project(graph, target, "benchmark", Path(place) / "ours")
        written = time.perf_counter()
        simulation = CSimulation(options.jobs)
        simulation.compile(project)
        compiled = time.perf_counter()
        ours = simulation.run([raw])[0]
        rate = len(raw) / (time.perf_counter() - compiled)
        theirs, peer_rate = peer(graph, target, Path(place) / "peer", raw)
    fraction = graph.edges[graph.outputs[0]].fraction
    equal = np.array_equal(np.ldexp(ours.ravel().astype(np.float64), -fraction), theirs.ravel())
    sys.stdout.write(
        f"write {written - start:.1f} s, compile {compiled - written:.1f} s\n"
        f"csim            {rate:12,.0f} events/s  ({simulation.jobs} processes, {simulation.version})\n"
        f"hls4ml predict  {peer_rate:12,.0f} events/s\n"
        f"ratio           {rate / peer_rate:12.2f}   all outputs equal: {equal}\n"
    )


if __name__ == "__main__":
    main()
