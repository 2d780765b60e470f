"""The network as a drawing: a box a layer, inputs on top, and an arrow from each layer to every one that reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hls.project.report.network_schema import Layer

BOX_WIDTH, BOX_HEIGHT = 272, 44
_GAP, _LANE, _PITCH, _MARGIN = 24, 20, 74, 8
_TIP = 8
_SWEEPS = 4

_Item = str | tuple[str, str, int]
"""A layer, or where an arrow (from, to) passes a row that lies between its ends."""


@dataclass(frozen=True)
class Box:
    """A layer and the upper left corner of its box."""

    layer: Layer
    x: float
    y: float


@dataclass(frozen=True)
class Arrow:
    """From layer to layer along ``path`` with a ``tip``, as SVG has them; ``again``: back to one that is used a second
    time."""

    source: str
    target: str
    path: str
    tip: str
    again: bool = False


@dataclass(frozen=True)
class Drawing:
    """All of it, and its size in pixels."""

    width: float
    height: float
    boxes: list[Box]
    arrows: list[Arrow]


def draw(layers: Sequence[Layer]) -> Drawing:
    """Layers below all that they read, in rows; an arrow past other rows has a lane of its own in each of them."""
    order = {layer.name: number for number, layer in enumerate(layers)}
    forward = [(s, layer.name) for layer in layers for s in layer.inputs if order[s] < order[layer.name]]
    again = [(s, layer.name) for layer in layers for s in layer.inputs if order[s] > order[layer.name]]
    row_of = _rows(layers, forward)
    rows: list[list[_Item]] = [[] for _ in range(max(row_of.values(), default=-1) + 1)]
    for name, row in row_of.items():
        rows[row].append(name)
    routes = {edge: _route(edge, row_of) for edge in forward}
    for edge, route in routes.items():
        for row, item in enumerate(route[1:-1], start=row_of[edge[0]] + 1):
            rows[row].append(item)
    _untangle(rows, [pair for route in routes.values() for pair in pairwise(route)])
    width = max((_width_of(row) for row in rows), default=0.0) + 2 * _MARGIN
    centres = {item: x for row in rows for item, x in _centres(row, width)}
    boxes = [Box(layer, centres[layer.name] - BOX_WIDTH / 2, _top(row_of[layer.name])) for layer in layers]
    arrows = [_arrow(edge, route, row_of, centres) for edge, route in routes.items()]
    arrows += [_return(edge, row_of, centres) for edge in again]
    return Drawing(
        width + (_GAP if again else 0), len(rows) * _PITCH - (_PITCH - BOX_HEIGHT) + 2 * _MARGIN, boxes, arrows
    )


def _rows(layers: Sequence[Layer], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The row of each layer: one below the lowest that it reads; of one that reads none just above who reads it."""
    sources: dict[str, list[str]] = {layer.name: [] for layer in layers}
    readers: dict[str, list[str]] = {layer.name: [] for layer in layers}
    for source, target in edges:
        sources[target].append(source)
        readers[source].append(target)
    rows: dict[str, int] = {}
    for layer in layers:
        rows[layer.name] = max((rows[source] + 1 for source in sources[layer.name]), default=0)
    for name in rows:
        if not sources[name] and readers[name]:
            rows[name] = min(rows[reader] for reader in readers[name]) - 1
    return rows


def _route(edge: tuple[str, str], rows: Mapping[str, int]) -> list[_Item]:
    source, target = edge
    return [source, *((source, target, row) for row in range(rows[source] + 1, rows[target])), target]


def _untangle(rows: list[list[_Item]], steps: Iterable[tuple[_Item, _Item]]) -> None:
    """Order each row by the mean place of what its items are connected to, from above and from below in turn."""
    above: dict[_Item, list[_Item]] = {item: [] for row in rows for item in row}
    below: dict[_Item, list[_Item]] = {item: [] for row in rows for item in row}
    for upper, lower in steps:
        above[lower].append(upper)
        below[upper].append(lower)
    for sweep in range(_SWEEPS):
        near = above if sweep % 2 == 0 else below
        for row in rows if near is above else reversed(rows):
            place = {item: (n + 0.5) / len(other) for other in rows for n, item in enumerate(other)}
            row.sort(key=lambda item: _mean([place[o] for o in near[item]], place[item]))


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _width(item: _Item) -> float:
    return BOX_WIDTH if isinstance(item, str) else _LANE


def _width_of(row: Sequence[_Item]) -> float:
    return sum(map(_width, row)) + _GAP * (len(row) - 1)


def _centres(row: Sequence[_Item], width: float) -> list[tuple[_Item, float]]:
    x, centres = (width - _width_of(row)) / 2, []
    for item in row:
        centres.append((item, x + _width(item) / 2))
        x += _width(item) + _GAP
    return centres


def _top(row: int) -> float:
    return _MARGIN + row * _PITCH


def _arrow(
    edge: tuple[str, str], route: Sequence[_Item], rows: Mapping[str, int], centres: Mapping[_Item, float]
) -> Arrow:
    """A curve from the bottom of a box, straight through its lanes, to the top of the other."""
    parts = [f"M{centres[route[0]]:g},{_top(rows[edge[0]]) + BOX_HEIGHT:g}"]
    for row, (upper, lower) in enumerate(pairwise(route), start=rows[edge[0]]):
        start, end = _top(row) + BOX_HEIGHT, _top(row + 1)
        middle = (start + end) / 2
        parts.append(f"C{centres[upper]:g},{middle:g} {centres[lower]:g},{middle:g} {centres[lower]:g},{end:g}")
        if lower is not route[-1]:
            parts.append(f"V{end + BOX_HEIGHT:g}")
    x, y = centres[edge[1]], _top(rows[edge[1]])
    return Arrow(*edge, " ".join(parts), f"M{x - _TIP / 2:g},{y - _TIP:g} h{_TIP:g} L{x:g},{y:g} Z")


def _return(edge: tuple[str, str], rows: Mapping[str, int], centres: Mapping[_Item, float]) -> Arrow:
    """From the right side of a box up to that of a layer which is used again."""
    (x, y), (to_x, to_y) = ((centres[name] + BOX_WIDTH / 2, _top(rows[name]) + BOX_HEIGHT / 2) for name in edge)
    out = max(x, to_x) + _GAP
    path = f"M{x:g},{y:g} C{out:g},{y:g} {out:g},{to_y:g} {to_x:g},{to_y:g}"
    return Arrow(*edge, path, f"M{to_x + _TIP:g},{to_y - _TIP / 2:g} v{_TIP:g} L{to_x:g},{to_y:g} Z", again=True)
