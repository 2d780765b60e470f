"""The published compression encoder, 1024 wide with 7.9 million weights: import, emulation, RTL and io_stream project.

    python benchmarks/paper_encoder.py [--width N] [--json]

Structure and sizes are those of the preset ``paper``; weights are random, of 6 bits, and activations too. Each stage is
a process of its own, so that its peak of resident memory is its own; the emulator and its peer, float32 matrix products
of the same shapes, take turns in one. Our RTL is of engines that take an event each 51,200 clocks; its seconds are of
processor time, and its cells are counted by Yosys before placement, with the memories of weights by their size.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.table import Table

from hls.emulation import Emulator
from hls.graph import FixedGraph, nodes
from hls.hls4ml_project import CSimulation, convert, write_project
from hls.importing import import_keras
from hls.rtl import Simulation, rtl_design, write_rtl
from hls.rtl.netlist import family_of, synthesise
from hls.target import Target

PARTICLES = 50
DIVISOR = 32
EVENTS = 128
CSIM_EVENTS = 2
ROUNDS = 3
RTL_EVENTS = 4
RTL_INTERVAL = 51_200  # clocks: 1,024 for each particle
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, "io_stream", strategy="resource", reuse_factor=1024)


def save_encoder(path: Path, width: int, latents: int) -> None:
    """The QKeras encoder in a file: 4 layers shared by the particles, sum, log10 beta, 4 layers, two outputs."""
    import keras
    from qkeras import QActivation, QDense, quantized_bits, quantized_relu

    from qmodels.layers import GlobalSumPooling1D

    rng = np.random.default_rng(1)

    def dense(x: Any, units: int, name: str, quantizer: Any) -> Any:
        # Sums of `width` products stay of order one: the weights reach 2 / sqrt(width).
        scale = 1.0 if x.shape[-1] == 4 else 2.0 / 2 ** (width.bit_length() // 2)
        kernel, bias = quantized_bits(6, 0, alpha=scale), quantized_bits(6, 0, alpha=1)
        layer = QDense(units, kernel_quantizer=kernel, bias_quantizer=bias, name=f"{name}_dense")
        y = QActivation(quantizer, name=name)(layer(x))
        layer.set_weights([rng.uniform(-1, 1, layer.kernel.shape), rng.uniform(-0.1, 0.1, units)])
        return y

    particles, beta = keras.Input((PARTICLES, 4), name="particles"), keras.Input((1,), name="log10_beta")
    x = QActivation(quantized_bits(13, 2, alpha=1))(particles)
    for index in range(1, 5):
        x = dense(x, width, f"particle_{index}", quantized_relu(6, 2))
    x = QActivation(quantized_relu(8, 2))(GlobalSumPooling1D(DIVISOR)(x))
    x = keras.layers.Concatenate()([x, QActivation(quantized_bits(8, 3, alpha=1))(beta)])
    for index in range(1, 5):
        x = dense(x, width, f"event_{index}", quantized_relu(6, 2))
    outputs = [dense(x, latents, name, quantized_bits(12, 4, alpha=1)) for name in ("mean", "log_variance")]
    keras.Model([particles, beta], outputs, name="encoder").save(path)


def measure_import(path: Path) -> dict[str, float]:
    start = time.perf_counter()
    graph = import_keras(path)
    seconds = time.perf_counter() - start
    return {"weights": graph.parameters(), "import_seconds": seconds, "import_peak_mib": peak_mib()}


def measure_emulation(path: Path) -> dict[str, float]:
    graph = import_keras(path)
    rng = np.random.default_rng(1)
    edges = [graph.edges[name] for name in graph.inputs]
    raw = [rng.integers(edge.raw_min, edge.raw_max + 1, (EVENTS, *edge.shape)) for edge in edges]
    emulator = Emulator(graph)
    products = matrix_products(graph, EVENTS)
    best = {"emulator": np.inf, "gemm": np.inf}
    for _ in range(ROUNDS):
        best["emulator"] = min(best["emulator"], seconds_of(lambda: emulator.run(raw)))
        best["gemm"] = min(best["gemm"], seconds_of(lambda: [np.matmul(a, b, out=out) for a, b, out in products]))
    return {
        "emulator_events_per_second": EVENTS / best["emulator"],
        "gemm_events_per_second": EVENTS / best["gemm"],
        "fraction_of_gemm": best["gemm"] / best["emulator"],
        "emulator_peak_mib": peak_mib(),
    }


def matrix_products(graph: FixedGraph, events: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(a, b, place for a @ b) in float32, for each dense layer at all events and particles at once."""
    found = []
    for node in graph:
        if isinstance(node, nodes.Dense):
            rows = events * int(np.prod(graph.edges[node.name].shape[:-1], dtype=np.int64))
            size_in, size_out = node.kernel.shape
            a, b = np.ones((rows, size_in), np.float32), np.ones((size_in, size_out), np.float32)
            found.append((a, b, np.empty((rows, size_out), np.float32)))
    return found


def measure_project(path: Path) -> dict[str, float]:
    graph = import_keras(path)
    inside = 0.0

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal inside
            start = time.perf_counter()
            result = work(*arguments)
            inside += time.perf_counter() - start
            return result

        return call

    convert.build_model, convert.write = timed(convert.build_model), timed(convert.write)
    folder = path.parent / "project"
    seconds = seconds_of(lambda: write_project(graph, TARGET, "encoder", folder))
    written = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
    return {
        "project_seconds": seconds,
        "project_seconds_in_hls4ml": inside,
        "project_peak_mib": peak_mib(),
        "project_mib": written,
    }


def measure_csim(path: Path) -> dict[str, float]:
    """The project again, compiled with g++ and compared with the emulator on a few events."""
    graph = import_keras(path)
    rng = np.random.default_rng(2)
    edges = [graph.edges[name] for name in graph.inputs]
    raw = [rng.integers(edge.raw_min, edge.raw_max + 1, (CSIM_EVENTS, *edge.shape)) for edge in edges]
    simulation = CSimulation()
    project = write_project(graph, TARGET, "encoder", path.parent / "project")
    compiled = seconds_of(lambda: simulation.compile(project))
    wanted, found = Emulator(graph).run(raw), simulation.run(raw)
    different = sum(int((a != b).sum()) for a, b in zip(wanted, found, strict=True))
    return {
        "csim_compile_seconds": compiled,
        "csim_outputs": sum(output.size for output in found),
        "csim_outputs_that_differ": different,
    }


def measure_rtl(path: Path) -> dict[str, float]:
    """Engines: written, compared with the emulator on a few events, synthesised."""
    graph = import_keras(path)
    place = path.parent
    written = []

    def write() -> None:
        written.append(write_rtl(graph, "encoder", place / "rtl", TARGET.clock_ns, interval=RTL_INTERVAL))

    seconds = processor_seconds_of(write)
    (project,) = written
    peak = peak_mib()
    simulation = Simulation(rtl_design(project), place / "cache")
    compiled = processor_seconds_of(simulation.compile)
    rng = np.random.default_rng(3)
    edges = [graph.edges[name] for name in graph.inputs]
    raw = [rng.integers(edge.raw_min, edge.raw_max + 1, (RTL_EVENTS, *edge.shape)) for edge in edges]
    run = simulation.run(raw)
    different = sum(int((a != b).sum()) for a, b in zip(Emulator(graph).run(raw), run.outputs, strict=True))
    cells = []
    synthesis = processor_seconds_of(
        lambda: cells.append(synthesise(project, family_of(TARGET.part), place / "cache").resources)
    )
    (found,) = cells
    return {
        "rtl_seconds": seconds,
        "rtl_peak_mib": peak,
        "rtl_interval": run.timing.interval,
        "rtl_latency": run.timing.latency_cycles,
        "rtl_compile_seconds": compiled,
        "rtl_outputs": sum(output.size for output in run.outputs),
        "rtl_outputs_that_differ": different,
        "rtl_synthesis_seconds": synthesis,
        "rtl_lut_low": found.lut_low,
        "rtl_lut_high": found.lut_high,
        "rtl_ff": found.ff,
        "rtl_dsp": found.dsp,
        "rtl_bram_18k": found.bram,
    }


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds_of(work: Callable[[], object]) -> float:
    """Of this process and of programs that it runs: others on the machine change them little."""
    start = sum(os.times()[:4])
    work()
    return sum(os.times()[:4]) - start


def peak_mib() -> float:
    """Peak resident memory of this process. Not from getrusage, which counts the process that started it too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measure(width: int) -> dict[str, Any]:
    """Every stage in a fresh process."""
    result: dict[str, Any] = {"width": width, "cores": os.cpu_count(), "events": EVENTS}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "encoder.keras"
        fresh(save_encoder, path, width, width // 4)
        for stage in (measure_import, measure_emulation, measure_project, measure_csim, measure_rtl):
            result |= fresh(stage, path)
    return result


def fresh(work: Callable[..., Any], *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.width)
    console = Console()
    if options.json:
        console.print_json(json.dumps(result))
        return
    table = Table(title=f"Encoder of {result['weights'] / 1e6:.1f} million weights, {result['cores']} cores")
    for column in ("figure", "measured", "target"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    table.add_row("import, s (this machine)", f"{result['import_seconds']:.1f}", "")
    table.add_row("import, peak memory", f"{result['import_peak_mib']:.0f} MiB", "< 8 GiB")
    table.add_row("emulator against float32 GEMM of the same shapes", f"{result['fraction_of_gemm']:.0%}", ">= 40 %")
    table.add_row("emulator, events/s (this machine)", f"{result['emulator_events_per_second']:.0f}", "")
    table.add_row("emulator, peak memory, GEMM included", f"{result['emulator_peak_mib']:.0f} MiB", "< 8 GiB")
    table.add_row("io_stream project, s (this machine)", f"{result['project_seconds']:.0f}", "minutes")
    share = result["project_seconds_in_hls4ml"] / result["project_seconds"]
    table.add_row("of which inside hls4ml", f"{share:.0%}", "")
    table.add_row("io_stream project, peak memory", f"{result['project_peak_mib']:.0f} MiB", "< 8 GiB")
    table.add_row("io_stream project, size", f"{result['project_mib']:.0f} MiB", "")
    table.add_row("g++ of its C simulation, s (this machine)", f"{result['csim_compile_seconds']:.0f}", "minutes")
    same = f"{result['csim_outputs_that_differ']} of {result['csim_outputs']}"
    table.add_row("C simulation against emulator, outputs that differ", same, "0")
    for row in _rtl_rows(result):
        table.add_row(*row)
    console.print(table)


def _rtl_rows(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "RTL of engines, processor s", f"{result['rtl_seconds']:.1f}", "< 5"
    yield "RTL, peak memory with the network", f"{result['rtl_peak_mib']:.0f} MiB", "< 300 MiB"
    for figure in ("interval", "latency"):
        clocks = result[f"rtl_{figure}"]
        yield f"RTL, {figure}", f"{clocks:,} clocks ({clocks * TARGET.clock_ns / 1e3:,.0f} µs)", ""
    same = f"{result['rtl_outputs_that_differ']} of {result['rtl_outputs']}"
    yield "RTL against emulator, outputs that differ", same, "0"
    yield "its Verilator and g++, processor s", f"{result['rtl_compile_seconds']:.0f}", "minutes"
    yield "its synthesis, processor s", f"{result['rtl_synthesis_seconds']:.0f}", "minutes"
    yield "LUT, from packed in pairs to each by itself", f"{result['rtl_lut_low']:,}–{result['rtl_lut_high']:,}", ""
    yield "FF, DSP", f"{result['rtl_ff']:,}, {result['rtl_dsp']:,}", ""
    yield "blocks of 18 kbit", f"{result['rtl_bram_18k']:,}", ""


if __name__ == "__main__":
    main()
