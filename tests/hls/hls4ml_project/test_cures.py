"""What a backend of hls4ml cannot do is refused with a cure, and each cure is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hls.errors import UnsupportedError
from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.hls4ml_project import CSimulation, write_project
from hls.hls4ml_project.layers import lower
from hls.target import Target
from tests.hls.hls4ml_project.graphs import SIGNED_8, Sketch

PARALLEL = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
STREAM = replace(PARALLEL, io_type="io_stream")
CATAPULT, CATAPULT_STREAM = (replace(target, backend="catapult") for target in (PARALLEL, STREAM))
Draw = Callable[[Sketch], str]


def graph(draw: Draw) -> FixedGraph:
    s = Sketch()
    s.output(draw(s))
    return s.finish()


def readers(s: Sketch) -> str:
    """A tensor with eight readers, side by side."""
    x = s.input((3,))
    return s.add(nodes.Concatenate, *(s.dense(x, 2) for _ in range(8)), axis=0)


def pool(strides: tuple[int, int], padding: tuple[tuple[int, int], ...] = ((0, 0), (0, 0))) -> Draw:
    return lambda s: s.add(
        nodes.Pool, s.input((6, 6, 2)), window=(2, 2), strides=strides, padding=padding, maximum=True
    )


padded = pool((2, 2), ((1, 1), (0, 0)))


def table(bits: int) -> Draw:
    values = FixedArray(np.arange(1 << bits) % 5, 0)
    return lambda s: s.add(nodes.Table, s.input((1,), FixedType(False, bits, bits)), values=values, raw_min=0)


def kernel(bits: int) -> Draw:
    """The widest constant has so many bits and one more."""
    values, zero = np.array([[1, (1 << bits) + 1]], object), FixedArray(np.zeros(2, np.int64), 0)
    return lambda s: s.add(nodes.Dense, s.input((1,)), kernel=FixedArray(values, 60), bias=zero)


def wrap(bits: int) -> Draw:
    return lambda s: s.add(nodes.Wrap, s.input((2,), SIGNED_8), type=FixedType(False, bits, bits - SIGNED_8.fraction))


def turned(s: Sketch) -> str:
    return s.add(nodes.Transpose, s.input((2, 3)), permutation=(1, 0))


@pytest.mark.parametrize(
    ("draw", "target", "told", "cured", "elsewhere"),
    [
        (readers, STREAM, "8 readers .*; choose io_parallel", readers, PARALLEL),
        (pool((1, 1)), STREAM, "choose io_parallel, or strides equal to the window", pool((1, 1)), PARALLEL),
        (pool((1, 1)), STREAM, "choose io_parallel, or strides equal to the window", pool((2, 2)), STREAM),
        (padded, STREAM, "choose io_parallel, or pooling without padding", padded, PARALLEL),
        (padded, STREAM, "choose io_parallel, or pooling without padding", pool((2, 2)), STREAM),
        (table(21), PARALLEL, "put a quantizer of fewer bits before it", table(20), PARALLEL),
        (table(4), CATAPULT, "a lookup table is not built .*; choose another backend", table(4), PARALLEL),
        (turned, CATAPULT_STREAM, "a transpose that moves 2 axes is not built .* or io_type", turned, CATAPULT),
        (kernel(53), PARALLEL, "a constant needs 54 bits, .*; quantize the weights", kernel(20), PARALLEL),
        (wrap(1), CATAPULT, "wraps to one bit, .*; choose another backend", wrap(1), PARALLEL),
    ],
)  # fmt: skip
def test_every_cure_works(draw: Draw, target: Target, told: str, cured: Draw, elsewhere: Target) -> None:
    with pytest.raises(UnsupportedError, match=told):
        lower(graph(draw), target)
    assert lower(graph(cured), elsewhere).layers


def test_a_port_of_fewer_bits_is_simulated(tmp_path: Path) -> None:
    def squared(bits: int) -> FixedGraph:
        s = Sketch()
        x = s.input((1,), FixedType(True, bits, 4))
        s.output(s.add(nodes.Multiply, x, x))
        return s.finish()

    wide, narrow = (write_project(squared(bits), PARALLEL, "net", tmp_path / f"{bits}") for bits in (40, 20))
    with pytest.raises(UnsupportedError, match=r"passes \(64\); put a quantizer of fewer bits there"):
        CSimulation().compile(wide)
    CSimulation().compile(narrow)
