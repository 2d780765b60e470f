"""Plain networks to their normal form: what is folded, what becomes a layer of its own, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hls.errors import UnsupportedError
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef
from hls.project.quantizing.candidate import Slot, draft
from hls.project.quantizing.normal_form import normal_form
from hls.project.quantizing.reference import Reference
from tests.hls.project.plain_networks import CELL, DENSE, GATES, NORMAL, RELU, layer, model


class TestNormalForm:
    def test_a_normalization_is_folded_into_the_sums_before_it(self) -> None:
        form = normal_form(model(DENSE, NORMAL, RELU))
        assert list(form.model.layers) == ["x", "d", "a"]
        kernel, bias = form.model.layers["d"].weights
        assert kernel.tolist() == [[2.0, 0.25], [-4.0, 2.0]]
        assert bias.tolist() == [0.25 * 2 - 5, 1.0 * 0.5 + 1]
        assert form.notes == ("n is folded into d",)

    def test_one_that_others_read_too_stays(self) -> None:
        add = LayerSpec("s", "Add", {}, (Call((TensorRef("d", 0, 0), TensorRef("n", 0, 0))),), ())
        assert list(normal_form(model(DENSE, NORMAL, add)).model.layers) == ["x", "d", "n", "s"]

    def test_an_activation_of_a_dense_layer_gets_a_layer_of_its_own(self) -> None:
        dense = layer("Dense", "d", "x", [[1.0], [1.0]], [0.0], units=1, use_bias=True, activation="tanh")
        form = normal_form(model(dense))
        assert [(spec.name, spec.class_name) for spec in form.model.layers.values()][1:] == [
            ("d", "Dense"),
            ("d_tanh", "Activation"),
        ]
        assert form.model.outputs == (TensorRef("d_tanh", 0, 0),)

    def test_a_last_softmax_is_left_to_the_host_and_one_in_the_middle_is_refused(self) -> None:
        softmax = layer("Softmax", "s", "d")
        form = normal_form(model(DENSE, softmax))
        assert form.model.outputs == (TensorRef("d", 0, 0),)
        assert "scores keep their order" in form.notes[0]
        with pytest.raises(UnsupportedError, match=r"'s'.*softmax in the middle"):
            normal_form(model(DENSE, softmax, layer("Activation", "a", "s", activation="relu")))

    def test_a_recurrent_layer_that_is_given_its_first_state_is_refused(self) -> None:
        """Of a state that starts elsewhere than at zero the range is not known."""
        cell = layer("LSTM", "r", "x", *CELL, units=2, use_bias=True, **GATES)
        refs = (TensorRef("x", 0, 0),) * 3
        with pytest.raises(UnsupportedError, match=r"'r'.*initial_state.*train QKeras's QLSTM"):
            normal_form(model(replace(cell, calls=(Call(refs),))))

    def test_a_shared_layer_becomes_two(self) -> None:
        first = layer("Dense", "d", "x", np.eye(2), [0.0, 0.0], units=2, use_bias=True, activation="relu")
        shared = LayerSpec("d", "Dense", first.config, (*first.calls, Call((TensorRef("d", 0, 0),))), first.weights)
        spec = model(shared)
        spec = ModelSpec("net", spec.layers, spec.inputs, (TensorRef("d", 1, 0),))
        assert list(normal_form(spec).model.layers) == ["x", "d", "d_relu", "d_2", "d_relu_2"]

    def test_a_separable_convolution_becomes_two(self) -> None:
        weights = np.arange(6.0).reshape(3, 2, 1), np.ones((1, 2, 4)), np.arange(4.0)
        net = layer("SeparableConv1D", "s", "x", *weights, filters=4, use_bias=True, activation="relu", strides=2)
        first, second, relu = list(normal_form(model(net)).model.layers.values())[1:]
        assert (first.class_name, second.class_name, relu.class_name) == ("Conv1D", "Conv1D", "Activation")
        assert (first.config["groups"], first.config["strides"], first.config["use_bias"]) == (2, 2, False)
        assert first.weights[0].tolist() == [[[0.0, 1.0]], [[2.0, 3.0]], [[4.0, 5.0]]]  # filter after filter
        assert (second.config["kernel_size"], second.config["strides"], second.config["groups"]) == ([1], 1, 1)
        assert [array.tolist() for array in second.weights] == [weights[1].tolist(), weights[2].tolist()]

    def test_a_causal_convolution_reads_zeros_in_front(self) -> None:
        """QKeras's own takes the option and fails when it runs."""
        options = {"filters": 4, "use_bias": False, "padding": "causal", "dilation_rate": [2]}
        form = normal_form(model(layer("Conv1D", "c", "x", np.ones((3, 2, 4)), **options)))
        zeros, sums = list(form.model.layers.values())[1:]
        assert (zeros.name, zeros.class_name, zeros.config) == ("c_zeros", "ZeroPadding1D", {"padding": [4, 0]})
        assert (sums.name, sums.config["padding"]) == ("c", "valid")
        assert [call.inputs for call in sums.calls] == [(TensorRef("c_zeros", 0, 0),)]

    def test_a_normalization_goes_into_the_outputs_of_a_transposed_convolution(self) -> None:
        net = layer("Conv2DTranspose", "d", "x", np.ones((1, 1, 2, 3)), [0.25, 1.0], filters=2, use_bias=True)
        kernel, bias = normal_form(model(net, NORMAL)).model.layers["d"].weights
        assert kernel.tolist() == [[[[2.0] * 3, [0.5] * 3]]]
        assert bias.tolist() == [0.25 * 2 - 5, 1.0 * 0.5 + 1]

    @pytest.mark.parametrize(
        ("kind", "options", "becomes", "function"),
        [
            ("ops.Tanh", {}, "Activation", "tanh"),
            ("ops.Gelu", {"approximate": False}, "Activation", "gelu"),
            ("ops.Relu", {}, "Activation", "relu"),
            ("ops.LeakyRelu", {"negative_slope": 0.1}, "LeakyReLU", None),
        ],
    )
    def test_a_function_by_an_operator_is_a_layer(
        self, kind: str, options: dict[str, Any], becomes: str, function: str | None
    ) -> None:
        made = list(normal_form(model(DENSE, layer(kind, "f", "d", **options))).model.layers.values())[-1]
        assert (made.class_name, made.config.get("activation")) == (becomes, function)
        assert made.config.get("negative_slope") == options.get("negative_slope")

    @pytest.mark.parametrize(("merge", "join"), [("concat", "Concatenate"), ("ave", "Average")])
    def test_a_layer_of_both_directions_becomes_two(self, merge: str, join: str) -> None:
        config = {"name": "a", "units": 2, **GATES, "return_sequences": True}
        both = layer("Bidirectional", "b", "x", *CELL, *CELL, layer={"class_name": "LSTM", "config": config},
                     merge_mode=merge)  # fmt: skip
        forward, backward, turned, joined = list(normal_form(model(both)).model.layers.values())[1:]
        assert (forward.class_name, backward.class_name) == ("LSTM", "LSTM")
        assert (forward.config.get("go_backwards"), backward.config["go_backwards"]) == (None, True)
        assert (turned.class_name, turned.config["axis"], joined.class_name) == ("ops.Flip", 1, join)
        assert [ref.layer for ref in joined.calls[0].inputs] == [forward.name, turned.name]

    def test_a_quantized_network_is_told_where_it_belongs(self) -> None:
        quantized_already = layer("QDense", "q", "x", kernel_quantizer="quantized_bits(4,0,alpha=1)")
        with pytest.raises(UnsupportedError, match=r"'net' is quantized already.*qtrigger new"):
            normal_form(model(quantized_already))

    def test_a_layer_of_qkeras_without_quantizers_is_a_plain_one(self) -> None:
        none = {"kernel_quantizer": None, "bias_quantizer": None, "activation": "relu", "use_bias": True}
        form = normal_form(model(layer("QDense", "d", "x", [[1.0], [2.0]], [0.5], units=1, **none)))
        assert [spec.class_name for spec in form.model.layers.values()] == ["InputLayer", "Dense", "Activation"]
        folded = layer("QConv2DBatchnorm", "f", "x", kernel_quantizer=None)
        with pytest.raises(UnsupportedError, match=r"has no kernel_quantizer.*use Conv2D and BatchNorm"):
            normal_form(model(folded))

    @pytest.mark.parametrize(
        ("equation", "bias", "kind"), [("abc,cd->abd", "d", "Dense"), ("...c,cd->...d", None, "Dense")]
    )
    def test_an_einsum_over_the_last_axis_is_a_dense_layer(self, equation: str, bias: str | None, kind: str) -> None:
        arrays = ([[1.0], [2.0]], [0.5])[: 1 + (bias is not None)]
        net = layer("EinsumDense", "d", "x", *arrays, equation=equation, bias_axes=bias, activation="relu")
        dense, relu = list(normal_form(model(net)).model.layers.values())[1:]
        assert (dense.class_name, dense.config["use_bias"], relu.class_name) == (kind, bias is not None, "Activation")
        other = layer("EinsumDense", "d", "x", *arrays, equation="abc,cd->adb", bias_axes=bias)
        with pytest.raises(UnsupportedError, match="that of a QDense, with the same kernel"):
            normal_form(model(other))

    def test_of_a_network_quantized_in_part_only_the_rest_gets_types(self) -> None:
        first = layer("QDense", "q", "x", [[1.0]] * 2, kernel_quantizer="quantized_bits(4,0,alpha=1)", use_bias=False)
        last = layer("Dense", "d", "q", [[0.7]], [0.1], units=1, use_bias=True, activation="softmax")
        form = normal_form(model(first, last)).model
        assert [str(slot) for slot in draft(form, (), Reference((), {})).slots] == ["x values", "d weights"]


KERNEL = [[[0.5]], [[0.25]]]
CELLS: dict[str, Any] = {"units": 2, **GATES}


@pytest.mark.parametrize(
    ("refused", "told", "cured"),
    [
        ([layer("GRU", "o", "x", *CELL, **CELLS)], "GRU gets no quantizers here.* or an LSTM, which is quantized",
         [layer("LSTM", "o", "x", *CELL, **CELLS)]),
        ([layer("LSTM", "o", "x", *CELL, **{**CELLS, "activation": "relu"})], "train with one of tanh, sigmoid",
         [layer("LSTM", "o", "x", *CELL, **CELLS)]),
        ([layer("LSTM", "o", "x", *CELL, **CELLS, stateful=True)], "with stateful=True; build it without",
         [layer("LSTM", "o", "x", *CELL, **CELLS)]),
        ([layer("Conv1DTranspose", "o", "x", KERNEL)], "Reshape, Conv2DTranspose .* and Reshape",
         [layer("Reshape", "r", "x", target_shape=[1, 2, 1]), layer("Conv2DTranspose", "c", "r", [KERNEL], filters=1),
          layer("Reshape", "o", "c", target_shape=[3, 1])]),
        ([layer("Embedding", "o", "x", [[1.0]])], "give the network what it would look up as an input",
         [layer("Identity", "o", "x")]),
        ([layer("LayerNormalization", "o", "x")], "use BatchNormalization", [layer("BatchNormalization", "o", "x")]),
        ([layer("EinsumDense", "o", "x", np.ones((2, 2)), equation="ab,ac->cb")], "that of a QDense",
         [layer("EinsumDense", "o", "x", np.ones((2, 2)), equation="ab,bc->ac")]),
        ([layer("QConv2DBatchnorm", "o", "x", kernel_quantizer=None)],
         "has no kernel_quantizer.*use Conv2D and BatchNormalization, which are quantized",
         [layer("Conv2D", "c", "x", np.ones((1, 1, 1, 1))), layer("BatchNormalization", "o", "c", *[[1.0]] * 4)]),
        ([layer("Softmax", "s", "x"), layer("ReLU", "o", "s")], "in the middle .*; end the network before it",
         [layer("ReLU", "o", "x")]),
        ([layer("Activation", "o", "x", activation="erf")], "has no quantized form here; train with another: relu",
         [layer("Activation", "o", "x", activation="relu")]),
    ],
)  # fmt: skip
def test_the_cure_of_a_refusal_works(refused: list[LayerSpec], told: str, cured: list[LayerSpec]) -> None:
    def slots(layers: list[LayerSpec]) -> tuple[Slot, ...]:
        return draft(normal_form(model(*layers)).model, (), Reference((), {})).slots

    with pytest.raises(UnsupportedError, match=rf"layer '.*{told}"):
        slots(refused)
    assert slots(cured)
