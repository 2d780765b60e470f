"""A whole training with next to no steps: what it leaves, that it resumes, and what is measured of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import hls
from hls.emulation import Emulator
from hls.project.systems.packing import emulated
from qmodels.errors import ModelDataError
from qmodels.simulation.pair_files import PairHeader, write_pairs
from qmodels.simulation.particles import NOISE, normal_noise, ports
from qmodels.simulation.system import SYSTEM
from tests.qmodels.simulation.made_up import pairs

pytestmark = pytest.mark.slow

EVENTS = 7000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulation") / "pairs.h5"
    write_pairs(path, pairs(EVENTS), PairHeader("z-ee", EVENTS, EVENTS, {}))
    return path


@pytest.fixture(scope="module")
def trained(data: Path) -> Path:
    out = data.parent / "desk"
    SYSTEM.train("decoder", "desk", out, epochs=1, data=data)
    return out


def test_firmware_computes_what_was_trained(trained: Path) -> None:
    import keras
    from qkeras.utils import _add_supported_quantized_objects

    known: dict[str, object] = {}
    _add_supported_quantized_objects(known)
    model = keras.models.load_model(trained / "model.h5", custom_objects=known, compile=False)
    inputs = ports(pairs(500, 9).z, normal_noise(500, 1, 0))
    (firmware,) = Emulator(hls.import_keras(trained / "model.h5")).evaluate(inputs)
    assert np.array_equal(firmware, np.asarray(model(list(inputs.values())), np.float64))


def test_a_step_from_the_identity_is_near_it(trained: Path) -> None:
    inputs = ports(pairs(500, 9).z, np.zeros((500, NOISE)))
    moved = emulated(trained / "model.h5")(inputs)[0] - inputs["momenta"].reshape(500, 6)
    assert 0.0 < np.abs(moved).max() < 0.5


def test_a_resumed_training_ends_with_the_same_bits(trained: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "checkpoints", tmp_path / "checkpoints")
    SYSTEM.train("decoder", "desk", tmp_path, epochs=1, data=data, resume=True)
    first, second = (hls.import_keras(folder / "model.h5").digest() for folder in (trained, tmp_path))
    assert first == second


def test_the_float_networks_are_used_again_for_learned_widths(trained: Path, data: Path, tmp_path: Path) -> None:
    for name in ("reference.h5", "partner.h5"):
        shutil.copy(trained / name, tmp_path)
    SYSTEM.train("decoder", "lean", tmp_path, epochs=1, data=data)
    assert (tmp_path / "reference.h5").read_bytes() == (trained / "reference.h5").read_bytes()
    graph = hls.import_keras(tmp_path / "model.h5")
    assert graph.float32_inexact() == ()
    stages = json.loads((tmp_path / "training.json").read_text())["stages"]
    assert [stages[stage]["epochs"] for stage in ("lean", "lean-settled")] == [1, 1]


def test_a_folder_is_measured_beside_floor_and_identity(trained: Path, data: Path) -> None:
    found = SYSTEM.fidelity_on("decoder", trained, emulated(trained / "model.h5"), {}, path=data)
    assert found is not None
    assert {"simulated_sw", "noise_spread", "encoded_sw"} <= set(found)
    assert all(np.isfinite(metric["firmware"]) for metric in found.values())


def test_a_page_says_what_of_a_file_was_left_out(trained: Path, tmp_path: Path) -> None:
    strange = pairs(2000)
    strange.x[7, 2] = np.inf
    write_pairs(tmp_path / "strange.h5", strange, PairHeader("z-ee", 2000, 2000, {}))
    page = SYSTEM.evaluate("decoder", trained, tmp_path, data=tmp_path / "strange.h5", load=emulated)
    assert "|  | floor | identity | float | firmware | published |" in page.read_text()
    assert "Halves of 999, of the events of strange.h5." in page.read_text()
    assert "Left out: 1 (a number that is not finite).\nLeft out: 1 (last of an odd number)." in page.read_text()
    assert "cut into halves at random, 20 times" in page.read_text()
    assert "| SW x̃′ over float's |  |  |  | " in page.read_text()
    assert (page.parent / "evaluation.png").stat().st_size > 10_000


def test_too_few_pairs_and_a_missing_partner_are_named(trained: Path, data: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="6400 of 7000 pairs cannot be trained on"):
        SYSTEM.train("decoder", "desk", tmp_path, events=6400, data=data)
    with pytest.raises(ModelDataError, match=r"a batch takes 20000; give more pairs"):
        SYSTEM.train("decoder", "paper", tmp_path, data=data)
    shutil.copy(trained / "model.h5", tmp_path)
    with pytest.raises(ModelDataError, match=r"partner_model.h5: missing"):
        SYSTEM.fidelity_on("decoder", tmp_path, emulated(trained / "model.h5"), {}, path=data)
