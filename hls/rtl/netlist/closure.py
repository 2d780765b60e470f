"""The shortest pipeline that meets a clock: cut, measure, and cut again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

    Shorter ones are tried as long as the clock is met, or longer ones until it is, ``TRIES`` at most. ``interval`` is
    as for ``write_rtl``.

    Raises:
        ToolError: a tool is missing or fails.
        UnsupportedError: the graph has numbers too wide for RTL.
    """
    first = Pipelining(clock_ns, FAMILY_DELAYS[ruler.family], in_luts=multipliers == LUT)
    whole = trace(graph, pipelining=first, interval=interval)
    attempts: dict[float, Attempt] = {}
    with tempfile.TemporaryDirectory(prefix="closure-") as place:

        def write(pipelining: Pipelining) -> RtlProject:
            # Where it is cut changes nothing of the logic but how products are split.
            split = whole.multiplications > 0
            logic = trace(graph, pipelining=pipelining, interval=interval) if split else whole
            return write_in(VERILOG, logic, name, Path(place), clock_ns, multipliers, pipelining)

        def attempt(pipelining: Pipelining, project: RtlProject) -> bool:
            path, lut = ruler.measure(project)
            attempts[pipelining.limit_ns] = Attempt(project.stages, pipelining.limit_ns, path, lut)
            if progress is not None:
                progress(len(attempts), TRIES)
            return path <= clock_ns

        beginning = write(first)
        met = attempt(first, beginning)
        for pipelining, project in _others(write, first, beginning.stages, longer=not met):
            if attempt(pipelining, project) != met or len(attempts) == TRIES:
                break
    return Closure(_chosen(first, attempts, clock_ns), clock_ns, _by_stages(attempts), ruler.name)


def _others(
    write: Callable[[Pipelining], RtlProject], first: Pipelining, stages: int, *, longer: bool
) -> Iterator[tuple[Pipelining, RtlProject]]:
    """Pipelines of ever more stages, or of ever fewer, until the limit is far from where it began."""
    limit = first.limit_ns
    while first.limit_ns / _FURTHEST < limit < first.limit_ns * _FURTHEST and (longer or stages > 2):
        limit = limit / _STEP if longer else limit * _STEP
        pipelining = Pipelining(limit, first.delays, first.in_luts)
        project = write(pipelining)
        if (project.stages > stages) if longer else (project.stages < stages):
            stages = project.stages
            yield pipelining, project


def _chosen(first: Pipelining, attempts: dict[float, Attempt], clock_ns: float) -> Pipelining:
    meeting = [a for a in attempts.values() if a.path_ns <= clock_ns]
    found = min(meeting, key=lambda a: (a.stages, a.lut), default=min(attempts.values(), key=lambda a: a.path_ns))
    return Pipelining(found.limit_ns, first.delays, first.in_luts)


def _by_stages(attempts: dict[float, Attempt]) -> tuple[Attempt, ...]:
    return tuple(sorted(attempts.values(), key=lambda a: (a.stages, a.path_ns)))
