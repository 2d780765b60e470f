"""Where two witnesses differ: the first event, how many values and by how much, and who is the odd one out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import FirmwareError
from hls.graph import FixedGraph
from hls.witnesses.base import OFF_GRID, Outputs

Pair = tuple[str, str]


@dataclass(frozen=True)
class Disagreement:
    """First event on which two witnesses differ. Values and input are raw integers, None for one off the grid.

    Over all ``events`` that differ, ``differing`` values do, of ``compared`` in these events, by ``largest`` LSBs at
    most where both lie on the grid; ``lsb`` is that of the output. ``layer`` is the first to differ; ``place`` says
    how that is known, or why it is not.
    """

    witnesses: Pair
    events: int
    event: int
    output: str
    element: tuple[int, ...]
    values: tuple[int | None, int | None]
    input: list[list[int]]
    differing: int
    compared: int
    largest: int
    lsb: float
    layer: str | None = None
    place: str = ""

    def __str__(self) -> str:
        a, b = (
            f"{name} {'off the grid' if v is None else v}" for name, v in zip(self.witnesses, self.values, strict=True)
        )
        where = f"{self.output}{list(self.element)}" if self.element else self.output
        layer = f", first in layer {self.layer}" if self.layer else ""
        return f"{a} but {b} for {where} of event {self.event}{layer} ({self.events} events differ)"

    def __add__(self, more: Disagreement) -> Disagreement:
        """Of this pair in a later portion of the events too."""
        return replace(
            self,
            events=self.events + more.events,
            differing=self.differing + more.differing,
            compared=self.compared + more.compared,
            largest=max(self.largest, more.largest),
        )


def disagreement(
    graph: FixedGraph, pair: Pair, outputs: tuple[Outputs, Outputs], different: npt.NDArray[np.bool_], raw: Outputs
) -> Disagreement | None:
    """Of what a ``pair`` computed; ``different`` says which events are to be told, ``raw`` are their port integers."""
    if not different.any():
        return None
    a, b = outputs
    event = int(np.argmax(different))
    output, element = _place(graph, a, b, event)
    unequal = [(x[: len(different)] != y[: len(different)])[different] for x, y in zip(a, b, strict=True)]
    return Disagreement(
        witnesses=pair,
        events=int(different.sum()),
        event=event,
        output=graph.output_names[output],
        element=element,
        values=(_value(a[output][event][element]), _value(b[output][event][element])),
        input=[array[event].ravel().tolist() for array in raw],
        differing=sum(int(np.asarray(each).sum()) for each in unequal),
        compared=int(different.sum()) * sum(prod(graph.edges[name].shape) for name in graph.outputs),
        largest=max(_largest(x, y, different) for x, y in zip(a, b, strict=True)),
        lsb=2.0 ** -graph.edges[graph.outputs[output]].fraction,
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


def _largest(a: npt.NDArray[Any], b: npt.NDArray[Any], different: npt.NDArray[np.bool_]) -> int:
    """The largest distance of two values, both on the grid, in the events that differ."""
    x, y = (array[: len(different)][different] for array in (a, b))
    there = (x != OFF_GRID) & (y != OFF_GRID)
    return int(np.abs(x[there] - y[there]).max(initial=0))


def differs(a: Sequence[npt.NDArray[Any]], b: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """For each event that both computed: whether any output differs."""
    events = min(len(a[0]), len(b[0]))
    result = np.zeros(events, np.bool_)
    for x, y in zip(a, b, strict=True):
        if x.shape[1:] != y.shape[1:]:
            raise FirmwareError(f"witnesses give outputs of shapes {x.shape[1:]} and {y.shape[1:]}; report this")
        result |= np.asarray(x[:events] != y[:events]).reshape(events, -1).any(axis=1)
    return result


def joined(found: Sequence[Disagreement]) -> Disagreement | None:
    """The first disagreement of a pair, with the counts of all portions."""
    return reduce(lambda first, more: first + more, found) if found else None


def odd_one_out(pairs: Iterable[Pair]) -> str | None:
    """The witness without which all would agree; None where nobody else is there to decide.

    >>> odd_one_out([("emulator", "csim"), ("csim", "rtl")])
    'csim'
    >>> odd_one_out([("emulator", "csim")])
    >>> odd_one_out([("emulator", "csim"), ("csim", "rtl"), ("emulator", "rtl")])
    """
    found = [set(pair) for pair in pairs]
    common = set.intersection(*found) if len(found) > 1 else set()
    return common.pop() if len(common) == 1 else None
