"""A million weights are written in about the time that it takes to print them, and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np

from hls.graph import GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.rtl import write_rtl


def test_a_million_weights(tmp_path: Path) -> None:
    random, builder = np.random.default_rng(1), GraphBuilder("large")
    type_ = FixedType(False, 7, 4)
    h = builder.add(nodes.Input("x", (), "x", (512,), type_, 0, type_.raw_max))
    for number, (inputs, outputs) in enumerate(((512, 1024), (1024, 464))):
        kernel, bias = (FixedArray(random.integers(-32, 32, shape), 5) for shape in ((inputs, outputs), (outputs,)))
        dense = builder.add(nodes.Dense(f"d{number}", (h,), f"d{number}", kernel, bias))
        h = builder.add(nodes.Quantize(f"q{number}", (dense,), f"d{number}", type_, 0, type_.raw_max))
    graph = builder.finish(["x"], [h], ["y"])
    write_rtl(graph, "warm", tmp_path / "warm", 5.0, interval=1024)  # alkaid is imported
    tracemalloc.start()
    start = time.process_time()
    project = write_rtl(graph, "large", tmp_path, 5.0, interval=1024)
    seconds, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert project.folded
    assert (
        sum(path.stat().st_size for path in project.memories) > 999_424 * 6 / 4
    )  # hexadecimal digits of six bits each
    assert seconds < 2  # tracemalloc doubles it
    assert peak < 100 << 20
