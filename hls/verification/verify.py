"""Every witness on the same events, compared as integers. There is no tolerance anywhere.

QKeras computes in float32. Where its own roundings take it off the exact arithmetic, an event is accepted only if every
output lies where those roundings can have taken it, by a bound on each of them; such an event is told, never hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, ToolError
from hls.graph import FixedGraph
from hls.machine.progress import StageProgress, of_stage
from hls.verification.explanation import Explanation, explain
from hls.verification.sample import EventSample
from hls.verification.witnesses import Skipped, Task, Witness, WitnessRun, limits_of, witness
from hls.verification.witnesses.base import OFF_GRID, Outputs

Agreement = Literal["bit-exact", "within float32", "differs", "not compared"]
"""Whether all compared outputs are equal, or QKeras's own float32 explains what is not, or something differs."""

_ANNOUNCED_SECONDS, _UNASKED_SECONDS = 20.0, 1200.0

SPECIFICATION = "emulator"
"""The witness that executes the graph itself, so it always runs; who differs from it is wrong."""


@dataclass(frozen=True)
class Disagreement:
    """First event on which two witnesses differ. Values are raw integers; ``layer`` is the first to differ."""

    witnesses: tuple[str, str]
    events: int
    event: int
    output: str
    element: tuple[int, ...]
    values: tuple[int | None, int | None]
    layer: str | None
    input: list[list[int]]

    def __str__(self) -> str:
        a, b = (
            f"{name} {'off the grid' if v is None else v}" for name, v in zip(self.witnesses, self.values, strict=True)
        )
        place = f"{self.output}{list(self.element)}" if self.element else self.output
        layer = f", first in layer {self.layer}" if self.layer else ""
        return f"{a} but {b} for {place} of event {self.event}{layer} ({self.events} events differ)"


@dataclass(frozen=True)
class WitnessResult:
    """What became of one witness. ``run`` is None, and ``reason`` says why, where it did not run.

    ``mismatches`` are events that differ from the emulator and nothing explains; ``explained`` those that the float32
    of this witness does, None where it computes none.
    """

    name: str
    run: WitnessRun | None
    reason: str | None
    required: bool
    mismatches: int
    explained: Explanation | None = None


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
    ran = _run_all(task, sample, order, left_out, max_events, progress)
    explained = {name: _explanation(task.graph, sample, ran, run) for name, run in ran.runs.items()}
    results = tuple(_result(name, ran, explained, required=required and name in names) for name in order)
    pairs = combinations(ran.runs, 2)
    found = (_disagreement(task.graph, sample, ran, pair, explained) for pair in pairs)
    return Verdict(results, tuple(d for d in found if d is not None), sample)


@dataclass(frozen=True)
class _Ran:
    """What each witness computed, or why it did not run; ``broken`` are those that began and failed."""

    witnesses: dict[str, Witness] = field(default_factory=dict)
    runs: dict[str, WitnessRun] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


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


def _run_all(
    task: Task,
    sample: EventSample,
    order: Sequence[str],
    left_out: Mapping[str, str],
    max_events: Mapping[str, int],
    progress: StageProgress | None,
) -> _Ran:
    ran = _Ran(reasons=dict(left_out))
    for name in order:
        if name in left_out:
            continue
        events = _events(name, sample, max_events)
        stage = _announced(name, _seconds(task, name, events))
        if progress is not None:
            progress(stage, 0, events)
        try:
            ran.witnesses[name] = witness(name, task)
            raw = [array[:events] for array in sample.raw]
            ran.runs[name] = ran.witnesses[name].run(raw, of_stage(progress, stage))
        except (Skipped, ToolError) as error:
            ran.reasons[name] = " ".join(str(error).split())
            if isinstance(error, ToolError):
                ran.broken.add(name)
        if progress is not None:
            progress(stage, events, events)
    return ran


def _announced(name: str, seconds: float) -> str:
    return name if seconds < _ANNOUNCED_SECONDS else f"{name} (about {told(seconds)})"


Explanations = Mapping[str, Explanation | None]


def _explanation(graph: FixedGraph, sample: EventSample, ran: _Ran, run: WitnessRun) -> Explanation | None:
    """Which of the events that differ from the emulator float32 explains; None for a witness of integers."""
    if run.values is None:
        return None
    exact = ran.runs[SPECIFICATION].raw
    differing = differs(run.raw, exact)
    return explain(graph, [raw[: run.events] for raw in sample.raw], exact, run.values, differing)


def _result(name: str, ran: _Ran, explained: Explanations, *, required: bool) -> WitnessResult:
    run = ran.runs.get(name)
    if run is None:  # one that was there and broke is never passed over
        return WitnessResult(name, None, ran.reasons[name], required or name in ran.broken, 0)
    differing = int(_unexplained((SPECIFICATION, name), ran, explained).sum())
    return WitnessResult(name, run, None, required, differing, explained[name])


def _unexplained(pair: tuple[str, str], ran: _Ran, explained: Explanations) -> npt.NDArray[np.bool_]:
    """For each event that both computed: whether they differ, and the float32 of neither explains it."""
    a, b = (ran.runs[name].raw for name in pair)
    different = differs(a, b)
    for name in pair:
        found = explained[name]
        if found is not None:
            different &= ~found.events[: len(different)]
    return different


def differs(a: Sequence[npt.NDArray[Any]], b: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """For each event that both computed: whether any output differs."""
    events = min(len(a[0]), len(b[0]))
    result = np.zeros(events, np.bool_)
    for x, y in zip(a, b, strict=True):
        if x.shape[1:] != y.shape[1:]:
            raise FirmwareError(f"witnesses give outputs of shapes {x.shape[1:]} and {y.shape[1:]}; report this")
        result |= np.asarray(x[:events] != y[:events]).reshape(events, -1).any(axis=1)
    return result


def _disagreement(
    graph: FixedGraph,
    sample: EventSample,
    ran: _Ran,
    pair: tuple[str, str],
    explained: Explanations,
) -> Disagreement | None:
    a, b = (ran.runs[name].raw for name in pair)
    different = _unexplained(pair, ran, explained)
    if not different.any():
        return None
    event = int(np.argmax(different))
    output, element = _place(graph, a, b, event)
    values = (_value(a[output][event][element]), _value(b[output][event][element]))
    raw = [array[event : event + 1] for array in sample.raw]
    return Disagreement(
        witnesses=pair,
        events=int(different.sum()),
        event=event,
        output=graph.output_names[output],
        element=element,
        values=values,
        layer=_first_differing_layer(graph, ran.witnesses[pair[0]], ran.witnesses[pair[1]], raw),
        input=[array[0].ravel().tolist() for array in raw],
    )


def _place(graph: FixedGraph, a: Outputs, b: Outputs, event: int) -> tuple[int, tuple[int, ...]]:
    """Number of the first output that differs in ``event``, and its first element that does."""
    for output in range(len(graph.outputs)):
        unequal = np.argwhere(np.asarray(a[output][event] != b[output][event]))
        if len(unequal):
            return output, tuple(int(i) for i in unequal[0])
    raise ValueError(f"event {event} does not differ")


def _value(raw: Any) -> int | None:
    return None if int(raw) == OFF_GRID else int(raw)


def _first_differing_layer(
    graph: FixedGraph, first: Witness, second: Witness, raw: Sequence[npt.NDArray[np.int64]]
) -> str | None:
    try:
        a, b = first.trace(raw), second.trace(raw)
    except FirmwareError:  # the disagreement itself is the finding; where it began is only a help
        return None
    for node in graph:
        if node.name in a and node.name in b and not np.array_equal(a[node.name], b[node.name]):
            return node.layer
    return None
