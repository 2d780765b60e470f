"""A refusal names the layer and what to do, and one message lists all that is in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError, UnsupportedError
from hls.importing import import_keras
from hls.importing.quantizers import parse_quantizer
from hls.importing.refusals import unknown_class
from hls.scan.trial import TrialSpec
from hls.target import Target
from hls.witnesses.framework import named_by_content
from hls.witnesses.framework_worker import reason
from tests.hls.importing.files import activation, array, layer, operator, port, tensor, write

X = tensor("q")
Q8 = "quantized_bits(8,3,alpha=1)"
W4 = "quantized_bits(4,0,alpha=1)"


def quantized(shape: tuple[int, ...] = (3,)) -> list[dict[str, Any]]:
    """A port and the quantizer that reads it, called "q"."""
    return [port("x", *shape), activation("q", Q8, "x")]


def dense(name: str, x: str, **options: Any) -> dict[str, Any]:
    return layer("QDense", name, tensor(x), units=2, kernel_quantizer=W4, use_bias=False, **options)


def conv(name: str, x: str, **options: Any) -> dict[str, Any]:
    return layer("QConv1D", name, tensor(x), kernel_quantizer=W4, use_bias=False, **options)


KERNEL = [np.array([[0.5, 0.25], [-0.5, 0.125], [0.75, -0.875]])]


def test_all_that_is_in_the_way_is_told_at_once(tmp_path: Path) -> None:
    """Behind a layer of unknown output too, as far as that is told by weights and names."""
    pickled = {"class_name": "__lambda__", "config": {"value": ["code"]}}
    layers = [
        port("x", 4),
        layer("ConvLSTM1D", "memory", tensor("x"), units=3),
        layer("Dense", "first", tensor("memory"), use_bias=False),
        layer("Activation", "smooth", tensor("first"), activation="gelu"),
        layer("Dense", "second", tensor("smooth"), use_bias=False, activation=pickled),
        layer("Dense", "third", tensor("second"), use_bias=False),
        activation("out", "softmax", "third"),
    ]
    weights = {name: [np.full((3, 3), 0.1, np.float32)] for name in ("first", "second", "third")}
    with pytest.raises(UnsupportedError) as refusal:
        import_keras(write(tmp_path / "m.keras", layers, "out", weights))
    told = str(refusal.value)
    assert told.startswith(
        "6 things keep this network off the chip: (1) layer 'second' holds a pickled Python function"
    )
    for part in (
        "(2) input 'x' has no fixed-point type",
        "(3) layer 'memory': class ConvLSTM1D is not supported",
        "(4) layer 'first' (Dense) has no kernel_quantizer",
        "(5) layer 'smooth': activation 'gelu'",
        "(6) layer 'out': activation 'softmax' is not supported; end the network before it and take the softmax",
    ):
        assert part in told
    assert "both round them, which is another network (likewise 'second', 'third')" in told


def test_a_softmax_inside_is_not_told_to_be_left_off(tmp_path: Path) -> None:
    layers = [*quantized(), activation("soft", "softmax", "q"), activation("o", "quantized_relu(4,0)", "soft")]
    with pytest.raises(UnsupportedError, match="what follows reads them; end the network before it and leave the rest"):
        import_keras(write(tmp_path / "m.keras", layers, "o"))


def test_the_input_type_names_the_flag(tmp_path: Path) -> None:
    path = write(tmp_path / "m.keras", [port("x", 3), activation("o", "relu", "x")], "o")
    with pytest.raises(UnsupportedError, match=r"--input-type 'ap_fixed<16,6>' \(qtrigger new, qtrigger estimate"):
        import_keras(path)
    assert str(import_keras(path, "ap_fixed<16,6>").edges["x"].type) == "ap_fixed<16,6>"


def test_layers_of_hgq_are_not_taken_for_those_of_qkeras(tmp_path: Path) -> None:
    of_hgq = {**dense("o", "q"), "module": "hgq.layers.rnn", "class_name": "QGRU"}
    with pytest.raises(UnsupportedError, match=r"class hgq\.QGRU is not supported: it is of HGQ"):
        import_keras(write(tmp_path / "m.keras", [*quantized(), of_hgq], "o", {"o": KERNEL}))


def test_an_unknown_class_is_told_the_nearest() -> None:
    assert "the nearest class that is known is QDense;" in str(unknown_class("o", "QDense2", ["QDense", "ReLU"]))


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        (conv("o", "q", strides=0), "strides = 0"),
        (conv("o", "q", strides=[1, 1]), "for 2 axes"),
        (conv("o", "q", dilation_rate="x"), "dilation_rate = 'x'"),
        (conv("o", "q", padding="sideways"), "padding='sideways'"),
        (layer("MaxPooling1D", "o", X, pool_size=None), "pool_size = None"),
        (layer("MaxPooling1D", "o", X, pool_size=[9]), "does not fit into"),
        (layer("Permute", "o", X, dims=[1, 1]), "no order"),
        (layer("Reshape", "o", X, target_shape=[7]), "cannot be reshaped"),
        (layer("ReLU", "o", X, max_value="six"), "max_value = 'six'"),
        (layer("Flatten", "o"), "called with no tensor"),
    ],
)
def test_damaged_options_are_told_by_name(entry: dict[str, Any], place: str, tmp_path: Path) -> None:
    path = write(tmp_path / "m.keras", [*quantized((4, 2)), entry], "o", {"o": [np.ones((3, 2, 2))]})
    with pytest.raises(ModelFileError, match="layer 'o'") as refusal:
        import_keras(path)
    assert place in str(refusal.value)


def test_a_folded_normalization_by_hand(tmp_path: Path) -> None:
    """Variance 1/4 and gamma 1 double kernel and bias: (0.25 * 2, 2 * (0.5 - 0.25) + 1) before they are rounded."""
    folded = layer(
        "QDenseBatchnorm", "o", X, kernel_quantizer="quantized_bits(3,0,alpha=1)", epsilon=0.0,
        bias_quantizer="quantized_bits(6,2,alpha=1)",
    )  # fmt: skip
    weights: dict[str, list[Any]] = {"o": [[[0.2]], [0.5]], "o/batchnorm": [[1.0], [1.0], [0.25], [0.25]]}
    graph = import_keras(write(tmp_path / "m.keras", [*quantized((1,)), folded], "o", weights))
    assert emulate(graph, [[3.0]]).tolist() == [[3.0 * 0.5 + 1.5]]  # 0.4 is rounded to a half


def test_a_pruning_wrapper_is_stripped_and_said_so(tmp_path: Path) -> None:
    inner = dense("inside", "q")
    wrapped = layer("PruneLowMagnitude", "o", X, layer={"class_name": "QDense", "config": inner["config"]})
    graph = import_keras(write(tmp_path / "m.keras", [*quantized(), wrapped], "o", {"o/layer": KERNEL}))
    assert emulate(graph, [[1.0, 2.0, 4.0]]).tolist() == [[2.5, -3.0]]  # of -0.875 there are four bits: -7/8
    assert graph.notes == ("layer 'o': its PruneLowMagnitude acts only in training and is left out",)


def test_a_dense_layer_at_every_step_is_that_layer(tmp_path: Path) -> None:
    inner = dense("inside", "q")
    wrapped = layer("TimeDistributed", "o", X, layer={"class_name": "QDense", "config": inner["config"]})
    graph = import_keras(write(tmp_path / "m.keras", [*quantized((2, 3)), wrapped], "o", {"o/layer": KERNEL}))
    assert emulate(graph, [[[1.0, 2.0, 4.0], [0.0, 0.0, 0.0]]]).tolist() == [[[2.5, -3.0], [0.0, 0.0]]]
    assert graph.notes == ()


@pytest.mark.parametrize(
    ("stated", "right"), [(None, 0.75), ("hard", 0.75), ("smooth", 0.59375), ("real", 0.625)]
)  # 0.5 + 0.5 / 2, 0.5 + 0.5 * 3 / 16, and 1 / (1 + exp(-0.5)) in sixteenths ... of 32
def test_what_qkeras_makes_its_sigmoid_of_can_be_stated(stated: str | None, right: float, tmp_path: Path) -> None:
    path = write(tmp_path / "m.keras", [*quantized((1,)), activation("o", "quantized_sigmoid(5)", "q")], "o")
    graph = import_keras(path, internal_sigmoid=stated)
    assert emulate(graph, [[0.5]]).tolist() == [[right]]
    assert [note for note in graph.notes if '"hard" is taken' in note and "'o'" in note] == list(graph.notes)
    assert bool(graph.notes) is (stated is None)


def test_another_internal_sigmoid_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.keras", quantized(), "q")
    with pytest.raises(UnsupportedError, match="'soft' is none of QKeras's; choose one of hard, smooth, real"):
        import_keras(path, internal_sigmoid="soft")


def test_a_scan_knows_networks_of_another_sigmoid_apart() -> None:
    target = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
    keys = {TrialSpec({}, target, model=b"x", internal_sigmoid=stated).key for stated in (None, "smooth", "real")}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("text", "values", "right"),
    [
        # a third of 2/128 is 2.67 steps of 2**-9; on a grid of half a step it would be a tie, and go down
        ("quantized_relu(4,-6,negative_slope=0.25)", [2 / 128, 0, 0], 3 / 512),
        ("quantized_bits(4,-6,alpha=0.75)", [2 / 128, 0, 0], 0.75 * 3 / 512),
    ],
)
def test_a_mean_is_rounded_once(text: str, values: list[float], right: float, tmp_path: Path) -> None:
    """The grid of a quantizer may be finer than its bits tell: integer bits may be negative."""
    layers = [port("x", 3), activation("q", "quantized_bits(8,0,alpha=1)", "x")]
    layers += [operator("Mean", "m", X, axis=1, keepdims=True), activation("o", text, "m")]
    assert emulate(import_keras(write(tmp_path / "m.keras", layers, "o")), [values]).tolist() == [[right]]


def test_a_clip_above_zero_keeps_its_lower_end(tmp_path: Path) -> None:
    layers = [*quantized(), operator("Clip", "o", X, x_min=0.5, x_max=2.0)]
    assert emulate(import_keras(write(tmp_path / "m.keras", layers, "o")), [[-1.0, 1.0, 3.0]]).tolist() == [[0.5, 1, 2]]


def test_constants_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    ragged = {"class_name": "__numpy__", "config": {"value": [[1.0], [1.0, 2.0]]}}
    with pytest.raises(ModelFileError, match="layer 'o'"):
        import_keras(write(tmp_path / "m.keras", [*quantized(), operator("Multiply", "o", X, ragged)], "o"))
    good = operator("Multiply", "o", X, array([1.0, 2.0, 4.0]))
    assert import_keras(write(tmp_path / "m.keras", [*quantized(), good], "o")).outputs


def test_a_quantizer_with_numbers_that_are_none_is_refused() -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"max_value": [1]},
        {"negative_slope": "x"},
        {"alpha": {}},
        {"threshold": 10**400},
    )
    for option in wrong:
        with pytest.raises(UnsupportedError, match="give it a number"):
            parse_quantizer({"class_name": "quantized_po2", "config": option}, "layer 'o'")


def test_a_file_is_given_to_keras_under_the_name_that_its_content_asks_for(tmp_path: Path) -> None:
    hdf5 = tmp_path / "model.keras"
    hdf5.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert named_by_content(hdf5, tmp_path) == tmp_path / "model.h5"
    assert (tmp_path / "model.h5").resolve() == hdf5
    archive = write(tmp_path / "other.keras", quantized(), "q")
    assert named_by_content(archive, tmp_path) == archive


def test_why_qkeras_failed_is_its_exception() -> None:
    said = "Exception encountered when calling QDense.call().\n\n\x1b[1mno such bits\x1b[0m\n\n"
    told = reason(ValueError(f"{said}Arguments received by QDense.call():\n  • training=False"))
    assert told == "ValueError: Exception encountered when calling QDense.call(). no such bits"
