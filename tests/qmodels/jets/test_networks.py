"""Every architecture means the same in Keras, on arrays and as firmware; short trainings of it end as they must."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hls.emulation import emulate
from hls.importing import import_keras
from qmodels.errors import ModelDataError
from qmodels.jets.samples.columns import PUBLIC_LABELS
from qmodels.jets.samples.files import read_jets
from qmodels.jets.system import SYSTEM
from qmodels.jets.variants import VARIANTS
from tests.qmodels.jets.public_files import public_arrays, write_public

JETS = 1000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_public(tmp_path_factory.mktemp("public") / "jets.h5", *public_arrays(JETS))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp16", "sets-8", "in-8", "mixer-8-all"])
def test_keras_and_arrays_agree_and_each_width_is_exact(name: str, data: Path, tmp_path: Path) -> None:
    from qmodels.jets.arrays import read_network
    from qmodels.jets.keras_layers import FloatLayers, LearnedLayers, UniformLayers, keras_network
    from qmodels.jets.uniform import choose_formats
    from qmodels.training.records import save_model

    variant = VARIANTS[name]
    inputs = variant.inputs(read_jets(data, variant.constituents))[:50]
    model = keras_network(variant, FloatLayers())
    save_model(model, tmp_path / "reference.h5")
    network = read_network(tmp_path / "reference.h5", variant)
    assert np.allclose(network(inputs), model(inputs), atol=1e-5)
    for layers in (UniformLayers(choose_formats(network, inputs, 6)), LearnedLayers(variant, 6)):
        quantized = keras_network(variant, layers)
        quantized.set_weights([w if w.ndim == 0 else 0.7 * w for w in quantized.get_weights()])
        save_model(quantized, tmp_path / "model.h5")
        graph = import_keras(tmp_path / "model.h5")
        assert np.array_equal(emulate(graph, inputs), np.asarray(quantized(inputs), np.float64))


@pytest.mark.slow
def test_a_training_on_a_file_of_others(data: Path, tmp_path: Path) -> None:
    path = SYSTEM.train("mlp16", "uniform", tmp_path, epochs=25, data=data)
    record = json.loads((tmp_path / "training.json").read_text())
    assert set(record["stages"]) == {"float", "uniform"}
    graph = import_keras(path)
    measured = SYSTEM.fidelity_on(
        "mlp16", tmp_path, lambda inputs: emulate(graph, inputs), SYSTEM.read_events(data, "mlp16"), path=data,
        figure=tmp_path / "roc.png",
    )  # fmt: skip
    assert measured is not None
    # The file's classes are far apart.
    assert min(measured["accuracy"][side] for side in ("reference", "firmware")) > 0.6
    assert set(measured) == {"accuracy", "macro_auc", "cross_entropy", *(f"rejection_{name}" for name in "gqwzt")}
    assert (tmp_path / "roc.png").stat().st_size > 1000
    indices = SYSTEM.fidelity_on(
        "mlp16", tmp_path, lambda inputs: emulate(graph, inputs).argmax(axis=1)[:, None].astype(float),
        SYSTEM.read_events(data, "mlp16"), path=data, figure=tmp_path / "reference.png",
    )  # fmt: skip
    assert indices is not None
    assert indices == {"accuracy": measured["accuracy"]}
    assert (tmp_path / "reference.png").exists()


def test_wrong_options_of_a_training_are_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="unknown preset 'paper' of jets"):
        SYSTEM.train("mlp16", "paper", tmp_path)
    with pytest.raises(ModelDataError, match="at least 600 jets"):
        SYSTEM.train("mlp16", "lean", tmp_path, events=10, data=data)
    lists, table = public_arrays(JETS)
    table[:, PUBLIC_LABELS] = np.eye(5)[3]
    of_one = write_public(tmp_path / "z.h5", lists, table)
    with pytest.raises(ModelDataError, match="all its jets are of class 'z'"):
        SYSTEM.train("mlp16", "lean", tmp_path, data=of_one)
    for parameters, what in (({"charge": -1}, "charge=-1"), ({"depth": 3}, "'depth' cannot be scanned")):
        with pytest.raises(ModelDataError, match=what):
            SYSTEM.train_point("mlp16", parameters, tmp_path)
    assert set(SYSTEM.scan_space("sets-8")) == {"charge", "input_fraction"}
    assert SYSTEM.scan_objective("in-8") == "accuracy:max"


@pytest.mark.slow
def test_a_network_of_learned_widths_is_firmware(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qmodels.jets.presets import learned
    from qmodels.jets.search import train_learned
    from qmodels.jets.training import JetRun, JetTask
    from qmodels.training.records import save_model

    asked: list[int] = []
    trained_loss = JetTask.trained_loss

    def noted(task: JetTask, most: int) -> float:
        asked.append(most)
        return trained_loss(task, most)

    monkeypatch.setattr(JetTask, "trained_loss", noted)
    variant = VARIANTS["mlp16"]
    jets = read_jets(data, 1, 600)
    run = JetRun(variant=variant, jets=jets, out=tmp_path, epochs=1, seed=1)
    model, fitted = train_learned(run, replace(learned(variant), bit_jets=300))
    assert set(asked) == {300}  # they alone say which bits go
    save_model(model, tmp_path / "model.h5")
    graph = import_keras(tmp_path / "model.h5")
    inputs = variant.inputs(jets)
    assert np.array_equal(emulate(graph, inputs), np.asarray(model(inputs), np.float64))
    assert graph.float32_inexact() == ()
    assert len(fitted.history) == 1
