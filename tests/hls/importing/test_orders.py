"""Operators of Keras that sort, say what is true of several values, fill, shrink and pad, against numpy's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError
from hls.importing import import_keras
from hls.importing.sorting import layers_of
from tests.hls.importing.files import array, layer, operator, port, tensor, write

RAW = np.random.default_rng(7).integers(-16, 16, (300, 6, 4))
RAW[:100] = np.sign(RAW[:100])  # ties, and zeros
RAW[100], RAW[101] = -16, 15
X: npt.NDArray[np.float32] = (RAW / 4).astype(np.float32)
POSITIVE, BELOW = operator("Greater", "a", tensor("x"), 0.25), operator("Less", "b", tensor("x"), 1.0)
MASK = array([1.0, 0.0, 2.0, 0.0])
NN = "keras.src.ops.nn"


def computed(folder: Path, *entries: dict[str, Any], output: Any = "o") -> npt.NDArray[np.float64]:
    path = write(folder / "m.keras", [port("x", 6, 4), *entries], output)
    found = emulate(import_keras(path, "ap_fixed<5,3>"), X)
    assert isinstance(found, np.ndarray)
    return found


def test_networks_that_sort() -> None:
    """All zeros and ones in their order, and so all numbers."""
    for count in range(1, 13):
        for bits in itertools.product((0, 1), repeat=count):
            values = list(bits)
            for pairs in layers_of(count):
                for first, second in pairs:
                    values[first], values[second] = sorted((values[first], values[second]))
            assert values == sorted(bits)
    assert sum(map(len, layers_of(64))) == 543


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_values_in_their_order(axis: int, tmp_path: Path) -> None:
    assert np.array_equal(computed(tmp_path, operator("Sort", "o", tensor("x"), axis=axis)), np.sort(X, axis=axis))


@pytest.mark.parametrize(("axis", "keepdims"), [(1, False), (2, True), ([-1], False)])
def test_the_one_in_the_middle(axis: Any, keepdims: bool, tmp_path: Path) -> None:
    found = computed(tmp_path, operator("Median", "o", tensor("x"), axis=axis, keepdims=keepdims))
    along = axis[0] if isinstance(axis, list) else axis
    assert np.array_equal(found, np.median(X, axis=along, keepdims=keepdims))
    odd = operator("GetItem", "g", tensor("x"), [{"class_name": "__slice__", "config": {}},
                   {"class_name": "__slice__", "config": {"stop": 5}}])  # fmt: skip
    found = computed(tmp_path, odd, operator("Median", "o", tensor("g"), axis=1, keepdims=False))
    assert np.array_equal(found, np.median(X[:, :5], axis=1))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_largest_few(count: int, tmp_path: Path) -> None:
    found = computed(tmp_path, operator("TopK", "o", tensor("x"), k=count, sorted=True))
    assert np.array_equal(found, -np.sort(-X, axis=-1)[..., :count])


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        (operator("LogicalAnd", "o", tensor("a"), tensor("b")), (X > 0.25) & (X < 1)),
        (operator("LogicalOr", "o", tensor("x"), tensor("a")), (X != 0) | (X > 0.25)),
        (operator("LogicalXor", "o", tensor("a"), tensor("b")), (X > 0.25) ^ (X < 1)),
        (operator("LogicalNot", "o", tensor("a")), X <= 0.25),
        (operator("LogicalNot", "o", tensor("x")), X == 0),
        (operator("LogicalAnd", "o", tensor("x"), MASK), (X != 0) & [True, False, True, False]),
        (operator("LogicalOr", "o", MASK, tensor("a")), (X > 0.25) | [True, False, True, False]),
        (operator("LogicalXor", "o", tensor("a"), MASK), (X > 0.25) ^ [True, False, True, False]),
        (operator("Equal", "o", tensor("x"), 0.25), X == 0.25),
        (operator("NotEqual", "o", tensor("x"), tensor("s")), np.sort(X) != X),
        (operator("Equal", "o", array([0.25, 0.1, 1.0, -0.25]), tensor("x")), X == [0.25, 0.1, 1.0, -0.25]),
        (operator("Any", "o", tensor("a"), axis=[1], keepdims=False), (X > 0.25).any(axis=1)),
        (operator("Any", "o", tensor("e"), axis=[1, 2], keepdims=True), (X == 3.5).any(axis=(1, 2), keepdims=True)),
        (operator("All", "o", tensor("b"), axis=-1, keepdims=True), (X < 1).all(axis=-1, keepdims=True)),
        (operator("All", "o", tensor("x"), axis=1, keepdims=False), X.all(axis=1)),
        (operator("CountNonzero", "o", tensor("x"), axis=[1]), np.count_nonzero(X, axis=1)),
    ],
)
def test_truths(entry: dict[str, Any], right: npt.NDArray[np.bool_], tmp_path: Path) -> None:
    before = (POSITIVE, BELOW, operator("Sort", "s", tensor("x"), axis=-1), operator("Equal", "e", tensor("x"), 3.5))
    found = computed(tmp_path, *before, entry)
    assert np.array_equal(found.reshape(right.shape), right)
    assert np.unique(found).size > 1


def test_a_choice_by_truths(tmp_path: Path) -> None:
    both = operator("LogicalAnd", "t", tensor("a"), tensor("b"))
    found = computed(tmp_path, POSITIVE, BELOW, both, operator("Where", "o", tensor("t"), tensor("x"), -1.5))
    assert np.array_equal(found, np.where((X > 0.25) & (X < 1), X, -1.5))


@pytest.mark.parametrize(
    ("entries", "right"),
    [
        ([operator("ZerosLike", "o", tensor("x"), dtype=None)], np.zeros_like(X)),
        ([operator("OnesLike", "o", tensor("x"), dtype=None)], np.ones_like(X)),
        ([operator("FullLike", "o", tensor("x"), -0.75, dtype=None)], np.full_like(X, -0.75)),
        ([operator("Max", "m", tensor("x"), axis=1, keepdims=True),
          operator("BroadcastTo", "o", tensor("m"), shape=[1, 3, 4])], np.repeat(X.max(axis=1, keepdims=True), 3, 1)),
        ([operator("BroadcastTo", "o", tensor("x"), shape=[None, 6, 4])], X),
    ],
)  # fmt: skip
def test_what_is_filled(entries: list[dict[str, Any]], right: npt.NDArray[Any], tmp_path: Path) -> None:
    assert np.array_equal(computed(tmp_path, *entries), right)


@pytest.mark.parametrize("axis", [1, -1])
def test_running_sums(axis: int, tmp_path: Path) -> None:
    found = computed(tmp_path, operator("Cumsum", "o", tensor("x"), axis=axis, dtype=None))
    assert np.array_equal(found, np.cumsum(X, axis=axis))


def test_a_one_at_the_largest(tmp_path: Path) -> None:
    """And none for numbers beyond the classes."""
    index = operator("Argmax", "a", tensor("x"), axis=1, keepdims=False)
    for count in (6, 3):
        hot = layer("OneHot", "o", tensor("a"), module=NN, num_classes=count, axis=-1, dtype="float32", sparse=False)
        found = computed(tmp_path, index, hot)
        assert np.array_equal(found, np.eye(6)[X.argmax(axis=1)][..., :count])


def test_what_is_cut_off(tmp_path: Path) -> None:
    assert np.array_equal(computed(tmp_path, operator("Trunc", "o", tensor("x"))), np.trunc(X))


SHRINKS: list[tuple[dict[str, Any], Callable[[npt.NDArray[Any]], npt.NDArray[Any]]]] = [
    (layer("SoftShrink", "o", tensor("x"), module=NN, threshold=0.75), lambda x: x - np.clip(x, -0.75, 0.75)),
    (layer("HardShrink", "o", tensor("x"), module=NN, threshold=0.75), lambda x: np.where(np.abs(x) > 0.75, x, 0)),
    (layer("HardShrink", "o", tensor("x"), module=NN, threshold=0.0), lambda x: x),
    (layer("Threshold", "o", tensor("x"), module=NN, threshold=0.5, default_value=-0.25),
     lambda x: np.where(x > 0.5, x, -0.25)),
    (layer("SparseSigmoid", "o", tensor("x"), module=NN), lambda x: np.clip(0.5 * (x + 1), 0, 1)),
    (layer("Activation", "o", tensor("x"), activation="soft_shrink"), lambda x: x - np.clip(x, -0.5, 0.5)),
    (layer("Activation", "o", tensor("x"), activation="hard_shrink"), lambda x: np.where(np.abs(x) > 0.5, x, 0)),
    (layer("Activation", "o", tensor("x"), activation="sparse_sigmoid"), lambda x: np.clip(0.5 * (x + 1), 0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "right"), SHRINKS)
def test_functions_with_a_threshold(
    entry: dict[str, Any], right: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], tmp_path: Path
) -> None:
    assert np.array_equal(computed(tmp_path, entry), right(X))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("pads", [[[0, 0], [1, 2], [0, 3]], [[0, 0], [0, 0], [2, 0]]])
def test_pads(mode: str, pads: list[list[int]], tmp_path: Path) -> None:
    named: dict[str, Any] = {"constant_values": 0.625} if mode == "constant" else {}
    entry = operator("Pad", "o", tensor("x"), pad_width=pads, mode=mode)
    entry["inbound_nodes"][0]["kwargs"] = named
    right = np.pad(X, pads, mode=mode, **named)  # type: ignore[call-overload]
    assert np.array_equal(computed(tmp_path, entry), right)


def test_pads_that_reach_beyond_what_they_repeat(tmp_path: Path) -> None:
    for mode, count in (("reflect", 4), ("symmetric", 5)):
        entry = operator("Pad", "o", tensor("x"), pad_width=[[0, 0], [0, 0], [0, count]], mode=mode)
        with pytest.raises(ModelFileError, match="save the model again"):
            computed(tmp_path, entry)


@pytest.mark.slow
def test_keras_computes_the_same(tmp_path: Path) -> None:
    """The files that Keras writes of them, and the numbers that it gives."""
    import keras
    from keras import ops

    made: list[Callable[[Any], Any]] = [
        lambda x: ops.cumsum(x, axis=1), lambda x: ops.trunc(x), lambda x: ops.one_hot(ops.argmax(x, axis=1), 6),
        lambda x: ops.sort(x, axis=1), lambda x: ops.median(x, axis=1), lambda x: ops.top_k(x, 3)[0],
        lambda x: ops.any(x > 0.5, axis=1), lambda x: ops.all(x > 0.5, axis=-1, keepdims=True),
        lambda x: ops.count_nonzero(x, axis=1), lambda x: ops.logical_and(x > 0.5, x < 1.0),
        lambda x: ops.logical_or(x, x > 1.0), lambda x: ops.logical_xor(x > 0.5, x > 1.0), lambda x: ops.logical_not(x),
        lambda x: ops.equal(x, 0.5), lambda x: ops.not_equal(x, ops.flip(x, axis=1)),
        lambda x: x + ops.full_like(x, 0.75), lambda x: ops.ones_like(x) - ops.zeros_like(x),
        lambda x: ops.soft_shrink(x, 0.25), lambda x: ops.hard_shrink(x), lambda x: ops.threshold(x, 0.5, 0.25),
        lambda x: ops.sparse_sigmoid(x), lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=0.5),
        lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), mode="reflect"),
        lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), mode="symmetric"),
        lambda x: keras.layers.AveragePooling1D(2, strides=1, padding="same")(x),
    ]  # fmt: skip
    for make in made:
        x = keras.Input((6, 4))
        model = keras.Model(x, make(x))
        model.save(tmp_path / "m.keras")
        found = emulate(import_keras(tmp_path / "m.keras", "ap_fixed<5,3>"), X)
        wanted = np.asarray(model(X), np.float64)
        assert np.array_equal(np.asarray(found).reshape(wanted.shape), wanted), model.layers[-1].name
