"""HGQ2's layers of tables from a file, against their definition written out pair by pair (hgq 0.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_keras
from hls.errors import ModelFileError
from hls.graph import nodes
from tests.hls.importing import files
from tests.hls.importing.test_hgq2 import config, layer, quantized, stored, wrapping

RNG = np.random.default_rng(6)
EVENTS = np.ldexp(np.random.default_rng(9).integers(-64, 64, (200, 6)), -4)


def networks(inputs: int, outputs: int, hidden: int = 2) -> list[np.ndarray]:
    """Kernel and bias of a hidden layer and of the last one, all of few bits."""
    shapes = [(inputs, outputs, 1, hidden), (inputs, outputs, hidden), (inputs, outputs, hidden), (inputs, outputs)]
    return [np.ldexp(RNG.integers(-9, 10, shape), -3).astype(np.float32) for shape in shapes]


def tabled(kind: str, name: str, source: str, **more: Any) -> dict[str, Any]:
    options = {
        "n_hl": 1, "subnn_activation": "relu", "activation": "linear", "batch_norm": False, "enable_iq": True,
        "enable_oq": False, "iq_conf": config("kif", "WRAP"), "toq_conf": config("kif", "WRAP"), **more,
    }  # fmt: skip
    return layer(kind, name, source, module="hgq.layers.table.dense", **options)


def arrays(name: str, small: list[np.ndarray], iq: list[Any], toq: list[Any]) -> dict[str, list[Any]]:
    return {
        name: [np.float32(1)], f"{name}/iq/quantizer": iq, f"{name}/toq/quantizer": toq,
        f"{name}/module/layers/einsum_dense": small[:2], f"{name}/module/layers/einsum_dense_1": small[2:],
    }  # fmt: skip


def by_hand(rows: np.ndarray, small: list[np.ndarray], read: Any, written: Any, factor: Any = 1.0) -> np.ndarray:
    """The sum over inputs of what each pair's network makes of its number; rows (events, inputs)."""
    kernel, bias, last, end = (a.astype(np.float64) for a in small)
    x = quantized(np.repeat(rows[..., None], kernel.shape[1], axis=-1), read, "WRAP")
    hidden = np.maximum(x[..., None] * kernel[:, :, 0] + bias, 0)
    return quantized(((hidden * last).sum(axis=-1) + end) * factor, written, "WRAP").sum(axis=-2)


def test_a_dense_layer_is_a_table_for_each_pair(tmp_path: Path) -> None:
    small = networks(6, 3)
    (iq, read), (toq, written) = wrapping((1, 6, 3)), wrapping((1, 6, 3))
    entry = tabled("QDenseT", "t", "x", n_out=3, activation="relu")
    path = files.write(tmp_path / "m.keras", [files.port("x", 6), entry], "t", arrays("t", small, iq, toq))
    graph = import_keras(path)
    found = emulate(graph, EVENTS)
    assert np.array_equal(found, np.maximum(by_hand(stored(graph, EVENTS), small, read, written), 0))
    (table,) = (node for node in graph if isinstance(node, nodes.Table))
    assert table.channels == 18


def test_types_that_differ_between_positions_make_tables_of_their_own(tmp_path: Path) -> None:
    small = networks(2, 3)
    (iq, read), (toq, written) = wrapping((1, 3, 2, 3)), wrapping((1, 1, 1, 1))
    entries = [files.port("x", 3, 2), tabled("QDenseT", "t", "x", n_out=3)]
    graph = import_keras(files.write(tmp_path / "m.keras", entries, "t", arrays("t", small, iq, toq)))
    rows = EVENTS.reshape(-1, 3, 2)
    found = emulate(graph, rows)
    for position in range(3):
        types = (tuple(a[position] for a in read), tuple(a[0] for a in written))
        assert np.array_equal(found[:, position], by_hand(stored(graph, rows)[:, position], small, *types))
    (table,) = (node for node in graph if isinstance(node, nodes.Table))
    assert table.channels == 18


def test_positions_share_their_tables_otherwise(tmp_path: Path) -> None:
    small = networks(2, 3)
    (iq, read), (toq, written) = wrapping((1, 1, 2, 3)), wrapping((1, 1, 1, 3))
    entries = [files.port("x", 3, 2), tabled("QDenseT", "t", "x", n_out=3)]
    graph = import_keras(files.write(tmp_path / "m.keras", entries, "t", arrays("t", small, iq, toq)))
    rows = EVENTS.reshape(-1, 3, 2)
    types = (tuple(a[0] for a in read), tuple(a[0] for a in written))
    expected = by_hand(stored(graph, rows).reshape(-1, 2), small, *types).reshape(-1, 3, 3)
    assert np.array_equal(emulate(graph, rows), expected)
    (table,) = (node for node in graph if isinstance(node, nodes.Table))
    assert table.channels == 6


def test_a_convolution_reads_its_windows(tmp_path: Path) -> None:
    small = networks(4, 2)  # windows of two positions of two channels
    (iq, read), (toq, written) = wrapping((1, 1, 4, 2)), wrapping((1, 1, 4, 2))
    entry = tabled("QConvT1D", "t", "x", filters=2, kernel_size=[2], strides=[1], padding="same", dilation_rate=[1])
    path = files.write(tmp_path / "m.keras", [files.port("x", 3, 2), entry], "t", arrays("t", small, iq, toq))
    graph = import_keras(path)
    rows = EVENTS.reshape(-1, 3, 2)
    x = np.pad(stored(graph, rows), ((0, 0), (0, 1), (0, 0)))
    types = (tuple(a[0] for a in read), tuple(a[0] for a in written))
    windows = np.concatenate([x[:, :-1], x[:, 1:]], axis=-1)
    assert np.array_equal(emulate(graph, rows), by_hand(windows.reshape(-1, 4), small, *types).reshape(-1, 3, 2))


def test_a_normalization_is_part_of_the_tables(tmp_path: Path) -> None:
    small = networks(4, 2)
    (iq, read), (toq, written) = wrapping((1, 4, 2)), wrapping((1, 4, 2))
    gamma, beta, mean, variance = (
        np.array(a, np.float32) for a in ([0.5, -2], [0.25, 1], [1, 0], [4 - 1e-3, 1 - 1e-3])
    )
    given = arrays("t", small, iq, toq)
    given["t/bn_module"] = [gamma, beta, mean, variance]
    entries = [files.port("x", 4), tabled("QDenseT", "t", "x", n_out=2, batch_norm=True)]
    graph = import_keras(files.write(tmp_path / "m.keras", entries, "t", given))
    factor = gamma / np.sqrt(variance.astype(np.float64) + 1e-3)
    # (y * factor + beta - mean * factor) / 2: the offset goes into the last bias, before the factor.
    moved = [*small[:3], (small[3] + (beta - mean * factor) / factor).astype(np.float64)]
    expected = by_hand(stored(graph, EVENTS[:, :4]), moved, read, written, factor / 2)
    assert np.array_equal(emulate(graph, EVENTS[:, :4]), expected)


def test_entries_that_float32_may_round_otherwise_are_known(tmp_path: Path) -> None:
    small = [np.float32(0.1) * a for a in networks(2, 2)]
    (iq, _), (toq, _) = wrapping((1, 2, 2)), wrapping((1, 2, 2))
    entry = tabled("QDenseT", "t", "x", n_out=2)
    small[0][...], small[1][...], small[2][...] = 0, 0, 0
    small[3][...] = [[0.5, 0.3], [-0.5, 0.3]]  # a half of a step of whole numbers: a tie, which either may win
    toq[0], toq[2] = np.zeros((1, 2, 2), np.float32), np.full((1, 2, 2), 3, np.float32)
    toq[1] = np.ones((1, 2, 2), np.uint8)
    path = files.write(tmp_path / "m.keras", [files.port("x", 2), entry], "t", arrays("t", small, iq, toq))
    graph = import_keras(path)
    entries = graph.float32["t.table"].entries
    assert entries is not None
    (table,) = (node for node in graph if isinstance(node, nodes.Table))
    differ = (entries.low != entries.high).reshape(table.channels, table.entries).any(axis=1)
    assert differ.tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda given: given.pop("t/module/layers/einsum_dense_1"), "small networks are not in the file"),
        (lambda given: given.pop("t/toq/quantizer"), "quantizer toq is not in the file"),
        (lambda given: given.update({"t/module/layers/einsum_dense": networks(6, 3, 5)[:2]}), "small networks"),
    ],
    ids=["networks", "types", "sizes"],
)
def test_damage_is_named(change: Any, told: str, tmp_path: Path) -> None:
    (iq, _), (toq, _) = wrapping((1, 6, 3)), wrapping((1, 6, 3))
    given = arrays("t", networks(6, 3), iq, toq)
    change(given)
    entries = [files.port("x", 6), tabled("QDenseT", "t", "x", n_out=3)]
    with pytest.raises(ModelFileError, match=told):
        import_keras(files.write(tmp_path / "m.keras", entries, "t", given))
