"""Plain networks to QKeras files: what is folded, which types are chosen, and that the file is what was chosen."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from hls import emulate, import_keras
from hls.cli.app import app
from hls.errors import ProjectError, UnsupportedError
from hls.importing.importer import build_graph
from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef
from hls.project.fidelity.statistics import auc
from hls.project.quantizing.candidate import Draft, Slot, draft, quantized
from hls.project.quantizing.fidelity import Judge, parse_goal
from hls.project.quantizing.normal_form import normal_form
from hls.project.quantizing.offer import quantize_command
from hls.project.quantizing.recurrent import states
from hls.project.quantizing.reference import Reference
from hls.project.quantizing.search import Trial, within_goal, within_luts
from hls.project.quantizing.types import Choice, best_choice
from tests.hls.importing import files


def layer(kind: str, name: str, source: str, *weights: Any, **config: Any) -> LayerSpec:
    arrays = tuple(np.asarray(w, np.float32) for w in weights)
    return LayerSpec(name, kind, config, (Call((TensorRef(source, 0, 0),)),), arrays)


def model(*layers: LayerSpec, size: int = 2) -> ModelSpec:
    port = LayerSpec("x", "InputLayer", {"batch_shape": [None, size]}, (Call(),), ())
    return ModelSpec(
        "net",
        {spec.name: spec for spec in (port, *layers)},
        (TensorRef("x", 0, 0),),
        (TensorRef(layers[-1].name, 0, 0),),
    )


DENSE = layer("Dense", "d", "x", [[1.0, 0.5], [-2.0, 4.0]], [0.25, 1.0], units=2, use_bias=True, activation="linear")
# gamma / sqrt(variance + epsilon) is 2 and 1/2; the offset beta - mean * factor is 1 - 3 * 2 and 0 - (-2) * 1/2
NORMAL = layer("BatchNormalization", "n", "d", [4.0, 0.5], [1.0, 0.0], [3.0, -2.0], [3.0, 0.0], epsilon=1.0)
RELU = layer("Activation", "a", "n", activation="relu")


GATES = {"activation": "tanh", "recurrent_activation": "sigmoid"}
CELL = [[[0.5] * 8], [[0.25] * 8] * 2, [0.125] * 8]
"""Of one feature and two units."""


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


class TestTypes:
    def test_integer_bits_hold_the_largest_value(self) -> None:
        assert best_choice(np.array([0.1, -0.7, 3.2]), 12, signed=True) == Choice(12, 2, True)
        assert best_choice(np.array([0.02, 0.03]), 8, signed=False).integer == -5

    def test_an_outlier_is_clipped_where_that_serves_the_others(self) -> None:
        values = np.append(np.random.default_rng(0).normal(0, 0.2, 10_000), 4.5)
        assert best_choice(values, 4, signed=True).integer < 3
        assert best_choice(values, 16, signed=True).integer == 3

    def test_small_values_from_zero_on_have_a_quantizer_that_qkeras_computes(self) -> None:
        assert Choice(6, -3, False).text == "quantized_bits(6,-3,keep_negative=0,alpha=1)"
        assert Choice(6, 2, False).text == "quantized_relu(6,2)"

    def test_apply_is_what_qkeras_does(self) -> None:
        assert Choice(4, 1, True).apply(np.array([0.125, 0.375, 9.0, -9.0])).tolist() == [0.0, 0.5, 1.75, -2.0]
        assert Choice(3, 1, False).apply(np.array([-1.0, 0.6, 9.0])).tolist() == [0.0, 0.5, 1.75]


def drafted(spec: ModelSpec) -> Draft:
    """What Keras would compute, by hand: a dense layer, a normalization folded, a ReLU."""
    form = normal_form(spec).model
    x = np.random.default_rng(1).uniform(-1, 1, (500, 2)).astype(np.float32)
    kernel, bias = form.layers["d"].weights
    sums = x @ kernel + bias
    relu = np.maximum(sums, 0)
    return draft(form, (x,), Reference((relu,), {"d": sums, "a": relu}))


class TestCandidate:
    def test_every_rounding_has_a_slot_and_no_more(self) -> None:
        assert [str(slot) for slot in drafted(model(DENSE, NORMAL, RELU)).slots] == [
            "x values",
            "d weights",
            "a values",
        ]

    def test_wide_types_give_the_float_network(self) -> None:
        found = drafted(model(DENSE, NORMAL, RELU))
        graph = build_graph(quantized(found, dict.fromkeys(found.slots, 16)))
        assert np.abs(emulate(graph, found.inputs[0]) - found.reference.outputs[0]).max() < 2**-11

    def test_a_function_has_a_quantizer_before_and_behind_it(self) -> None:
        form = normal_form(model(DENSE, layer("Activation", "e", "d", activation="elu"))).model
        x = np.random.default_rng(1).uniform(-1, 1, (500, 2)).astype(np.float32)
        kernel, bias = form.layers["d"].weights
        sums = x @ kernel + bias
        values = np.where(sums > 0, sums, np.expm1(sums))
        found = draft(form, (x,), Reference((values,), {"d": sums, "e": values}))
        assert [str(slot) for slot in found.slots] == ["x values", "d weights", "e in", "e values"]
        graph = build_graph(quantized(found, dict.fromkeys(found.slots, 14)))
        assert np.abs(emulate(graph, x) - values).max() < 2**-9

    def test_a_recurrent_layer_keeps_what_its_tables_can_hold(self) -> None:
        """Of what a gate sums six fraction bits of each factor, of the gate seven bits; the state to its largest."""
        net = model(layer("LSTM", "r", "x", *CELL, units=2, use_bias=True, **GATES))
        x = np.full((1, 40, 1), 4.0, np.float32)
        found = draft(normal_form(net).model, (x,), Reference((), {"r": np.zeros((1, 2), np.float32)}))
        assert [str(slot) for slot in found.slots] == ["x values", "r weights", "r values"]
        spec = quantized(found, dict.fromkeys(found.slots, 12)).layers
        assert spec["x_rounded"].config["activation"] == "quantized_bits(10,3,alpha=1)"
        cell = spec["r"]
        assert (cell.class_name, cell.config["state_quantizer"]) == ("QLSTM", "quantized_bits(11,4,alpha=1)")
        assert cell.config["recurrent_activation"] == "quantized_sigmoid(7,use_real_sigmoid=1)"
        assert cell.config["kernel_quantizer"] == "quantized_bits(7,0,alpha=1)"

    def test_a_state_by_hand(self) -> None:
        """Gates 1/2 and candidate tanh(1): half of it is kept, and half of what was there before."""
        cell = [np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4)), np.zeros(4)]
        found = states(layer("LSTM", "r", "x", *cell, **GATES), np.ones((1, 2, 1)))
        c = np.tanh(1) / 2
        assert found.ravel() == pytest.approx([c, np.tanh(c) / 2, 1.5 * c, np.tanh(1.5 * c) / 2])


class TestFidelity:
    def test_auc_of_ties(self) -> None:
        assert auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])) == 0.875

    def test_metrics_by_hand(self) -> None:
        judge = Judge((np.array([[1.0, 0.0], [0.0, 1.0]]),), np.array([0, 1]))
        found = judge([np.array([[1.0, 0.0], [1.0, 0.5]])])
        assert found["flips"] == 0.5
        assert found["accuracy_loss"] == 0.5
        assert found["error"] == pytest.approx(np.sqrt((1 + 0.25) / 4) / 0.5)

    @pytest.mark.parametrize(
        ("text", "told"),
        [("error", "write it like"), ("auc_loss<1", "need --labels"), ("flops<1", "flops"), ("error<1e", "no number")],
    )
    def test_a_budget_that_cannot_be(self, text: str, told: str) -> None:
        with pytest.raises(ProjectError, match=told):
            parse_goal(text, ("error", "flips"))


class TestSearch:
    SLOTS = (Slot("a", "weights", signed=True), Slot("b", "weights", signed=True))

    def evaluate(self, widths: Any) -> Trial:
        """Slot a costs a hundred times as much fidelity as b."""
        a, b = (widths[slot] for slot in self.SLOTS)
        return Trial(dict(widths), {"error": 2.0**-a + 0.01 * 2.0**-b}, a + b)

    def test_bits_go_where_they_cost_least(self) -> None:
        start = self.evaluate(dict.fromkeys(self.SLOTS, 12))
        found = within_goal(start, parse_goal("error<0.01", ("error",)), self.evaluate)
        assert (found.widths[self.SLOTS[0]], found.widths[self.SLOTS[1]]) == (7, 3)

    def test_luts_stop_it(self) -> None:
        start = self.evaluate(dict.fromkeys(self.SLOTS, 12))
        found = within_luts(start, 20, lambda trial: trial.ebops, self.evaluate)
        assert found.ebops == 20


@pytest.mark.slow
def test_from_a_float_network_to_a_file_that_qkeras_computes_alike(tmp_path: Path) -> None:
    import keras

    rng = np.random.default_rng(2)
    inputs = keras.Input((6,), name="particles")
    x = keras.layers.BatchNormalization(name="scale")(inputs)
    x = keras.layers.Dense(8, name="first")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Activation("relu", name="relu")(x)
    y = keras.layers.Dense(8, activation="tanh", name="second")(x)
    x = keras.layers.Add(name="skip")([x, y])
    outputs = keras.layers.Dense(3, activation="softmax", name="out")(x)
    net = keras.Model(inputs, outputs)
    for spec in net.layers:
        spec.set_weights([np.abs(rng.normal(1, 0.3, w.shape)) if "norm" in spec.name or spec.name == "scale" else
                          rng.normal(0, 0.5, w.shape) for w in spec.get_weights()])  # fmt: skip
    net.save(tmp_path / "float.keras")
    events = rng.normal(size=(3000, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", events)
    np.save(tmp_path / "y.npy", net.predict(events, verbose=0).argmax(axis=1))
    out = tmp_path / "small.keras"
    arguments = ["--events", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", "--bits", "8"]
    arguments += ["--out", out, "--plot", tmp_path / "bits.png", "--json"]
    done = CliRunner().invoke(app, ["quantize", str(tmp_path / "float.keras"), *map(str, arguments)])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert set(answer["metrics"]) == {"error", "flips", "auc_loss", "accuracy_loss"}
    assert answer["metrics"]["accuracy_loss"] < 0.03
    assert (tmp_path / "bits.png").read_bytes().startswith(b"\x89PNG")
    graph = import_keras(out)
    from hls.verification.witnesses.framework_worker import custom_objects

    quantized_net = keras.models.load_model(out, custom_objects=custom_objects(), compile=False)
    assert np.array_equal(emulate(graph, events), quantized_net(events, training=False).numpy())


def written_by_hand(path: Path) -> Path:
    rng = np.random.default_rng(4)
    weights = {"d": [rng.normal(0, 0.5, (3, 2)), rng.normal(0, 0.1, 2)]}
    dense = files.layer("Dense", "d", files.tensor("x"), units=2, use_bias=True, activation="softmax")
    return files.write(path, [files.port("x", 3), dense], "d", weights)


def offered(directory: Path) -> str:
    """What `new` says of a plain network and its events, whose names have spaces."""
    np.save(directory / "my events.npy", np.random.default_rng(5).normal(size=(500, 3)).astype(np.float32))
    model = written_by_hand(directory / "my model.keras")
    words = ["new", "mine", "--part", "xcvu13p-flga2577-2-e", "--events", str(directory / "my events.npy")]
    refused = CliRunner().invoke(app, [*words, "--model", str(model)])
    assert isinstance(refused.exception, UnsupportedError)
    assert str(refused.exception).endswith("`")
    return str(refused.exception)[:-1].rpartition("`")[2]


def test_new_offers_the_whole_command_that_makes_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, events = tmp_path / "my model.keras", tmp_path / "my events.npy"
    assert offered(tmp_path) == f"qtrigger quantize '{model}' --events '{events}' --out 'my model_quantized.keras'"


def test_a_network_that_quantize_would_refuse_gets_no_such_offer(tmp_path: Path) -> None:
    model = files.write(tmp_path / "model.keras", [files.port("x", 2), files.activation("o", "relu", "x")], "o")
    assert quantize_command(model, tmp_path / "x.npy") is None
    assert quantize_command(tmp_path / "absent.keras", tmp_path / "x.npy") is None


@pytest.mark.slow
def test_convolutions_of_every_kind_and_operators_are_quantized(tmp_path: Path) -> None:
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(1)  # of some networks every ReLU is dead
    inputs = keras.Input((4, 4, 2), name="image")
    x = layers.SeparableConv2D(3, 2, activation="relu")(inputs)
    x = layers.BatchNormalization()(layers.Conv2DTranspose(2, 2, strides=2)(x))
    x = layers.Activation("leaky_relu")(x)
    x = layers.DepthwiseConv1D(3)(layers.Reshape((12, 6))(x))
    x = layers.SeparableConv1D(2, 3, depth_multiplier=2)(ops.concatenate([ops.abs(x), ops.tanh(x)], axis=-1))
    x = ops.min(ops.relu(x) * 0.5 + 1.0, axis=1)
    net = keras.Model(inputs, layers.Dense(2)(layers.Dense(4, activation="relu")(x)))
    net.save(tmp_path / "plain.keras")
    events = np.random.default_rng(0).normal(size=(300, 4, 4, 2)).astype(np.float32)
    np.save(tmp_path / "events.npy", events)
    out = tmp_path / "quantized.keras"
    words = ["quantize", tmp_path / "plain.keras", "--events", tmp_path / "events.npy", "--out", out, "--bits", 14]
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["metrics"]["error"] < 0.01
    wanted = np.asarray(net(events, training=False))
    found = emulate(import_keras(out), events)
    assert np.abs(found - wanted).max() < 0.05 * wanted.std()


@pytest.mark.slow
def test_recurrent_layers_are_quantized_and_qkeras_computes_them_alike(tmp_path: Path) -> None:
    import keras
    from keras import layers

    from hls.verification.witnesses.framework_worker import custom_objects

    keras.utils.set_random_seed(1)
    inputs = keras.Input((3, 2), name="hits")
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(inputs)
    net = keras.Model(inputs, layers.Dense(1)(layers.SimpleRNN(2)(x)))
    net.set_weights([2 * array for array in net.get_weights()])  # of signals that are not lost in roundings
    net.save(tmp_path / "plain.keras")
    events = np.random.default_rng(0).normal(size=(300, 3, 2)).astype(np.float32)
    np.save(tmp_path / "events.npy", events)
    out = tmp_path / "quantized.keras"
    words = ["quantize", tmp_path / "plain.keras", "--events", tmp_path / "events.npy", "--out", out, "--bits", 10]
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["metrics"]["error"] < 0.1
    quantized_net = keras.models.load_model(out, custom_objects=custom_objects(), compile=False)
    assert np.array_equal(emulate(import_keras(out), events), quantized_net(events, training=False).numpy())


@pytest.mark.slow
def test_the_offered_command_makes_a_network_that_new_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(offered(tmp_path))
    assert words[0] == "qtrigger"
    assert CliRunner().invoke(app, words[1:]).exit_code == 0
    again = ["new", "mine", "--part", "xcvu13p-flga2577-2-e", "--model", words[-1], "--events", words[4]]
    assert CliRunner().invoke(app, again).exit_code == 0
    assert (tmp_path / "firmware_projects" / "mine" / "project.toml").is_file()
