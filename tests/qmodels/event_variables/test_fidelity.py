"""Fidelity on functions whose answers are known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from qmodels.classification import auc, binary_cross_entropy
from qmodels.errors import ModelDataError
from qmodels.event_variables.fidelity import correlations
from qmodels.event_variables.human import human_variable
from qmodels.event_variables.system import SYSTEM
from qmodels.event_variables.variants import INPUT_SCALE
from qmodels.numpy_networks import read_dense_network


def write_network(path: Path, layers: Sequence[tuple[npt.ArrayLike, npt.ArrayLike, str]]) -> None:
    """Write what Keras writes to .h5, as far as a reader of dense networks looks."""
    entries: list[dict[str, Any]] = [{"class_name": "InputLayer", "config": {"name": "in"}, "inbound_nodes": []}]
    previous = "in"
    with h5py.File(path, "w") as file:
        for index, (kernel, bias, activation) in enumerate(layers):
            name = f"dense_{index}"
            config = {"name": name, "activation": activation}
            entries.append({"class_name": "Dense", "config": config, "inbound_nodes": [[[previous, 0, 0, {}]]]})
            previous = name
            group = file.create_group(f"model_weights/{name}")
            group[f"{name}/kernel"] = np.asarray(kernel, np.float32)
            group[f"{name}/bias"] = np.asarray(bias, np.float32)
            group.attrs["weight_names"] = [f"{name}/kernel", f"{name}/bias"]
        ports = {"input_layers": [["in", 0, 0]], "output_layers": [[previous, 0, 0]]}
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": {"layers": entries, **ports}})


def mass(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return human_variable("two-body", inputs / INPUT_SCALE)[:, None]


def signed_mass(sign: float, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return sign * mass(inputs)


def test_the_human_variable_itself_has_tau_one(tmp_path: Path) -> None:
    for sign in (1.0, -1.0):
        result = SYSTEM.fidelity("two-body", tmp_path, partial(signed_mass, sign), events=5000)
        assert result == {
            "kendall_tau": {"reference": None, "firmware": 1.0, "unit": "1"},
            "spearman": {"reference": None, "firmware": pytest.approx(1.0), "unit": "1"},
        }


def test_a_classifier_that_ignores_everything_costs_ln_2(tmp_path: Path) -> None:
    write_network(tmp_path / "classifier.h5", [([[0.0], [0.0]], [0.0], "linear")])
    result = SYSTEM.fidelity("two-body", tmp_path, mass, events=5000)
    assert result["bce"]["firmware"] == pytest.approx(np.log(2.0), rel=1e-12)
    assert result["auc"]["firmware"] == 0.5


def test_a_perfect_variable_and_classifier(tmp_path: Path) -> None:
    # logit = 20 - 1e4 |V - m_A|, V = m_A up to rounding: right for every true Theta and nearly every fresh one.
    write_network(
        tmp_path / "classifier.h5",
        [([[1.0, -1.0], [-1.0, 1.0]], [0.0, 0.0], "relu"), ([[-1e4], [-1e4]], [20.0], "linear")],
    )
    result = SYSTEM.fidelity("two-body", tmp_path, lambda x: mass(x) * INPUT_SCALE, events=5000)
    assert result["auc"]["firmware"] > 0.99
    assert result["bce"]["firmware"] < 0.1


def test_reference_is_read_and_compared(tmp_path: Path) -> None:
    energies = np.zeros((8, 1))
    energies[[0, 4]] = 1.0
    write_network(tmp_path / "reference.h5", [(energies, [0.0], "linear")])
    write_network(tmp_path / "classifier.h5", [([[0.0], [1.0]], [0.0], "linear")])
    write_network(tmp_path / "reference_classifier.h5", [([[0.0], [1.0]], [0.0], "linear")])
    result = SYSTEM.fidelity("two-body", tmp_path, lambda x: (x[:, [0]] + x[:, [4]]).astype(np.float64), events=5000)
    for metric in ("kendall_tau", "spearman", "bce", "auc"):
        assert result[metric]["reference"] == pytest.approx(result[metric]["firmware"], abs=1e-6)


def test_correlations_by_hand() -> None:
    # (1 2 3 4) against (2 1 4 3): four pairs agree, two do not -> tau 2/6.
    assert correlations(np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])) == pytest.approx((1, 1 / 3, 0.6))
    assert correlations(-np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])) == pytest.approx((-1, 1 / 3, 0.6))
    assert correlations(np.zeros(4), np.array([2.0, 1, 4, 3])) == (1.0, 0.0, 0.0)


def test_auc_and_cross_entropy_by_hand() -> None:
    assert auc(np.array([3.0, 1.0]), np.array([0.0, 2.0])) == 0.75
    assert auc(np.array([1.0]), np.array([1.0])) == 0.5
    # sigmoid(ln 3) = 3/4 for class 1, sigmoid(-ln 3) = 1/4 for class 0: both cost ln(4/3).
    logit = np.array([np.log(3.0)])
    assert binary_cross_entropy(logit, -logit) == pytest.approx(np.log(4 / 3))


def test_network_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "n.h5"
    write_network(path, [([[1.0, -1.0]], [0.5, 0.5], "relu"), ([[2.0], [3.0]], [-1.0], "linear")])
    # x = 2: relu(2.5, -1.5) -> 5 - 1; x = -1: relu(-0.5, 1.5) -> 4.5 - 1.
    assert read_dense_network(path, 1)([[2.0], [-1.0]]).tolist() == [[4.0], [3.5]]


def test_unusable_networks_are_named(tmp_path: Path) -> None:
    path = tmp_path / "n.h5"
    with pytest.raises(ModelDataError, match="no such model file"):
        read_dense_network(path, 1)
    path.write_text("not HDF5")
    with pytest.raises(ModelDataError, match="not a Keras model in HDF5"):
        read_dense_network(path, 1)
    write_network(path, [([[1.0]], [0.0], "tanh")])
    with pytest.raises(ModelDataError, match="'dense_0' has activation 'tanh'"):
        read_dense_network(path, 1)
    write_network(path, [([[1.0]], [0.0], "relu")])
    with pytest.raises(ModelDataError, match="takes 1 inputs, 8 are needed"):
        read_dense_network(path, 8)
    write_network(path, [])
    with pytest.raises(ModelDataError, match="no Dense layer"):
        read_dense_network(path, 1)


def test_figure_is_drawn(tmp_path: Path) -> None:
    figure = tmp_path / "fig2.png"
    SYSTEM.fidelity("two-body", tmp_path, mass, events=2000, figure=figure)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [figure]


def test_import_brings_no_tensorflow() -> None:
    code = (
        "import sys; import qmodels.event_variables.system; "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
