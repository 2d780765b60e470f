"""PQuantML's layers from a file, against their definitions written out in numpy (pquant-ml 0.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_keras
from hls.errors import ModelFileError
from hls.importing.pquant import is_pquant
from hls.witnesses import default_witnesses
from tests.hls.importing import files
from tests.hls.importing.test_hgq2 import EVENTS, quantized, stored

TOLD = {
    "enable_quantization": True, "use_high_granularity_quantization": False, "overflow_mode_data": "SAT",
    "round_mode": "RND", "use_relu_multiplier": False,
}  # fmt: skip
IN, OUT = (1, 2, 3), (1, 1, 4)
"""Sign bit, bits before the point without it, bits behind it."""


def layer(kind: str, name: str, source: str, told: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    options = {"quantize_input": True, "quantize_output": False, "final_compression_done": True, **more}
    config = {"config": {"quantization_parameters": {**TOLD, **(told or {})}}, **options}
    return files.layer(kind, name, files.tensor(source), module="pquant.core.keras.layers", **config)


def scalars(k: int, i: int, f: int) -> list[Any]:
    return [np.array(value, np.float32) for value in (k, i, f, k + i + f)]


def through(x: np.ndarray, types: tuple[int, int, int]) -> np.ndarray:
    k, i, f = (np.array(value) for value in types)
    return quantized(x, (k, i, f), "SAT")


def saved(tmp_path: Path, entry: Any, arrays: dict[str, list[Any]], *shape: int) -> Path:
    return files.write(tmp_path / "m.keras", [files.port("x", *shape), entry], entry["config"]["name"], arrays)


def test_a_dense_layer_reads_and_writes_through_its_quantizers(tmp_path: Path) -> None:
    kernel, bias = (np.random.default_rng(1).integers(-9, 10, shape) / np.float32(8) for shape in ((4, 3), (3,)))
    arrays: dict[str, list[Any]] = {
        "d": [kernel, bias, np.float32(0), np.float32(1)],
        "d/input_quantizer": scalars(*IN),
        "d/output_quantizer": scalars(*OUT),
    }
    path = saved(tmp_path, layer("PQDense", "d", "x", units=3, use_bias=True, quantize_output=True), arrays, 4)
    graph = import_keras(path)
    assert np.array_equal(emulate(graph, EVENTS), through(through(stored(graph, EVENTS), IN) @ kernel + bias, OUT))
    assert is_pquant(path)
    assert default_witnesses(path)[0] == "pquant"


def test_each_value_may_have_a_type(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    integer, fraction, signed = rng.integers(0, 3, (1, 4)), np.full((1, 4), 3), np.ones((1, 4))
    kernel = rng.integers(-9, 10, (4, 2)) / np.float32(8)
    arrays: dict[str, list[Any]] = {
        "d": [kernel],
        "d/input_quantizer/quantizer/quantizer": [a.astype(np.float32) for a in (integer, fraction, signed)],
    }
    entry = layer("PQDense", "d", "x", {"use_high_granularity_quantization": True}, units=2, use_bias=False)
    graph = import_keras(saved(tmp_path, entry, arrays, 4))
    expected = quantized(stored(graph, EVENTS), (signed[0], integer[0], fraction[0]), "SAT") @ kernel
    assert np.array_equal(emulate(graph, EVENTS), expected)


def test_a_convolution(tmp_path: Path) -> None:
    kernel = np.random.default_rng(3).integers(-9, 10, (2, 2, 3)) / np.float32(4)
    arrays: dict[str, list[Any]] = {"c": [kernel], "c/input_quantizer": scalars(*IN)}
    entry = layer("PQConv1d", "c", "x", use_bias=False, kernel_size=[2], strides=[1], padding="valid")
    graph = import_keras(saved(tmp_path, entry, arrays, 4, 2))
    rows = EVENTS.reshape(-1, 4, 2)
    x = through(stored(graph, rows), IN)
    windows = np.stack([x[:, :-1], x[:, 1:]], axis=2)
    assert np.array_equal(emulate(graph, rows), np.einsum("npkc,kcm->npm", windows, kernel))


@pytest.mark.parametrize(
    ("name", "function"),
    [("relu", lambda x: np.maximum(x, 0)), ("hard_tanh", lambda x: np.clip(x, -1, 1)), ("tanh", np.tanh)],
)
def test_activations(name: str, function: Any, tmp_path: Path) -> None:
    arrays: dict[str, list[Any]] = {"a/input_quantizer": scalars(*IN), "a/output_quantizer": scalars(*OUT)}
    entry = layer("PQActivation", "a", "x", activation=name, quantize_output=True)
    graph = import_keras(saved(tmp_path, entry, arrays, 4))
    assert np.array_equal(emulate(graph, EVENTS), through(function(through(stored(graph, EVENTS), IN)), OUT))


def test_a_trained_power_of_two_before_a_relu(tmp_path: Path) -> None:
    arrays: dict[str, list[Any]] = {"a": [np.array([-1.4], np.float32)], "a/input_quantizer": scalars(0, 2, 3)}
    entry = layer("PQActivation", "a", "x", {"use_relu_multiplier": True}, activation="relu")
    graph = import_keras(saved(tmp_path, entry, arrays, 4), "ap_fixed<8,4>")
    x = stored(graph, EVENTS)
    assert np.array_equal(emulate(graph, EVENTS), through(x / 2, (0, 2, 3)))


def test_a_normalization_reads_through_a_quantizer(tmp_path: Path) -> None:
    gamma, beta, mean, variance = (np.array(v, np.float32) for v in ([1, 2], [0.5, 0], [1, -1], [4 - 1e-3, 1 - 1e-3]))
    arrays: dict[str, list[Any]] = {
        "b": [gamma, beta, mean, variance, np.float32(0)],
        "b/input_quantizer": scalars(*IN),
    }
    entry = layer("PQBatchNormalization", "b", "x", axis=-1, epsilon=1e-3, scale=True, center=True)
    graph = import_keras(saved(tmp_path, entry, arrays, 2))
    x = through(stored(graph, EVENTS[:, :2]), IN)
    expected = (x - mean) * gamma / np.sqrt(np.array([4.0, 1.0])) + beta
    assert np.abs(emulate(graph, EVENTS[:, :2]) - expected).max() < 1e-6  # factor and offset are float32 numbers


def test_pools_read_through_a_quantizer(tmp_path: Path) -> None:
    entry = layer("PQAvgPool1d", "p", "x", pool_size=[2], strides=[2], padding="valid")
    graph = import_keras(saved(tmp_path, entry, {"p/input_quantizer": scalars(*IN)}, 4, 2))
    rows = EVENTS.reshape(-1, 4, 2)
    expected = through(stored(graph, rows), IN).reshape(-1, 2, 2, 2).mean(axis=2)
    assert np.array_equal(emulate(graph, rows), expected)


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"d": [np.zeros((4, 3), np.float32)]}, "its input_quantizer is not in the file"),
        ({"d/input_quantizer": scalars(*IN)}, "kernel and bias are not in the file"),
    ],
)
def test_damage_is_named(arrays: dict[str, list[Any]], told: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=told):
        import_keras(saved(tmp_path, layer("PQDense", "d", "x", units=3, use_bias=False), arrays, 4))
