"""The events that a verification computes: of a physics system, of a file, or spread over the range of the ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from hls.emulation.ports import PortValues, port_values
from hls.errors import EventError, UnsupportedError
from hls.graph import FixedGraph, nodes
from hls.graph.raw import RawArrays
from hls.verification.corners import MAX_CORNERS, corner_events
from hls.verification.coverage import Coverage, cover, require_comparison
from hls.verification.event_files import event_arrays


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

    ``covered`` is what the others cover.
    """

    raw: RawArrays
    corners: int
    source: str
    covered: Coverage = field(default_factory=Coverage)

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
) -> EventSample:
    """Corner events, then the events themselves.

    ``inputs`` names a file; else the system generates; else integers are uniform over the ports' ranges. ``events``
    is how many are wanted in all, of which half are corner events at most: without it a file gives all that it has, and
    the others ``default``, besides the corner events.

    Raises:
        EventError: the file is missing, damaged, empty or too short, its arrays do not fit the network, or its events
            compare nothing (see :func:`hls.verification.coverage.require_comparison`).
        UnsupportedError: a port is wider than 64 bits.
    """
    for name in graph.inputs:
        _require_width(graph.port(name))
    corners = corner_events(graph, seed, MAX_CORNERS if events is None else min(MAX_CORNERS, events // 2))
    wanted = default if events is None else events - len(corners[0])
    if inputs is not None:
        values, source = _from_file(graph, system, inputs, events), f"file {inputs.name}"
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
    return EventSample(joined, len(corners[0]), source, covered)


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


def _from_file(graph: FixedGraph, system: EventSource | None, path: Path, events: int | None) -> list[PortValues]:
    own_layout = system is not None and path.is_file() and h5py.is_hdf5(path)
    given = system.read(path) if system is not None and own_layout else event_arrays(path, graph.inputs)
    with _told_of(path):
        values = port_values(graph, given)
    if not len(values[0].raw):
        raise EventError(f"{path}: holds no events")
    if events is not None and events > len(values[0].raw):
        raise EventError(f"{path}: {events} events asked for, it holds {len(values[0].raw)}; ask for fewer")
    return [port.first(events) for port in values]


@contextmanager
def _told_of(source: object) -> Iterator[None]:
    """Errors of events say where these came from."""
    try:
        yield
    except EventError as error:
        raise EventError(f"{source}: {error}") from error
