"""HGQ2's layers without kernels from a file, against their definitions written out in numpy (hgq 0.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_keras
from hls.graph import FixedGraph
from tests.hls.importing import files
from tests.hls.importing.test_hgq2 import EVENTS, config, layer, quantized, stored, wrapping

IQ, OQ = config("kif", "WRAP"), config("kif", "WRAP")


def read(tmp_path: Path, entry: Any, arrays: dict[str, list[Any]], *shape: int, type_: str | None = None) -> FixedGraph:
    path = files.write(tmp_path / "m.keras", [files.port("x", *shape), entry], "o", arrays)
    return import_keras(path, type_)


def test_a_quantizer_alone_is_a_layer(tmp_path: Path) -> None:
    arrays, types = wrapping((1, 4))
    entry = layer("Quantizer", "o", "x", module="hgq.quantizer.quantizer", config=IQ)
    graph = read(tmp_path, entry, {"o/quantizer": arrays}, 4)
    assert np.array_equal(emulate(graph, EVENTS), quantized(stored(graph, EVENTS), types, "WRAP"))


@pytest.mark.parametrize("shape", [(1, 4), (1, 1)], ids=["a table each", "one table"])
def test_a_function_is_looked_up(shape: tuple[int, ...], tmp_path: Path) -> None:
    (iq, i_types), (oq, o_types) = wrapping(shape), wrapping(shape)
    entry = layer(
        "QUnaryFunctionLUT", "o", "x", activation="tanh", enable_iq=True, enable_oq=True, iq_conf=IQ, oq_conf=OQ
    )
    graph = read(tmp_path, entry, {"o/iq/quantizer": iq, "o/oq/quantizer": oq}, 4)
    expected = quantized(np.tanh(quantized(stored(graph, EVENTS), i_types, "WRAP")), o_types, "WRAP")
    assert np.array_equal(emulate(graph, EVENTS), expected)


def test_a_trained_line_comes_before_the_function(tmp_path: Path) -> None:
    (iq, i_types), (oq, o_types) = wrapping((1, 4)), wrapping((1, 4))
    entry = layer(
        "QAffinedUnaryFunctionLUT", "o", "x", activation="relu", enable_iq=True, enable_oq=True, iq_conf=IQ, oq_conf=OQ
    )
    line = [np.array([0.75], np.float32), np.array([-0.5], np.float32)]
    graph = read(tmp_path, entry, {"o": line, "o/iq/quantizer": iq, "o/oq/quantizer": oq}, 4)
    x = quantized(stored(graph, EVENTS), i_types, "WRAP")
    assert np.array_equal(emulate(graph, EVENTS), quantized(np.maximum(0.75 * x - 0.5, 0), o_types, "WRAP"))


@pytest.mark.parametrize(
    ("kind", "combine"),
    [("QMaximum", np.maximum), ("QMinimum", np.minimum), ("QAveragePow2", lambda a, b: (a + b) / 2)],
)
def test_merges_read_through_a_quantizer_each(kind: str, combine: Any, tmp_path: Path) -> None:
    (first, first_types), (second, second_types) = wrapping((1, 4)), wrapping((1, 4))
    entry = layer(kind, "o", "x", "x", enable_iq=True, iq_confs=[IQ, IQ])
    arrays: dict[str, list[Any]] = {
        "o/iq/quantizers/quantizer/quantizer": first,
        "o/iq/quantizers/quantizer_1/quantizer": second,
    }
    graph = read(tmp_path, entry, arrays, 4, type_="ap_fixed<8,4>")
    x = stored(graph, EVENTS)
    expected = combine(quantized(x, first_types, "WRAP"), quantized(x, second_types, "WRAP"))
    assert np.array_equal(emulate(graph, EVENTS), expected)


@pytest.mark.parametrize(("kind", "pooled"), [("QMaxPooling1D", np.max), ("QAveragePooling1D", np.mean)])
def test_pools_read_through_a_quantizer(kind: str, pooled: Any, tmp_path: Path) -> None:
    iq, types = wrapping((1, 4, 2))
    entry = layer(kind, "o", "x", pool_size=[2], strides=[2], padding="valid", enable_iq=True, iq_conf=IQ)
    graph = read(tmp_path, entry, {"o/iq/quantizer": iq}, 4, 2)
    x = quantized(stored(graph, EVENTS.reshape(-1, 4, 2)), types, "WRAP")
    expected = pooled(x.reshape(-1, 2, 2, 2), axis=2)
    assert np.array_equal(emulate(graph, EVENTS.reshape(-1, 4, 2)), expected)


def test_a_softmax_is_two_tables_and_a_product(tmp_path: Path) -> None:
    one = {"exp_table/iq": (1, 2, 3), "exp_table/oq": (0, 1, 5), "inv_table/iq": (0, 3, 4), "inv_table/oq": (0, 1, 6)}
    arrays: dict[str, list[Any]] = {
        f"o/{place}/quantizer": [np.full((1, 1), value, np.float32) for value in (i, f, k)]
        for place, (k, i, f) in one.items()
    }
    confs: dict[str, Any] = {f"{place.replace('_table/', '_')}_conf": config("kif", "SAT", "RND") for place in one}
    entry = layer("QSoftmax", "o", "x", axes=[1], stable=True, input_scaler=0.5, enable_iq=False, **confs)
    graph = read(tmp_path, entry, arrays, 4, type_="ap_fixed<8,4>")
    x = stored(graph, EVENTS)

    def through(values: np.ndarray, place: str) -> np.ndarray:
        return quantized(values, tuple(np.array(v) for v in one[place]), "SAT")  # type: ignore[arg-type]

    below = through(x.max(axis=1, keepdims=True) - x, "exp_table/iq")
    powers = through(np.exp(-below.astype(np.float32) * np.float32(0.5)).astype(float), "exp_table/oq")
    total = through(powers.sum(axis=1, keepdims=True), "inv_table/iq")
    inverse = through((np.float32(1) / (total.astype(np.float32) + np.float32(1e-7))).astype(float), "inv_table/oq")
    assert np.array_equal(emulate(graph, EVENTS), powers * inverse)


def test_a_normalization_of_the_input_is_in_the_kernel(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    kernel, bias, gamma, mean = (
        rng.integers(-4, 5, shape).astype(np.float32) / 4 for shape in ((4, 3), (3,), (4,), (4,))
    )
    variance = np.array([1, 4, 0.25, 1], np.float32) - np.float32(1e-3)
    (kq, _), (bq, _) = wrapping((4, 3)), wrapping((3,))
    entry = layer(
        "QBatchNormDense", "o", "x", units=3, scale=True, epsilon=1e-3, enable_iq=False, activation="linear",
        kq_conf=config("kif", "SAT"), bq_conf=config("kif", "SAT"),
    )  # fmt: skip
    order = [[a[2], a[0], a[1]] for a in (kq, bq)]  # of one that saturates: i, f, k
    arrays = {"o": [kernel, bias, gamma, mean, variance], "o/kq/quantizer": order[0], "o/bq/quantizer": order[1]}
    graph = read(tmp_path, entry, arrays, 4, type_="ap_fixed<8,4>")
    scale = (gamma / np.sqrt(variance + np.float32(1e-3))).astype(np.float32)
    weights = quantized(scale[:, None] * kernel, (np.array(kq[1]), np.array(kq[2]), np.array(kq[0])), "SAT")
    offset = quantized(bias - mean @ kernel, (np.array(bq[1]), np.array(bq[2]), np.array(bq[0])), "SAT")
    assert np.array_equal(emulate(graph, EVENTS), stored(graph, EVENTS) @ weights + offset)
