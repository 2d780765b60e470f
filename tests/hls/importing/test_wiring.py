"""Layers that move values (repeat, pad, crop, slice), and merges of the least and the most. All values by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError, UnsupportedError
from hls.importing import import_keras
from tests.hls.importing.files import activation, array, layer, operator, port, tensor, write

X = tensor("q")
ROWS = [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]
IMAGE = [[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, -8.0]]]]
ALL = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
DOTS = {"class_name": "__ellipsis__", "config": {}}


def piece(start: int | None = None, stop: int | None = None, step: int | None = None) -> dict[str, Any]:
    return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}


def computed(folder: Path, entry: dict[str, Any], event: Any) -> Any:
    """What ``entry``, which reads "q", makes of one event of type ap_fixed<8,4>."""
    shape = np.shape(event)[1:]
    layers = [port("x", *shape), activation("q", "quantized_bits(8,3,alpha=1)", "x"), entry]
    path = write(folder / "model.keras", layers, entry["config"]["name"])
    return emulate(import_keras(path), np.asarray(event))[0].tolist()


def test_a_vector_is_repeated_as_rows(tmp_path: Path) -> None:
    assert computed(tmp_path, layer("RepeatVector", "o", X, n=2), [[1.0, -2.0]]) == [[1.0, -2.0], [1.0, -2.0]]


def test_up_sampling_repeats_each_position(tmp_path: Path) -> None:
    rows = computed(tmp_path, layer("UpSampling1D", "o", X, size=2), ROWS)
    assert rows == [[1, 2], [1, 2], [3, 4], [3, 4], [5, 6], [5, 6]]
    image = computed(tmp_path, layer("UpSampling2D", "o", X, size=[1, 2], interpolation="nearest"), IMAGE)
    assert image == np.repeat(np.array(IMAGE[0]), 2, axis=1).tolist()
    image = computed(tmp_path, layer("UpSampling2D", "o", X, size=[2, 3]), IMAGE)
    assert image == np.repeat(np.repeat(np.array(IMAGE[0]), 2, axis=0), 3, axis=1).tolist()


def test_interpolation_between_positions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="interpolation='nearest'"):
        computed(tmp_path, layer("UpSampling2D", "o", X, size=2, interpolation="bilinear"), IMAGE)


@pytest.mark.parametrize(
    ("kind", "padding", "event", "right"),
    [
        ("ZeroPadding1D", [1, 0], ROWS, ((1, 0), (0, 0))),
        ("ZeroPadding1D", 2, ROWS, ((2, 2), (0, 0))),
        ("ZeroPadding2D", [[1, 0], [0, 2]], IMAGE, ((1, 0), (0, 2), (0, 0))),
        ("ZeroPadding2D", [1, 2], IMAGE, ((1, 1), (2, 2), (0, 0))),
    ],
)
def test_zeros_are_put_around(kind: str, padding: Any, event: Any, right: Any, tmp_path: Path) -> None:
    expected = np.pad(np.array(event[0]), right).tolist()
    assert computed(tmp_path, layer(kind, "o", X, padding=padding), event) == expected


def test_cropping_takes_away_from_both_ends(tmp_path: Path) -> None:
    assert computed(tmp_path, layer("Cropping1D", "o", X, cropping=[2, 0]), ROWS) == [[5.0, 6.0]]
    assert computed(tmp_path, layer("Cropping1D", "o", X, cropping=[0, 1]), ROWS) == [[1.0, 2.0], [3.0, 4.0]]
    assert computed(tmp_path, layer("Cropping2D", "o", X, cropping=[[1, 0], [0, 1]]), IMAGE) == [[[5.0, 6.0]]]
    with pytest.raises(ModelFileError, match="leaves nothing"):
        computed(tmp_path, layer("Cropping1D", "o", X, cropping=[2, 1]), ROWS)


@pytest.mark.parametrize(
    ("index", "of_numpy"),
    [
        ([ALL, piece(1, 3)], np.s_[1:3]),
        ([ALL, 0], np.s_[0]),
        ([DOTS, -1], np.s_[..., -1]),
        ([DOTS, piece(None, None, -1)], np.s_[..., ::-1]),
        ([ALL, piece(None, None, 2), 1], np.s_[::2, 1]),
        ([ALL, piece(None, None, -2)], np.s_[::-2]),
        ([ALL, None, piece(0, 2)], np.s_[None, 0:2]),
        (ALL, np.s_[:]),
    ],
)
def test_brackets_take_what_numpy_takes(index: Any, of_numpy: Any, tmp_path: Path) -> None:
    assert computed(tmp_path, operator("GetItem", "o", X, index), ROWS) == np.array(ROWS[0])[of_numpy].tolist()


@pytest.mark.parametrize(
    ("index", "of_numpy"),
    [
        ([ALL, ALL, piece(1, None)], np.s_[:, 1:]),
        ([ALL, 1, piece(None, None, -1)], np.s_[1, ::-1]),
        ([ALL, ALL, 0, 1], np.s_[:, 0, 1]),
    ],
)
def test_brackets_of_an_image(index: Any, of_numpy: Any, tmp_path: Path) -> None:
    assert computed(tmp_path, operator("GetItem", "o", X, index), IMAGE) == np.array(IMAGE[0])[of_numpy].tolist()


@pytest.mark.parametrize(
    ("spec", "of_numpy"),
    [
        ([{"start": None, "stop": None, "step": None}, {"start": 1, "stop": 3, "step": None}], np.s_[1:3]),
        ([{"class_name": "__ellipsis__"}, 0], np.s_[..., 0]),
    ],
)
def test_brackets_as_keras_2_writes_them(spec: Any, of_numpy: Any, tmp_path: Path) -> None:
    entry = layer("SlicingOpLambda", "o", X, function="__operators__.getitem")
    entry["inbound_nodes"] = [["q", 0, 0, {"slice_spec": spec}]]
    assert computed(tmp_path, entry, ROWS) == np.array(ROWS[0])[of_numpy].tolist()


def test_another_function_of_keras_2_is_refused(tmp_path: Path) -> None:
    entry = layer("SlicingOpLambda", "o", X, function="strided_slice")
    entry["inbound_nodes"] = [["q", 0, 0, {"begin": [0, 0]}]]
    with pytest.raises(UnsupportedError, match="SlicingOpLambda"):
        computed(tmp_path, entry, ROWS)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (0, UnsupportedError, "one event at a time"),
        ([ALL, X], UnsupportedError, "numbers and slices of numbers"),
        ([ALL, 3], ModelFileError, "index 3 of an axis of 3"),
        ([ALL, piece(2, 1)], ModelFileError, "takes nothing"),
        ([ALL, {"class_name": "__slice__", "config": {"start": 0, "stop": 2, "step": 0}}], ModelFileError, "step 0"),
        ([ALL, 0, 0, 0], ModelFileError, "does not fit"),
    ],
)
def test_brackets_that_no_network_has(index: Any, error: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message):
        computed(tmp_path, operator("GetItem", "o", X, index), ROWS)


@pytest.mark.parametrize(
    ("kind", "right"), [("Maximum", [3.0, 2.0, -1.0]), ("Minimum", [-4.0, 1.5, -7.0]), ("Average", [-0.5, 1.75, -4.0])]
)
def test_the_most_the_least_and_the_mean_of_two(kind: str, right: list[float], tmp_path: Path) -> None:
    layers = [port("a", 3), activation("p", "quantized_bits(8,3,alpha=1)", "a")]
    layers += [port("c", 3), activation("r", "quantized_bits(6,3,alpha=1)", "c")]
    path = write(tmp_path / "model.keras", [*layers, layer(kind, "o", [tensor("p"), tensor("r")])], "o")
    first, second = np.array([[3.0, 1.5, -7.0]]), np.array([[-4.0, 2.0, -1.0]])
    assert emulate(import_keras(path), [first, second])[0].tolist() == right


def test_a_mean_of_three_is_rounded_by_the_quantizer_behind_it(tmp_path: Path) -> None:
    layers = [port("x", 2), activation("q", "quantized_bits(8,3,alpha=1)", "x"), layer("Average", "m", [X, X, X])]
    with pytest.raises(UnsupportedError, match="no power of two"):
        import_keras(write(tmp_path / "plain.keras", layers, "m"))
    layers.append(activation("o", "quantized_bits(4,3,alpha=1)", "m"))
    graph = import_keras(write(tmp_path / "model.keras", layers, "o"))
    assert emulate(graph, np.array([[1.5, -2.75]]))[0].tolist() == [2.0, -3.0]


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        (operator("Maximum", "o", X, 0.5), [0.5, 0.5, 2.0]),
        (operator("Minimum", "o", 0.5, X), [-1.5, 0.25, 0.5]),
        (operator("Maximum", "o", X, array([0.0, 1.0, 3.0])), [0.0, 1.0, 3.0]),
        (operator("Minimum", "o", X, X), [-1.5, 0.25, 2.0]),
    ],
)
def test_the_most_and_the_least_as_operators(entry: dict[str, Any], right: list[float], tmp_path: Path) -> None:
    assert computed(tmp_path, entry, [[-1.5, 0.25, 2.0]]) == right


@pytest.mark.parametrize(
    ("entry", "event", "right"),
    [
        (operator("ExpandDims", "o", X, axis=1), [[1.0, 2.0]], [[1.0, 2.0]]),
        (operator("ExpandDims", "o", X, axis=-1), [[1.0, 2.0]], [[1.0], [2.0]]),
        (operator("ExpandDims", "o", X, axis=[1, -1]), [[1.0, 2.0]], [[[1.0], [2.0]]]),
        (operator("Squeeze", "o", X, axis=-1), [[[1.0], [2.0]]], [1.0, 2.0]),
        (operator("Squeeze", "o", X, axis=None), [[[[1.0], [2.0]]]], [1.0, 2.0]),
    ],
)
def test_axes_of_length_one(entry: dict[str, Any], event: Any, right: Any, tmp_path: Path) -> None:
    assert computed(tmp_path, entry, event) == right


def test_a_new_axis_before_the_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="choose another place"):
        computed(tmp_path, operator("ExpandDims", "o", X, axis=0), [[1.0, 2.0]])
    with pytest.raises(ModelFileError, match="cannot be reshaped"):
        computed(tmp_path, operator("Squeeze", "o", X, axis=1), [[1.0, 2.0]])
