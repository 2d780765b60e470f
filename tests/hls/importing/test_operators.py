"""Operators, functions and arguments of calls: computed as Keras would, or refused by name. All values by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from benchmarks.random_networks.network import Layer, Network, Quantizer, Ref
from hls.emulation import emulate
from hls.errors import UnsupportedError
from hls.importing import import_keras
from hls.importing.functions import SMOOTH
from tests.hls.importing.files import activation, array, layer, operator, port, tensor, write

EVENT = [[-1.5, 0.25, 2.0]]


def computed(folder: Path, entry: dict[str, Any], shape: tuple[int, ...] = (3,), event: Any = EVENT) -> Any:
    """What ``entry``, which reads "q", makes of one event of type ap_fixed<8,4>."""
    layers = [port("x", *shape), activation("q", "quantized_bits(8,3,alpha=1)", "x"), entry]
    path = write(folder / "model.keras", layers, entry["config"]["name"])
    return emulate(import_keras(path), np.asarray(event)).tolist()


X = tensor("q")


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        (operator("Multiply", "o", X, 0.5), [-0.75, 0.125, 1.0]),
        (operator("Multiply", "o", array([1.0, 2.0, -4.0]), X), [-1.5, 0.5, -8.0]),
        (operator("Add", "o", X, 1), [-0.5, 1.25, 3.0]),
        (operator("Add", "o", X, X), [-3.0, 0.5, 4.0]),
        (operator("Subtract", "o", X, 1.0), [-2.5, -0.75, 1.0]),
        (operator("Subtract", "o", 1.0, X), [2.5, 0.75, -1.0]),
        (operator("Divide", "o", X, 4.0), [-0.375, 0.0625, 0.5]),
        (operator("Negative", "o", X), [1.5, -0.25, -2.0]),
        (operator("Clip", "o", X, x_min=-1, x_max=0.75), [-1.0, 0.25, 0.75]),
        (layer("Relu", "o", X, module="keras.src.ops.nn"), [0.0, 0.25, 2.0]),
        (layer("LeakyRelu", "o", X, module="keras.src.ops.nn", negative_slope=0.75), [-1.125, 0.25, 2.0]),
        (layer("LeakyRelu", "o", X, module="keras.src.ops.nn", negative_slope=0.0), [0.0, 0.25, 2.0]),
        (operator("Absolute", "o", X), [1.5, 0.25, 2.0]),
        (operator("Maximum", "o", X, 8.5), [8.5, 8.5, 8.5]),  # beyond all that the port holds
        (operator("Minimum", "o", X, -9.0), [-9.0, -9.0, -9.0]),
        (operator("Clip", "o", X, x_min=8.25, x_max=9), [8.25, 8.25, 8.25]),
        (operator("Square", "o", X), [2.25, 0.0625, 4.0]),
        (operator("Flip", "o", X, axis=-1), [2.0, 0.25, -1.5]),
        (layer("Cast", "o", X, module="keras.src.ops.core", dtype="float32"), [-1.5, 0.25, 2.0]),
        (layer("Identity", "o", X), [-1.5, 0.25, 2.0]),
        (layer("Rescaling", "o", X, scale=0.5, offset=[1.0, 0.0, -1.0]), [0.25, 0.125, 0.0]),
        (operator("Max", "o", X, axis=1, initial=3.0), [3.0]),
        (operator("Max", "o", X, axis=1, initial=1.0), [2.0]),
        (operator("Min", "o", X, axis=1, initial=-2.5), [-2.5]),
        (operator("Min", "o", X, axis=1, initial=0), [-1.5]),
        (operator("Amin", "o", X, axis=1, keepdims=True, initial=-2.5), [-2.5]),
        (operator("Multiply", "o", X, [[1.0, 2.0, -4.0]]), [-1.5, 0.5, -8.0]),
        (layer("HardTanh", "o", X, module="keras.src.ops.nn"), [-1.0, 0.25, 1.0]),
        (layer("Dot", "o", [X, X], axes=1, normalize=False), [6.3125]),
        (layer("Activation", "o", X, activation="leaky_relu"), [-1.5 * float(np.float32(0.2)), 0.25, 2.0]),
    ],
)
def test_an_operator_with_constants(entry: dict[str, Any], right: list[float], tmp_path: Path) -> None:
    assert computed(tmp_path, entry) == [right]


def test_places_in_lists_of_lists_are_no_list_of_places(tmp_path: Path) -> None:
    """They once came in as one list: four values where Keras gives two by two."""
    assert computed(tmp_path, operator("Take", "o", X, [0, 2], axis=-1)) == [[-1.5, 2.0]]
    with pytest.raises(UnsupportedError, match="takes places that are no list of numbers; write it as slices"):
        computed(tmp_path, operator("Take", "o", X, [[0, 1], [2, 1]], axis=-1))


def in_hdf5(path: Path, *entries: dict[str, Any]) -> Path:
    """A file as Keras 3 writes HDF5: no class has a module, and only layers have a dtype and are trainable or not."""
    layers = [port("x", 3), activation("q", "quantized_bits(8,3,alpha=1)", "x"), *entries]
    for entry in layers:
        if ".ops." not in entry.pop("module"):
            entry["config"] |= {"dtype": "float32", "trainable": True}
    config = {"name": "net", "layers": layers, "input_layers": ["x", 0, 0], "output_layers": ["o", 0, 0]}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "3.15.1"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        file.create_group("model_weights").attrs["layer_names"] = [entry["config"]["name"] for entry in layers]
        for entry in layers:
            file["model_weights"].create_group(entry["config"]["name"]).attrs["weight_names"] = []
    return path


@pytest.mark.parametrize(
    ("entries", "right"),
    [
        ([operator("Add", "o", X, 1)], [-0.5, 1.25, 3.0]),
        ([operator("Negative", "o", X)], [1.5, -0.25, -2.0]),
        ([layer("Relu", "o", X, module="keras.src.ops.nn")], [0.0, 0.25, 2.0]),
        ([operator("Reshape", "r", X, newshape=[-1, 3, 1]), operator("Max", "o", tensor("r"), axis=1)], [2.0]),
        ([operator("GetItem", "o", X, [{"class_name": "__ellipsis__", "config": {}}, 1])], [0.25]),
        ([layer("Average", "a", [X, X]), operator("Multiply", "o", tensor("a"), tensor("a"))], [2.25, 0.0625, 4.0]),
    ],
)
def test_an_operator_in_hdf5(entries: list[dict[str, Any]], right: list[float], tmp_path: Path) -> None:
    assert emulate(import_keras(in_hdf5(tmp_path / "m.h5", *entries)), np.asarray(EVENT)).tolist() == [right]


def test_an_operator_that_has_the_name_of_a_layer_is_none(tmp_path: Path) -> None:
    """Keras's ``Average`` layer of one tensor is that tensor; the operator averages over an axis."""
    with pytest.raises(UnsupportedError, match=r"Average is not supported: without weights it is keras\.ops\.mean"):
        import_keras(in_hdf5(tmp_path / "m.h5", operator("Average", "o", X, axis=1)))


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        (operator("Sum", "o", X, axis=1, keepdims=False), [4.0, 6.0]),
        (operator("Sum", "o", X, axis=2, keepdims=True), [[3.0], [7.0]]),
        (operator("Mean", "o", X, axis=-1, keepdims=False), [1.5, 3.5]),
        (operator("Max", "o", X, axis=[1, 2], keepdims=False), [4.0]),
        (operator("Min", "o", X, axis=1, keepdims=False), [1.0, 2.0]),
        (operator("Swapaxes", "o", X, axis1=-1, axis2=1), [[1.0, 3.0], [2.0, 4.0]]),
        (operator("Flip", "o", X, axis=[1, 2]), [[4.0, 3.0], [2.0, 1.0]]),
        (operator("Transpose", "o", X, axes=[0, 2, 1]), [[1.0, 3.0], [2.0, 4.0]]),
        (operator("Reshape", "o", X, newshape=[-1, 4]), [1.0, 2.0, 3.0, 4.0]),
        (operator("Concatenate", "o", [X, X], axis=1), [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]),
    ],
)
def test_an_operator_along_axes(entry: dict[str, Any], right: Any, tmp_path: Path) -> None:
    assert computed(tmp_path, entry, (2, 2), [[[1.0, 2.0], [3.0, 4.0]]]) == [right]


def test_relu6_ends_at_six(tmp_path: Path) -> None:
    entry = layer("Relu6", "o", X, module="keras.src.ops.nn")
    assert computed(tmp_path, entry, event=[[-1.5, 0.25, 7.5]]) == [[0.0, 0.25, 6.0]]


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"max_value": 1.5}, [0.0, 0.25, 1.5]),
        ({"max_value": 0}, [0.0, 0.0, 0.0]),
        ({"threshold": 0.25}, [0.0, 0.0, 2.0]),  # Keras keeps what lies above, not what lies on it
        ({"threshold": 1.0, "negative_slope": 0.5}, [-1.25, -0.375, 2.0]),
        ({"negative_slope": 1.5}, [-2.25, 0.25, 2.0]),
    ],
)
def test_relu_with_every_option(options: dict[str, Any], right: list[float], tmp_path: Path) -> None:
    assert computed(tmp_path, layer("ReLU", "o", X, **options)) == [right]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("hard_tanh", [-1.0, 0.25, 1.0]),
        ("hard_sigmoid", [0.0, 0.625, 1.0]),
        ("smooth_sigmoid", [0.21875, 0.546875, 0.875]),
        ("smooth_tanh", [-0.5625, 0.09375, 0.75]),
        ("binary_sigmoid", [0.0, 1.0, 1.0]),
        ("binary_tanh", [-1.0, 1.0, 1.0]),
    ],
)
def test_a_function_by_name_or_as_an_object(name: str, right: list[float], tmp_path: Path) -> None:
    for value in (name, {"class_name": "function", "config": name}):
        assert computed(tmp_path, activation("o", value, "q")) == [right]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("quantized_bits(4,1,symmetric=3,alpha=1)", [-1.25, 0.25, 1.75]),
        ("quantized_tanh(4,symmetric=2)", [-0.75, 0.25, 0.875]),
        ("quantized_sigmoid(4,symmetric=3)", [0.1875, 0.625, 0.9375]),
        ("quantized_bits(4,1,alpha=0.75)", [-1.125, 0.1875, 1.3125]),
        ("quantized_bits(4,1,1,True,1.0,False,None,1.0)", [-1.5, 0.25, 1.75]),
        ("quantized_bits(3,0,alpha=1)", [-1.0, 0.25, 0.75]),
        ("quantized_linear(3)", [-0.75, 0.25, 0.75]),  # symmetric unless told otherwise
        ("quantized_linear(3,0,0)", [-1.0, 0.25, 0.75]),
        ("quantized_bits(4,1,alpha=2)", [-3.0, 0.5, 3.5]),
        ("binary(use_01=1,alpha=2)", [0.0, 2.0, 2.0]),
        ("binary(alpha=5)", [-5.0, 5.0, 5.0]),
    ],
)
def test_numbers_that_look_like_flags(text: str, right: list[float], tmp_path: Path) -> None:
    """``symmetric`` is a number of steps, ``alpha`` any binary number, and no positional argument is lost."""
    assert computed(tmp_path, activation("o", text, "q")) == [right]


GRID = np.random.default_rng(3).integers(-16, 16, (20, 2, 3)) / 4
WHERE = [operator("Greater", "g", X, 0.25), operator("Where", "o", tensor("g"), X, -1.5)]


@pytest.mark.parametrize(
    ("entries", "right"),
    [
        ([operator("Take", "o", X, [2, 0, -2], axis=-1)], lambda x: x[..., [2, 0, 1]]),
        ([operator("Take", "o", X, array([1, 1]), axis=1)], lambda x: x[:, [1, 1]]),
        ([operator("Roll", "o", X, shift=1, axis=-1)], lambda x: np.roll(x, 1, -1)),
        ([operator("Roll", "o", X, shift=-3, axis=1)], lambda x: np.roll(x, -3, 1)),
        ([operator("Repeat", "o", X, repeats=2, axis=1)], lambda x: np.repeat(x, 2, 1)),
        ([operator("Tile", "o", X, repeats=[1, 2, 3])], lambda x: np.tile(x, (1, 2, 3))),
        ([operator("Tile", "o", X, repeats=2)], lambda x: np.tile(x, 2)),
        ([operator("Stack", "o", [X, X], axis=-1)], lambda x: np.stack([x, x], -1)),
        ([operator("Stack", "o", [X, X], axis=2)], lambda x: np.stack([x, x], 2)),
        ([operator("Moveaxis", "o", X, source=1, destination=-1)], lambda x: np.moveaxis(x, 1, -1)),
        ([operator("Pad", "o", X, pad_width=[[0, 0], [1, 0], [0, 2]], mode="constant")],
         lambda x: np.pad(x, [[0, 0], [1, 0], [0, 2]])),
        ([operator("Add", "o", X, array([[1.0], [2.0]]))], lambda x: x + np.array([[1.0], [2.0]])),
        ([operator("Multiply", "o", X, array([[1.0, 2.0, 0.0], [0.5, -1.0, 4.0]]))],
         lambda x: x * np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 4.0]])),
        ([operator("Greater", "o", X, 0.25)], lambda x: x > 0.25),
        ([operator("GreaterEqual", "o", X, array([0.0, 0.3, -1.0]))], lambda x: x >= np.array([0, 0.3, -1.0])),
        ([operator("Less", "o", X, 0.25)], lambda x: x < 0.25),
        ([operator("LessEqual", "o", 0.25, X)], lambda x: x >= 0.25),
        ([operator("Roll", "r", X, shift=1, axis=-1), operator("Greater", "o", X, tensor("r"))],
         lambda x: x > np.roll(x, 1, -1)),
        ([operator("Sign", "o", X)], np.sign),
        (WHERE, lambda x: np.where(x > 0.25, x, -1.5)),
        ([WHERE[0], operator("Negative", "n", X), operator("Where", "o", tensor("g"), tensor("n"), X)],
         lambda x: np.where(x > 0.25, -x, x)),
        ([WHERE[0], operator("Where", "o", tensor("g"), 0.0, 0.0)], lambda x: 0 * x),
        ([operator("Floor", "o", X)], np.floor),
        ([operator("Ceil", "o", X)], np.ceil),
        ([operator("Round", "o", X, decimals=0)], np.round),
        ([operator("Matmul", "o", X, array([[1.0, 0.5], [2.0, 0.0], [-1.0, 4.0]]))],
         lambda x: x @ np.array([[1.0, 0.5], [2.0, 0.0], [-1.0, 4.0]])),
        ([operator("Transpose", "t", X, axes=[0, 2, 1]), operator("Matmul", "o", X, tensor("t"))],
         lambda x: x @ x.swapaxes(1, 2)),
        ([operator("Transpose", "t", X, axes=[0, 2, 1]), operator("Matmul", "o", tensor("t"), X)],
         lambda x: x.swapaxes(1, 2) @ x),
        ([operator("Einsum", "o", X, X, subscripts="bij,bkj->bki")], lambda x: np.einsum("bij,bkj->bki", x, x)),
        ([operator("Einsum", "o", X, X, subscripts="bij,bij->bj")], lambda x: np.einsum("bij,bij->bj", x, x)),
        ([operator("Einsum", "o", X, X, subscripts="bij,bkl->bilkj")],
         lambda x: np.einsum("bij,bkl->bilkj", x, x)),
        ([layer("Dot", "o", [X, X], axes=[2, 2])], lambda x: x @ x.swapaxes(1, 2)),
        ([layer("Dot", "o", [X, X], axes=1)], lambda x: x.swapaxes(1, 2) @ x),
    ],
    ids=lambda value: value[-1]["class_name"] if isinstance(value, list) else "",
)  # fmt: skip
def test_an_operator_as_numpy_has_it(entries: list[dict[str, Any]], right: Any, tmp_path: Path) -> None:
    layers = [port("x", 2, 3), activation("q", "quantized_bits(8,3,alpha=1)", "x"), *entries]
    found = emulate(import_keras(write(tmp_path / "m.keras", layers, "o")), GRID)
    assert np.array_equal(found, np.asarray(right(GRID), float))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (layer("GlobalAveragePooling1D", "o", X, call={"mask": X}), "mask"),
        (layer("Dropout", "o", X, call={"training": True}), "training"),
        (layer("Multiply", "o", [X, 0.5]), "use an operator"),
        (operator("Divide", "o", X, 3.0), "powers of two"),
        (operator("Sum", "o", X, axis=None), "state its axis"),
        (layer("Activation", "o", X, activation="hard_sigmoid"), "six"),
        (activation("o", "quantized_bits(4.5,1,alpha=1)", "q"), "whole number"),
        (activation("o", "quantized_linear(4,0,alpha=0.75)", "q"), "quantized_bits takes any alpha"),
        (activation("o", "quantized_bits(4,0,0,1,1,0,0,1,0,0,0,0,0,0,0,9)", "q"), "cannot read"),
    ],
)
def test_what_is_refused_names_itself(entry: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=message):
        computed(tmp_path, entry, (3, 2), np.zeros((1, 3, 2)))


def test_what_only_training_reads_keeps_no_network_off_the_chip(tmp_path: Path) -> None:
    """A loss of the author's own is code that no inference runs; in an activation it would be."""
    code = {"class_name": "__lambda__", "config": {"value": ["code"]}}
    entry = layer("QActivation", "o", X, activation="quantized_relu(4,2)", activity_regularizer=code)
    layers = [port("x", 1), activation("q", "quantized_bits(8,3,alpha=1)", "x"), entry]
    path = write(tmp_path / "m.keras", layers, "o", compile_config={"loss": code, "metrics": [code, "pull"]})
    assert emulate(import_keras(path), [[1.25]]) == [[1.25]]
    entry["config"]["activation"] = code
    with pytest.raises(UnsupportedError, match=r"layer 'o' holds a pickled Python function"):
        import_keras(write(path, layers, "o"))


@pytest.mark.parametrize(
    ("outputs", "right"),
    [
        ({"k": ["qz", 0, 0], "a": ["qb", 0, 0]}, ("qb", "qz")),
        ({"a": ["qz", 0, 0], "k": ["qb", 0, 0]}, ("qz", "qb")),
        ([[["qb", 0, 0]], ["qz", 0, 0]], ("qb", "qz")),
    ],
)
def test_outputs_in_a_dict_come_by_its_sorted_keys(outputs: Any, right: tuple[str, ...], tmp_path: Path) -> None:
    layers = [port("z", 1), port("b", 1)]
    layers += [activation(f"q{name}", "quantized_bits(8,3,alpha=1)", name) for name in "zb"]
    assert import_keras(write(tmp_path / "m.keras", layers, outputs)).output_names == right


def test_a_gamma_without_alpha_is_scaled_by_powers_of_two_as_a_kernel_is(tmp_path: Path) -> None:
    """Of 0.75 quantized_bits(2, 0) makes 0.5, and 1.0 with the scale that QKeras gives it; activation= it ignores."""
    options = {
        "gamma_quantizer": Quantizer("quantized_bits", {"bits": 2, "alpha": None}),
        "beta_quantizer": None,
        "mean_quantizer": None,
        "variance_quantizer": None,
        "activation": "quantized_relu(2,1)",
        "epsilon": 0.25,
    }
    weights = tuple(np.array([value], np.float32) for value in (0.75, 0.0, 0.0, 0.75))  # 1 / sqrt(0.75 + 0.25) is 1
    layers = (
        Layer("InputLayer", "x", "keras.layers", {"batch_shape": [None, 1]}),
        Layer("QBatchNormalization", "n", "qkeras.qnormalization", options, weights, ((Ref("x"),),)),
    )
    network = Network("net", layers, (Ref("n"),), {})
    assert emulate(import_keras(network.write(tmp_path), "ap_fixed<8,4>"), [[-1.5], [3.25]]).tolist() == [
        [-1.5],
        [3.25],
    ]


def test_a_mean_is_fine_enough_for_a_scaled_quantizer_behind_it(tmp_path: Path) -> None:
    """1/12 is 2.67 steps of 1/32, so three, of which alpha makes half; a mean in quarters of a step gives two."""
    mean = operator("Mean", "m", X, axis=1, keepdims=False)
    behind = activation("o", "quantized_bits(3,-3,alpha=0.5)", "m")
    layers = [port("x", 3), activation("q", "quantized_bits(6,2,alpha=1)", "x"), mean, behind]
    assert emulate(import_keras(write(tmp_path / "model.keras", layers, "o")), [[0.25, 0.0, 0.0]]).tolist() == [
        [3 / 64]
    ]


@pytest.mark.parametrize(
    ("kind", "options", "right"),
    [
        ("Tanh", {}, [-0.875, 0.25, 1.0]),
        ("Sigmoid", {}, [0.125, 0.5, 0.875]),  # .182, .562 and .881: the second a hair below its tie
        ("HardSigmoid", {}, [0.25, 0.5, 0.875]),  # a quarter, and 0.5417 and 0.8333
        ("HardSilu", {}, [-0.375, 0.125, 1.625]),  # -0.375, 0.1354 and 1.6667
        ("Elu", {"alpha": 0.5}, [-0.375, 0.25, 2.0]),
        ("Gelu", {"approximate": False}, [-0.125, 0.125, 2.0]),
        ("Exp", {}, [0.25, 1.25, 7.375]),
    ],
)
def test_an_operator_that_a_quantizer_makes_a_table_of(
    kind: str, options: dict[str, Any], right: list[float], tmp_path: Path
) -> None:
    module = "keras.src.ops.numpy" if kind in ("Tanh", "Exp") else "keras.src.ops.nn"
    entries = [layer(kind, "f", X, module=module, **options), activation("o", "quantized_bits(7,3,alpha=1)", "f")]
    layers = [port("x", 3), activation("q", "quantized_bits(8,3,alpha=1)", "x"), *entries]
    graph = import_keras(write(tmp_path / "model.keras", layers, "o"))
    assert emulate(graph, np.asarray(EVENT)).tolist() == [right]


@pytest.mark.parametrize("name", SMOOTH)
def test_no_function_is_trusted_to_the_last_bit(name: str) -> None:
    """Each of float32's values but an exact zero may be off by half a unit in its last place."""
    x = np.linspace(-8, 8, 65)
    y = SMOOTH[name].value(x)
    assert (SMOOTH[name].off(x, y) >= 0.5 * np.abs(y)).all()


def test_a_quantizer_that_is_called_twice_rounds_a_function_and_something_else(tmp_path: Path) -> None:
    shared = activation("o", "quantized_bits(4,0,alpha=1)", "t")
    shared["inbound_nodes"].append({"args": [X], "kwargs": {}})
    layers = [
        port("x", 3),
        activation("q", "quantized_bits(8,3,alpha=1)", "x"),
        layer("Activation", "t", X, activation="tanh"),
    ]
    path = write(tmp_path / "model.keras", [*layers, shared], [["o", 0, 0], ["o", 1, 0]])
    found = [values.tolist() for values in emulate(import_keras(path), np.asarray(EVENT))]
    assert found == [[[-0.875, 0.25, 0.875]], [[-1.0, 0.25, 0.875]]]
