"""Every witness on the same events, compared as integers. There is no tolerance anywhere.

QKeras computes in float32. Where its own roundings take it off the exact arithmetic, an event is accepted only if every
output lies where those roundings can have taken it, by a bound on each of them; such an event is told, never hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import combinations
from math import prod
from operator import add
from typing import Literal

import numpy as np
import numpy.typing as npt

from hls.errors import ToolError
from hls.events import EventSample
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.machine.progress import StageProgress, of_stage
from hls.verification.disagreement import Disagreement, Pair, differs, disagreement, joined, odd_one_out
from hls.verification.explanation import Explanation, explain
from hls.verification.localising import located
from hls.witnesses import Measured, RunRecord, Skipped, Task, Witness, WitnessRun, limits_of, witness

Agreement = Literal["bit-exact", "within float32", "differs", "not compared"]
"""Whether all compared outputs are equal, or QKeras's own float32 explains what is not, or something differs."""

_ANNOUNCED_SECONDS, _UNASKED_SECONDS = 20.0, 1200.0
_PORTION_BYTES = 1 << 29
"""Integers at the ports of so many events at a time: a witness holds a few copies of them."""

SPECIFICATION = "emulator"
"""The witness that executes the graph itself, so it always runs; who differs from it is wrong."""


@dataclass(frozen=True)
class WitnessResult:
    """What became of one witness. ``run`` is None, and ``reason`` says why, where it did not run.

    ``mismatches`` are events that differ from the emulator and nothing explains; ``explained`` those that the float32
    of this witness does, None where it computes none. ``measured`` is what it found out about the firmware, be it
    before it could not go on.
    """

    name: str
    run: RunRecord | None
    reason: str | None
    required: bool
    mismatches: int
    explained: Explanation | None = None
    measured: tuple[Measured, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Outcome of a verification."""

    results: tuple[WitnessResult, ...]
    disagreements: tuple[Disagreement, ...]
    sample: EventSample

    @property
    def agreement(self) -> Agreement:
        """What may be said of all that was compared."""
        if self.disagreements or any(result.mismatches for result in self.results):
            return "differs"
        if sum(result.run is not None for result in self.results) < 2:
            return "not compared"  # one witness alone agrees with itself
        excused = any(result.explained is not None and result.explained.count for result in self.results)
        return "within float32" if excused else "bit-exact"

    @property
    def odd_one_out(self) -> str | None:
        """The witness without which all would agree, if there is one."""
        return odd_one_out(found.witnesses for found in self.disagreements)

    @property
    def ran(self) -> list[str]:
        """Names of the witnesses that ran."""
        return [result.name for result in self.results if result.run is not None]

    @property
    def failures(self) -> list[str]:
        """Why it failed, a line each; empty if it passed."""
        lines = [f"{d}" for d in self.disagreements]
        lines += [f"witness {r.name} did not run: {r.reason}" for r in self.results if r.required and r.run is None]
        return lines


def verify(
    task: Task,
    sample: EventSample,
    names: Sequence[str],
    *,
    required: bool,
    max_events: Mapping[str, int],
    progress: StageProgress | None = None,
) -> Verdict:
    """Run the witnesses ``names`` over ``sample`` and compare each with every other.

    ``required``: they were named by the user, so one that cannot run is a failure. ``max_events`` caps witnesses
    by name, in place of their own limits; corner events come first, so every witness computes them.
    """
    order = [SPECIFICATION, *(name for name in names if name != SPECIFICATION)]
    left_out = {} if required else _too_large(task.graph, order) | _too_long(task, sample, order, max_events)
    limits = {name: _events(name, sample, max_events) for name in order if name not in left_out}
    asked = _Asked(task, limits, progress, reasons=dict(left_out))
    parts = [_compared(asked, _portion(sample, events), events.start) for events in _portions(task.graph, sample)]
    results = tuple(_result(name, asked, parts, required=required and name in names) for name in order)
    pairs = combinations(limits, 2)
    found = (joined([part.disagreements[pair] for part in parts if pair in part.disagreements]) for pair in pairs)
    placed = (located(task, one, asked.witnesses, sample.raw, SPECIFICATION) for one in found if one is not None)
    return Verdict(results, tuple(placed), sample)


def _portions(graph: FixedGraph, sample: EventSample) -> list[slice]:
    """All events, or, where they take too much memory at once, so many after so many."""
    values = sum(prod(graph.edges[name].shape) for name in (*graph.inputs, *graph.outputs))
    size = max(1, _PORTION_BYTES // (8 * max(values, 1)))
    return [slice(first, min(first + size, len(sample))) for first in range(0, max(len(sample), 1), size)]


def _portion(sample: EventSample, events: slice) -> RawArrays:
    return [raw[events] for raw in sample.raw]


@dataclass(frozen=True)
class _Asked:
    """The witnesses, ``limits`` the number of events for each; kept over all portions: what is compiled is so once.

    ``reasons`` say why one does not run; ``broken`` are those that began and failed; ``measured`` is what one that does
    not run measured all the same.
    """

    task: Task
    limits: Mapping[str, int]
    progress: StageProgress | None
    reasons: dict[str, str]
    witnesses: dict[str, Witness] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    measured: dict[str, tuple[Measured, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """What became of one portion of the events."""

    records: Mapping[str, RunRecord]
    mismatches: Mapping[str, int]
    explained: Mapping[str, Explanation | None]
    disagreements: Mapping[Pair, Disagreement]


def _compared(asked: _Asked, raw: RawArrays, first: int) -> _Part:
    """Run every witness on a portion, ``first`` the number of its first event, and compare each with every other."""
    graph = asked.task.graph
    runs = _run_all(asked, raw, first)
    explained = {name: _explanation(graph, raw, runs[SPECIFICATION], run) for name, run in runs.items()}
    found = {pair: _disagreement(asked, raw, runs, pair, explained) for pair in combinations(runs, 2)}
    return _Part(
        records={name: run.record for name, run in runs.items()},
        mismatches={name: int(_unexplained((SPECIFICATION, name), runs, explained).sum()) for name in runs},
        explained=explained,
        disagreements={pair: replace(d, event=d.event + first) for pair, d in found.items() if d is not None},
    )


def _too_large(graph: FixedGraph, names: Sequence[str]) -> dict[str, str]:
    """Witnesses that take minutes on a network of this size, and why nobody waits for them unasked."""
    size = graph.multiplications()
    largest = {name: limits_of(name).multiplications for name in names}
    return {
        name: f"left out by default, {size:,} multiplications take minutes; ask for it with --witness {name}"
        for name, limit in largest.items()
        if limit is not None and size > limit
    }


def _too_long(task: Task, sample: EventSample, names: Sequence[str], max_events: Mapping[str, int]) -> dict[str, str]:
    """Witnesses that would take longer than anybody waits for unasked."""
    taken = {name: _seconds(task, name, _events(name, sample, max_events)) for name in names}
    return {
        name: f"left out by default, it takes about {told(seconds)}; ask for it with --witness {name}"
        for name, seconds in taken.items()
        if seconds > _UNASKED_SECONDS
    }


def _seconds(task: Task, name: str, events: int) -> float:
    """About how long a witness takes; 0 where it does not know."""
    expected = limits_of(name).seconds
    return 0.0 if expected is None else expected(task, events)


def _events(name: str, sample: EventSample, max_events: Mapping[str, int]) -> int:
    return min(len(sample), max_events.get(name) or limits_of(name).max_events or len(sample))


def told(seconds: float) -> str:
    """A duration in words.

    >>> told(42.0), told(100.0), told(9000.0)
    ('40 s', '2 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds, -1)):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _run_all(asked: _Asked, raw: RawArrays, first: int) -> dict[str, WitnessRun]:
    """The runs on one portion, of the witnesses that run and have not had their number of events before it."""
    runs: dict[str, WitnessRun] = {}
    for name, limit in asked.limits.items():
        events = min(limit - first, len(raw[0]))
        if name in asked.reasons or (first and events < 1):
            continue
        stage = _announced(name, _seconds(asked.task, name, limit))
        told = _from(asked.progress, first, limit)
        if told is not None:
            told(stage, 0, events)
        try:
            if name not in asked.witnesses:
                asked.witnesses[name] = witness(name, asked.task)
            runs[name] = asked.witnesses[name].run([array[:events] for array in raw], of_stage(told, stage))
        except (Skipped, ToolError) as error:
            asked.reasons[name] = " ".join(str(error).split())
            if isinstance(error, ToolError):
                asked.broken.add(name)
            else:
                asked.measured[name] = error.measured
        if told is not None:
            told(stage, events, events)
    return runs


def _from(progress: StageProgress | None, first: int, total: int) -> StageProgress | None:
    """Progress in a portion as progress in all events, which is what the user asked for."""
    if progress is None:
        return None
    return lambda stage, done, _of: progress(stage, first + done, total)


def _announced(name: str, seconds: float) -> str:
    return name if seconds < _ANNOUNCED_SECONDS else f"{name} (about {told(seconds)})"


Explanations = Mapping[str, Explanation | None]


def _explanation(graph: FixedGraph, raw: RawArrays, emulated: WitnessRun, run: WitnessRun) -> Explanation | None:
    """Which of the events that differ from the emulator float32 explains; None for a witness of integers."""
    if run.values is None:
        return None
    differing = differs(run.raw, emulated.raw)
    return explain(graph, [array[: run.events] for array in raw], emulated.raw, run.values, differing)


def _result(name: str, asked: _Asked, parts: Sequence[_Part], *, required: bool) -> WitnessResult:
    reason = asked.reasons.get(name)
    if reason is not None:  # one that was there and broke is never passed over
        required = required or name in asked.broken
        return WitnessResult(name, None, reason, required, 0, measured=asked.measured.get(name, ()))
    ran = [part for part in parts if name in part.records]
    record = reduce(add, (part.records[name] for part in ran))
    explained = [found for part in ran if (found := part.explained[name]) is not None]
    differing = sum(part.mismatches[name] for part in ran)
    found = reduce(add, explained) if explained else None
    return WitnessResult(name, record, None, required, differing, found, record.measured)


def _unexplained(pair: Pair, runs: Mapping[str, WitnessRun], explained: Explanations) -> npt.NDArray[np.bool_]:
    """For each event that both computed: whether they differ, and the float32 of neither explains it."""
    a, b = (runs[name].raw for name in pair)
    different = differs(a, b)
    for name in pair:
        found = explained[name]
        if found is not None:
            different &= ~found.events[: len(different)]
    return different


def _disagreement(
    asked: _Asked, raw: RawArrays, runs: Mapping[str, WitnessRun], pair: Pair, explained: Explanations
) -> Disagreement | None:
    a, b = (runs[name].raw for name in pair)
    return disagreement(asked.task.graph, pair, (a, b), _unexplained(pair, runs, explained), raw)
