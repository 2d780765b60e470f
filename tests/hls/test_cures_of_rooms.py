"""Every refusal of a setting, of hls4ml's layers and of RTL names a cure, and every cure is tried."""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from hls.errors import FirmwareError, ProjectError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project import write_project
from hls.hls4ml_project.layers import lower
from hls.rtl import trace, write_rtl, write_vhdl, write_vhdl_for
from hls.target import Target
from hls.target.target import check_name
from tests.hls.rtl.zoo import add_input, broadcast, constant

PART, ROOT = "xcvu13p-flga2577-2-e", Path(__file__).parents[2]
BYTE = FixedType(True, 8, 4)
Try = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """``told``: what the refusal says of its cure."""

    told: str
    refused: Try
    cured: Try


def targeted(told: str, refused: dict[str, Any], cured: dict[str, Any]) -> Case:
    def made(changes: dict[str, Any]) -> Try:
        return lambda folder: Target(**{"part": PART, "backend": "vitis", "clock_ns": 5.0, **changes})

    return Case(told, made(refused), made(cured))


def one(kind: type[nodes.Node], *fields: Any, shape: tuple[int, ...] = (3,), port: FixedType = BYTE) -> FixedGraph:
    """A port and one node behind it."""
    builder = GraphBuilder("one")
    add_input(builder, "x", shape, port)
    return builder.finish(["x"], [builder.add(kind("y", ("x",), "y", *fields))], ["y"])


def lowered(graph: FixedGraph, backend: str = "vitis", **changes: Any) -> Try:
    target = Target(PART, backend, 5.0, **changes)
    return lambda folder: lower(graph, target)


def looked_up(bits: int) -> FixedGraph:
    values = FixedArray(np.arange(1 << bits) % 7, 0)
    return one(nodes.Table, values, 0, port=FixedType(False, bits, bits))


def maximum(stride: int = 2, padding: int = 0) -> FixedGraph:
    return one(nodes.Pool, (2, 2), (stride, stride), ((padding, 0), (0, 0)), True, shape=(6, 6, 1))


def line(factor: int, offset: int) -> FixedGraph:
    return one(nodes.Scale, *(FixedArray(np.array([value], object), 0) for value in (factor, offset)))


def readers(count: int) -> FixedGraph:
    builder = GraphBuilder("many")
    add_input(builder, "x", (3,), BYTE)
    kernels = [constant(np.eye(3, dtype=np.int64) * (number + 3)) for number in range(count)]
    zero = constant(np.zeros(3, np.int64))
    made = [builder.add(nodes.Dense(f"y{n}", ("x",), f"y{n}", kernel, zero)) for n, kernel in enumerate(kernels)]
    return builder.finish(["x"], made, made)


def written(graph: FixedGraph, name: str = "net", write: Callable[..., object] = write_rtl, **options: Any) -> Try:
    return lambda folder: write(graph, name, folder, 5.0, **options)


def vhdl_for(**changes: Any) -> Try:
    target = Target(PART, "vitis", 5.0, **changes)
    return lambda folder: write_vhdl_for(target, line(3, 1), "net", folder)


def traced(graph: FixedGraph) -> Try:
    return lambda folder: trace(graph)


def project(graph: FixedGraph, folder_name: str = "p", backend: str = "vitis", **changes: Any) -> Try:
    target = Target(PART, backend, 5.0, **changes)
    return lambda folder: write_project(graph, target, "net", folder / folder_name)


TRANSPOSED = one(nodes.Transpose, (2, 1, 0), shape=(2, 3, 4))
WIDE = one(
    nodes.Dense, constant(np.random.default_rng(1).integers(-99, 100, (48, 48))), constant(np.zeros(48, np.int64)),
    shape=(48,),
)  # fmt: skip
"""So many products that engines are cheaper; unrolling them would take long, and a smaller network stands for it."""
WRAPPED = one(nodes.Wrap, FixedType(False, 1, 1), port=FixedType(True, 4, 4))
CASES = [
    targeted("nanoseconds above 0", {"clock_ns": -5.0}, {"clock_ns": 5.0}),
    targeted("must be one of io_parallel", {"io_type": "stream"}, {"io_type": "io_stream"}),
    targeted("a device name of letters", {"part": "xcvu13p flga"}, {}),
    targeted("a whole number of at least 1", {"reuse_factor": 0}, {"reuse_factor": 1}),
    targeted('state firmware = "hls4ml"', {"firmware": "rtl", "reuse_factor": 4},
             {"firmware": "hls4ml", "reuse_factor": 4}),
    targeted("at least 1, is needed", {"interval": 0}, {"interval": 1}),
    targeted("leave out one of the two", {"latency": "auto", "adders": "digits"}, {"adders": "digits"}),
    targeted("state one of them", {"interval": 2, "interval_ns": 25.0}, {"interval_ns": 25.0}),
    targeted("the shortest that works is 5", {"interval_ns": 1.0}, {"interval_ns": 5.0}),
    Case("letters, digits, '_' and '-' are allowed", lambda folder: check_name("a b"),
         lambda folder: check_name("a-b")),
    Case("choose another backend", lowered(WRAPPED, "catapult"), lowered(WRAPPED)),
    Case("a quantizer of fewer bits", lowered(looked_up(21)), lowered(looked_up(8))),
    Case("choose another backend or io_type", lowered(looked_up(4), "catapult"), lowered(looked_up(4))),
    Case("choose another backend or io_type", lowered(TRANSPOSED, "quartus", io_type="io_stream"),
         lowered(TRANSPOSED, "quartus")),
    Case("choose io_parallel, or pooling without padding", lowered(maximum(padding=1), io_type="io_stream"),
         lowered(maximum(), io_type="io_stream")),
    Case("or strides equal to the window", lowered(maximum(stride=1), io_type="io_stream"),
         lowered(maximum(), io_type="io_stream")),
    Case("choose io_parallel", lowered(readers(8), io_type="io_stream"), lowered(readers(8))),
    Case("quantize the weights", lowered(line((1 << 54) + 1, 0)), lowered(line(5, 0))),
    Case("choose io_parallel", project(readers(1), backend="libero", io_type="io_stream"),
         project(readers(1), backend="libero")),
    Case("choose another backend", project(line(3, 1), backend="libero"), project(line(3, 1))),
    Case("no quotes, '$', backslashes", project(readers(1), "p'q"), project(readers(1), "pq")),
    Case("put a quantizer before it", traced(line((1 << 60) + 1, 0)), traced(line(5, 0))),
    Case("a type of fewer bits", traced(line(3, (1 << 33) + 1)), traced(line(3, 9))),
    Case("ask for at least that", written(line(3, 1), interval=0), written(line(3, 1), interval=1)),
    Case("letters, digits and '_' are allowed", written(line(3, 1), "a b"), written(line(3, 1), "a_b")),
    Case("only between letters and digits", written(line(3, 1), "a__b", write_vhdl),
         written(line(3, 1), "a_b", write_vhdl)),
    Case("leave out interval_ns and interval, or vhdl", written(broadcast(), write=write_vhdl, interval=4),
         written(broadcast(), write=write_vhdl)),
    Case('leave out io = "stream", or vhdl', vhdl_for(io="stream"), vhdl_for()),
    Case('leave out adders = "digits", or vhdl', vhdl_for(adders="digits"), vhdl_for()),
    Case("leave out interval_ns and interval, or vhdl", written(WIDE, write=write_vhdl, interval=64),
         written(broadcast(), write=write_vhdl)),
]  # fmt: skip


@cache
def refusal(case: Case) -> tuple[str, frozenset[tuple[str, int]]]:
    """What the case was told, and the lines that were at work then."""
    places: set[tuple[str, int]] = set()

    def noted(error: FirmwareError, text: str) -> None:
        Exception.__init__(error, text)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            places.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back

    with (
        patch.object(FirmwareError, "__init__", noted),
        tempfile.TemporaryDirectory() as folder,
        pytest.raises((UnsupportedError, ProjectError)) as raised,
    ):
        case.refused(Path(folder))
    return str(raised.value), frozenset(places)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.told)
def test_every_cure_works(case: Case, tmp_path: Path) -> None:
    told, _ = refusal(case)
    assert case.told in told
    assert "\n" not in told
    case.cured(tmp_path)


ROOMS = ("hls/target/target.py", "hls/hls4ml_project/*.py", "hls/rtl/*.py")
WITHOUT = {
    "more than the C simulation passes": "needs a compiled C simulation; tests/hls/hls4ml_project has it",
    "layer {node.layer!r}: {error}": "puts the layer before a refusal of RTL's arithmetic, which has a case",
}
"""Refusals whose cure is not tried here, and why."""


def sites() -> Iterator[tuple[str, int, int, str]]:
    """Every place of those files that refuses a setting or a layer."""
    for pattern in ROOMS:
        for file in sorted(ROOT.glob(pattern)):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = ast.unparse(node.func)
                if name in ("UnsupportedError", "ProjectError", "low.refuse"):
                    yield str(file), node.lineno, node.end_lineno or node.lineno, ast.unparse(node)


def test_no_refusal_is_without_a_cure_that_was_tried() -> None:
    reached = frozenset[tuple[str, int]]().union(*(refusal(case)[1] for case in CASES))
    untried = [
        f"{Path(file).relative_to(ROOT)}:{first} {text}"
        for file, first, last, text in sites()
        if not any(place == file and first <= line <= last for place, line in reached)
        and not any(part in text for part in WITHOUT)
    ]
    assert untried == []
