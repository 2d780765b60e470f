"""The shape of a jet detector's backbone (PFJet-SSD): ternary weights, depthwise-separable blocks, at reduced size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.figures.estimates import estimate_own_rtl
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import Simulation, rtl_design, write_rtl
from hls.rtl.folded import least_interval
from hls.rtl.ports import Beats
from hls.target import LUT, Target
from tests.hls.rtl.folded.networks import NONE, SAME
from tests.hls.rtl.zoo import random_events

ROWS, COLUMNS = 12, 16
PIXEL, ACTIVATION = FixedType(False, 8, 4), FixedType(False, 8, 4)
INTERVAL = 9 * ROWS * COLUMNS
"""A clock for each place of a 3x3 window on each pixel: fewer the network cannot do."""


class _Blocks:
    """Adds blocks with weights of -1, 0 and 1, a scale and an offset for each channel, and activations of 8 bits."""

    def __init__(self) -> None:
        self.builder, self._random = GraphBuilder("backbone"), np.random.default_rng(48)
        shape = (ROWS, COLUMNS, 2)
        self.x = self.builder.add(nodes.Input("x", (), "x", shape, PIXEL, PIXEL.raw_min, PIXEL.raw_max))

    def _ternary(self, *shape: int) -> FixedArray:
        return FixedArray(self._random.integers(-1, 2, shape), 0)

    def _conv(self, name: str, window: int, inputs: int, outputs: int, groups: int) -> None:
        padding = SAME if window == 3 else NONE
        kernel, none = self._ternary(window, window, inputs, outputs), FixedArray(np.zeros(outputs, np.int64), 0)
        conv = self.builder.add(nodes.Conv(name, (self.x,), name, kernel, none, (1, 1), (1, 1), padding, groups))
        factor = FixedArray(self._random.integers(1, 8, outputs), 3)
        scale = nodes.Scale(f"{name}_bn", (conv,), name, factor, FixedArray(self._random.integers(-8, 9, outputs), 3))
        relu = self.builder.add(nodes.Relu(f"{name}_relu", (self.builder.add(scale),), name))
        limits = ACTIVATION.raw_min, ACTIVATION.raw_max
        self.x = self.builder.add(nodes.Quantize(f"{name}_q", (relu,), name, ACTIVATION, *limits))

    def whole(self, name: str, outputs: int) -> None:
        self._conv(name, 3, self.builder.edges[self.x].shape[-1], outputs, 1)

    def separable(self, name: str, outputs: int) -> None:
        channels = self.builder.edges[self.x].shape[-1]
        self._conv(f"{name}_depthwise", 3, 1, channels, channels)
        self._conv(f"{name}_pointwise", 1, channels, outputs, 1)

    def pool(self, name: str) -> None:
        self.x = self.builder.add(nodes.Pool(name, (self.x,), name, (2, 2), (2, 2), NONE, True))


def _backbone() -> FixedGraph:
    blocks = _Blocks()
    blocks.whole("first", 8)
    blocks.pool("half")
    blocks.separable("second", 12)
    blocks.pool("quarter")
    blocks.separable("third", 16)
    return blocks.builder.finish(["x"], [blocks.x], ["features"])


def test_what_it_takes_is_known_before_it_is_written() -> None:
    assert least_interval(_backbone()) == INTERVAL
    target = Target("xc7z020clg484-1", "vitis", 5.0, interval=INTERVAL, multipliers=LUT)
    found = estimate_own_rtl(_backbone(), target)
    assert (found["interval"].value, found["dsp"].value) == (INTERVAL, 0)
    assert 0 < found["lut"].value < 10_000


@pytest.mark.slow
def test_frames_give_the_bits_of_the_emulator(tmp_path: Path, cache: Path) -> None:
    graph = _backbone()
    project = write_rtl(graph, "net", tmp_path, 5.0, multipliers=LUT, interval=INTERVAL)
    assert project.folded
    assert project.inputs[0].beats == Beats(ROWS * COLUMNS, 9)
    raw = random_events(graph, 12)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run(raw)
    assert (run.timing.interval, run.timing.latency_cycles) == (INTERVAL, project.stages)
    (expected,) = Emulator(graph).run(raw)
    assert len(np.unique(expected)) > 20
    np.testing.assert_array_equal(run.outputs[0], expected)
