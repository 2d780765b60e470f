"""One fault at a time: in a graph, in the text of its Verilog, in the text of its netlist."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class GraphFault:
    """What is wrong, of which kind, and the graph with it."""

    kind: str
    name: str
    graph: FixedGraph


@dataclass(frozen=True)
class TextFault:
    """What is wrong, of which kind, and the files with it."""

    kind: str
    name: str
    files: dict[str, str]


def graph_faults(graph: FixedGraph, count: int, draw: random.Random) -> list[GraphFault]:
    """``count`` faults, of every kind alike as far as there are places for it."""
    by_kind: dict[str, list[tuple[str, nodes.Node]]] = {}
    for node in graph:
        for kind, name, changed in _changed(node):
            by_kind.setdefault(kind, []).append((name, changed))
    chosen = drawn(by_kind, count, draw)
    return [GraphFault(kind, name, _with(graph, node)) for kind, (name, node) in chosen]


def _changed(node: nodes.Node) -> Iterator[tuple[str, str, nodes.Node]]:
    if isinstance(node, nodes.Dense):
        for place in np.ndindex(node.kernel.shape):
            for step in (-1, 1):
                yield (
                    "weight LSB",
                    f"{node.name} weight {place} {step:+d}",
                    replace(node, kernel=_plus(node.kernel, place, step)),
                )
        for place in np.ndindex(node.bias.shape):
            for step in (-1, 1):
                bias = _plus(_at_least(node.bias, node.kernel.fraction), place, step)
                yield "bias LSB", f"{node.name} bias {place} {step:+d}", replace(node, bias=bias)
    if isinstance(node, nodes.Quantize):
        other = {nodes.Rounding.NEAREST_EVEN: nodes.Rounding.FLOOR, nodes.Rounding.FLOOR: nodes.Rounding.NEAREST_EVEN}
        yield "rounding", f"{node.name} rounds otherwise", replace(node, rounding=other[node.rounding])
        for less in (1, 2, 3):
            yield "saturation", f"{node.name} ends {less} lower", replace(node, raw_max=node.raw_max - less)
            yield "saturation", f"{node.name} begins {less} higher", replace(node, raw_min=node.raw_min + less)


def _plus(constants: FixedArray, place: tuple[int, ...], step: int) -> FixedArray:
    integers = constants.integers.copy()
    integers[place] += step
    return FixedArray(integers, constants.fraction)


def _at_least(constants: FixedArray, fraction: int) -> FixedArray:
    shift = max(fraction - constants.fraction, 0)
    return FixedArray(constants.integers << shift, constants.fraction + shift)


def _with(graph: FixedGraph, changed: nodes.Node) -> FixedGraph:
    builder = GraphBuilder(graph.name)
    for node in graph:
        builder.add(changed if node.name == changed.name else node)
    return builder.finish(list(graph.inputs), list(graph.outputs), list(graph.output_names))


def verilog_faults(files: dict[str, str], count: int, draw: random.Random) -> list[TextFault]:
    """Faults in the text of the core: its operators and its registers."""
    by_kind: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for file, text in files.items():
        if re.search(r"_logic\d+\.v$", file):
            for kind, name, changed in (*_operators(text), *_wires(text)):
                by_kind.setdefault(kind, []).append((f"{file}: {name}", files | {file: changed}))
            for name, changed in _values(text, draw):
                by_kind.setdefault("one value", []).append((f"{file}: {name}", files | {file: changed}))
        for name, changed in _registers(text):
            by_kind.setdefault("dropped register", []).append((f"{file}: {name}", files | {file: changed}))
    return [TextFault(kind, name, changed) for kind, (name, changed) in drawn(by_kind, count, draw)]


_SHIFT_ADDER = re.compile(r"_shift_adder #\(([-\d,]+)\) (op_\d+)")
_OUTPUTS = re.compile(r"assign model_out\[(\d+):(\d+)\] = (\w+)\[(\d+):0\];")


def _operators(text: str) -> Iterator[tuple[str, str, str]]:
    for found in _SHIFT_ADDER.finditer(text):
        values = [int(value) for value in found[1].split(",")]
        # Widths of both operands, their signs, width of the result, bits dropped, shift of the second, subtraction.
        for place, kind, changes in ((2, "sign extension", (1,)), (3, "sign extension", (1,)), (6, "shift", (-1, 1)),
                                     (7, "subtraction", (1,))):  # fmt: skip
            for change in changes:
                new = list(values)
                new[place] = values[place] + change if kind == "shift" else 1 - values[place]
                told = ",".join(map(str, new))
                yield kind, f"{found[2]} {kind} {new[place]}", text[: found.start(1)] + told + text[found.end(1) :]


def _wires(text: str) -> Iterator[tuple[str, str, str]]:
    for found in _OUTPUTS.finditer(text):
        high, low = int(found[1]), int(found[2])
        for bit in range(min(high - low, 3)):
            first, second = f"{found[3]}[{bit + 1}]", f"{found[3]}[{bit}]"
            parts = [f"{found[3]}[{high - low}:{bit + 2}]"] if bit + 2 <= high - low else []
            parts += [second, first, *([f"{found[3]}[{bit - 1}:0]"] if bit else [])]
            swapped = f"assign model_out[{high}:{low}] = {{{', '.join(parts)}}};"
            yield "swapped wire", f"{found[3]} bits {bit} and {bit + 1}", text.replace(found[0], swapped, 1)


def _values(text: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """A result that is wrong at one value of words that the stage reads: of two of them, and of all."""
    words = [
        (name, int(high) + 1)
        for high, name in re.findall(r"wire \[(\d+):0\] (v\d+); assign \w+\[[\d:]+\] = model_inp", text)
    ]
    for found in _OUTPUTS.finditer(text):
        for count in {2, len(words)} if len(words) > 1 else ():
            chosen = draw.sample(words, count)
            bits = sum(width for _, width in chosen)
            rare = f"({{{', '.join(name for name, _ in chosen)}}} == {bits}'h{draw.getrandbits(bits):x})"
            yield f"{found[3]} where {rare}", text.replace(found[0], f"{found[0][:-1]} ^ {rare};", 1)


def _registers(text: str) -> Iterator[tuple[str, str]]:
    for bits, name in re.findall(r"reg (\[\d+:0\]) (stage\d+_inp|model_inp_reg);", text):
        line = re.search(rf"{name}(\[[\d:]+\]) <= ([^;]+);", text)
        if line is not None:
            changed = text.replace(line[0], "", 1).replace(f"reg {bits} {name};", f"wire {bits} {name};", 1)
            yield name, changed.replace("endmodule", f"    assign {name}{line[1]} = {line[2]};\nendmodule", 1)


def netlist_faults(text: str, count: int, draw: random.Random) -> list[TextFault]:
    """Faults in the text of a netlist: a bit of a LUT's table, two pins of a LUT."""
    by_kind: dict[str, list[tuple[str, dict[str, str]]]] = {}
    tables = list(re.finditer(r"\.INIT\((\d+)'h([0-9a-f]+)\)", text))
    for number, found in enumerate(tables):
        size = int(found[1])
        if size < 4:
            continue
        bit = draw.randrange(size)
        flipped = f"{int(found[2], 16) ^ 1 << bit:x}"
        changed = text[: found.start(2)] + flipped + text[found.end(2) :]
        by_kind.setdefault("INIT bit", []).append((f"LUT {number} bit {bit}", {"netlist.v": changed}))
    for number, found in enumerate(re.finditer(r"  (LUT\d) #\([^;]+?\n  \) (\S+) \(\n([^;]+?)\n  \);", text)):
        pins = re.findall(r"\.(I\d|[ABCD])\((.+?)\)(?=,?\n|$)", found[3])
        if len(pins) >= 2:
            (a, x), (b, y) = draw.sample(pins, 2)
            inside = found[3].replace(f".{a}({x})", f".{a}(@)", 1).replace(f".{b}({y})", f".{b}({x})", 1)
            changed = text[: found.start(3)] + inside.replace(f".{a}(@)", f".{a}({y})", 1) + text[found.end(3) :]
            by_kind.setdefault("swapped pins", []).append((f"LUT {number} pins {a} and {b}", {"netlist.v": changed}))
    return [TextFault(kind, name, changed) for kind, (name, changed) in drawn(by_kind, count, draw)]


def drawn(by_kind: dict[str, list[Thing]], count: int, draw: random.Random) -> Sequence[tuple[str, Thing]]:
    """``count`` of them, taken from the kinds in turn."""
    left = {kind: draw.sample(things, len(things)) for kind, things in sorted(by_kind.items())}
    chosen: list[tuple[str, Thing]] = []
    while len(chosen) < count and any(left.values()):
        for kind, things in left.items():
            if things and len(chosen) < count:
                chosen.append((kind, things.pop()))
    return chosen
