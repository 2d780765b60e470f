"""From a user's arrays to the integers on the ports: checks, rounding, saturation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.emulation.plan import times_power_of_two
from hls.errors import EventError
from hls.graph import FixedGraph, nodes

Events = npt.ArrayLike | Sequence[npt.ArrayLike] | Mapping[str, npt.ArrayLike]

# Above this width a float32 cannot hold every value of the port, so float64 events keep their precision.
_FLOAT32_PORT_BITS = 24


def as_arrays(graph: FixedGraph, events: Events) -> list[npt.NDArray[Any]]:
    """One checked array of shape (n, *port shape) for every port, in the graph's order.

    Raises:
        EventError: a port is missing or unknown, or an array has the wrong shape or dtype.
    """
    arrays = _by_port(graph, events)
    checked = [_checked(graph.port(name), array) for name, array in zip(graph.inputs, arrays, strict=True)]
    if len({len(array) for array in checked}) > 1:
        counts = ", ".join(f"{name}: {len(a)}" for name, a in zip(graph.inputs, checked, strict=True))
        raise EventError(f"inputs differ in their number of events ({counts}); give the same number to each")
    return checked


def _by_port(graph: FixedGraph, events: Events) -> list[Any]:
    if isinstance(events, Mapping):
        unknown = sorted(set(events) - set(graph.inputs))
        missing = sorted(set(graph.inputs) - set(events))
        if unknown or missing:
            raise EventError(
                f"inputs are called {list(graph.inputs)}; unknown: {unknown or 'none'}, missing: {missing or 'none'}"
            )
        return [events[name] for name in graph.inputs]
    if isinstance(events, np.ndarray) or (len(graph.inputs) == 1 and not _is_list_of_arrays(events)):
        arrays: list[Any] = [events]
    else:
        arrays = list(events)  # type: ignore[arg-type]
    if len(arrays) != len(graph.inputs):
        raise EventError(f"the network has {len(graph.inputs)} inputs {list(graph.inputs)}, {len(arrays)} were given")
    return arrays


def _is_list_of_arrays(events: object) -> bool:
    return isinstance(events, list | tuple) and len(events) == 1 and isinstance(events[0], np.ndarray)


def _checked(node: nodes.Input, events: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        array = np.asarray(events)
    except ValueError:
        raise EventError(f"input {node.name!r}: rows differ in length; give a rectangular array") from None
    if array.dtype.kind not in "fiu":
        raise EventError(f"input {node.name!r} has dtype {array.dtype}; give floats or integers")
    if array.shape[1:] != node.shape or array.ndim == 0:
        expected = "(events, " + ", ".join(map(str, node.shape)) + ")"
        raise EventError(f"input {node.name!r} has shape {array.shape}; expected {expected}")
    return array


def scaled_to_port(node: nodes.Input, block: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    """Raw integers of one block, held in floats: rounded half to even, saturated.

    Floats are taken as float32 where the port has at most 24 bits, which is how Keras takes them.

    Raises:
        EventError: a value is NaN.

    >>> from hls.graph.fixed import FixedType
    >>> port = nodes.Input("x", (), "x", (1,), FixedType(True, 4, 2), -8, 7)  # steps of 1/4 from -2 to 1.75
    >>> scaled_to_port(port, np.array([[0.6], [0.125], [9.0]])).tolist()
    [[2.0], [0.0], [7.0]]
    """
    narrow = block.dtype.kind == "f" and node.type.width <= _FLOAT32_PORT_BITS
    values = block.astype(np.float32 if narrow else np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = times_power_of_two(values, node.type.fraction)
        if np.isnan(np.sum(scaled)) and np.isnan(scaled).any():  # the sum is cheap, and also NaN for inf - inf
            raise EventError(f"input {node.name!r} holds NaN; clean the events")
        np.rint(scaled, out=scaled)
    return np.clip(scaled, node.raw_min, node.raw_max, out=scaled)


def quantize_inputs(graph: FixedGraph, events: Events) -> list[npt.NDArray[np.int64]]:
    """Raw integers (int64, shape (n, *port shape)) that the events put on each port.

    Raises:
        EventError: wrong shape, dtype, number of inputs, or NaN.

    >>> from hls.graph import GraphBuilder
    >>> from hls.graph.fixed import FixedType
    >>> builder = GraphBuilder("wire")
    >>> _ = builder.add(nodes.Input("x", (), "x", (2,), FixedType(True, 4, 2), -8, 7))
    >>> graph = builder.finish(["x"], ["x"], ["x"])
    >>> [raw.tolist() for raw in quantize_inputs(graph, [[0.5, -1.0], [0.3, 99.0]])]
    [[[2, -4], [1, 7]]]
    """
    arrays = as_arrays(graph, events)
    result = []
    for name, array in zip(graph.inputs, arrays, strict=True):
        node, size = graph.port(name), 1 << 16
        raw = np.empty(array.shape, np.int64)
        for start in range(0, len(array), size):
            try:
                raw[start : start + size] = scaled_to_port(node, array[start : start + size])
            except EventError:
                event = start + int(np.argwhere(np.isnan(array[start : start + size]))[0][0])
                raise EventError(f"input {name!r} holds NaN in event {event}; clean the events") from None
        result.append(raw)
    return result
