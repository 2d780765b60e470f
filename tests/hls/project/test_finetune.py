"""Quantization-aware epochs behind `quantize`: what is learned, from what, and that an interruption changes nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from hls import emulate, import_keras
from hls.cli.app import app
from hls.errors import EventError, ToolError
from hls.importing.spec import LayerSpec, ModelSpec, TensorRef
from hls.project.quantizing import Request, keras_process, keras_training
from hls.project.quantizing.fidelity import Judge, check_labels
from hls.project.quantizing.finetune import lesson
from hls.project.quantizing.quantize import moved_beyond


def network(activation: str) -> ModelSpec:
    last = LayerSpec("last", "Activation", {"activation": activation}, (), ())
    return ModelSpec("net", {"last": last}, (), (TensorRef("last", 0, 0),))


class TestLesson:
    EVENTS = (np.zeros((40, 3), np.float32),)

    def test_without_labels_it_is_what_the_float_network_says(self) -> None:
        outputs = (np.ones((40, 2), np.float32),)
        found = lesson(network("relu"), self.EVENTS, outputs, None)
        assert (found.loss, found.held_out) == ("distance", 4)
        assert found.targets is outputs

    def test_labels_become_a_column_a_class(self) -> None:
        labels = np.array([2, 0] * 20)
        found = lesson(network("relu"), self.EVENTS, (np.zeros((40, 3)),), labels)
        assert found.loss == "classes"
        assert found.targets[0][:2].tolist() == [[0, 0, 1], [1, 0, 0]]

    @pytest.mark.parametrize(("activation", "loss"), [("relu", "signal"), ("sigmoid", "probability")])
    def test_one_score_is_a_logit_unless_a_sigmoid_gives_it(self, activation: str, loss: str) -> None:
        found = lesson(network(activation), self.EVENTS, (np.zeros((40, 1)),), np.array([0, 1] * 20))
        assert found.loss == loss
        assert found.targets[0][:2].tolist() == [[0], [1]]

    def test_too_few_events(self) -> None:
        with pytest.raises(EventError, match="19 events"):
            lesson(network("relu"), (np.zeros((19, 3)),), (np.zeros((19, 1)),), None)

    def test_labels_of_a_network_with_two_outputs(self) -> None:
        with pytest.raises(EventError, match="leave out --labels"):
            lesson(network("relu"), self.EVENTS, (np.zeros((40, 1)),) * 2, np.zeros(40, np.int64))


class TestLabels:
    def test_one_beyond_the_classes_is_named(self) -> None:
        with pytest.raises(EventError, match=r"y.npy: label 5; the network tells 5 classes, 0 to 4"):
            check_labels(np.zeros((3, 5)), np.array([0, 5, 1]), "y.npy")
        with pytest.raises(EventError, match="label -1"):
            check_labels(np.zeros((2, 1)), np.array([-1, 1]), "y.npy")
        check_labels(np.zeros((2, 1)), np.array([0, 1]), "y.npy")

    def test_outputs_that_are_no_scores(self) -> None:
        with pytest.raises(EventError, match=r"\(4, 4\)"):
            check_labels(np.zeros((3, 4, 4)), np.array([0, 1, 1]), "y.npy")

    def test_the_judge_of_the_last_events(self) -> None:
        judge = Judge((np.array([[1.0, 0], [0, 1], [1, 0]]),), np.array([1, 1, 0])).last(2)
        assert judge([np.array([[1.0, 0], [0, 1]])])["accuracy_loss"] == 1.0


class TestBeyondTheGoal:
    """Training for labels leaves the float network behind, and so its error."""

    def moved(self, error: float, **wanted: Any) -> tuple[str, ...]:
        request = Request(Path("m.h5"), Path("x.npy"), Path("q.keras"), **wanted)
        return moved_beyond(request, ("error", "flips"), {"error": error, "flips": 0.1}, 900.0)

    def test_it_is_said(self) -> None:
        assert self.moved(0.5) == ("training took error to 0.5; error<0.02 held before, and chose the types",)
        assert self.moved(0.5, budget="flips<0.05")[0].startswith("training took flips to 0.1;")
        assert self.moved(0.5, luts=800) == ("training took the estimate to 900 LUTs, beyond --luts",)

    def test_where_the_goal_holds_nothing_is(self) -> None:
        assert self.moved(0.01) == self.moved(0.5, budget="flips<0.2") == ()
        assert self.moved(0.5, luts=1000) == self.moved(0.5, bits=4) == ()


class TestOption:
    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            (["--finetune"], 10),
            (["--finetune", "3"], 3),
            (["--finetune=4"], 4),
            (["--finetune", "--seed", "2"], 10),
            ([], None),
        ],
    )
    def test_its_number_may_be_left_out(
        self, given: list[str], taken: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        def remember(request: Any, _progress: Any) -> None:
            asked.append(request.finetune)
            raise EventError("enough")

        monkeypatch.setattr("hls.project.quantizing.quantize", remember)
        out = tmp_path / "q.keras"
        CliRunner().invoke(app, ["quantize", *given, "m.h5", "--events", "x.npy", "--out", str(out)])
        assert asked == [taken]

    def test_no_epochs_are_none(self, tmp_path: Path) -> None:
        words = ["quantize", "m.h5", "--events", "x.npy", "--out", str(tmp_path / "q.keras"), "--finetune"]
        assert CliRunner().invoke(app, [*words, "0"]).exit_code == 2
        assert CliRunner().invoke(app, [*words, "-3"]).exit_code == 2


def test_a_keras_that_dies_is_told_by_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dies = "import sys; sys.stdin.readline(); print('3/5', flush=True); sys.exit('no such layer')"
    monkeypatch.setattr(keras_process, "_COMMAND", (sys.executable, "-c", dies))
    seen: list[tuple[int, int]] = []
    empty = ModelSpec("net", {}, (), ())
    with pytest.raises(ToolError, match=r"exit 1.*no such layer"), keras_process.keras_process() as keras:
        keras.do(tmp_path, empty, {"do": "save"}, lambda done, total: seen.append((done, total)))
    assert seen == [(3, 5)]


def _job(folder: Path, checkpoint: Path) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    np.save(folder / "input0.npy", x)
    np.save(folder / "target0.npy", np.eye(2, dtype=np.float32)[(x[:, 0] > x[:, 1]).astype(int)])
    return {"inputs": 1, "outputs": 1, "held_out": 60, "loss": "classes", "loss_weights": [1.0], "epochs": 3,
            "seed": 5, "checkpoint": str(checkpoint), "key": "this"}  # fmt: skip


def _model(keras: Any) -> Any:
    from qkeras import QDense, quantized_bits

    inputs = keras.Input((4,))
    bits = quantized_bits(4, 0, alpha=1)
    model = keras.Model(inputs, QDense(2, kernel_quantizer=bits, bias_quantizer=bits, name="d")(inputs))
    kernel = np.random.default_rng(4).uniform(-0.2, 0.2, (4, 2))
    model.get_layer("d").set_weights([kernel, np.zeros(2)])
    return model


@pytest.mark.slow
def test_a_training_that_is_interrupted_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    monkeypatch.setattr(keras_training, "_BATCH", 32)
    monkeypatch.setattr(keras_training, "_RATE", 0.02)
    job = _job(tmp_path, tmp_path / "whole.npz")
    keras_training.train(keras, None, _model(keras), job, tmp_path)
    with np.load(tmp_path / "trained.npz") as arrays:
        whole = {key: arrays[key] for key in arrays.files}
    (tmp_path / "trained.npz").unlink()
    assert whole["d:0"][0, 1] > whole["d:0"][0, 0]  # the second class is that of events whose first value is larger

    class Interrupted(Exception):
        pass

    def until_the_first(epoch: int) -> Any:
        raise Interrupted if epoch == 1 else AssertionError

    keep = keras_training._Run.keep
    monkeypatch.setattr(keras_training._Run, "keep", lambda self, epoch: (keep(self, epoch), until_the_first(epoch)))
    job["checkpoint"] = str(tmp_path / "broken.npz")
    with pytest.raises(Interrupted):
        keras_training.train(keras, None, _model(keras), job, tmp_path)
    monkeypatch.setattr(keras_training._Run, "keep", keep)
    keras_training.train(keras, None, _model(keras), job, tmp_path)
    with np.load(tmp_path / "trained.npz") as arrays:
        assert all(np.array_equal(arrays[key], whole[key]) for key in whole)
    job["key"], job["epochs"] = "another", 1
    keras_training.train(keras, None, _model(keras), job, tmp_path)
    with np.load(tmp_path / "trained.npz") as arrays:
        assert not np.array_equal(arrays["d:0"], whole["d:0"])  # the checkpoint of another job is none of this one


@pytest.mark.slow
def test_coarse_types_lose_less_after_training(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(2)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(16, activation="relu")(inputs)
    net = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
    events = rng.normal(size=(4000, 6)).astype(np.float32)
    net.save(tmp_path / "float.keras")
    np.save(tmp_path / "x.npy", events)
    out = tmp_path / "small.keras"
    words = ["--events", tmp_path / "x.npy", "--bits", "3", "--out", out, "--json", "--finetune", "6"]
    done = CliRunner().invoke(app, ["quantize", str(tmp_path / "float.keras"), *map(str, words)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["finetuning"]
    assert (told["epochs"], told["held_out"]) == (6, 400)
    assert told["after"]["error"] < 0.8 * told["before"]["error"]
    assert not (tmp_path / "small.finetune.npz").exists()
    from hls.witnesses.framework_worker import custom_objects

    tuned = keras.models.load_model(out, custom_objects=custom_objects(), compile=False)
    assert np.array_equal(emulate(import_keras(out), events), tuned(events, training=False).numpy())
