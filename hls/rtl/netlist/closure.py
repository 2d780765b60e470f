"""The shortest pipeline that meets a clock: cut, measure, and cut again."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hls.errors import ToolError, UnsupportedError
from hls.graph import FixedGraph
from hls.machine.progress import Progress
from hls.rtl.netlist.devices import Device
from hls.rtl.netlist.family import Family
from hls.rtl.netlist.routing import place_and_route
from hls.rtl.netlist.synthesis import synthesise
from hls.rtl.pipeline import FAMILY_DELAYS, Pipelining
from hls.rtl.rtl_project import VERILOG, RtlProject, write_in
from hls.rtl.trace import trace
from hls.target import LUT

TRIES = 6
_STEP = 1.04
"""From one limit to the next that is looked at; most of them cut where the last one did, which is seen at once."""
_FURTHEST = 4.0
"""Part of the clock beyond which, and multiple of it up to which, no limit is looked for."""

_FEWEST = 2
"""Registers: at the inputs and at the outputs."""


@dataclass(frozen=True)
class Attempt:
    """A pipeline of ``stages`` registers, cut at ``limit_ns``: its slowest path as it was measured, and its LUTs."""

    stages: int
    limit_ns: float
    path_ns: float
    lut: float


@dataclass(frozen=True)
class Closure:
    """What came of it. ``pipelining`` is the shortest that meets ``clock_ns``, or the fastest if none does.

    ``attempts`` are all that were measured, by their stages; ``measured_by`` says how, and on what.
    """

    pipelining: Pipelining
    clock_ns: float
    attempts: tuple[Attempt, ...]
    measured_by: str

    @property
    def met(self) -> bool:
        """Whether the chosen one meets the clock, by that measure."""
        return any(a.path_ns <= self.clock_ns for a in self.attempts if a.limit_ns == self.pipelining.limit_ns)


@dataclass(frozen=True)
class Ruler:
    """What measures a project: its slowest path in ns and its LUTs. ``family`` is that of the delays to begin with."""

    measure: Callable[[RtlProject], tuple[float, float]]
    family: str
    name: str


def routed_on(device: Device, cache: Path) -> Ruler:
    """Place and route on ``device``."""

    def measure(project: RtlProject) -> tuple[float, float]:
        found = place_and_route(project, device, cache)
        return found.path_ns, found.counts["lut"]

    return Ruler(measure, "ecp5", f"placed and routed on {device.title}")


def by_cells(family: Family, cache: Path) -> Ruler:
    """The cells of a netlist, before it is placed.

    Raises:
        UnsupportedError: no delays of the family are known.
    """
    if family.name not in FAMILY_DELAYS or family.delays is None:
        raise UnsupportedError(
            f'latency = "auto": no delays of {family.name} are known; state place_and_route = "ecp5-85k" to cut by '
            "what an ECP5 measures, or leave latency out"
        )

    def measure(project: RtlProject) -> tuple[float, float]:
        found = synthesise(project, family, cache).resources
        if found.delay_ns is None:
            raise ToolError(f"Yosys states no path of {project.top} in cells of {family.name}")
        return found.delay_ns, float(found.lut_high)

    return Ruler(measure, family.name, f"cells of the netlist by the delays of {family.delays}, before placement")


def close_timing(
    graph: FixedGraph,
    name: str,
    clock_ns: float,
    multipliers: str,
    ruler: Ruler,
    progress: Progress | None = None,
    interval: int = 1,
) -> Closure:
    """The shortest pipeline of ``graph`` whose slowest path, measured by ``ruler``, is no longer than ``clock_ns``.

    The first is cut at the clock; how far it misses it, or falls below it, says where the next is cut, until one meets
    the clock and a shorter one does not, and then between the two: ``TRIES`` at most. ``interval`` is as for
    ``write_rtl``.

    Raises:
        ToolError: a tool is missing or fails.
        UnsupportedError: the graph has numbers too wide for RTL.
    """
    delays, in_luts = FAMILY_DELAYS[ruler.family], multipliers == LUT
    whole = trace(graph, pipelining=Pipelining(clock_ns, delays, in_luts), interval=interval)
    with tempfile.TemporaryDirectory(prefix="closure-") as place:

        def write(limit_ns: float) -> RtlProject:
            pipelining = Pipelining(limit_ns, delays, in_luts)
            # Where it is cut changes nothing of the logic but how products are split.
            split = whole.multiplications > 0
            logic = trace(graph, pipelining=pipelining, interval=interval) if split else whole
            return write_in(VERILOG, logic, name, Path(place), clock_ns, multipliers, pipelining)

        search = _Search(clock_ns, write, ruler, progress)
        search.run()
    attempts = search.attempts
    fastest = min(attempts, key=lambda a: a.path_ns)
    chosen = min(filter(search.meets, attempts), key=lambda a: (a.stages, a.lut), default=fastest)
    by_stages = tuple(sorted(attempts, key=lambda a: (a.stages, a.path_ns)))
    return Closure(Pipelining(chosen.limit_ns, delays, in_luts), clock_ns, by_stages, ruler.name)


@dataclass
class _Search:
    """Measures one pipeline after the other; ``write`` gives the one that is cut at a limit."""

    clock_ns: float
    write: Callable[[float], RtlProject]
    ruler: Ruler
    progress: Progress | None
    attempts: list[Attempt] = field(default_factory=list)

    def run(self) -> None:
        """Measure until the shortest that meets the clock is known, no other can be cut, or enough were."""
        found: tuple[float, RtlProject] | None = self.clock_ns, self.write(self.clock_ns)
        while found is not None:
            limit, project = found
            path, lut = self.ruler.measure(project)
            self.attempts.append(Attempt(project.stages, limit, path, lut))
            if self.progress is not None:
                self.progress(len(self.attempts), TRIES)
            found = self._next() if len(self.attempts) < TRIES else None

    def meets(self, attempt: Attempt) -> bool:
        """Whether it meets the clock."""
        return attempt.path_ns <= self.clock_ns

    def _next(self) -> tuple[float, RtlProject] | None:
        meeting = min(filter(self.meets, self.attempts), key=lambda a: a.stages, default=None)
        failing = [a for a in self.attempts if meeting is None or a.stages < meeting.stages]
        if meeting is None:
            longest = max(failing, key=lambda a: a.stages)
            return self._first(self._outward(longest, 1 / _STEP), lambda stages: stages > longest.stages)
        if not failing:
            if meeting.stages == _FEWEST:
                return None
            return self._first(self._outward(meeting, _STEP), lambda stages: stages < meeting.stages)
        shorter = max(failing, key=lambda a: a.stages)
        if meeting.stages - shorter.stages < 2:
            return None
        return self._first(_between(meeting, shorter), lambda stages: shorter.stages < stages < meeting.stages)

    def _first(self, limits: Iterable[float], wanted: Callable[[int], bool]) -> tuple[float, RtlProject] | None:
        """The first of the limits at which a pipeline of a wanted depth is cut."""
        written = ((limit, self.write(limit)) for limit in limits)
        return next((found for found in written if wanted(found[1].stages)), None)

    def _outward(self, known: Attempt, step: float) -> Iterator[float]:
        """Limits ever further from ``known``, from the one that its path leads to expect the clock of."""
        nearest, furthest = known.limit_ns * step, self.clock_ns * (1 / _FURTHEST if step < 1 else _FURTHEST)
        expected = known.limit_ns * self.clock_ns / known.path_ns
        limit = sorted((nearest, expected, furthest))[1]
        while min(nearest, furthest) <= limit <= max(nearest, furthest):
            yield limit
            limit *= step


def _between(meeting: Attempt, shorter: Attempt) -> Sequence[float]:
    """Limits between those of two attempts, from the middle outwards."""
    middle = math.sqrt(meeting.limit_ns * shorter.limit_ns)
    steps = int(math.log(shorter.limit_ns / middle, _STEP))
    return [middle * _STEP**power for power in sorted(range(-steps, steps + 1), key=abs)]
