"""The events that a verification computes: of a physics system, of a file, or spread over the range of the ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from hls.emulation.ports import PortValues, port_values
from hls.errors import EventError, UnsupportedError
from hls.events import Array, Choice, Labels, read_events, read_labels
from hls.graph import FixedGraph, nodes
from hls.graph.raw import RawArrays
from hls.verification.corners import MAX_CORNERS, corner_events
from hls.verification.coverage import Coverage, cover, require_comparison


class EventSource(Protocol):
    """Who has events for a network: a physics system. ``str`` of it names it in the report.

    Both give values of the input ports, as :func:`hls.emulation.quantize_inputs` takes them, and raise FirmwareError.
    """

    def generate(self, events: int, seed: int) -> Any:
        """``events`` events, the same for the same ``seed``."""

    def read(self, path: Path) -> Any:
        """The events of an HDF5 file of its own layout."""


@dataclass(frozen=True, eq=False)
class EventSample:
    """Port integers, one array (n, *port shape) an input; the first ``corners`` of them are corner events.

    ``covered`` is what the others cover, ``given`` what they were before the ports rounded them, by input (None of
    integers that were drawn), ``labels`` their classes, where a file tells them. ``own_layout``: the file is one
    of the system's.
    """

    raw: RawArrays
    corners: int
    source: str
    covered: Coverage = field(default_factory=Coverage)
    given: Mapping[str, Array] | None = None
    labels: Labels | None = None
    own_layout: bool = False

    def __len__(self) -> int:
        return len(self.raw[0])


def gather(
    graph: FixedGraph,
    system: EventSource | None,
    *,
    events: int | None,
    seed: int,
    inputs: Path | None,
    default: int,
    choice: Choice | None = None,
) -> EventSample:
    """Corner events, then the events themselves.

    ``inputs`` names a file, of which ``choice`` says what is taken; else the system generates; else integers are
    uniform over the ports' ranges. ``events`` is how many are wanted in all, of which half are corner events at most:
    without it a file gives all that it has, and the others ``default``, besides the corner events.

    Raises:
        EventError: the file is missing, damaged, empty or too short, its arrays do not fit the network, or its events
            compare nothing (see :func:`hls.verification.coverage.require_comparison`).
        UnsupportedError: a port is wider than 64 bits.
    """
    for name in graph.inputs:
        _require_width(graph.port(name))
    corners = corner_events(graph, seed, MAX_CORNERS if events is None else min(MAX_CORNERS, events // 2))
    wanted = default if events is None else events - len(corners[0])
    labels = None
    if inputs is not None:
        values, labels, source = _from_file(graph, system, inputs, choice or Choice(), events)
    elif system is not None:
        values, source = port_values(graph, system.generate(wanted, seed)), f"{system} events, seed {seed}"
    else:
        values, source = _uniform(graph, wanted, seed), f"integers uniform over the input ports, seed {seed}"
    if events is not None:
        values = [port.first(wanted) for port in values]
    covered = cover(values)
    if inputs is not None or system is not None:
        with _told_of(inputs or f"{system} events"):
            require_comparison(values, covered)
    joined = [np.concatenate([corner, port.raw]) for corner, port in zip(corners, values, strict=True)]
    drawn = inputs is None and system is None
    given = None if drawn else {port.node.name: port.given for port in values}
    if labels is not None:
        labels = labels.first(len(values[0].raw))
    own_layout = inputs is not None and system is not None and _has_own_layout(inputs, choice or Choice())
    return EventSample(joined, len(corners[0]), source, covered, given, labels, own_layout)


def _require_width(port: nodes.Input) -> None:
    ends = np.iinfo(np.int64)
    if port.raw_min < ends.min or port.raw_max > ends.max:
        raise UnsupportedError(f"input {port.name!r}: {port.type} is wider than the 64 bits that events may have")


def _uniform(graph: FixedGraph, events: int, seed: int) -> list[PortValues]:
    rng = np.random.default_rng(seed)
    ports = [graph.port(name) for name in graph.inputs]
    drawn = [
        rng.integers(port.raw_min, port.raw_max, (events, *port.shape), dtype=np.int64, endpoint=True) for port in ports
    ]
    none = np.zeros(events, np.int64)
    return [PortValues(port, raw, raw, none) for port, raw in zip(ports, drawn, strict=True)]


def _has_own_layout(path: Path, choice: Choice) -> bool:
    """Whether a system is to read the file itself."""
    return not choice.features and path.is_file() and h5py.is_hdf5(path)


def _from_file(
    graph: FixedGraph, system: EventSource | None, path: Path, choice: Choice, events: int | None
) -> tuple[list[PortValues], Labels | None, str]:
    """The events of a file on the ports, their labels, and where they come from."""
    if system is not None and _has_own_layout(path, choice):
        given, labels, told = system.read(path), None, ""
    else:
        found = read_events(path, {name: graph.port(name).shape for name in graph.inputs}, choice)
        given, labels, told = found.inputs, found.labels, str(found)
    with _told_of(path):
        values = port_values(graph, given)
    held = len(values[0].raw)
    if not held:
        raise EventError(f"{path}: holds no events")
    if labels is None and choice.labels is not None:
        labels = read_labels(path, held, choice.labels)
    if events is not None and events > held:
        raise EventError(f"{path}: {events} events asked for, it holds {held}; ask for fewer")
    source = f"file {path.name}" + (f" ({told})" if told else "")
    return [port.first(events) for port in values], labels, source


@contextmanager
def _told_of(source: object) -> Iterator[None]:
    """Errors of events say where these came from."""
    try:
        yield
    except EventError as error:
        raise EventError(f"{source}: {error}") from error
