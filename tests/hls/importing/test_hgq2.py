"""HGQ2's layers from a file, against their definitions written out in numpy (hgq 0.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_keras
from hls.errors import ModelFileError, UnsupportedError
from tests.hls.importing import files

RNG = np.random.default_rng(4)
Types = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Sign bits, bits before the point without the sign, bits behind it."""


def config(kind: str, overflow: str, rounding: str = "RND") -> dict[str, Any]:
    return {"class_name": "QuantizerConfig", "config": {
        "q_type": kind, "scaler": None, "round_mode": rounding, "overflow_mode": overflow,
    }}  # fmt: skip


def layer(kind: str, name: str, *sources: str, module: str = "hgq.layers", **more: Any) -> dict[str, Any]:
    tensors = [files.tensor(source) for source in sources]
    return files.layer(kind, name, *(tensors if len(tensors) == 1 else [tensors]), module=module, **more)


def quantized(x: np.ndarray, types: Types, overflow: str) -> np.ndarray:
    """Rounded half up; then modulo the range, or (before, as HGQ2 does) clipped to it; without bits it is zero."""
    k, i, f = (np.asarray(a, np.float64) for a in types)
    top, bottom = 2.0**i - 2.0**-f, -k * 2.0**i
    if overflow == "SAT_SYM":
        bottom = -k * top
    if overflow != "WRAP":
        x = np.clip(x, bottom, top)
    x = np.floor(x * 2.0**f + 0.5) / 2.0**f
    if overflow == "WRAP":
        x = (x - bottom) % (2.0**i * (1 + k)) + bottom
    return np.where(k + i + f > 0, x, 0)


def each(shape: tuple[int, ...], low: int, high: int) -> np.ndarray:
    return RNG.integers(low, high, shape).astype(np.float32)


def wrapping(shape: tuple[int, ...]) -> tuple[list[Any], Types]:
    """Arrays of a quantizer by fraction that wraps, in the order of a file, and k, i, f without the batch axis."""
    k, i, f = each(shape, 0, 2), each(shape, 0, 3), each(shape, -1, 4)
    return [f, k.astype(np.uint8), i, np.float32(0.01)], (k[0], i[0], f[0])


def saturating(shape: tuple[int, ...]) -> tuple[list[Any], Types]:
    """Arrays of a quantizer by bits that saturates."""
    k, i, b = np.ones(shape, np.float32), each(shape, -1, 3), each(shape, 0, 7)
    return [b, i, k.astype(np.uint8)], (k, i, b - i)


EVENTS = np.ldexp(np.random.default_rng(8).integers(-40, 40, (300, 4)), -3)


def stored(graph: Any, x: np.ndarray) -> np.ndarray:
    """What the port makes of the events."""
    node = graph.port(graph.inputs[0])
    return np.clip(np.rint(x * 2.0**node.type.fraction), node.raw_min, node.raw_max) / 2.0**node.type.fraction


def test_a_dense_layer_reads_all_it_reads_through_its_quantizers(tmp_path: Path) -> None:
    kernel, bias = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
    (iq, i_types), (kq, k_types), (bq, b_types) = wrapping((1, 4)), saturating((4, 3)), saturating((3,))
    (oq, o_types) = wrapping((1, 3))
    entry = layer(
        "QDense", "d", "x", units=3, activation="relu", use_bias=True, enable_iq=True, enable_oq=True,
        iq_conf=config("kif", "wrap"), kq_conf=config("kbi", "SAT_SYM"), bq_conf=config("kbi", "SAT"),
        oq_conf=config("kif", "WRAP"),
    )  # fmt: skip
    arrays: dict[str, list[Any]] = {
        "d": [kernel, bias, np.float32(0), np.float32(9)],
        "d/iq/quantizer": iq,
        "d/kq/quantizer": kq,
    }
    arrays |= {"d/bq/quantizer": bq, "d/oq/quantizer": oq}
    graph = import_keras(files.write(tmp_path / "m.keras", [files.port("x", 4), entry], "d", arrays))
    x = stored(graph, EVENTS)
    sums = quantized(x, i_types, "WRAP") @ quantized(kernel, k_types, "SAT_SYM") + quantized(bias, b_types, "SAT")
    assert np.array_equal(emulate(graph, EVENTS), quantized(np.maximum(sums, 0), o_types, "WRAP"))


def test_a_normalization_is_folded_before_its_kernel_is_quantized(tmp_path: Path) -> None:
    kernel, bias = RNG.normal(size=(4, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
    gamma, mean = (RNG.normal(size=3).astype(np.float32) for _ in range(2))
    variance = np.array([1, 4, 0.25], np.float32) - np.float32(1e-7)
    (iq, i_types), (kq, k_types), (bq, b_types) = wrapping((1, 2, 4)), saturating((4, 3)), saturating((3,))
    entry = layer(
        "QEinsumDenseBatchnorm", "d", "x", equation="bnc,cC->bnC", bias_axes="C", output_shape=[2, 3], enable_iq=True,
        activation="linear", iq_conf=config("kif", "wrap"), kq_conf=config("kbi", "SAT_SYM"),
        bq_conf=config("kbi", "SAT_SYM"), scale=True,
    )  # fmt: skip
    arrays: dict[str, list[Any]] = {"d": [kernel, bias, gamma, np.float32(0), np.uint32(9), mean, variance]}
    arrays |= {"d/iq/quantizer": iq, "d/kq/quantizer": kq, "d/bq/quantizer": bq}
    graph = import_keras(files.write(tmp_path / "m.keras", [files.port("x", 2, 4), entry], "d", arrays))
    x = stored(graph, EVENTS.reshape(-1, 2, 4))
    factor = (gamma / np.sqrt(variance + np.float32(1e-7))).astype(np.float32)
    weights = quantized(kernel * factor, k_types, "SAT_SYM")
    offset = quantized(bias + -mean * factor, b_types, "SAT_SYM")
    wanted = quantized(x, i_types, "WRAP") @ weights + offset
    assert np.array_equal(emulate(graph, EVENTS.reshape(-1, 2, 4)), wanted)


def test_sums_and_merges_read_through_a_quantizer_each(tmp_path: Path) -> None:
    (first, first_types), (second, second_types) = wrapping((1, 1, 2)), wrapping((1, 2, 2))
    (iq, i_types) = wrapping((1, 1, 2))
    add = layer("QAdd", "a", "x", "x", enable_iq=True, iq_confs=[config("kif", "wrap"), config("kif", "wrap")])
    total = layer("QSum", "s", "a", axes=[1], scale=0.5, keepdims=False, enable_iq=True, iq_conf=config("kif", "wrap"))
    arrays: dict[str, list[Any]] = {
        "a/iq/quantizers/quantizer/quantizer": first,
        "a/iq/quantizers/quantizer_1/quantizer": second,
    }
    arrays |= {"s/iq/quantizer": iq}
    path = files.write(tmp_path / "m.keras", [files.port("x", 2, 2), add, total], "s", arrays)
    with pytest.raises(UnsupportedError, match="--input-type"):
        import_keras(path)
    graph = import_keras(path, "ap_fixed<8,4>")
    x = stored(graph, EVENTS.reshape(-1, 2, 2))
    joined = quantized(x, first_types, "WRAP") + quantized(x, second_types, "WRAP")
    assert np.array_equal(emulate(graph, x), quantized(joined, i_types, "WRAP").sum(axis=1) * 0.5)


def test_another_contraction_is_refused(tmp_path: Path) -> None:
    entry = layer(
        "QEinsumDense", "d", "x", equation="bnc,nN->bNc", output_shape=[3, 4], enable_iq=False, bias_axes=None,
        kq_conf=config("dummy", "WRAP"),
    )  # fmt: skip
    path = files.write(tmp_path / "m.keras", [files.port("x", 2, 4), entry], "d", {"d": [np.ones((2, 3))]})
    with pytest.raises(UnsupportedError, match="contracts other axes"):
        import_keras(path, "ap_fixed<8,4>")


def test_a_quantizer_that_is_not_in_the_file(tmp_path: Path) -> None:
    entry = layer("QDense", "d", "x", units=1, use_bias=False, enable_iq=False, kq_conf=config("kbi", "SAT"))
    path = files.write(tmp_path / "m.keras", [files.port("x", 4), entry], "d", {"d": [np.ones((4, 1))]})
    with pytest.raises(ModelFileError, match=r"'d': its quantizer kq is not in the file"):
        import_keras(path, "ap_fixed<8,4>")


def test_an_unknown_layer_whose_own_weights_are_scalars(tmp_path: Path) -> None:
    entry = layer("QMultiHeadThing", "m", "x")
    path = files.write(tmp_path / "m.keras", [files.port("x", 4), entry], "m", {"m": [np.float32(0), np.uint32(3)]})
    with pytest.raises(UnsupportedError, match=r"class hgq\.QMultiHeadThing is not supported"):
        import_keras(path, "ap_fixed<8,4>")
