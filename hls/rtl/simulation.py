"""Verilog under Verilator, driven clock by clock: outputs, latency and interval as measured."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from hls.errors import EventError, ToolError
from hls.graph import FixedGraph
from hls.graph.raw import RawArray
from hls.machine.cache import cached_folder, digest, users_folder
from hls.machine.progress import Progress
from hls.rtl.ports import RtlPort, as_stated, input_ports, output_ports
from hls.rtl.ports_header import ports_header
from hls.rtl.rtl_project import CONTENTS, VERILOG, RtlProject
from hls.rtl.streamed import paced_top
from hls.rtl.tools import Verilator, compile_objects, find_verilator, link, run_tool, united
from hls.rtl.wrapper import INTERVAL, START, STREAMED

_PROGRAM = "testbench"
_CONTROL = "control.vlt"
_INTERVAL = re.compile(rf"{INTERVAL} = (\d+);")
_WRONG_FLAG = re.compile(r"after (\d+) results (\w+) is ([01]) ")
_GAP_SEED = 7
# Passes with gaps and with a reset prove the flow of valid flags, for which this many events are plenty.
_CONTROL_EVENTS = 2000
# Functions are short because the time of g++ grows faster than their length.
_VERILATOR = ("--cc", "--prefix", "Vdut", "--Mdir", ".", "-O3", "--x-initial", "unique", "--no-timing",
              "--output-split", "20000", "--output-split-cfuncs", "300", "-Wno-fatal", "-Wno-lint")  # fmt: skip
_FLAGS = ("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE=0")
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")


@dataclass(frozen=True)
class RtlTiming:
    """Measured from the valid flags: clocks from an event to its result, clocks between results, ns a clock."""

    latency_cycles: int
    interval: int
    clock_ns: float


@dataclass(frozen=True)
class SimulationRun:
    """Raw outputs (n, *shape) per port, measured timing, and seconds of simulation of the back-to-back pass."""

    outputs: list[RawArray]
    timing: RtlTiming
    seconds: float


@dataclass(frozen=True)
class Design:
    """What is simulated: Verilog ``sources``, top module, ports, clock and the macros that the sources expect.

    Modules named in ``shared`` are compiled once and not into each place where they are instanced. ``interval`` is the
    fewest clocks from one event to the next. ``memories`` are contents that the simulation reads at its start;
    ``folded`` says that engines compute the design, ``streamed`` that it has valid and ready on both sides, ``digits``
    that adders take a digit of their numbers a clock.
    """

    sources: tuple[Path, ...]
    top: str
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]
    clock_ns: float
    defines: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    interval: int = 1
    memories: tuple[Path, ...] = ()
    folded: bool = False
    streamed: bool = False
    digits: bool = False


def rtl_design(project: RtlProject) -> Design:
    """What ``Simulation`` needs to run the Verilog of ``project``."""
    return Design(
        project.sources,
        project.top,
        project.inputs,
        project.outputs,
        project.clock_ns,
        shared=project.shared,
        interval=project.interval,
        memories=project.memories,
        folded=project.folded,
        streamed=project.streamed,
        digits=project.digits,
    )


def read_design(graph: FixedGraph, name: str, folder: Path, clock_ns: float) -> Design | None:
    """The Verilog that ``write_rtl`` once wrote to ``folder``, as it lies there now; None if there is none."""
    top = f"{name}_top"
    first = folder / VERILOG.folder / f"{top}.{VERILOG.suffix}"
    if not first.is_file():
        return None
    others = sorted(path for path in first.parent.glob(f"*.{VERILOG.suffix}") if path != first)
    text = first.read_text(encoding="utf-8")
    stated = _INTERVAL.search(text)
    interval = 1 if stated is None else int(stated[1])
    memories = tuple(sorted(first.parent.glob(f"*.{CONTENTS}")))
    ports = as_stated(input_ports(graph), text), output_ports(graph)
    folded = any(path.stem == f"{name}_sequencer" for path in others)
    tops = [first, *(path for path in others if path.stem == paced_top(top))]
    return Design(
        (first, *others),
        top,
        *ports,
        clock_ns,
        interval=interval,
        memories=memories,
        folded=folded,
        streamed=f"{STREAMED} = " in text,
        digits=any(START in path.read_text(encoding="utf-8") for path in tops),
    )


def paced_design(design: Design) -> Design:
    """What is inside the queues of a streamed design; raises ``ToolError`` if there is no such module."""
    top = paced_top(design.top)
    source = next((source for source in design.sources if source.stem == top), None)
    if source is None:
        raise ToolError(f"{design.sources[0].parent}: there is no {top}.{VERILOG.suffix}, around which queues would be")
    inputs = as_stated(design.inputs, source.read_text(encoding="utf-8"))
    return replace(design, top=top, inputs=inputs, streamed=False)


class FlagsError(ToolError):
    """A ``flag`` of a simulated design is ``value``, and must not be, after so many ``results`` of events that came
    with what ``came`` says, back to back where it says nothing."""

    def __init__(self, told: str, flag: str, value: int, results: int, came: str) -> None:
        super().__init__(told)
        self.flag, self.value, self.results, self.came = flag, value, results, came


@dataclass(frozen=True)
class _Pass:
    """How the test bench sends events: with random gaps, with ``valid_in`` always high, with a reset after some."""

    name: str = ""
    gaps: int = 0
    flood: bool = False
    reset_at: int = -1


_FLOOD = _Pass("valid_in held high", flood=True)


class Simulation:
    """Compile once with ``compile``, then ``run`` any number of events.

    Compiled test benches stay in ``cache``, found again for the same Verilog. ``jobs`` defaults to the number of cores.
    """

    def __init__(self, design: Design, cache: Path, jobs: int | None = None) -> None:
        self.design = design
        self.cache = cache
        self.jobs = jobs or os.cpu_count() or 1
        self._program: Path | None = None

    def compile(self) -> None:
        """Verilate the design and compile its test bench; raises ``ToolError``."""
        verilator = find_verilator()
        design = self.design
        header = ports_header(design.inputs, design.outputs, design.interval, design.streamed)
        room = files("hls.rtl")
        bench = (room / "streamed" if design.streamed else room).joinpath("testbench.cpp").read_text(encoding="utf-8")
        frame = room.joinpath("bench.h").read_text(encoding="utf-8")
        settings = repr((self.design.top, self.design.defines, _VERILATOR, _FLAGS, verilator.version))
        key = digest([settings, header, bench, frame, *self.design.sources, *_sharing(self.design.shared)])

        def fill(folder: Path) -> None:
            (folder / "ports.h").write_text(header, encoding="utf-8")
            (folder / "bench.h").write_text(frame, encoding="utf-8")
            (folder / "testbench.cpp").write_text(bench, encoding="utf-8")
            self._verilate(verilator, folder)
            units = united(sorted(folder.glob("*.cpp")), folder)
            made = compile_objects(units, _flags(verilator), folder, self.jobs, _level(design))
            link([*made, *_runtime(verilator, self.cache, self.jobs)], folder / _PROGRAM)
            for leftover in folder.iterdir():
                if leftover.name != _PROGRAM:
                    leftover.unlink()

        self._program = cached_folder(self.cache, f"simulation-{key[:32]}", fill) / _PROGRAM

    def _verilate(self, verilator: Verilator, folder: Path) -> None:
        sources = self.design.sources
        command = [str(verilator.program), "--top-module", self.design.top, *_VERILATOR]
        command += [f"-D{name}" for name in self.design.defines]
        command += [f"-I{place}" for place in sorted({str(source.parent) for source in sources})]
        if self.design.shared:
            control, *flags = _sharing(self.design.shared)
            (folder / _CONTROL).write_text(control, encoding="utf-8")
            command += [*flags, _CONTROL]
        command += [os.path.relpath(source, folder) for source in sources]
        run_tool(command, folder, "Verilator", {"VERILATOR_ROOT": str(verilator.root)})

    def run(self, raw_inputs: Sequence[RawArray], progress: Progress | None = None) -> SimulationRun:
        """Stream the events as close as the interval lets them, then some of them with random gaps, with a reset in
        mid-stream, and with ``valid_in`` held high while the design is not ready.

        A streamed design may make all wait, so of these its latency is not compared; with the gaps in what comes go as
        many in which nothing is taken.

        Args:
            raw_inputs: int64 port integers (n, *port shape), one array for each input.
            progress: called with (events done, events in all).

        Raises:
            EventError: wrong number, shape or dtype of arrays, or no event.
            ToolError: not compiled, or the passes disagree, or latency or interval varies from event to event.
        """
        events = self._events(raw_inputs)
        with self._given(raw_inputs) as place:
            straight, latency, interval, seconds = self._pass(place, events, _Pass())
            few = min(events, _CONTROL_EVENTS)
            for asked in self._disturbances(few):
                again, other, apart, _ = self._pass(place, few, asked)
                if (other != latency and not self.design.streamed) or not np.array_equal(again, straight[:few]):
                    raise ToolError(f"{self.design.top}: with {asked.name} the design gives other results than without")
                if asked == _FLOOD and apart != self.design.interval:
                    raise ToolError(f"{self.design.top}: ready again after {apart} clocks, not {self.design.interval}")
        if progress is not None:
            progress(events, events)
        timing = RtlTiming(latency, interval, self.design.clock_ns)
        return SimulationRun(self._split(straight), timing, seconds)

    def disturbed(self, raw_inputs: Sequence[RawArray]) -> Iterator[tuple[str, list[RawArray]]]:
        """What comes out of some of the events as ``run`` sends them, whether or not it is the same each time.

        Yields how they came, nothing where back to back, and the raw outputs. Raises ``FlagsError`` where a flag is
        wrong.
        """
        events = min(self._events(raw_inputs), _CONTROL_EVENTS)
        with self._given(raw_inputs) as place:
            for asked in (_Pass(), *self._disturbances(events)):
                yield asked.name, self._split(self._pass(place, events, asked)[0])

    @contextmanager
    def _given(self, raw_inputs: Sequence[RawArray]) -> Iterator[Path]:
        """A folder in which the test bench finds the events, and the design its memories."""
        with tempfile.TemporaryDirectory(prefix="rtl-") as name:
            place = Path(name)
            flat = [raw.reshape(len(raw), -1) for raw in raw_inputs]
            np.concatenate(flat, axis=1).astype(np.int64).tofile(place / "in")
            for memory in self.design.memories:
                (place / memory.name).symlink_to(memory.resolve())
            yield place

    def _disturbances(self, events: int) -> Iterator[_Pass]:
        half = events // 2
        yield _Pass("gaps", gaps=_GAP_SEED)
        yield _Pass("a reset in mid-stream", reset_at=half)
        if self.design.interval > 1 or self.design.streamed:
            yield _FLOOD
            yield _Pass("valid_in high at random and a reset", gaps=_GAP_SEED, flood=True, reset_at=half)

    def _pass(self, place: Path, events: int, asked: _Pass) -> tuple[RawArray, int, int, float]:
        """Results (events, elements), latency and largest interval in clocks, seconds."""
        if self._program is None:
            raise ToolError("the test bench is not compiled yet; call compile first")
        words = (events, asked.gaps, int(asked.flood), asked.reset_at)
        command = [str(self._program), *map(str, words), "in", "out"]
        try:
            said = run_tool(command, place, f"the simulation of {self.design.top}").split()
        except ToolError as error:
            wrong = _WRONG_FLAG.search(str(error))
            if wrong is None:
                raise
            raise FlagsError(str(error), wrong[2], int(wrong[3]), int(wrong[1]), asked.name) from error
        shortest, longest, interval = (int(word) for word in said[:3])
        waits = self.design.streamed and asked != _Pass()
        if shortest != longest and not waits:
            raise ToolError(f"{self.design.top}: latency varies from {shortest} to {longest} clocks")
        results = np.fromfile(place / "out", np.int64).reshape(events, -1)
        # Of a single event there is no interval to measure.
        return results, longest, interval if events > 1 else self.design.interval, float(said[3])

    def _events(self, raw_inputs: Sequence[RawArray]) -> int:
        ports = self.design.inputs
        if len(raw_inputs) != len(ports):
            raise EventError(f"the design has {len(ports)} inputs, but {len(raw_inputs)} arrays were given")
        events = len(raw_inputs[0])
        if events == 0:
            raise EventError("no event to simulate; give at least one")
        for port, raw in zip(ports, raw_inputs, strict=True):
            if raw.shape != (events, *port.shape) or raw.dtype.kind != "i":
                raise EventError(
                    f"input {port.name}: integers of shape ({events}, {', '.join(map(str, port.shape))}) are needed, "
                    f"not {raw.dtype} of shape {raw.shape}"
                )
        return events

    def _split(self, results: RawArray) -> list[RawArray]:
        ends = np.cumsum([port.size for port in self.design.outputs])[:-1]
        parts = np.split(results, ends, axis=1)
        outputs = self.design.outputs
        return [part.reshape(len(part), *port.shape) for part, port in zip(parts, outputs, strict=True)]


def _sharing(modules: Sequence[str]) -> list[str]:
    """Verilator's control file and flags with which all instances of a module run the same compiled code.

    That needs instances of equal logic, so nothing around one of them may be optimised into it.
    """
    lines = ["`verilator_config"]
    for name in modules:
        lines += [f'no_inline -module "{name}"', f'public_flat_rd -module "{name}" -var "model_inp"']
    return ["\n".join([*lines, ""]), "-fno-dfg-scoped"] if modules else []


def _flags(verilator: Verilator) -> list[str]:
    include = verilator.root / "include"
    return [*_FLAGS, "-I.", f"-I{include}", f"-I{include / 'vltstd'}"]


def _level(design: Design) -> str:
    """How far g++ optimises. At level 2 it takes three to five times as long for the straight code of an unrolled
    network, which runs hardly faster then; the code of engines is short, and runs for thousands of clocks an event."""
    return "-O2" if design.folded else "-O1"


def _runtime(verilator: Verilator, cache: Path, jobs: int) -> list[Path]:
    """Verilator's own library: the same for every design of a user, on one kind of machine with one compiler."""
    names = [verilator.root / "include" / name for name in _RUNTIME]
    compiler = run_tool(["g++", "--version"], verilator.root, "g++")
    machine = repr((platform.machine(), platform.libc_ver()))  # a home may be that of several

    def fill(folder: Path) -> None:
        compile_objects(names, _flags(verilator), folder, jobs)

    key = digest([verilator.version, compiler, machine, *names, *_FLAGS])
    folder = users_folder("verilator", cache, f"library-{key[:32]}", fill)
    return [folder / f"{name.stem}.o" for name in names]
