"""What a proof finds of small faults, and what a comparison of events finds of the same.

    python -m benchmarks.proof_mutants [--firmware NAME ...] [--graph N] [--verilog N] [--netlist N] [--engines N]
                                       [--shared N] [--vhdl N] [--results FILE]

Faults are put, one at a time, into the graph (N for each firmware), the Verilog and the netlist. Each is looked for
among a million events of the firmware's verification, corner events among them: by the emulator, or gate by gate. Then
the proof is asked: of the faulty graph and the Verilog, of the faulty Verilog and the netlist, of the Verilog and the
faulty netlist. Faults of engines (firmware corners-engines: the small network with an event each 8 clocks), of shared
cores (positions-shared: another, with an event each 3) and of VHDL (corners-vhdl, as GHDL reads it) are simulated with
20,000 random events, of which the simulation also tells that they come at wrong clocks, and the faulty text is proved
against the graph. Faults of netlists of engines and shared cores (their names with -netlist) are run beside the right
one for 300 clocks in 1,024 streams, resets and events at any clocks among them. Results are lines of JSON; a firmware
that has some is not run again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.proof_mutants import engines, looped, shared, verdicts, vhdl
from benchmarks.proof_mutants.circuits import faulty_netlists, faulty_verilog, responses
from benchmarks.proof_mutants.engines import ENGINES, EVENTS, Tried
from benchmarks.proof_mutants.faults import GraphFault, TextFault, graph_faults, netlist_faults, verilog_faults
from benchmarks.proof_mutants.firmwares import SMALL, Firmware, firmware
from benchmarks.proof_mutants.looped import NETLISTS
from benchmarks.proof_mutants.shared import SHARED
from benchmarks.proof_mutants.verdicts import EQUIVALENT, NOT_DONE, REFUTED, SECONDS, Verdict
from benchmarks.proof_mutants.vhdl import VHDL
from hls.emulation import Emulator
from hls.errors import FirmwareError
from hls.proof import Subject, graph_verilog
from hls.proof.netlist.circuits import Circuits
from hls.proof.netlist.elaboration import elaborate, prepare
from hls.proof.subject import Deadline
from hls.proof.verilog import FlatDesign, read_verilog
from hls.rtl import Design, rtl_design
from hls.rtl.netlist import family_of, netlist_gates
from hls.rtl.netlist.gates import Gates

DEFAULT = (SMALL, ENGINES, SHARED, *NETLISTS, VHDL, "evn-semivisible", "evn-two-body")


@dataclass(frozen=True)
class Outcome:
    """A fault, how many events of how many show it, and what the proof says.

    ``at_random`` are those that show it and are no corner events.
    """

    firmware: str
    place: str
    kind: str
    name: str
    noticed: int
    at_random: int
    events: int
    verdict: str
    seconds: float
    reason: str | None = None


def graph_outcomes(made: Firmware, count: int, draw: random.Random) -> Iterator[Outcome]:
    right = Emulator(made.graph).run(made.events)
    design = rtl_design(made.rtl)
    # Yosys reads the Verilog, which no fault changes, once.
    read = read_verilog(design, Deadline(600.0))

    def reading(verilog: Design, deadline: Deadline) -> FlatDesign:
        return read

    with tempfile.TemporaryDirectory() as cache, patch.object(graph_verilog, "read_verilog", reading):
        for fault in graph_faults(made.graph, count, draw):
            wrong = Emulator(fault.graph).run(made.events)
            pairs = enumerate(zip(right, wrong, strict=True))
            shown = np.any([_different(fault, made, a, b, output) for output, (a, b) in pairs], axis=0)
            start = time.monotonic()
            subject = Subject(made.name, fault.graph, made.target, Path(cache), design, time_limit=SECONDS)
            link = graph_verilog.prove_verilog(subject)
            verdict = verdicts.of_state(link.state)
            seconds = round(time.monotonic() - start, 2)
            counts = int(shown.sum()), int(shown[made.corners :].sum()), len(shown)
            yield Outcome(made.name, "graph", fault.kind, fault.name, *counts, verdict, seconds, link.reason)


def _different(fault: GraphFault, made: Firmware, right: np.ndarray, wrong: np.ndarray, output: int) -> np.ndarray:
    """Whether the numbers of each event differ, whatever grid each graph has them on."""
    grids = [graph.edges[graph.outputs[output]].fraction for graph in (made.graph, fault.graph)]
    finest = max(grids)
    one, other = (raw.astype(np.int64) << (finest - grid) for raw, grid in zip((right, wrong), grids, strict=True))
    found: np.ndarray = (one != other).reshape(len(one), -1).any(axis=1)
    return found


def circuit_outcomes(
    made: Firmware, place: str, faults: Sequence[TextFault], paths: Sequence[Path], compared: Callable[[Path], Circuits]
) -> Iterator[Outcome]:
    right = responses(Gates(made.netlist / "gates.json", made.rtl.top), made.rtl, made.events)
    for fault, path in zip(faults, paths, strict=True):
        try:
            shown = (right != responses(Gates(path, made.rtl.top), made.rtl, made.events)).any(axis=1)
            found = verdicts.compared(compared(path))
        except FirmwareError as error:
            shown, found = np.zeros(len(right), np.bool_), Verdict(NOT_DONE, str(error), 0.0)
        counts = int(shown.sum()), int(shown[made.corners :].sum()), len(shown)
        yield Outcome(made.name, place, fault.kind, fault.name, *counts, found.word, found.seconds, found.reason)


def text_outcomes(name: str, place: str, faults: Iterator[Tried]) -> Iterator[Outcome]:
    """Faults of texts that were simulated with random events, and proved."""
    for found in faults:
        verdict = verdicts.of_state(found.link.state)
        # Of wrong clocks the simulation does not say how many events show them.
        shown = max(int(found.shown.sum()), int(found.refused))
        fault, link = found.fault, found.link
        seconds = round(link.seconds, 2)
        yield Outcome(name, place, fault.kind, fault.name, shown, shown, EVENTS, verdict, seconds, link.reason)


def looped_outcomes(name: str, faults: Iterator[looped.Compared]) -> Iterator[Outcome]:
    """Faults of netlists in which data go round."""
    for found in faults:
        place, fault, verdict = NETLISTS[name], found.fault, found.verdict
        counts = found.shown, found.shown, looped.CLOCKS * looped.LANES
        yield Outcome(name, place, fault.kind, fault.name, *counts, verdict.word, verdict.seconds, verdict.reason)


def outcomes(name: str, counts: Sequence[int], folder: Path) -> Iterator[Outcome]:
    """All faults of one firmware."""
    if name == ENGINES:
        yield from text_outcomes(name, "engines", engines.tried(counts[3], folder))
        return
    if name == SHARED:
        yield from text_outcomes(name, "shared cores", shared.tried(counts[5], folder))
        return
    if name in NETLISTS:
        yield from looped_outcomes(name, looped.compared(name, counts[2], folder))
        return
    if name == VHDL:
        yield from text_outcomes(name, "VHDL", vhdl.tried(counts[4], folder))
        return
    made = firmware(name, folder)
    draw = random.Random(1)  # noqa: S311
    design, family = rtl_design(made.rtl), family_of(made.target.part)
    yield from graph_outcomes(made, counts[0], draw)
    rtl_gates = elaborate(design, folder / "cache")
    own_gates = netlist_gates(made.netlist, family, made.rtl.top, folder / "cache")
    texts = {path.name: path.read_text(encoding="utf-8") for path in made.rtl.sources}
    wrong = verilog_faults(texts, counts[1], draw)
    paths = faulty_verilog(made, wrong, folder / f"{name}-verilog")
    yield from circuit_outcomes(made, "Verilog", wrong, paths, lambda path: Circuits(design, path, own_gates))
    wrong = netlist_faults((made.netlist / "netlist.v").read_text(encoding="utf-8"), counts[2], draw)
    paths = faulty_netlists(made, family, wrong, folder / f"{name}-netlist")
    between = prepare(design, family, folder / "cache")
    yield from circuit_outcomes(made, "netlist", wrong, paths, lambda path: Circuits(design, rtl_gates, path, between))


def table(found: Sequence[Outcome]) -> str:
    """Faults by place and kind: what events show of them, and what the proof says."""
    heads = ("fault in the", "kind", "faults", "noticed by events", "without corner events", "refuted", "equivalent",
             "not done", "refuted, no event noticed")  # fmt: skip
    counts: dict[tuple[str, str], Counter[str]] = {}
    for outcome in found:
        for row in ((outcome.place, outcome.kind), ("all", "")):
            count = counts.setdefault(row, Counter())
            count["faults"] += 1
            count["noticed"] += bool(outcome.noticed)
            count["at random"] += bool(outcome.at_random)
            count[outcome.verdict] += 1
            count["silent"] += outcome.verdict == REFUTED and not outcome.noticed
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for place, kind in sorted(counts, key=lambda row: (row[0] == "all", row)):
        count = counts[place, kind]
        cells = [count[key] for key in ("faults", "noticed", "at random", REFUTED, EQUIVALENT, NOT_DONE, "silent")]
        lines.append(f"| {place} | {kind} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--firmware", nargs="+", default=DEFAULT)
    parser.add_argument("--graph", type=int, default=40)
    parser.add_argument("--verilog", type=int, default=20)
    parser.add_argument("--netlist", type=int, default=20)
    parser.add_argument("--engines", type=int, default=40)
    parser.add_argument("--vhdl", type=int, default=20)
    parser.add_argument("--shared", type=int, default=30)
    parser.add_argument("--results", type=Path, default=Path("proof_mutants.jsonl"))
    options = parser.parse_args(argv)
    lines = options.results.read_text(encoding="utf-8").splitlines() if options.results.exists() else []
    found = [Outcome(**json.loads(line)) for line in lines]
    counts = options.graph, options.verilog, options.netlist, options.engines, options.vhdl, options.shared
    for name in options.firmware:
        if any(outcome.firmware == name for outcome in found):
            continue
        with tempfile.TemporaryDirectory(prefix="faults-") as place, options.results.open("a", encoding="utf-8") as out:
            for outcome in outcomes(name, counts, Path(place)):
                found.append(outcome)
                out.write(json.dumps(asdict(outcome)) + "\n")
                out.flush()
                sys.stderr.write(f"{outcome.place} {outcome.name}: {outcome.noticed} events; {outcome.verdict}\n")
    sys.stdout.write(table(found) + "\n")
    return int(any(outcome.noticed and outcome.verdict == EQUIVALENT for outcome in found))


if __name__ == "__main__":
    sys.exit(main())
