"""C simulation against hls4ml's own predict, on one project, in one run.

    python benchmarks/csim.py [--model FILE] [--events N] [--backend vitis] [--io-type io_parallel] [--jobs N]

Without a model (.keras or .h5) the event-variable network 8-128-64-64-64-32-1 with random 6-bit weights is built. Both
sides get the same layers and the same events and must return the same numbers; what is printed are events per second
and their ratio.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project import CSimulation, convert, write_project
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a QKeras model of one input and one output")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--io-type", default="io_parallel")
    parser.add_argument("--backend", default="vitis")
    parser.add_argument("--jobs", type=int, default=None)
    options = parser.parse_args()
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
