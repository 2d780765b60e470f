"""HGQ2's layers from a file, against their definitions written out in numpy (hgq 0.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls import emulate, import_keras
from hls.errors import ModelFileError, UnsupportedError
from hls.graph.nodes import PortRounding
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


EVENTS = np.ldexp(np.random.default_rng(8).integers(-640, 640, (300, 4)), -7)
"""Finer than any port's steps."""


def stored(graph: Any, x: np.ndarray) -> np.ndarray:
    """The events as far as the port reaches, and those of a type that is stated at its steps, half to even.

    Any other port leaves to the first quantizer what that makes of them: nothing is rounded before.
    """
    node = graph.port(graph.inputs[0])
    steps = x * 2.0**node.type.fraction
    steps = np.rint(steps) if node.rounding is PortRounding.NEAREST_EVEN else steps
    return np.clip(steps, node.raw_min, node.raw_max) / 2.0**node.type.fraction


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


@pytest.mark.parametrize(
    ("kind", "axes", "keepdims", "scale"),
    [("QSum", [-2, -1], False, 0.5), ("QSum", [2], True, 0.5), ("QSum", 3, False, 0.5), ("QMeanPow2", [1], False, 0.5),
     ("QMeanPow2", [1, 3], True, 2.0**-3)],
)  # fmt: skip
def test_a_sum_over_any_axes(kind: str, axes: Any, keepdims: bool, scale: float, tmp_path: Path) -> None:
    entry = layer(kind, "s", "x", axes=axes, keepdims=keepdims, scale=0.5, enable_iq=False)
    path = files.write(tmp_path / "m.keras", [files.port("x", 2, 3, 4), entry], "s")
    x = RNG.integers(-8, 8, (5, 2, 3, 4)) * 0.5
    wanted = x.sum(axis=tuple(np.atleast_1d(axes)), keepdims=keepdims) * scale
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<8,4>"), x), wanted)


@pytest.mark.parametrize("axis", [1, -2, 2])
def test_a_normalization_along_any_axis(axis: int, tmp_path: Path) -> None:
    """Of a square, where the numbers of one axis fit the other as well."""
    gamma, beta, mean = (RNG.normal(size=3).astype(np.float32) for _ in range(3))
    dummy = config("dummy", "WRAP")
    entry = layer(
        "QBatchNormalization", "b", "x", axis=axis, epsilon=0.0, enable_iq=False, kq_conf=dummy, bq_conf=dummy
    )  # fmt: skip
    arrays = {"b": [gamma, beta, mean, np.ones(3, np.float32)]}
    path = files.write(tmp_path / "m.keras", [files.port("x", 3, 3), entry], "b", arrays)
    x = RNG.integers(-8, 8, (5, 3, 3)) * 0.5
    shape = (1, 3) if axis == 2 else (3, 1)
    offset = (beta - mean * gamma).astype(np.float32)
    wanted = x * gamma.astype(float).reshape(shape) + offset.astype(float).reshape(shape)
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<8,4>"), x), wanted)


def test_what_stands_in_for_a_refused_layer_is_not_blamed(tmp_path: Path) -> None:
    """The dense layer is refused for its input's types, and nobody knows the shape that it would have given."""
    (iq, _), (add, _) = saturating((1, 4, 2)), wrapping((1, 4, 3))
    dense = layer(
        "QDense", "d", "x", units=3, use_bias=False, enable_iq=True, iq_conf=config("kbi", "SAT_SYM"),
        kq_conf=config("dummy", "WRAP"),
    )  # fmt: skip
    entry = layer("QAdd", "a", "d", "d", enable_iq=True, iq_confs=[config("kif", "wrap"), config("kif", "wrap")])
    arrays: dict[str, list[Any]] = {"d": [np.ones((2, 3))], "d/iq/quantizer": iq}
    arrays |= {f"a/iq/quantizers/{name}/quantizer": add for name in ("quantizer", "quantizer_1")}
    path = files.write(tmp_path / "m.keras", [files.port("x", 4, 2), dense, entry], "a", arrays)
    with pytest.raises(UnsupportedError, match=r"layer 'd': values that saturate each at ends of its own"):
        import_keras(path, "ap_fixed<8,4>")


def test_hdf5_does_not_say_whose_the_numbers_are(tmp_path: Path) -> None:
    entry = {"class_name": "hgq>QDense", "config": {"name": "d", "units": 1, "trainable": True}, "inbound_nodes": []}
    with h5py.File(tmp_path / "m.h5", "w") as file:
        config = {"name": "net", "layers": [files.port("x", 4), entry], "input_layers": [["x", 0, 0]]}
        config["output_layers"] = [["d", 0, 0]]
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        file.create_group("model_weights").attrs["layer_names"] = []
    with pytest.raises(ModelFileError, match=r"HGQ 2 in HDF5, .* save it as \.keras"):
        import_keras(tmp_path / "m.h5", "ap_fixed<8,4>")


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


def one(k: int, i: int, f: int) -> list[Any]:
    """Arrays of a quantizer by fraction that saturates: one type for all."""
    return [np.full((1, 1, 1, 1), value, np.float32) for value in (i, f, k)]


def numbers(k: int, i: int, f: int) -> Types:
    return np.array(k), np.array(i), np.array(f)


def table(x: np.ndarray, k: int, i: int, f: int) -> np.ndarray:
    """Rounded to even, between the ends."""
    return np.asarray(np.clip(np.rint(x * 2.0**f) / 2.0**f, -k * 2.0**i, 2.0**i - 2.0**-f))


@pytest.mark.parametrize("shorter", [None, 2])
def test_attention_is_projections_two_products_and_a_softmax_of_two_tables(tmp_path: Path, shorter: int | None) -> None:
    heads, depth, wide, rows = 2, 3, 2, shorter or 4
    names = {"query_dense": (2, heads, depth), "key_dense": (2, heads, depth), "value_dense": (2, heads, wide),
             "output_dense": (heads, wide, 2)}  # fmt: skip
    kernels = {name: RNG.integers(-4, 5, shape).astype(np.float32) / 4 for name, shape in names.items()}
    arrays: dict[str, list[Any]] = {f"m/{name}": [kernel] for name, kernel in kernels.items()}
    (written, types) = saturating((1, 4, heads, depth))
    (kept, k_types), (held, v_types) = saturating((1, rows, heads, depth)), saturating((1, rows, heads, wide))
    for name, quantizer in (("query_dense", written), ("key_dense", kept), ("value_dense", held)):
        arrays[f"m/{name}/oq/quantizer"] = quantizer
    tables = {"exp/iq": (1, 4, 2), "exp/oq": (0, 1, 5), "inv/iq": (1, 3, 3), "inv/oq": (0, 2, 6)}
    for place, widths in tables.items():
        arrays[f"m/_softmax/{place.replace('/', '_table/')}/quantizer"] = one(*widths)
    (shared, s_types) = saturating((1, heads, 4, rows))
    arrays["m/_softmax/oq/quantizer"] = shared
    project = RNG.integers(-2, 3, (4, rows)).astype(np.float32) / 2
    if shorter:
        arrays |= {"m/_lin_k_proj": [project], "m/_lin_v_proj": [project[::-1]]}
    confs: dict[str, Any] = {}
    for place in tables:
        rounding = "RND_CONV" if place.endswith("oq") else "RND"
        confs[f"softmax_{place.replace('/', '_')}_conf"] = config("kif", "SAT", rounding)
    entry = layer(
        "QLinformerAttention" if shorter else "QMultiHeadAttention", "m", "x", "x", "x", num_heads=heads, key_dim=depth,
        value_dim=wide, use_bias=False, enable_iq=False, enable_oq=False, fuse="none", stable_softmax=True,
        qkvo_kq_conf=config("dummy", "SAT"), qkvo_iq_conf=config("dummy", "SAT"), qkvo_oq_conf=config("kbi", "SAT"),
        softmax_oq_conf=config("kbi", "SAT"), **confs,
    )  # fmt: skip
    path = files.write(tmp_path / "m.keras", [files.port("x", 4, 2), entry], "m", arrays)
    graph = import_keras(path, "ap_fixed<8,5>")
    x = stored(graph, EVENTS[:200].reshape(-1, 4, 2))

    keys, values = x, x
    if shorter:
        keys, values = np.einsum("nbc,bd->ndc", x, project), np.einsum("nbc,bd->ndc", x, project[::-1])
    q = quantized(np.einsum("nbc,chd->nbhd", x, kernels["query_dense"]), types, "SAT")
    k = quantized(np.einsum("nbc,chd->nbhd", keys, kernels["key_dense"]), k_types, "SAT")
    v = quantized(np.einsum("nbc,chd->nbhd", values, kernels["value_dense"]), v_types, "SAT")
    scores = np.einsum("nthd,nshd->nhts", q, k)
    below = quantized(scores.max(axis=-1, keepdims=True) - scores, numbers(1, 4, 2), "SAT")
    powers = table(np.exp(-below / np.sqrt(depth)), 0, 1, 5)
    total = quantized(powers.sum(axis=-1, keepdims=True), numbers(1, 3, 3), "SAT")
    shares = quantized(powers * table(1 / (total + 1e-7), 0, 2, 6), s_types, "SAT")
    expected = np.einsum("nhts,nshd,hde->nte", shares, v, kernels["output_dense"])
    assert np.array_equal(emulate(graph, x), expected)
    assert len(np.unique(total)) > 2  # so that the reciprocal is no constant


@pytest.mark.parametrize("fuse", ["none", "kv", "qkv"])
def test_projections_that_are_fused_read_through_one_quantizer(fuse: str, tmp_path: Path) -> None:
    """The query, the values and the keys are three tensors where nothing is fused, two or one where something is."""
    names = {"none": ("q", "v", "k"), "kv": ("q", "v"), "qkv": ("q",)}[fuse]
    held = {"none": ("query_dense", "value_dense", "key_dense"), "kv": ("query_dense", "key_dense"),
            "qkv": ("key_dense",)}[fuse]  # fmt: skip
    roles = ("query_dense", "value_dense", "key_dense")
    kernels = {name: RNG.integers(-4, 5, (2, 1, 2)).astype(np.float32) / 4 for name in roles}
    kernels["output_dense"] = RNG.integers(-4, 5, (1, 2, 2)).astype(np.float32) / 4
    arrays: dict[str, list[Any]] = {f"m/{name}": [kernel] for name, kernel in kernels.items()}
    types: dict[str, Types] = {}
    for name in (*held, "output_dense"):
        arrays[f"m/{name}/iq/quantizer"], types[name] = wrapping((1, 4, 1, 2) if name == "output_dense" else (1, 4, 2))
    tables = {"exp/iq": (1, 4, 2), "exp/oq": (0, 1, 5), "inv/iq": (1, 3, 3), "inv/oq": (0, 2, 6)}
    confs: dict[str, Any] = {f"softmax_{place.replace('/', '_')}_conf": config("kif", "SAT") for place in tables}
    for place, widths in tables.items():
        arrays[f"m/_softmax/{place.replace('/', '_table/')}/quantizer"] = one(*widths)
    entry = layer(
        "QMultiHeadAttention", "m", *names, num_heads=1, key_dim=2, value_dim=2, use_bias=False, enable_iq=True,
        enable_oq=False, fuse=fuse, stable_softmax=True, qkvo_kq_conf=config("dummy", "SAT"),
        qkvo_iq_conf=config("kif", "WRAP"), qkvo_oq_conf=config("dummy", "SAT"),
        softmax_oq_conf=config("dummy", "SAT"), **confs,
    )  # fmt: skip
    entry["inbound_nodes"] = [{"args": [files.tensor(name) for name in names], "kwargs": {}}]
    path = files.write(tmp_path / "m.keras", [*(files.port(name, 4, 2) for name in names), entry], "m", arrays)
    assert len(import_keras(path).inputs) == len(names)  # each has the type of the only quantizer that reads it
    graph = import_keras(path, "ap_fixed<14,5>")
    events = [np.ldexp(RNG.integers(-640, 640, (200, 4, 2)), -7) for _ in names]
    read = []
    for at, name in zip((0, min(1, len(names) - 1), len(names) - 1), roles, strict=True):
        x = quantized(events[at], types[name if name in held else "key_dense"], "WRAP")
        read.append(np.einsum("ntc,chd->nthd", x, kernels[name]))
    q, v, k = read
    scores = np.einsum("nthd,nshd->nhts", q, k)
    below = quantized(scores.max(axis=-1, keepdims=True) - scores, numbers(1, 4, 2), "SAT")
    powers = table(np.exp(-below / np.sqrt(2)), 0, 1, 5)
    total = quantized(powers.sum(axis=-1, keepdims=True), numbers(1, 3, 3), "SAT")
    mixed = np.einsum("nhts,nshd->nthd", powers * table(1 / (total + 1e-7), 0, 2, 6), v)
    expected = np.einsum("nthd,hde->nte", quantized(mixed, types["output_dense"], "WRAP"), kernels["output_dense"])
    assert np.array_equal(emulate(graph, events), expected)


def test_a_port_takes_a_stated_type_where_its_quantizer_wraps(tmp_path: Path) -> None:
    """Events beyond the quantizer's range wrap on the chip, which a port, that saturates, cannot do."""
    iq, types = wrapping((1, 4))
    entry = layer("QSum", "s", "x", axes=[1], keepdims=False, scale=1.0, enable_iq=True, iq_conf=config("kif", "WRAP"))
    path = files.write(tmp_path / "m.keras", [files.port("x", 4), entry], "s", {"s/iq/quantizer": iq})
    graph = import_keras(path, "ap_fixed<14,5>")
    assert np.array_equal(emulate(graph, EVENTS), quantized(EVENTS, types, "WRAP").sum(axis=1, keepdims=True))
    assert not graph.notes
    assert any("wraps around beyond" in note for note in import_keras(path).notes)


def test_every_tensor_of_a_merge_has_the_type_of_its_own_quantizer(tmp_path: Path) -> None:
    (first, first_types), (second, second_types) = wrapping((1, 3)), wrapping((1, 3))
    entry = layer("QSubtract", "a", "x", "y", enable_iq=True, iq_confs=[config("kif", "WRAP"), config("kif", "WRAP")])
    arrays = {"a/iq/quantizers/quantizer/quantizer": first, "a/iq/quantizers/quantizer_1/quantizer": second}
    path = files.write(tmp_path / "m.keras", [files.port("x", 3), files.port("y", 3), entry], "a", arrays)
    x, y = (np.ldexp(RNG.integers(-40, 40, (50, 3)), -7) for _ in range(2))
    wanted = quantized(x, first_types, "WRAP") - quantized(y, second_types, "WRAP")
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<14,5>"), [x, y]), wanted)
    x, y = np.zeros((1, 3)), np.zeros((1, 3))
    assert np.array_equal(emulate(import_keras(path), [x, y]), wanted[:1] * 0)
