"""The events that a verification computes: of a physics system, of a file, or spread over the range of the ports."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
import numpy.typing as npt

from hls.emulation import quantize_inputs
from hls.errors import EventError
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.verification.corners import corner_events


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
    """Port integers, one array (n, *port shape) an input; the first ``corners`` of them are corner events."""

    raw: RawArrays
    corners: int
    source: str

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
    is how many are wanted: without it a file gives all that it has, and the others ``default``.

    Raises:
        EventError: the file is missing, damaged, empty or too short, or its arrays do not fit the network.
    """
    wanted = events if events is not None else default
    if inputs is not None:
        raw, source = _from_file(graph, system, inputs, events), f"file {inputs.name}"
    elif system is not None:
        raw, source = quantize_inputs(graph, system.generate(wanted, seed)), f"{system} events, seed {seed}"
    else:
        raw, source = _uniform(graph, wanted, seed), f"integers uniform over the input ports, seed {seed}"
    corners = corner_events(graph, seed)
    joined = [np.concatenate(pair) for pair in zip(corners, raw, strict=True)]
    return EventSample(joined, len(corners[0]), source)


def _uniform(graph: FixedGraph, events: int, seed: int) -> RawArrays:
    rng = np.random.default_rng(seed)
    ports = [graph.edges[name] for name in graph.inputs]
    return [
        rng.integers(edge.raw_min, edge.raw_max, (events, *edge.shape), dtype=np.int64, endpoint=True) for edge in ports
    ]


def _from_file(graph: FixedGraph, system: EventSource | None, path: Path, events: int | None) -> RawArrays:
    own_layout = system is not None and path.is_file() and h5py.is_hdf5(path)
    values = system.read(path) if system is not None and own_layout else event_arrays(path, graph.inputs)
    try:
        raw = quantize_inputs(graph, values)
    except EventError as error:
        raise EventError(f"{path}: {error}") from error
    if not len(raw[0]):
        raise EventError(f"{path}: holds no events")
    if events is not None and events > len(raw[0]):
        raise EventError(f"{path}: {events} events asked for, it holds {len(raw[0])}; ask for fewer")
    return [array[:events] for array in raw]


def event_arrays(path: Path, ports: tuple[str, ...]) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
    """The array of an event file, or its arrays by the names of ``ports``.

    Raises:
        EventError: the file is missing or damaged, or has no array of these names.
    """
    if not path.is_file():
        raise EventError(f"{path}: no such event file")
    if path.suffix in (".npy", ".npz"):
        return _numpy_file(path)
    if not h5py.is_hdf5(path):
        raise EventError(f"{path}: not an event file, or a truncated one; give HDF5 (.h5), .npy or .npz")
    return _hdf5_file(path, ports)


def _numpy_file(path: Path) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
    try:
        with path.open("rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            arrays = {str(name): loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise EventError(
            f"{path}: truncated, damaged or pickled ({_first_line(error)}); save it with np.save"
        ) from error
    return arrays if len(arrays) > 1 else next(iter(arrays.values()), np.empty(0))


def _hdf5_file(path: Path, ports: tuple[str, ...]) -> npt.NDArray[Any] | dict[str, npt.NDArray[Any]]:
    """Datasets called as the inputs are, or the only dataset that there is."""
    try:
        with h5py.File(path, "r") as file:
            names = [name for name in file if isinstance(file.get(name), h5py.Dataset)]  # a dead link is None
            for name in names:
                _require_sources(file[name], path)
            if set(ports) <= set(names):
                return {port: file[port][()] for port in ports}
            if len(ports) == len(names) == 1:
                return np.asarray(file[names[0]][()])
    except (OSError, RuntimeError, KeyError) as error:
        raise EventError(f"{path}: damaged HDF5 ({_first_line(error)}); write it again") from error
    raise EventError(f"{path}: has datasets {names or 'none'}; one for each input is needed, called {list(ports)}")


def _require_sources(dataset: h5py.Dataset, path: Path) -> None:
    """HDF5 fills what a virtual dataset lacks with zeros, without a word."""
    for source in dataset.virtual_sources() if dataset.is_virtual else ():
        if source.file_name != "." and not (path.parent / source.file_name).is_file():
            raise EventError(
                f"{path}: dataset {dataset.name!r} is virtual, and its source {source.file_name} is not there; "
                "copy that file along, or write the events themselves"
            )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
