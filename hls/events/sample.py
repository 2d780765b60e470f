"""The events that a network is compared on: of a physics system, of a file, or spread over the range of the ports."""

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
from hls.events.choice import Choice
from hls.events.corners import MAX_CORNERS, corner_events
from hls.events.coverage import Coverage, cover, require_comparison
from hls.events.event_file import Array
from hls.events.labels import Labels
from hls.events.reading import read_events, read_labels
from hls.graph import FixedGraph, nodes
from hls.graph.raw import RawArrays


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
    integers that were drawn). Of a file ``labels`` tell their classes, and ``names`` what each input was made of;
    ``own_layout``: it is one of the system's.
    """

    raw: RawArrays
    corners: int
    source: str
    covered: Coverage = field(default_factory=Coverage)
    given: Mapping[str, Array] | None = None
    labels: Labels | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
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
            compare nothing (see :func:`hls.events.coverage.require_comparison`).
        UnsupportedError: a port is wider than 64 bits.
    """
    for name in graph.inputs:
        _require_width(graph.port(name))
    corners = corner_events(graph, seed, MAX_CORNERS if events is None else min(MAX_CORNERS, events // 2))
    wanted = default if events is None else events - len(corners[0])
    if inputs is not None:
        found = _from_file(graph, system, inputs, choice or Choice(), events)
    elif system is not None:
        found = _Found(port_values(graph, system.generate(wanted, seed)), f"{system} events, seed {seed}")
    else:
        found = _Found(_uniform(graph, wanted, seed), f"integers uniform over the input ports, seed {seed}")
    values = found.values if events is None else [port.first(wanted) for port in found.values]
    covered = cover(values)
    drawn = inputs is None and system is None
    if not drawn:
        with _told_of(inputs or f"{system} events"):
            require_comparison(values, covered)
    return EventSample(
        [np.concatenate([corner, port.raw]) for corner, port in zip(corners, values, strict=True)],
        len(corners[0]),
        found.source,
        covered,
        None if drawn else {port.node.name: port.given for port in values},
        None if found.labels is None else found.labels.first(len(values[0].raw)),
        found.names,
        found.own_layout,
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """Events on the ports, and where they come from; the rest is of a file."""

    values: list[PortValues]
    source: str
    labels: Labels | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own_layout: bool = False


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


def _from_file(graph: FixedGraph, system: EventSource | None, path: Path, choice: Choice, events: int | None) -> _Found:
    if system is not None and not choice.features and path.is_file() and h5py.is_hdf5(path):  # of its own layout
        read = None
        given = system.read(path)
    else:
        read = read_events(path, {name: graph.port(name).shape for name in graph.inputs}, choice)
        given = read.inputs
    with _told_of(path):
        values = port_values(graph, given)
    held = len(values[0].raw)
    if not held:
        raise EventError(f"{path}: holds no events")
    if events is not None and events > held:
        raise EventError(f"{path}: {events} events asked for, it holds {held}; ask for fewer")
    values, source = [port.first(events) for port in values], f"file {path.name}"
    if read is None:
        labels = None if choice.labels is None else read_labels(path, held, choice.labels)
        return _Found(values, source, labels, own_layout=True)
    return _Found(values, f"{source} ({read})" if str(read) else source, read.labels, read.names)


@contextmanager
def _told_of(source: object) -> Iterator[None]:
    """Errors of events say where these came from."""
    try:
        yield
    except EventError as error:
        raise EventError(f"{source}: {error}") from error
