"""What a sample covers: how many events lie beyond the ports, how many differ, whether that is a comparison at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hls.emulation.ports import PortValues
from hls.errors import EventError
from hls.graph import nodes
from hls.graph.raw import RawArrays

_FEW = 2
"""Of one event nothing can be said: it may be the one that a user wants to see."""

NOTEWORTHY, MOSTLY = 0.01, 0.5
"""The share of values that saturates, and of those that round to zero, from which on a reader is told."""


@dataclass(frozen=True)
class PortCoverage:
    """Of the events at one port, corners left out: how many lie ``beyond`` its type, and how many differ there.

    ``saturated`` is the share of values that lie beyond it, ``zeroed`` of those that are not zero what rounds to it.
    """

    name: str
    type: str
    beyond: int
    distinct: int
    saturated: float = 0.0
    zeroed: float = 0.0


@dataclass(frozen=True)
class Coverage:
    """Of a sample without its corner events. ``distinct`` counts events that differ at any port."""

    events: int = 0
    distinct: int = 0
    ports: tuple[PortCoverage, ...] = ()
    warnings: tuple[str, ...] = ()


def cover(values: Sequence[PortValues]) -> Coverage:
    """What ``values``, one a port, cover."""
    events, distinct = len(values[0].raw), _distinct([port.raw for port in values])
    ports = tuple(_port(port) for port in values)
    return Coverage(events, distinct, ports, tuple(_warnings(values, ports, events, distinct)))


def _port(port: PortValues) -> PortCoverage:
    there = port.given != 0
    small = np.abs(port.given) < 2.0**-port.node.type.fraction  # what an unsigned port cuts off is beyond it instead
    return PortCoverage(
        name=port.node.name,
        type=str(port.node.type),
        beyond=int(np.count_nonzero(port.beyond)),
        distinct=_distinct([port.raw]),
        saturated=int(port.beyond.sum()) / max(port.raw.size, 1),
        zeroed=int((there & small & (port.raw == 0)).sum()) / max(int(there.sum()), 1),
    )


def percent(share: float) -> str:
    """A share in per cent, never rounded to none or all of them.

    >>> [percent(share) for share in (0.0, 1e-6, 0.123, 0.9999, 1.0)]
    ['0 %', 'below 0.1 %', '12.3 %', 'above 99.9 %', '100 %']
    """
    if 0 < share < 1e-3:
        return "below 0.1 %"
    return "above 99.9 %" if 0.999 < share < 1 else f"{100 * share:.3g} %"


def _distinct(arrays: RawArrays) -> int:
    rows = np.ascontiguousarray(np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1))
    return len(np.unique(rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))))


def require_comparison(values: Sequence[PortValues], covered: Coverage) -> None:
    """Refuse events that come from outside and compare nothing.

    Two or more events are none if one port saturates nearly all the time (each event lies beyond its type, and so does
    the larger part of what is not zero; of a port of one bit that may be meant), or if they are one and the same event
    on all ports, which can take others.

    Raises:
        EventError: names the port, and what to do.
    """
    if covered.events < _FEW:
        return
    for port in values:
        if _saturated(port):
            raise EventError(
                f"input {port.node.name!r}: each of its {covered.events:,} events lies beyond {_range(port.node)} "
                f"(they reach {np.abs(port.given).max():g}), so the port saturates and next to nothing is compared; "
                "give events in the network's own units (MeV for GeV?), clip them if that is meant, or widen the port "
                "(its first quantizer, or --input-type of `qtrigger new`)"
            )
    if covered.distinct == 1 and any(port.node.raw_min < port.node.raw_max for port in values):
        lost = [port for port in values if _lost(port)]
        why = (
            f", though they differ before input {lost[0].node.name!r} rounds to {_range(lost[0].node)}" if lost else ""
        )
        cure = "give events in the network's own units" if lost else "give events that differ"
        raise EventError(f"all {covered.events:,} events are one and the same on the ports{why}; {cure}")


def _warnings(values: Sequence[PortValues], ports: Sequence[PortCoverage], events: int, distinct: int) -> Iterator[str]:
    for port, found in zip(values, ports, strict=True):
        if 2 * found.beyond > events or (found.saturated > NOTEWORTHY and _bits(port)):
            yield (
                f"input {found.name!r}: {found.beyond:,} of {events:,} events lie beyond {_range(port.node)}, "
                f"where the port saturates ({percent(found.saturated)} of its values); are they in the network's own "
                "units?"
            )
        if events >= _FEW and found.zeroed > MOSTLY and found.distinct > 1:
            yield (
                f"input {found.name!r}: {percent(found.zeroed)} of the values that are not 0 round to it in steps of "
                f"{2.0**-port.node.type.fraction:g}; are they in the network's own units?"
            )
        if events >= _FEW and found.distinct == 1 and _lost(port):
            yield f"input {found.name!r}: all its events become one and the same on {_range(port.node)}"
    # Half of a sample missing is half of it one event: n/2 + 1 are left.
    most = min(events, _possible(values))
    if distinct < most and 2 * (distinct - 1) <= most:
        yield f"only {distinct:,} of {events:,} events are distinct; the others compare nothing new"


def _possible(values: Sequence[PortValues]) -> float:
    """How many events there can be at all."""
    steps = [np.log2(port.node.raw_max - port.node.raw_min + 1) * port.raw[0].size for port in values]
    return float(2.0 ** min(sum(steps), 100.0))


def _saturated(port: PortValues) -> bool:
    return bool(_bits(port) and port.beyond.all() and 2 * port.beyond.sum() > np.count_nonzero(port.raw))


def _bits(port: PortValues) -> bool:
    """Whether a port has more than one bit: that one may be meant to saturate."""
    return port.node.raw_max - port.node.raw_min > 1


def _lost(port: PortValues) -> bool:
    """Whether the events differ as they are given, and no more on the port."""
    return bool((port.raw == port.raw[:1]).all() and (port.given != port.given[:1]).any())


def _range(port: nodes.Input) -> str:
    step = 2.0**-port.type.fraction
    return f"{port.type}, {port.raw_min * step:g} to {port.raw_max * step:g}"
