"""ONNX's ThresholdedRelu and Shrink."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import like_onnxruntime
from tests.hls.importing.onnx_files import File, Step


def of(kind: str, **options: float) -> File:
    return File((1, 3, 4), (Step(kind, ("x",), "y", options),), {}, stated={"y": (1, None, None)})


@pytest.mark.parametrize("options", [{}, {"alpha": 0.25}, {"alpha": 0.0}, {"alpha": -0.5}, {"alpha": 100.0}])
def test_what_is_above_a_threshold(options: dict[str, float], tmp_path: Path) -> None:
    if options.get("alpha") == 100.0:  # which no value reaches
        graph = import_model(of("ThresholdedRelu", **options).write(tmp_path / "m"), Statements("ap_fixed<6,4>"))
        assert not Emulator(graph).evaluate([[[7.75] * 4] * 3])[0].any()
        return
    like_onnxruntime(of("ThresholdedRelu", **options), tmp_path)


@pytest.mark.parametrize(
    ("threshold", "bias"),
    [(0.5, 0.0), (0.25, 0.25), (0.5, 0.25), (1.0, -0.75), (0.0, 0.0), (-0.5, 0.25), (-0.5, -0.5), (0.125, 0.5)],
)
def test_shrinks(threshold: float, bias: float, tmp_path: Path) -> None:
    graph, _ = like_onnxruntime(of("Shrink", lambd=threshold, bias=bias), tmp_path)
    assert any(isinstance(node, nodes.Multiply) for node in graph) == (bias != threshold or bias < 0)


def test_by_hand(tmp_path: Path) -> None:
    """On the threshold itself either is zero."""
    x = [[[-2.0, -1.0, -0.25, 0.0]] * 2 + [[0.25, 1.0, 1.25, 2.0]]]
    for kind, options, right in (
        ("ThresholdedRelu", {}, [[0, 0, 0, 0]] * 2 + [[0, 0, 1.25, 2]]),
        ("Shrink", {"lambd": 1.0, "bias": 0.5}, [[-1.5, 0, 0, 0]] * 2 + [[0, 0, 0.75, 1.5]]),
        ("Shrink", {"lambd": 1.0, "bias": 1.0}, [[-1, 0, 0, 0]] * 2 + [[0, 0, 0.25, 1]]),
    ):
        graph = import_model(of(kind, **options).write(tmp_path / "m"), Statements("ap_fixed<6,4>"))
        assert Emulator(graph).evaluate(x)[0].tolist() == [right]
