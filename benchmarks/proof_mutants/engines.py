"""Faults of engines: in what their memories hold, in their loops and addresses, their clocks, their lanes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.proof_mutants.faults import TextFault, drawn
from benchmarks.proof_mutants.firmwares import corners
from benchmarks.proof_mutants.verdicts import SECONDS
from hls.emulation import Emulator
from hls.errors import ToolError
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.proof import Subject
from hls.proof.certificate import Link
from hls.proof.graph_verilog import prove_verilog
from hls.rtl import Design, Simulation, rtl_design
from hls.rtl.folded import write_folded
from hls.target import Target

ENGINES = "corners-engines"
INTERVAL = 8
EVENTS = 20_000
TARGET = Target("lfe5um-85f", "vitis", 5.0, multipliers="lut")

# Of which file, what stands there, and what stands there with the fault.
_TEXTS = (
    ("flow control", "_door.v", "ready = closed == 0", "ready = 1'b1"),
    ("flow control", "_door.v", "valid && ready && !rst", "valid && !rst"),
    ("flow control", "_door.v", "closed <= INTERVAL - 1", "closed <= INTERVAL - 2"),
    ("flow control", "_hold.v", "if (capture) held", "held"),
    ("flow control", "_collector.v", "if (write) beats", "beats"),
    ("flow control", "_ring.v", "if (full) memory", "memory"),
    ("reset", "_flag.v", "rst ? {CLOCKS{1'b0}} : ", ""),
    ("reset", "_counter.v", "if (rst) count <= 0;\n        else if", "if"),
    ("accumulator", "_mac_lane.v", "first ? begun : sum", "sum"),
    ("accumulator", "_mac_lane.v", "wire signed [SUM_BITS-1:0] begun", "wire [SUM_BITS-1:0] unused_begun = 0, begun"),
    ("sign extension", "_mac_lane.v", "wire signed [FROM-1:0] a =", "wire [FROM-1:0] a ="),
    ("sign extension", "_mac_lane.v", "wire signed [TOTAL-1:0] products", "wire [TOTAL-1:0] products"),
    (
        "dropped register",
        "_operand.v",
        "    value <= inside_frame",
        "  end\n  always @* begin\n    value = inside_frame",
    ),
    ("dropped register", "_mac_lane.v", "always @(posedge clk) level[l].sums", "always @* level[l].sums"),
)
_ROW = re.compile(r"(rows\[\d+\]|\d+: row|default: row) = (\d+)'h([0-9a-f]+);")
_SIZES = (("loop bound", r"\w+_sequencer #\(([^;]*?)\)\n"), ("address", r"\w+_address #\(([^;]*?)\)\n"),
          ("memory depth", r"\w+_ring #\(([^;]*?)\)\n"), ("delay", r"\w+_(?:flag|delay) #\(([^;]*?)\) "))  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """A fault, which of the events show it, whether the simulation refused its clocks, and what the proof says."""

    fault: TextFault
    shown: npt.NDArray[np.bool_]
    refused: bool
    link: Link


def engine_faults(files: dict[str, str], count: int, draw: random.Random) -> list[TextFault]:
    """``count`` faults in the text of engines, of every kind alike as far as there are places for it."""
    by_kind: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for file, text in files.items():
        for kind, name, changed in (*_constants(file, text, draw), *_sizes(text), *_replaced(file, text)):
            by_kind.setdefault(kind, []).append((f"{file}: {name}", files | {file: changed}))
    return [TextFault(kind, name, changed) for kind, (name, changed) in drawn(by_kind, count, draw)]


def _constants(file: str, text: str, draw: random.Random) -> Iterator[tuple[str, str, str]]:
    kind = "weight bit" if "weights" in file else "bias bit"
    for found in _ROW.finditer(text):
        bit = draw.randrange(int(found[2]))
        row = f"{int(found[3], 16) ^ 1 << bit:x}"
        yield kind, f"{found[1]} bit {bit}", text[: found.start(3)] + row + text[found.end(3) :]


def _sizes(text: str) -> Iterator[tuple[str, str, str]]:
    for kind, pattern in _SIZES:
        for found in re.finditer(pattern, text):
            for size in re.finditer(r"\.(\w+)\((\d+)\)", found[1]):
                if size[1] == "BITS":
                    continue
                for other in {max(int(size[2]) - 1, 1), int(size[2]) + 1} - {int(size[2])}:
                    start = found.start(1)
                    changed = text[: start + size.start(2)] + str(other) + text[start + size.end(2) :]
                    yield kind, f"{size[1]} {size[2]} is {other}", changed


def _replaced(file: str, text: str) -> Iterator[tuple[str, str, str]]:
    for kind, ending, old, new in _TEXTS:
        if file.endswith(ending) and old in text:
            yield kind, " ".join(f"{old} is {new}".split()), text.replace(old, new, 1)


def tried(count: int, folder: Path) -> Iterator[Tried]:
    """Faults of the engines of the small network, simulated and proved."""
    graph, draw = corners(), random.Random(1)  # noqa: S311
    right = rtl_design(write_folded(graph, "net", folder / "rtl", 5.0, INTERVAL, "lut"))
    yield from tried_in(graph, right, lambda texts: engine_faults(texts, count, draw), folder)


def tried_in(
    graph: FixedGraph, right: Design, faults: Callable[[dict[str, str]], list[TextFault]], folder: Path
) -> Iterator[Tried]:
    """The ``faults`` of the texts of ``right``, simulated and proved."""
    raw = random_events(graph)
    texts = {path.name: path.read_text(encoding="utf-8") for path in right.sources}
    for number, fault in enumerate(faults(texts)):
        design = written(right, fault, folder / f"m{number}")
        shown, refused = simulated(graph, design, raw, folder / "cache")
        subject = Subject("net", graph, TARGET, folder / "cache", design, time_limit=SECONDS)
        yield Tried(fault, shown, refused, prove_verilog(subject))


def random_events(graph: FixedGraph) -> RawArrays:
    """``EVENTS`` of them."""
    draw = np.random.default_rng(1)
    ports = [graph.port(name) for name in graph.inputs]
    return [draw.integers(port.raw_min, port.raw_max + 1, (EVENTS, *port.shape)) for port in ports]


def written(right: Design, fault: TextFault, folder: Path) -> Design:
    """The design with a fault, written to ``folder``."""
    folder.mkdir()
    paths = tuple(folder / path.name for path in right.sources)
    for path in paths:
        path.write_text(fault.files[path.name], encoding="utf-8")
    return replace(right, sources=paths)


def simulated(graph: FixedGraph, design: Design, raw: RawArrays, cache: Path) -> tuple[npt.NDArray[np.bool_], bool]:
    """Which events give other numbers, and whether none did as clocks, gaps or resets already change what comes."""
    simulation = Simulation(design, cache)
    simulation.compile()
    try:
        outputs = simulation.run(raw).outputs
    except ToolError:
        return np.zeros(EVENTS, np.bool_), True
    pairs = zip(outputs, Emulator(graph).run(raw), strict=True)
    different = [(found != expected).reshape(EVENTS, -1).any(axis=1) for found, expected in pairs]
    return np.any(different, axis=0), False
