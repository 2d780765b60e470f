"""Every witness on the same events, compared as integers. There is no tolerance anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError, ToolError
from hls.graph import FixedGraph
from hls.machine.progress import Progress, StageProgress
from hls.verification.sample import EventSample
from hls.verification.witnesses import Skipped, Task, Witness, WitnessRun, limits_of, witness
from hls.verification.witnesses.base import OFF_GRID, Outputs

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
    """What became of one witness. ``run`` is None, and ``reason`` says why, where it did not run."""

    name: str
    run: WitnessRun | None
    reason: str | None
    required: bool
    mismatches: int
    float32_differs: int | None


@dataclass(frozen=True)
class Verdict:
    """Outcome of a verification."""

    results: tuple[WitnessResult, ...]
    disagreements: tuple[Disagreement, ...]
    sample: EventSample

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
    left_out = {} if required else _too_large(task.graph, order)
    ran = _run_all(task, sample, order, left_out, max_events, progress)
    inexact = bool(task.graph.float32_inexact())
    results = tuple(_result(name, ran, required=required and name in names, inexact=inexact) for name in order)
    pairs = [pair for pair in combinations(ran.runs, 2) if not (inexact and "qkeras" in pair)]
    found = (_disagreement(task.graph, sample, ran, pair) for pair in pairs)
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
        events = min(len(sample), max_events.get(name) or limits_of(name).max_events or len(sample))
        if progress is not None:
            progress(name, 0, events)
        try:
            ran.witnesses[name] = witness(name, task)
            raw = [array[:events] for array in sample.raw]
            ran.runs[name] = ran.witnesses[name].run(raw, _stage(progress, name))
        except (Skipped, ToolError) as error:
            ran.reasons[name] = " ".join(str(error).split())
            if isinstance(error, ToolError):
                ran.broken.add(name)
        if progress is not None:
            progress(name, events, events)
    return ran


def _stage(progress: StageProgress | None, name: str) -> Progress | None:
    return None if progress is None else lambda done, total: progress(name, done, total)


def _result(name: str, ran: _Ran, *, required: bool, inexact: bool) -> WitnessResult:
    run = ran.runs.get(name)
    if run is None:  # one that was there and broke is never passed over
        return WitnessResult(name, None, ran.reasons[name], required or name in ran.broken, 0, None)
    differing = int(differs(run.raw, ran.runs[SPECIFICATION].raw).sum())
    excused = inexact and name == "qkeras"
    return WitnessResult(name, run, None, required, 0 if excused else differing, differing if excused else None)


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
) -> Disagreement | None:
    a, b = (ran.runs[name].raw for name in pair)
    different = differs(a, b)
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
