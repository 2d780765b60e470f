"""The two circuits that are compared, and what is proved of them or shown against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from hls.errors import ToolError
from hls.machine.progress import StageProgress
from hls.proof.netlist.correspondence import (
    CONTROL,
    Flags,
    Run,
    classes_of,
    flags,
    input_bits,
    output_bits,
    replay,
    run_both,
)
from hls.proof.netlist.equivalence import Cut, Findings, Progress, Solver, refine
from hls.proof.netlist.induction import induced
from hls.proof.netlist.looped import run_from_reset
from hls.proof.netlist.remembered import half_of
from hls.proof.netlist.side import Side, read_side
from hls.proof.netlist.unrolled import Unrolled
from hls.proof.subject import Deadline
from hls.rtl import Design

_MARGIN = 8
"""Clocks that a circuit is run beyond the latency of the Verilog: one with a register more shows it too."""
_RESET = CONTROL.index("rst")
_ROUNDS = 12
"""How often classes may be split before it is given up."""


@dataclass(frozen=True)
class Difference:
    """Inputs (clocks, bits) after which output bits of the second circuit are ``got``, of the first ``expected``.

    What comes out is of the event that came in ``latency`` clocks before.
    """

    given: Flags
    latency: int
    expected: Flags
    got: Flags

    @property
    def place(self) -> int:
        """The first output bit that differs, as ``output_bits`` counts them."""
        return int(np.flatnonzero(self.expected != self.got)[0])


@dataclass(frozen=True)
class Verdict:
    """``proved`` of ``all`` registers and output bits are equal; ``difference`` is what was seen against it.

    ``where`` says of what is not proved where it stopped.
    """

    proved: int
    all: int
    difference: Difference | None = None
    where: str | None = None


class Circuits:
    """The Verilog of ``design`` and another circuit with the same ports, each as a file of gates.

    ``between`` is a third that has something of both: what is equal to it on either side is equal. What is proved is
    kept in ``cache``, so that a proof that was stopped goes on.
    """

    def __init__(
        self, design: Design, first: Path, second: Path, between: Path | None = None, cache: Path | None = None
    ) -> None:
        self.design = design
        self.sides = (read_side("Verilog", first, design.top), read_side("netlist", second, design.top))
        middle = [] if between is None else [read_side("prepared Verilog", between, design.top)]
        chain = [self.sides[0], *middle, self.sides[1]]
        self._steps = [_Step(design, pair, cache) for pair in pairwise(chain)]

    @cached_property
    def latency(self) -> int:
        """Clocks from an event to its result in the Verilog: those that its valid flag takes."""
        return self.sides[0].registers_on_the_way(self.sides[0].ports["valid_out"][0])

    def compare(self, deadline: Deadline, progress: StageProgress) -> Verdict:
        """Prove both equal, or find an input that tells them apart. ``progress`` is told of each step by its name.

        Raises:
            NotClosedError: no result comes, or a circuit with a result each clock is no pipeline.
            ToolError: a tool failed, or gates wait for each other.
        """
        proved = sum(step.half.proved or 0 for step in self._steps)
        steps = [step for step in self._steps if step.half.proved is None]
        if self.design.interval > 1:
            return self._compare_looped(steps, proved, deadline, progress)
        clocks = self.latency + _MARGIN
        runs = [run_both(step.sides, self.design, clocks) for step in steps]
        for run in runs:
            for clock, _, lane in run.differences[:1]:
                difference = self._shown(run.given[clock - clocks : clock + 1, :, lane], self.latency)
                if difference is not None:
                    return Verdict(0, 0, difference)
        for step, run in zip(steps, runs, strict=True):
            found = step.compare(run, clocks, deadline, partial(progress, step.name))
            difference = None if found.given is None else self._shown(found.given, self.latency)
            if difference is not None or found.where is not None:
                return Verdict(proved + found.proved, proved + found.all, difference, found.where)
            step.half.close(found.proved)
            proved += found.proved
        return Verdict(proved, proved)

    def _compare_looped(
        self, steps: Sequence[_Step], proved: int, deadline: Deadline, progress: StageProgress
    ) -> Verdict:
        """Registers hold on: what is equal is equal from a reset on."""
        for step in steps:
            run, latency = run_from_reset(step.sides, self.design, deadline)
            for clock, _, lane in run.differences:
                begin = int(np.flatnonzero(run.given[: max(clock - latency, 0) + 1, _RESET, lane])[-1])
                difference = self._shown(run.given[begin : clock + 1, :, lane], latency)
                if difference is not None:
                    return Verdict(0, 0, difference)
            found = step.induced(run, deadline, partial(progress, step.name))
            if found.where is not None:
                return Verdict(proved + found.proved, proved + found.all, where=found.where)
            step.half.close(found.proved)
            proved += found.proved
        return Verdict(proved, proved)

    def _shown(self, given: Flags, latency: int) -> Difference | None:
        """The difference as it shows when both circuits are given ``given``, if it does.

        What the Verilog gives must not depend on what its registers woke up with, nor on a bit that it leaves open.
        """
        expected, got = (replay(side.gates, self.design, given) for side in self.sides)
        settled = (expected == expected[:, :1]).all(axis=1)
        if self.design.interval > 1 and not expected[0].any():
            settled[len(flags(self.design)) :] = False  # without the flag anything may be on the other outputs
        different = np.flatnonzero(((expected != got) & settled[:, None]).any(axis=0))
        if not len(different):
            return None
        lane = int(different[0])
        return Difference(given, latency, expected[:, lane], np.where(settled, got[:, lane], expected[:, lane]))


@dataclass(frozen=True)
class _Found:
    """As in ``Verdict``; ``given`` are inputs after which the two sides of a step differ."""

    proved: int
    all: int
    where: str | None = None
    given: Flags | None = None


class _Step:
    """Two circuits that are compared with each other; what is known of both is kept in ``half``."""

    def __init__(self, design: Design, sides: Sequence[Side], cache: Path | None) -> None:
        self.sides = sides
        self.name = " = ".join(side.label for side in sides)
        self.half = half_of(sides, repr((design.inputs, design.outputs, design.interval)), cache)
        self._design = design
        self._inputs = [self._nets(*bit) for bit in input_bits(design)]
        self._outputs = [self._nets(*bit) for bit in output_bits(design)]

    def _nets(self, port: str, place: int) -> tuple[int, int]:
        try:
            first, second = (side.ports[port][place] for side in self.sides)
        except (KeyError, IndexError):
            raise ToolError(f"the netlist has no bit {place} of port {port}; build the project again") from None
        return first, second

    def compare(self, run: Run, longest: int, deadline: Deadline, progress: Progress) -> _Found:
        """Prove both sides equal after ``run``; data in them are no older than ``longest`` clocks."""
        cut, found = self._proved(run, deadline, progress)
        if found.equal == found.all:
            cut.check_order()
            return _Found(found.equal, found.all)
        return self._closer(cut, found, longest, deadline)

    def induced(self, run: Run, deadline: Deadline, progress: Progress) -> _Found:
        """Prove both sides equal from a reset on, after ``run``."""
        solver = Solver(deadline, progress, self.half.pairs())
        found, where = induced(self.sides, self._design, self._outputs, self._inputs, run, deadline, solver)
        return _Found(found.equal, found.all, where)

    def _proved(self, run: Run, deadline: Deadline, progress: Progress) -> tuple[Cut, Findings]:
        """The targets of the classes, which fall apart where a state tells registers of one class apart."""
        classes = classes_of(run)
        solver = Solver(deadline, progress, self.half.pairs())
        for _ in range(_ROUNDS):
            cut = Cut(self.sides, self._outputs, self._inputs, classes, run.seen, deadline)
            found = solver.solve(cut)
            if not found.different or not deadline.left or not refine(cut, found.different):
                break
        return cut, found

    def _closer(self, cut: Cut, found: Findings, longest: int, deadline: Deadline) -> _Found:
        """States that differ may be none that the registers ever hold: ask for inputs instead."""
        stopped = _Found(found.equal, found.all, cut.where(found, self._design))
        if not deadline.left:
            return stopped
        results, given = Unrolled(self.sides, self._inputs, longest).compare(self._outputs, deadline)
        if given is not None:
            return replace(stopped, given=given)
        proved = sum(result.verdict == "equal" for result in results)
        return _Found(proved, proved) if proved == len(results) else stopped
