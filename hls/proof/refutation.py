"""An event that shows a difference: looked for where the numbers differ, and believed only when it is replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.emulation import Emulator
from hls.errors import ToolError
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.proof.certificate import Counterexample
from hls.proof.encoding import Encoding
from hls.proof.evaluation import Evaluation
from hls.proof.forms import Form, Function, Value
from hls.proof.runs import Ints, Runs, combine
from hls.proof.subject import Deadline, NotClosedError, Subject
from hls.proof.words import Space
from hls.rtl import FlagsError, Simulation, missing_tools

_RANDOM_EVENTS = 4096
_REPLAYED = 256
_POINTS = 3
_QUESTION_SECONDS = 10.0
_SEED = 14


@dataclass(frozen=True)
class Mismatch:
    """Numbers that should be equal: those of the graph, and those that the Verilog gives. Empty if they are unknown.

    ``known`` is the number of atoms that the graph has; those after it are the Verilog's own.
    """

    space: Space
    pairs: Sequence[tuple[Value, Value]] = ()
    known: int = 0


def find_counterexample(subject: Subject, mismatch: Mismatch, deadline: Deadline) -> Counterexample | None:
    """An event that emulator and simulated Verilog compute differently, or with which a flag of the Verilog is wrong;
    None if none was found, or nobody simulates.

    Raises:
        NotClosedError: there is no simulator, or it does not say.
    """
    suspects = _suspects(subject.graph, mismatch, deadline)
    return _replayed(subject, suspects)


def _suspects(graph: FixedGraph, mismatch: Mismatch, deadline: Deadline) -> list[Ints]:
    """Events (raw integers of each port), those for which the numbers differ first."""
    random = _random_events(graph)
    if not mismatch.pairs:
        return [port[:_REPLAYED] for port in random]
    showing = _showing(mismatch, random)
    if not showing.any():
        solved = _solved_events(graph, mismatch, deadline)
        if solved is not None:
            random = [np.concatenate(ports) for ports in zip(solved, random, strict=True)]
            showing = _showing(mismatch, random)
    order = np.argsort(~showing, kind="stable")[:_REPLAYED]
    return [port[order] for port in random]


def _showing(mismatch: Mismatch, ports: Sequence[Ints]) -> npt.NDArray[np.bool_]:
    """For each event, whether any pair differs."""
    evaluation = Evaluation(mismatch.space, ports)
    differs = np.zeros(len(ports[0]), np.bool_)
    for wanted, got in mismatch.pairs:
        differs |= evaluation.of(wanted) != evaluation.of(got)
    return differs


def _random_events(graph: FixedGraph) -> list[Ints]:
    """Corners of the ports, then random integers: (events, elements) for each port."""
    generator = np.random.default_rng(_SEED)
    made = []
    for name in graph.inputs:
        port = graph.port(name)
        size = int(np.prod(port.shape, dtype=np.int64))
        events = generator.integers(port.raw_min, port.raw_max + 1, (_RANDOM_EVENTS, size))
        ends = np.array([port.raw_min, port.raw_max, 0])
        events[: len(ends)] = np.clip(ends, port.raw_min, port.raw_max)[:, None]
        one_sided = generator.integers(0, 2, (_REPLAYED, size)) * (port.raw_max - port.raw_min) + port.raw_min
        events[len(ends) : len(ends) + _REPLAYED] = one_sided
        made.append(events)
    return made


def _solved_events(graph: FixedGraph, mismatch: Mismatch, deadline: Deadline) -> list[Ints] | None:
    """Events that reach the points at which functions differ, with random integers where they do not matter."""
    found: list[list[Ints]] = []
    for base, point in _points(mismatch):
        deadline.check("the search for an event that shows a difference")
        event = _reaching(mismatch.space, base, point, deadline)
        if event is None:
            continue
        ports = [events[:64].copy() for events in _random_events(graph)]
        for (port, element), raw in event.items():
            ports[port][:, element] = raw
        found.append(ports)
    return [np.concatenate(ports) for ports in zip(*found, strict=True)] if found else None


def _points(mismatch: Mismatch) -> Iterator[tuple[Form, int]]:
    """Forms, and values of them at which a function of the graph and one of the Verilog differ."""
    for wanted, got in mismatch.pairs:
        if isinstance(wanted, Function) and isinstance(got, Function) and wanted.base is got.base:
            yield from _differing(wanted.base.form, wanted.runs, got.runs)
    atoms = [atom.origin for atom in mismatch.space.atoms]
    own, theirs = atoms[: mismatch.known], atoms[mismatch.known :]
    for other in theirs:
        for atom in own:
            if isinstance(other, Function) and isinstance(atom, Function) and atom.base is other.base:
                yield from _differing(atom.base.form, atom.runs, other.runs)


def _differing(form: Form, wanted: Runs, got: Runs) -> Iterator[tuple[Form, int]]:
    difference = combine([(1, wanted), (-1, got)])
    runs = np.flatnonzero((difference.value != 0) | (difference.slope != 0))
    for run in runs[np.linspace(0, len(runs) - 1, min(_POINTS, len(runs))).astype(int)] if len(runs) else ():
        middle = int(difference.start[run] + (difference.lengths[run] - 1) // 2)
        yield form, middle if difference.at(np.array([middle]))[0] else int(difference.start[run])


def _reaching(space: Space, form: Form, point: int, deadline: Deadline) -> dict[tuple[int, int], int] | None:
    try:
        encoding = Encoding(space)
        return encoding.event([encoding.equals(form, point)], Deadline(min(deadline.left, _QUESTION_SECONDS)))
    except NotClosedError:  # this point is too hard; another one may do
        return None


def _replayed(subject: Subject, ports: Sequence[Ints]) -> Counterexample | None:
    """The first of the events that comes out wrong: back to back, with gaps between them, or around a reset."""
    graph = subject.graph
    reason = missing_tools()
    if reason is not None:
        raise NotClosedError(f"no event can be replayed: {reason}")
    raw = [port.reshape(len(port), *graph.port(n).shape) for n, port in zip(graph.inputs, ports, strict=True)]
    try:
        simulation = Simulation(subject.verilog, subject.cache)
        simulation.compile()
        for came, simulated in simulation.disturbed(raw):
            found = _first_difference(graph, raw, simulated)
            if found is not None:
                return _fewest(graph, simulation, raw, came, found)
    except FlagsError as error:
        return _wrong_flag(graph, raw, error)
    except ToolError as error:
        raise NotClosedError(f"no event can be replayed: {' '.join(str(error).split())}") from error
    return None


@dataclass(frozen=True)
class _Different:
    """An element of the output of an event that is not what the emulator computes."""

    event: int
    output: str
    element: int
    expected: int
    got: int


def _first_difference(graph: FixedGraph, raw: RawArrays, simulated: RawArrays) -> _Different | None:
    first: _Different | None = None
    for name, wanted, got in zip(graph.output_names, Emulator(graph).run(raw), simulated, strict=True):
        a, b = (np.asarray(found).reshape(len(raw[0]), -1) for found in (wanted, got))
        differing = np.argwhere(a != b)
        if len(differing) and (first is None or differing[0][0] < first.event):
            event, element = (int(place) for place in differing[0])
            first = _Different(event, name, element, int(a[event, element]), int(b[event, element]))
    return first


def _fewest(graph: FixedGraph, simulation: Simulation, raw: RawArrays, came: str, found: _Different) -> Counterexample:
    """The event with the fewest before it that still show it where they come so: mostly with none."""
    count = 1
    while count <= found.event:
        few = [port[found.event + 1 - count : found.event + 1] for port in raw]
        for how, simulated in simulation.disturbed(few):
            again = _first_difference(graph, few, simulated) if how == came else None
            if again is not None:
                return _told(graph, few, came, again)
        count *= 2
    return _told(graph, raw, came, found)


def _wrong_flag(graph: FixedGraph, raw: RawArrays, error: FlagsError) -> Counterexample:
    """The events up to that after which, or in whose place, a flag is wrong."""
    events = _events(graph, raw, min(error.results, len(raw[0]) - 1))
    return Counterexample(
        inputs=events[-1],
        output=error.flag,
        element=0,
        expected=1 - error.value,
        got=error.value,
        replayed=("rtl",),
        came=error.came or None,
        before=tuple(events[:-1]),
    )


def _events(graph: FixedGraph, raw: RawArrays, last: int) -> list[dict[str, tuple[int, ...]]]:
    return [
        {name: tuple(port[event].ravel().tolist()) for name, port in zip(graph.inputs, raw, strict=True)}
        for event in range(last + 1)
    ]


def _told(graph: FixedGraph, raw: RawArrays, came: str, found: _Different) -> Counterexample:
    events = _events(graph, raw, found.event)
    return Counterexample(
        inputs=events[-1],
        output=found.output,
        element=found.element,
        expected=found.expected,
        got=found.got,
        replayed=("emulator", "rtl"),
        came=came or None,
        before=tuple(events[:-1]),
    )
