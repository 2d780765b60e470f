"""From a user's arrays to the integers on the ports: checks, rounding, saturation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.emulation.plan import times_power_of_two
from hls.emulation.port_rounding import to_steps
from hls.errors import EventError
from hls.graph import FLOAT64_LIMIT, FixedGraph, nodes

Events = npt.ArrayLike | Sequence[npt.ArrayLike] | Mapping[str, npt.ArrayLike]

# Above this width a float32 cannot hold every value of the port, so float64 events keep their precision.
_FLOAT32_PORT_BITS = 24
# Beyond this a float32 has no such power of two.
_FLOAT32_EXPONENT = 126
_BLOCK = 1 << 16


def as_arrays(graph: FixedGraph, events: Events) -> list[npt.NDArray[Any]]:
    """One checked array of shape (n, *port shape) for every port, in the graph's order.

    Raises:
        EventError: a port is missing or unknown, or an array has the wrong shape or dtype, or masked values.
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


def _refuse_mask(node: nodes.Input, events: npt.ArrayLike) -> None:
    """An array made of them would hold whatever lies below the mask."""
    parts = events if isinstance(events, list | tuple) else [events]
    masked = sum(np.count_nonzero(part.mask) for part in parts if isinstance(part, np.ma.MaskedArray))
    if masked:
        raise EventError(
            f"input {node.name!r}: {masked:,} values are masked, and no port can be told so; leave them out"
        )


def _checked(node: nodes.Input, events: npt.ArrayLike) -> npt.NDArray[Any]:
    _refuse_mask(node, events)
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


def scaled_to_port(node: nodes.Input, block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Raw integers of one block, held in floats as far as these are exact: rounded as the port says, saturated.

    Floats are taken as float32 where the port has at most 24 bits, which is how Keras takes them.

    Raises:
        EventError: a value is NaN.

    >>> from hls.graph.fixed import FixedType
    >>> port = nodes.Input("x", (), "x", (1,), FixedType(True, 4, 2), -8, 7)  # steps of 1/4 from -2 to 1.75
    >>> scaled_to_port(port, np.array([[0.6], [0.125], [9.0]])).tolist()
    [[2.0], [0.0], [7.0]]
    """
    return _saturated(node, _rounded(node, block))


def _saturated(node: nodes.Input, scaled: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
    """``scaled`` in the range of the port; Python integers where a float64 takes its end for the next power of two."""
    if max(-node.raw_min, node.raw_max) < FLOAT64_LIMIT:
        return np.clip(scaled, node.raw_min, node.raw_max, out=scaled)
    beyond = 2.0**node.type.width
    whole = np.array([int(value) for value in np.clip(scaled, -beyond, beyond).flat], object)
    return np.asarray(np.clip(whole.reshape(scaled.shape), node.raw_min, node.raw_max))


def _rounded(node: nodes.Input, block: npt.NDArray[Any]) -> npt.NDArray[np.floating]:
    fits = node.type.width <= _FLOAT32_PORT_BITS and abs(node.type.fraction) <= _FLOAT32_EXPONENT
    narrow = block.dtype.kind == "f" and fits
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 does not hold saturates, as any value beyond
        values = block.astype(np.float32 if narrow else np.float64, copy=False)
        scaled = times_power_of_two(values, node.type.fraction)
        if np.isnan(np.sum(scaled)) and np.isnan(scaled).any():  # the sum is cheap, and also NaN for inf - inf
            raise EventError(f"input {node.name!r} holds NaN; clean the events")
        return np.asarray(to_steps(scaled, node.rounding))


@dataclass(frozen=True, eq=False)
class PortValues:
    """What events put on the port ``node``: ``raw`` integers (int64, shape (n, *port shape)) of the arrays ``given``.

    ``beyond`` counts, for each event, the values that lie beyond the port's type: saturation moves them by more than
    one step. The end of the range itself, the 1.0 of steps of 1/128 that end at 127/128, does not lie beyond.
    """

    node: nodes.Input
    given: npt.NDArray[Any]
    raw: npt.NDArray[np.int64]
    beyond: npt.NDArray[np.int64]

    def first(self, events: int | None) -> PortValues:
        """The same of the first ``events`` events, of all for None."""
        return PortValues(self.node, self.given[:events], self.raw[:events], self.beyond[:events])


def port_values(graph: FixedGraph, events: Events) -> list[PortValues]:
    """What the events put on each port, in the graph's order.

    Raises:
        EventError: wrong shape, dtype, number of inputs, a masked value, or NaN.

    >>> from hls.graph import GraphBuilder
    >>> from hls.graph.fixed import FixedType
    >>> builder = GraphBuilder("wire")
    >>> _ = builder.add(nodes.Input("x", (), "x", (2,), FixedType(True, 4, 2), -8, 7))
    >>> (port,) = port_values(builder.finish(["x"], ["x"], ["x"]), [[0.5, -1.0], [2.0, 99.0]])
    >>> port.raw.tolist(), port.beyond.tolist()  # 2 is the end of the range, one step above the last value
    ([[2, -4], [7, 7]], [0, 1])
    """
    arrays = as_arrays(graph, events)
    return [_on_port(graph.port(name), array) for name, array in zip(graph.inputs, arrays, strict=True)]


def _on_port(node: nodes.Input, array: npt.NDArray[Any]) -> PortValues:
    raw, beyond = np.empty(array.shape, np.int64), np.empty(len(array), np.int64)
    values = tuple(range(1, array.ndim))
    for start in range(0, len(array), _BLOCK):
        block = slice(start, start + _BLOCK)
        try:
            scaled = _rounded(node, array[block])
        except EventError:
            event = start + int(np.argwhere(np.isnan(array[block]))[0][0])
            raise EventError(f"input {node.name!r} holds NaN in event {event}; clean the events") from None
        beyond[block] = np.count_nonzero((scaled > node.raw_max + 1) | (scaled < node.raw_min - 1), axis=values)
        raw[block] = _saturated(node, scaled)
    return PortValues(node, array, raw, beyond)


def quantize_inputs(graph: FixedGraph, events: Events) -> list[npt.NDArray[np.int64]]:
    """Raw integers (int64, shape (n, *port shape)) that the events put on each port.

    Raises:
        EventError: wrong shape, dtype, number of inputs, a masked value, or NaN.

    >>> from hls.graph import GraphBuilder
    >>> from hls.graph.fixed import FixedType
    >>> builder = GraphBuilder("wire")
    >>> _ = builder.add(nodes.Input("x", (), "x", (2,), FixedType(True, 4, 2), -8, 7))
    >>> graph = builder.finish(["x"], ["x"], ["x"])
    >>> [raw.tolist() for raw in quantize_inputs(graph, [[0.5, -1.0], [0.3, 99.0]])]
    [[[2, -4], [1, 7]]]
    """
    return [port.raw for port in port_values(graph, events)]
