"""Loops of streamed layers: by hand, and against what hls4ml's own kernels read and write in C simulation."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hls.figures.estimates.hls4ml_route import estimate_hls4ml
from hls.figures.estimates.streams import Pace, processes
from hls.graph import FixedGraph, nodes
from hls.hls4ml_project import CSimulation, write_project
from hls.hls4ml_project.layers import lower
from hls.hls4ml_project.types import HlsLayer
from hls.target import Target
from tests.hls.hls4ml_project.graphs import Sketch

STREAM = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, "io_stream")


def interval(graph: FixedGraph, target: Target = STREAM) -> float:
    return estimate_hls4ml(graph, target)["interval"].value


def one(shape: tuple[int, ...]) -> tuple[Sketch, str]:
    s = Sketch()
    return s, s.input(shape)


def convolution(stride: int) -> FixedGraph:
    s, x = one((64, 2))
    s.output(s.conv(x, (7,), 3, strides=(stride,)))
    return s.finish()


def test_strides_save_no_turn() -> None:
    assert [interval(convolution(stride)) for stride in (1, 2, 8)] == [64, 64, 64]


def test_a_reuse_factor_makes_each_turn_as_long() -> None:
    reused = Target(STREAM.part, "vitis", 5.0, "io_stream", reuse_factor=4)
    assert interval(convolution(8), reused) == 4 * 64


def test_padding_is_read_like_pixels() -> None:
    s, x = one((6, 7, 2))
    s.output(s.conv(x, (3, 3), 2, strides=(2, 2), padding=((1, 1), (0, 2))))
    assert interval(s.finish()) == (1 + 6 + 1) * (7 + 2)


def test_a_port_brings_a_word_a_clock_whatever_follows() -> None:
    s, x = one((50, 4))
    s.output(s.add(nodes.Relu, x))
    assert interval(s.finish()) == 50


def test_layers_work_side_by_side() -> None:
    """Ten pointwise layers over 100 positions take a tenth of what they would one after the other."""
    s, x = one((100, 2))
    for _ in range(10):
        x = s.quantize(s.dense(x, 2))
    s.output(x)
    cycles = estimate_hls4ml(s.finish(), STREAM)["cycles"].value
    assert 100 <= cycles <= 160


def zoo() -> FixedGraph:
    """Layers whose windows skip, overlap and are padded; what gathers; what follows a flatten."""
    s = Sketch()
    line, image = s.input((9, 3)), s.input((6, 7, 2))
    s.output(
        s.conv(line, (3,), 2, strides=(2,), padding=((1, 1),)),
        s.conv(line, (2,), 2, strides=(4,)),
        s.conv(image, (3, 3), 2, strides=(2, 2)),
        s.conv(image, (2, 3), 2, strides=(3, 2), padding=((0, 1), (1, 1)), groups=2),
    )
    line, image = s.input((9, 3)), s.input((6, 7, 2))
    s.output(
        s.pool(line, (2,), True),
        s.pool(line, (9,), True),
        s.pool(line, (9,), False),
        s.pool(image, (2, 3), True),
        s.pool(image, (3, 3), False, strides=(2, 2)),
        s.pool(image, (6, 7), True),
    )
    line = s.input((9, 3))
    flat = s.add(nodes.Reshape, line, shape=(27,))
    s.output(
        s.dense(line, 4),
        s.dense(flat, 4),
        s.add(nodes.Transpose, line, permutation=(1, 0)),
        s.add(nodes.Relu, line),
        s.add(nodes.Scale, line, factor=s.constants((3,)), offset=s.constants((3,))),
    )
    a, b = s.input((5, 2)), s.input((4, 2))
    s.output(s.add(nodes.Concatenate, a, b, axis=0), s.add(nodes.Add, a, a))
    return s.finish()


@pytest.mark.slow
def test_turns_are_those_of_the_kernels(tmp_path: Path) -> None:
    graph = zoo()
    counted = count_turns(graph, tmp_path)
    expected = processes(graph, {node.name: Pace(1, 1) for node in graph}, 1)
    compared = [node for node in graph if node.inputs and not isinstance(node, nodes.Reshape)]
    assert len(compared) == 17
    for node in compared:
        process = expected[node.name]
        writing = process.words if isinstance(node, nodes.Transpose) else 0  # reads all, then writes all
        assert process.turns + writing == counted[node.name], node


def count_turns(graph: FixedGraph, folder: Path) -> dict[str, int]:
    """Turns of each node's longest loop in one event: how many words its kernel read, or wrote if it reads two streams.

    The streams of the simulation count, and a line after each kernel's call says how far they have come.
    """
    project = write_project(graph, STREAM, "net", folder)
    stream, top = folder / "firmware/ap_types/hls_stream.h", folder / "firmware/net.cpp"
    text = stream.read_text().replace("namespace hls {", COUNTERS + "namespace hls {", 1)
    text = text.replace("__STREAM_T__ read() {", "__STREAM_T__ read() { ++words_read;")
    stream.write_text(
        text.replace("write(const __STREAM_T__& tail) {", "write(const __STREAM_T__& tail) { ++words_written;")
    )
    start = "// hls-fpga-machine-learning insert layers"
    top.write_text(top.read_text().replace(start, f'{start}\n    report("start");', 1))
    top.write_text(re.sub(r"^( +nnet::\w+<.*;) // (\w+)$", r'\1 report("\2");', top.read_text(), flags=re.MULTILINE))
    simulation = CSimulation(1)
    simulation.compile(project)
    simulation.run([np.zeros((1, *port.shape), np.int64) for port in project.inputs])
    lines = [line.split() for line in (folder / "words.txt").read_text().splitlines()]
    found = {layer: (int(read), int(written)) for layer, read, written in lines}
    turns: dict[str, int] = {}
    for spec in lower(graph, STREAM).layers:
        if spec.name in found:
            longest = _longest(spec, *found[spec.name])
            turns[spec.node] = max(turns.get(spec.node, 0), longest)
    return turns


def _longest(layer: HlsLayer, read: int, written: int) -> int:
    if layer.class_name == "Transpose":
        return read + written
    return written if len(layer.inputs) > 1 else max(read, written)


COUNTERS = r"""
#include <fstream>
inline int words_read, words_written;
inline void report(const char *layer) {
    std::ofstream("../words.txt", std::ios::app) << layer << " " << words_read << " " << words_written << "\n";
    words_read = words_written = 0;
}
"""
