"""Faults of shared cores: in the door, in when something is held or summed, in which position is where."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.proof_mutants.engines import Tried, tried_in
from benchmarks.proof_mutants.faults import TextFault, drawn
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import rtl_design, write_rtl

SHARED = "positions-shared"
INTERVAL = 3

_TEXTS = (
    ("flow control", "valid_in & ready_in", "valid_in"),
    ("flow control", "~|valid[INTERVAL-2:0]", "~|valid[INTERVAL-3:0]"),
    ("flow control", "~|valid[INTERVAL-2:0]", "~|valid[INTERVAL-1:0]"),
    ("reset", "rst ? 6'b0 : ", ""),
    ("accumulator", "first | difference", "difference"),
    ("accumulator", "{TOTAL{~first}}", "{TOTAL{1'b1}}"),
    ("accumulator", "if (taken)", ""),
    ("sign extension", ".SIGNED(1)", ".SIGNED(0)"),
    ("accumulator", ".MAXIMUM(1)", ".MAXIMUM(0)"),
)
_AGE = re.compile(r"\bat\[(\d)(?::(\d))?\]")
_HELD = re.compile(r"= held_\w+?_(\d+)\[")
_WIRE = re.compile(r"assign (\w+\[\d+:\d+\]) = (\w+\[(\d+):(\d+)\]);")


def positions() -> FixedGraph:
    """Six positions of two numbers through a dense layer: their sum, their largest, and a sum of each two."""
    b = GraphBuilder(SHARED)
    four = FixedType(True, 4, 4)
    x = b.add(nodes.Input("x", (), "x", (2, 3, 2), four, four.raw_min, four.raw_max))
    y = b.add(nodes.Dense("y", (x,), "y", _constant([[2, 3], [-1, 5]]), _constant([2, -1])))
    sums = b.add(nodes.Pool("s", (y,), "s", (2, 3), (1, 1), ((0, 0), (0, 0)), False))
    most = b.add(nodes.Pool("m", (y,), "m", (2, 3), (1, 1), ((0, 0), (0, 0)), True))
    halves = b.add(nodes.Pool("p", (y,), "p", (2, 1), (1, 1), ((0, 0), (0, 0)), False))
    return b.finish([x], [sums, most, halves], ["sums", "most", "halves"])


def _constant(values: list[int] | list[list[int]]) -> FixedArray:
    return FixedArray(np.array(values), 0)


def shared_faults(files: dict[str, str], count: int, draw: random.Random) -> list[TextFault]:
    """``count`` faults, of every kind alike as far as there are places for it."""
    by_kind: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for file, text in files.items():
        for kind, name, changed in (*_replaced(text), *_ages(text), *_wires(text)):
            by_kind.setdefault(kind, []).append((f"{file}: {name}", files | {file: changed}))
    return [TextFault(kind, name, changed) for kind, (name, changed) in drawn(by_kind, count, draw)]


def _replaced(text: str) -> Iterator[tuple[str, str, str]]:
    for kind, old, new in _TEXTS:
        if old in text:
            yield kind, f"{old} is {new}", text.replace(old, new, 1)


def _ages(text: str) -> Iterator[tuple[str, str, str]]:
    """What happens a clock too soon or too late, or takes what was held at another clock."""
    for found in _AGE.finditer(text):
        for place in (1, 2) if found[2] else (1,):
            for other in (int(found[place]) - 1, int(found[place]) + 1):
                if 0 <= other <= 5:
                    changed = text[: found.start(place)] + str(other) + text[found.end(place) :]
                    yield "age", f"at {found.start()}: {found[0]} with {other}", changed
    ages = sorted({found[1] for found in _HELD.finditer(text)})
    for found in _HELD.finditer(text):
        for age in ages:
            if age != found[1]:
                changed = text[: found.start(1)] + age + text[found.end(1) :]
                yield "age", f"at {found.start()}: held at {found[1]} is {age}", changed


def _wires(text: str) -> Iterator[tuple[str, str, str]]:
    """Neighbours of one width, exchanged."""
    for one, other in combinations(_WIRE.finditer(text), 2):
        near = other.start() - one.end() < len(one[0])
        if near and int(one[3]) - int(one[4]) == int(other[3]) - int(other[4]):
            changed = text[: one.start(2)] + other[2] + text[one.end(2) : other.start(2)] + one[2]
            yield "swapped wire", f"{one[2]} and {other[2]} at {one.start()}", changed + text[other.end(2) :]


def tried(count: int, folder: Path) -> Iterator[Tried]:
    """Faults of the network of positions at ``INTERVAL``, simulated and proved."""
    graph, draw = positions(), random.Random(1)  # noqa: S311
    right = rtl_design(write_rtl(graph, "net", folder / "rtl", 5.0, multipliers="lut", interval=INTERVAL))
    yield from tried_in(graph, right, lambda texts: shared_faults(texts, count, draw), folder)
