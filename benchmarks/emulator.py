"""How fast the emulator is, beside what it replaces: hls4ml's C simulation, QKeras itself, and this machine's GEMM.

    python benchmarks/emulator.py [PROJECT_DIR] [--json]

Everything runs in this one process, peers in turn, best of several rounds; only the ratios travel to other machines.
Memory is the growth of the peak resident set while ten times more events are emulated into the same output array.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.table import Table

from hls.emulation import Emulator
from hls.graph import FixedGraph, nodes
from hls.hls4ml_project import convert
from hls.hls4ml_project.layers import lower
from hls.importing import import_keras
from hls.target import Target

ROOT = Path(__file__).parent.parent
ROUNDS = 5


def best_rate(work: Callable[[], object], events: int, rounds: int = ROUNDS) -> float:
    """Events per second of the fastest round."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return events / min(seconds)


def gemm_flops(size: int = 2048) -> float:
    """float32 operations per second of a large square matrix product, on all cores."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    out = np.empty_like(a)
    np.matmul(a, a, out=out)
    return 2 * size**3 * best_rate(lambda: np.matmul(a, a, out=out), 1)


def flops_per_event(graph: FixedGraph) -> int:
    """Multiplications and additions of the dense layers, zeros included as BLAS does them."""
    return sum(2 * node.kernel.integers.size for node in graph if isinstance(node, nodes.Dense))


def hls4ml_predict_rate(graph: FixedGraph, events: np.ndarray) -> float:
    """hls4ml's own ``predict``: g++ with its flags, one Python call an event."""
    target = Target(part="xcvu13p-flga2577-2-e", backend="vitis", clock_ns=5.0)
    with tempfile.TemporaryDirectory() as folder:
        model = convert.build_model(lower(graph, target), target, "bench", Path(folder))
        convert.write(model, target, Path(folder))
        with convert.quiet():
            model.compile()
            model.predict(events[:10])
            return best_rate(lambda: model.predict(events), len(events), rounds=3)


def qkeras_rate(model_file: Path, events: np.ndarray, batch: int = 8192) -> float:
    """``model.predict`` of QKeras on large batches, warm."""
    import keras
    import qkeras  # noqa: F401  (registers its layers)

    model = keras.models.load_model(model_file, compile=False)
    model.predict(events[:batch], batch_size=batch, verbose=0)
    return best_rate(lambda: model.predict(events, batch_size=batch, verbose=0), len(events))


def memory_growth_mib(emulator: Emulator, events: np.ndarray) -> float:
    """Growth of the peak resident set, beyond inputs and outputs, from 1/10 of the events to all of them."""

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    emulator.evaluate(events[: len(events) // 10])
    before = peak()
    result = emulator.evaluate(events)
    return peak() - before - sum(y.nbytes for y in result) / 2**20


def measure(project: Path) -> dict[str, Any]:
    graph = import_keras(project / "model.h5")
    rng = np.random.default_rng(1)
    port = graph.edges[graph.inputs[0]]
    raw = rng.integers(port.raw_min, port.raw_max + 1, (1_000_000, *port.shape))
    events = np.ldexp(raw.astype(np.float32), -port.fraction)
    emulator = Emulator(graph)
    growth = memory_growth_mib(emulator, events)
    rates = {"emulator": best_rate(lambda: emulator.evaluate(events), len(events))}
    flops = gemm_flops()
    rates["emulator"] = max(rates["emulator"], best_rate(lambda: emulator.evaluate(events), len(events)))
    rates["hls4ml predict"] = hls4ml_predict_rate(graph, events[:3000])
    rates["QKeras predict"] = qkeras_rate(project / "model.h5", events[:400_000])
    return {
        "project": project.name,
        "cores": os.cpu_count(),
        "events_per_second": rates,
        "against_csim": rates["emulator"] / rates["hls4ml predict"],
        "against_qkeras": rates["emulator"] / rates["QKeras predict"],
        "fraction_of_gemm": rates["emulator"] * flops_per_event(graph) / flops,
        "memory_growth_mib": growth,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", type=Path, default=ROOT / "firmware_projects" / "evn-two-body-paper")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.project)
    console = Console()
    if options.json:
        console.print_json(json.dumps(result))
        return
    table = Table(title=f"Emulator, {result['project']}, {result['cores']} cores")
    for column in ("figure", "measured", "target"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    table.add_row("against hls4ml's predict (C simulation)", f"{result['against_csim']:.0f} x", ">= 200 x")
    table.add_row("against QKeras's predict", f"{result['against_qkeras']:.1f} x", ">= 2 x")
    table.add_row("fraction of the float32 GEMM rate", f"{result['fraction_of_gemm']:.0%}", ">= 40 %")
    table.add_row("memory growth, 0.1 to 1 million events", f"{result['memory_growth_mib']:.1f} MiB", "a block")
    for name, rate in result["events_per_second"].items():
        table.add_row(f"{name}, events/s (this machine)", f"{rate:,.0f}", "")
    console.print(table)


if __name__ == "__main__":
    main()
