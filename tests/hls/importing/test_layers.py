"""Layers with weights, pooling and activations by hand: small numbers in, what Keras would compute out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import FirmwareError
from hls.graph.fixed import FixedType
from hls.importing import import_keras
from tests.hls.importing.files import activation, layer, port, tensor, write

X = tensor("q")
WIDE = "quantized_bits(8,5,alpha=1)"  # steps of 1/4 up to 32
QUANTIZED: dict[str, Any] = {"kernel_quantizer": WIDE, "bias_quantizer": WIDE}


def computed(
    folder: Path, entries: Sequence[dict[str, Any]], event: Any, weights: Mapping[str, Sequence[Any]] | None = None
) -> Any:
    """What the last of ``entries``, the first of which reads "q", makes of one event of type ap_fixed<8,4>."""
    layers = [port("x", *np.shape(event)), activation("q", "quantized_bits(8,3,alpha=1)", "x"), *entries]
    path = write(folder / "model.keras", layers, entries[-1]["config"]["name"], weights)
    return emulate(import_keras(path), np.asarray([event]))[0].tolist()


def test_dense(tmp_path: Path) -> None:
    entry = layer("QDense", "o", X, use_bias=True, activation="quantized_relu(6,4)", **QUANTIZED)
    weights = {"o": ([[1.0, -2.0, 0.5], [3.0, 0.25, 0.6]], [0.5, 1.0, -0.25])}
    # 1 * 2 + 3 * 1.5 + 0.5; -4 + 0.375 + 1, below zero; 1 + 0.5 * 1.5 - 0.25, since 0.6 is kept as 0.5
    assert computed(tmp_path, [entry], [2.0, 1.5], weights) == [7.0, 0.0, 1.5]
    entry["config"]["use_bias"] = False
    assert computed(tmp_path, [entry], [2.0, 1.5], weights) == [6.5, 0.0, 1.75]


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({}, [5.0, 8.0, 11.0]),
        ({"padding": "same"}, [5.0, 8.0, 11.0, 4.0]),
        ({"padding": "causal"}, [2.0, 5.0, 8.0, 11.0]),
        ({"strides": 2}, [5.0, 11.0]),
        ({"strides": [2], "padding": "same"}, [5.0, 11.0]),
        ({"dilation_rate": 2}, [7.0, 10.0]),
        ({"dilation_rate": [2], "padding": "causal"}, [2.0, 4.0, 7.0, 10.0]),
        ({"dilation_rate": 2, "padding": "same"}, [4.0, 7.0, 10.0, 3.0]),
    ],
)
def test_a_convolution_over_one_axis(options: dict[str, Any], right: list[float], tmp_path: Path) -> None:
    """1, 2, 3, 4 by a kernel of 1 and 2."""
    entry = layer("QConv1D", "o", X, use_bias=False, **QUANTIZED, **options)
    got = computed(tmp_path, [entry], [[1.0], [2.0], [3.0], [4.0]], {"o": ([[[1.0]], [[2.0]]],)})
    assert got == [[value] for value in right]


def test_a_convolution_in_groups(tmp_path: Path) -> None:
    """The first output reads the first two channels, the second one the others."""
    entry = layer("QConv1D", "o", X, use_bias=True, groups=2, **QUANTIZED)
    weights = {"o": ([[[1.0, 3.0], [2.0, 4.0]]], [0.0, 0.5])}
    assert computed(tmp_path, [entry], [[1.0, 2.0, 3.0, 4.0]], weights) == [[5.0, 25.5]]


IMAGE = [[[1.0, 0.5], [2.0, 1.0]], [[3.0, -1.0], [4.0, -2.0]]]


def test_convolutions_over_two_axes(tmp_path: Path) -> None:
    kernel = np.array([[[[1.0], [2.0]], [[0.0], [1.0]]], [[[-1.0], [0.0]], [[0.5], [4.0]]]])
    entry = layer("QConv2D", "o", X, use_bias=False, **QUANTIZED)
    # (1 + 2 * 0.5) + 1 - 3 + (2 + 4 * -2)
    assert computed(tmp_path, [entry], IMAGE, {"o": (kernel,)}) == [[[-6.0]]]
    entry["config"]["mask"] = [[1, 1], [1, 0]]
    assert computed(tmp_path, [entry], IMAGE, {"o": (kernel,)}) == [[[0.0]]]
    for mask in ([[2, 1], [1, 0]], [[0.5, 0.5], [0.5, 0.5]]):
        entry["config"]["mask"] = mask
        with pytest.raises(FirmwareError, match="other numbers than 0 and 1"):
            computed(tmp_path, [entry], IMAGE, {"o": (kernel,)})


def test_depthwise_and_separable_convolutions(tmp_path: Path) -> None:
    window = np.array([[[[1.0], [2.0]], [[1.0], [0.0]]], [[[0.0], [4.0]], [[-1.0], [0.0]]]])
    entry = layer("QDepthwiseConv2D", "o", X, use_bias=True, depthwise_quantizer=WIDE, bias_quantizer=WIDE)
    # 1 + 2 - 4 and 2 * 0.5 + 4 * -1
    assert computed(tmp_path, [entry], IMAGE, {"o": (window, [0.5, 0.0])}) == [[[-0.5, -3.0]]]
    quantizers: dict[str, Any] = {"depthwise_quantizer": WIDE, "pointwise_quantizer": WIDE, "bias_quantizer": WIDE}
    entry = layer("QSeparableConv2D", "o", X, use_bias=True, activation="quantized_bits(8,5,alpha=1)", **quantizers)
    weights = {"o": (window, [[[[1.0, 2.0], [3.0, -1.0]]]], [0.25, 0.0])}
    # -1 and -3 by the columns (1, 3) and (2, -1)
    assert computed(tmp_path, [entry], IMAGE, weights) == [[[-9.75, 1.0]]]


def test_a_normalization_folded_into_a_kernel_of_each_channel(tmp_path: Path) -> None:
    """Factors 2 / 2 and 6 / 2 on kernels 2 and 1; offsets 1 - 0.5 * 1 and 0 + 1 * 3."""
    entry = layer(
        "QDepthwiseConv2DBatchnorm", "o", X, use_bias=False, epsilon=1.0, depthwise_quantizer=WIDE, bias_quantizer=WIDE
    )
    weights = [[[[[2.0], [1.0]]]]], [[2.0, 6.0], [1.0, 0.0], [0.5, -1.0], [3.0, 3.0]]
    got = computed(tmp_path, [entry], [[[1.0, 0.5]]], {"o": weights[0], "o/batchnorm": weights[1]})
    assert got == [[[2.0 + 0.5, 1.5 + 3.0]]]


def test_what_is_said_of_a_layer_that_is_left_out_and_of_a_bias_that_nobody_quantized(tmp_path: Path) -> None:
    layers = [port("x", 1), activation("q", "quantized_bits(3,2,alpha=1)", "x"), layer("Dropout", "n", X, rate=0.5)]
    dense = layer("QDense", "o", tensor("n"), use_bias=True, kernel_quantizer="quantized_bits(3,2,alpha=1)")
    path = tmp_path / "model.keras"
    noisy = import_keras(write(path, [*layers, dense], "o", {"o": [[[2.0]], [0.1]]}))
    assert [note for note in noisy.notes if "'n' (Dropout) acts only in training" in note]
    assert [note for note in noisy.notes if "'o': its bias has no quantizer" in note]
    quiet = import_keras(write(path, [*layers, dense], "o", {"o": [[[2.0]], [0.0]]}))
    assert ["Dropout" in note for note in quiet.notes] == [True]  # and nothing of sigmoids, which it has none of


def test_integers_stay_integers_without_a_bias(tmp_path: Path) -> None:
    entries = [layer("QDense", "o", X, use_bias=False, kernel_quantizer="quantized_bits(3,2,alpha=1)")]
    layers = [port("x", 1), activation("q", "quantized_bits(3,2,alpha=1)", "x"), *entries]
    graph = import_keras(write(tmp_path / "model.keras", layers, "o", {"o": [[[2.0]]]}))
    assert graph.edges[graph.outputs[0]].fraction == 0


@pytest.mark.parametrize("arrays", [1, 3])
def test_a_normalization_whose_numbers_are_not_all_there(arrays: int, tmp_path: Path) -> None:
    entry = layer("BatchNormalization", "o", X)
    with pytest.raises(FirmwareError, match=f"'o' .* has {arrays} weight arrays, 4 expected"):
        computed(tmp_path, [entry], [1.0, 2.0], {"o": [[1.0, 1.0]] * arrays})


@pytest.mark.parametrize(
    ("scale", "center", "right"), [(True, True, -1.0), (True, False, 0.0), (False, True, -0.75), (False, False, 0.25)]
)
def test_batch_normalization(scale: bool, center: bool, right: float, tmp_path: Path) -> None:
    """The root of 3 + 1 is 2; x = 1 lies 1/2 above a mean of 1/2, or 0 above 1."""
    entry = layer("BatchNormalization", "o", X, axis=-1, epsilon=1.0, scale=scale, center=center)
    weights = [*([[0.0, 4.0]] if scale else []), *([[-1.0, -2.0]] if center else []), [0.5, 1.0], [3.0, 3.0]]
    got = computed(tmp_path, [entry], [1.0, 2.0], {"o": weights})
    assert got == [right, (4.0 if scale else 1.0) * 0.5 - 2.0 * center]
    entry["config"]["axis"] = [1]
    assert computed(tmp_path, [entry], [1.0, 2.0], {"o": weights}) == got


def test_batch_normalization_over_another_axis(tmp_path: Path) -> None:
    entry = layer("BatchNormalization", "o", X, axis=1, epsilon=1.0)
    weights = {"o": [[2.0, 4.0], [1.0, 0.0], [0.0, 1.0], [3.0, 0.0]]}  # factors 1 and 4, offsets 1 and -4
    assert computed(tmp_path, [entry], [[1.0, 2.0], [3.0, 4.0]], weights) == [[2.0, 3.0], [8.0, 12.0]]


def channels_first(folder: Path, entry: dict[str, Any], shape: tuple[int, ...], weights: Any = None) -> tuple[Any, Any]:
    """A layer that counts its channels first, and the same one between two transposes, of the same events."""
    x = np.random.default_rng(2).integers(-16, 16, (5, *shape)) / 4
    last = {**entry, "config": {**entry["config"], "data_format": "channels_last"}}
    found = []
    for one, event in ((entry, x), (last, np.moveaxis(x, 1, -1))):
        layers = [port("x", *event.shape[1:]), activation("q", "quantized_bits(8,3,alpha=1)", "x"), one]
        graph = import_keras(write(folder / "m.keras", layers, "o", weights))
        found.append(np.asarray(emulate(graph, event)))
    return found[0], found[1]


@pytest.mark.parametrize(
    "entry",
    [
        layer("QConv2D", "o", X, kernel_size=2, kernel_quantizer="quantized_bits(4,0,alpha=1)", use_bias=False,
              padding="same", activation="relu", data_format="channels_first"),
        layer("MaxPooling2D", "o", X, pool_size=2, data_format="channels_first"),
        layer("GlobalAveragePooling2D", "o", X, keepdims=True, data_format="channels_first"),
        layer("GlobalAveragePooling2D", "o", X, data_format="channels_first"),
        layer("UpSampling2D", "o", X, size=[2, 1], data_format="channels_first"),
        layer("Flatten", "o", X, data_format="channels_first"),
    ],
    ids=lambda entry: str(entry["class_name"]),
)  # fmt: skip
def test_channels_may_come_first(entry: dict[str, Any], tmp_path: Path) -> None:
    weights = {"o": [np.arange(-12, 12).reshape(2, 2, 2, 3) / 16]}
    found, right = channels_first(tmp_path, entry, (2, 4, 4), weights)
    assert np.array_equal(found, np.moveaxis(right, -1, 1) if right.ndim == 4 else right)
    assert np.unique(found).size > 2


LINE = [[1.0, -1.0], [4.0, 0.5], [2.0, 0.25], [3.0, -2.0], [0.5, 7.0]]


@pytest.mark.parametrize(
    ("kind", "options", "right"),
    [
        ("MaxPooling1D", {"pool_size": 2}, [[4.0, 0.5], [3.0, 0.25]]),
        ("MaxPooling1D", {"pool_size": [3], "strides": [1]}, [[4.0, 0.5], [4.0, 0.5], [3.0, 7.0]]),
        ("MaxPooling1D", {"pool_size": 2, "padding": "same"}, [[4.0, 0.5], [3.0, 0.25], [0.5, 7.0]]),
        ("AveragePooling1D", {"pool_size": 2}, [[2.5, -0.25], [2.5, -0.875]]),
        ("AveragePooling1D", {"pool_size": 4, "strides": 1}, [[2.5, -0.5625], [2.375, 1.4375]]),
        ("AveragePooling1D", {"pool_size": 1, "padding": "same"}, LINE),
        ("AveragePooling1D", {"pool_size": 2, "padding": "same"}, [[2.5, -0.25], [2.5, -0.875], [0.5, 7.0]]),
        ("GlobalMaxPooling1D", {}, [4.0, 7.0]),
        ("GlobalMaxPooling1D", {"keepdims": True}, [[4.0, 7.0]]),
        ("GlobalSumPooling1D", {"divisor": 4}, [2.625, 1.1875]),
        ("GlobalSumPooling1D", {}, [10.5, 4.75]),
    ],
)
def test_pooling(kind: str, options: dict[str, Any], right: Any, tmp_path: Path) -> None:
    assert computed(tmp_path, [layer(kind, "o", X, **options)], LINE) == right


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("AveragePooling1D", {"pool_size": 3}, "an output of the network reads it"),
        ("GlobalSumPooling1D", {"divisor": 3}, "divisor=3 is no power of two"),
        ("GlobalSumPooling1D", {"divisor": 0}, "divisor=0 is no power of two"),
    ],
)
def test_pooling_without_an_exact_statement_is_refused(
    kind: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(FirmwareError, match=message):
        computed(tmp_path, [layer(kind, "o", X, **options)], LINE)


def test_a_mean_at_the_border_is_of_fewer_values(tmp_path: Path) -> None:
    """1, 4, 2, 3, 1/2 by threes: 5/2, 7/3, 3, 11/6, 7/4 in steps of 1/4."""
    entries = [layer("AveragePooling1D", "mean", X, pool_size=3, strides=1, padding="same")]
    entries.append(activation("o", "quantized_bits(6,3,alpha=1)", "mean"))
    got = computed(tmp_path, entries, [[first] for first, _ in LINE])
    assert got == [[2.5], [2.25], [3.0], [1.75], [1.75]]


def test_qkeras_own_mean_at_the_border_is_refused(tmp_path: Path) -> None:
    entry = layer("QAveragePooling2D", "o", X, pool_size=2, padding="same")
    with pytest.raises(FirmwareError, match="the count of a whole window"):
        computed(tmp_path, [entry], [[[1.0], [2.0], [3.0]]])


@pytest.mark.parametrize(("padding", "right"), [("valid", [1.0, 2.0, 6.0, 4.0, 8.0]), ("same", [1.0, 2.0, 6.0, 4.0])])
def test_a_transposed_convolution(padding: str, right: list[float], tmp_path: Path) -> None:
    """1 and 2, two places apart, each spread by 1, 2, 4."""
    entry = layer("Conv1DTranspose", "o", X, use_bias=False, strides=2, padding=padding)
    got = computed(tmp_path, [entry], [[1.0], [2.0]], {"o": ([[[1.0]], [[2.0]], [[4.0]]],)})
    assert got == [[value] for value in right]


@pytest.mark.parametrize("options", [{"output_padding": [1]}, {"dilation_rate": 2}])
def test_a_transposed_convolution_with_more_options_is_refused(options: dict[str, Any], tmp_path: Path) -> None:
    entry = layer("Conv1DTranspose", "o", X, use_bias=False, strides=2, **options)
    with pytest.raises(FirmwareError, match="output_padding or dilation_rate"):
        computed(tmp_path, [entry], [[1.0], [2.0]], {"o": ([[[1.0]], [[2.0]], [[4.0]]],)})


@pytest.mark.parametrize("count", [3, 5, 6, 7, 12])
@pytest.mark.parametrize(
    "text",
    [
        "quantized_bits(12,3,alpha=1)",
        "quantized_bits(8,3,alpha=1)",
        "quantized_bits(5,2,alpha=1)",
        "quantized_relu(4,6)",
    ],
)
def test_a_mean_of_any_count_rounds_as_the_quotient_does(count: int, text: str, tmp_path: Path) -> None:
    """Every sum that can be, in sixteenths: half to even on the grid of the quantizer behind, then saturated."""
    entries = [layer("GlobalAveragePooling1D", "mean", X), activation("o", text, "mean")]
    layers = [port("x", count, 1), activation("q", "quantized_bits(8,3,alpha=1)", "x"), *entries]
    graph = import_keras(write(tmp_path / "model.keras", layers, "o"))
    sums = range(-128 * count, 127 * count + 1)
    rows = [[total // count + (place < total % count) for place in range(count)] for total in sums]
    got = emulate(graph, np.array(rows)[..., None] / 16.0).ravel().tolist()
    type_ = graph.edges[graph.outputs[0]].type
    unit = Fraction(2) ** -type_.fraction
    exact = [round(Fraction(total, 16 * count) / unit) for total in sums]
    quotient = graph.edges["mean.quotient"]
    assert quotient.type == FixedType.covering(quotient.raw_min, quotient.raw_max, quotient.fraction)
    assert got == [float(min(max(raw, type_.raw_min), type_.raw_max) * unit) for raw in exact]


def test_a_mean_of_wide_numbers_needs_a_long_reciprocal(tmp_path: Path) -> None:
    entries = [layer("GlobalAveragePooling1D", "mean", X), activation("o", "quantized_bits(26,13,alpha=1)", "mean")]
    layers = [port("x", 7, 1), activation("q", "quantized_bits(26,13,alpha=1)", "x"), *entries]
    graph = import_keras(write(tmp_path / "model.keras", layers, "o"))
    raw = np.random.default_rng(1).integers(-(1 << 25), 1 << 25, (500, 7, 1))
    raw[:2] = [[[-(1 << 25)]] * 7, [[(1 << 25) - 1]] * 7]
    exact = [round(Fraction(int(total), 7)) for total in raw.sum(axis=1).ravel()]
    assert emulate(graph, np.ldexp(raw.astype(float), -12)).ravel().tolist() == [value * 2.0**-12 for value in exact]


def test_an_average_by_a_quantized_factor(tmp_path: Path) -> None:
    """A third in steps of 1/8 is 3/8, and that is what QKeras multiplies the sum by."""
    entry = layer("QGlobalAveragePooling2D", "o", X, average_quantizer="quantized_bits(4,0,alpha=1)")
    assert computed(tmp_path, [entry], [[[1.0], [2.0], [0.5]]]) == [1.3125]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("quantized_relu(4,2)", [0.0, 0.25, 0.0, 2.0]),
        ("quantized_relu(4,1)", [0.0, 0.25, 0.0, 1.875]),
        ("quantized_relu(4,1,negative_slope=0.25)", [-0.5, 0.25, 0.0, 1.75]),  # -0.375 is a tie of steps of 1/4
        ("quantized_relu(4,1,negative_slope=0.5)", [-0.75, 0.25, 0.0, 1.75]),
        ("binary(alpha=1)", [-1.0, 1.0, 1.0, 1.0]),
        ("binary(use_01=1,alpha=0.5)", [0.0, 0.5, 0.5, 0.5]),
        ("quantized_bits(1,0,alpha=1)", [-1.0, 1.0, 1.0, 1.0]),
        ("quantized_linear(1,1)", [-1.0, 1.0, 1.0, 1.0]),
        ("ternary(alpha=1,threshold=0.25)", [-1.0, 1.0, 0.0, 1.0]),
        ("ternary(alpha=0.5,threshold=0.3)", [-0.5, 0.0, 0.0, 0.5]),
        ("ternary(alpha=1,threshold=2.5)", [0.0, 0.0, 0.0, 0.0]),
        ("quantized_po2(4)", [-2.0, 0.25, 0.0625, 2.0]),
        ("quantized_tanh(4)", [-1.0, 0.25, 0.0, 0.875]),
        ("quantized_sigmoid(4)", [0.0, 0.625, 0.5, 0.9375]),
        # Of 1/16: sigmoid(-1.5) is 0.182, of 1/4 0.562, of 2 0.881.
        ("quantized_sigmoid(4,use_real_sigmoid=1)", [0.1875, 0.5625, 0.5, 0.875]),
        # Of 1/8: tanh(-1.5) is -0.905, of 1/4 0.245, of 2 0.964.
        ("quantized_tanh(4,use_real_tanh=1)", [-0.875, 0.25, 0.0, 0.875]),
        ("relu", [0.0, 0.25, 0.0, 2.0]),
        ("linear", [-1.5, 0.25, 0.0, 2.0]),
    ],
)
def test_an_activation(text: str, right: list[float], tmp_path: Path) -> None:
    assert computed(tmp_path, [activation("o", text, "q")], [-1.5, 0.25, 0.0, 2.0]) == right


@pytest.mark.parametrize("text", ["quantized_sigmoid(4,use_real_sigmoid=1)", "quantized_tanh(5,use_real_tanh=1)"])
def test_a_table_over_every_input(text: str, tmp_path: Path) -> None:
    """Against the definition, on values that no float64 places near a tie."""
    raw = np.arange(-128, 128)
    layers = [port("x", 1), activation("q", "quantized_bits(8,3,alpha=1)", "x"), activation("o", text, "q")]
    graph = import_keras(write(tmp_path / "model.keras", layers, "o"))
    sigmoid = "sigmoid" in text
    exact = 1 / (1 + np.exp(-raw / 16)) if sigmoid else np.tanh(raw / 16)
    rounded = np.clip(np.rint(exact * 16), 0 if sigmoid else -16, 15) / 16
    assert emulate(graph, (raw / 16)[:, None]).ravel().tolist() == rounded.tolist()


@pytest.mark.parametrize(
    ("slope", "right"), [(0.25, [-0.375, 2.0]), (1.0, [-1.5, 2.0]), (2.0, [-3.0, 2.0]), (0.0, [0.0, 2.0])]
)
def test_a_leaky_relu(slope: float, right: list[float], tmp_path: Path) -> None:
    assert computed(tmp_path, [layer("LeakyReLU", "o", X, negative_slope=slope)], [-1.5, 2.0]) == right


def test_a_slope_of_nothing_is_a_plain_relu(tmp_path: Path) -> None:
    layers = [port("x", 2), activation("q", "quantized_bits(8,3,alpha=1)", "x"), layer("LeakyReLU", "o", X, alpha=0.0)]
    graph = import_keras(write(tmp_path / "model.keras", layers, "o"))
    assert [type(node).__name__ for node in graph] == ["Input", "Relu"]


@pytest.mark.parametrize(
    ("entry", "right"),
    [
        (layer("Add", "o", [X, X, X]), [[3.0, 6.0, 9.0], [-3.0, 0.0, 1.5]]),
        (layer("Multiply", "o", [X, X]), [[1.0, 4.0, 9.0], [1.0, 0.0, 0.25]]),
        (layer("Concatenate", "o", [X, X], axis=1), [[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]] * 2),
        (layer("Concatenate", "o", [X, X], axis=-1), [[1.0, 2.0, 3.0] * 2, [-1.0, 0.0, 0.5] * 2]),
        (layer("Flatten", "o", X), [1.0, 2.0, 3.0, -1.0, 0.0, 0.5]),
        (layer("Reshape", "o", X, target_shape=[3, -1]), [[1.0, 2.0], [3.0, -1.0], [0.0, 0.5]]),
        (layer("Reshape", "o", X, target_shape=[1, 6]), [[1.0, 2.0, 3.0, -1.0, 0.0, 0.5]]),
        (layer("Permute", "o", X, dims=[2, 1]), [[1.0, -1.0], [2.0, 0.0], [3.0, 0.5]]),
        (layer("Dropout", "o", X, rate=0.5), [[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]]),
    ],
)
def test_merges_and_shapes(entry: dict[str, Any], right: Any, tmp_path: Path) -> None:
    assert computed(tmp_path, [entry], [[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]]) == right


def test_a_subtraction_keeps_its_order(tmp_path: Path) -> None:
    entries = [activation("r", "quantized_relu(4,3)", "q"), layer("Subtract", "o", [X, tensor("r")])]
    assert computed(tmp_path, entries, [-1.5, 0.75]) == [-1.5, -0.25]  # 0.75 is a tie of steps of 1/2, and goes to 1
