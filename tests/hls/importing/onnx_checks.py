"""Small ONNX files, and their graphs against what ONNX defines, over random events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_files import BREVITAS, File, Step
from tests.hls.importing.onnx_reference import run

Options = Mapping[str, Any]


def quant(source: str, output: str, scale: str = "s", bits: str = "b", zero: str = "z", **options: Any) -> Step:
    return Step("Quant", (source, scale, zero, bits), output, options, BREVITAS)


NUMBERS: dict[str, npt.ArrayLike] = {"s": 0.25, "z": 0.0, "b": 6.0, "b3": 3.0, "b8": 8.0}


def exact(
    file: File, path: Path, *, input_type: str | None = "ap_fixed<6,4>", events: int = 200
) -> tuple[FixedGraph, npt.NDArray[Any]]:
    """The graph, which gives what numpy gives over random values of the port and over its ends."""
    graph = import_model(file.write(path / "m.onnx"), Statements(input_type))
    port = graph.port(graph.inputs[0])
    raw = np.random.default_rng(0).integers(port.raw_min, port.raw_max + 1, (events, *port.shape))
    raw[0], raw[1] = port.raw_min, port.raw_max
    x = np.ldexp(raw.astype(np.float64), -port.type.fraction)
    found, wanted = Emulator(graph).evaluate(x)[0], run(file, x)
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted)
    assert np.unique(found).size > 1
    return graph, found


def chain(shape: Sequence[int | None], /, *steps: Step, **constants: npt.ArrayLike) -> File:
    return File(shape, steps, {**NUMBERS, **constants})


W = np.array([[0.5, -1.25, 2.0], [1.0, 0.25, -0.75]])
KERNEL = np.random.default_rng(3).integers(-4, 5, (4, 3, 3, 2)) * 0.25


def refusal(file: File, path: Path, input_type: str | None = "ap_fixed<6,4>") -> str:
    with pytest.raises(UnsupportedError) as caught:
        import_model(file.write(path / "m.onnx"), Statements(input_type))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def like_onnxruntime(
    file: File, path: Path, *, input_type: str = "ap_fixed<6,4>", events: int = 60
) -> tuple[FixedGraph, npt.NDArray[Any]]:
    """The graph, which gives what ONNX Runtime gives of an event at a time, in so few bits that float32 is exact."""
    onnxruntime = pytest.importorskip("onnxruntime")
    written = file.write(path / "m.onnx")
    graph = import_model(written, Statements(input_type))
    port = graph.port(graph.inputs[0])
    raw = np.random.default_rng(0).integers(port.raw_min, port.raw_max, (events, *port.shape), endpoint=True)
    x = np.ldexp(raw.astype(np.float64), -port.type.fraction)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3  # of shapes that a file states in part
    session = onnxruntime.InferenceSession(written.read_bytes(), options)
    dtype = {"tensor(float)": np.float32, "tensor(int32)": np.int32}[session.get_inputs()[0].type]
    wanted = np.concatenate([session.run(None, {"x": event[None].astype(dtype)})[0] for event in x])
    found = Emulator(graph).evaluate(x)[0]
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted)
    assert np.unique(found).size > 1
    return graph, found
