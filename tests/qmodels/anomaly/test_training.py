"""Training, firmware and fidelity on events that are made up: no generator is needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from qmodels.anomaly.fidelity import Sample, Scores, float_scores, measure
from qmodels.anomaly.samples.files import write_events
from qmodels.anomaly.system import SYSTEM
from qmodels.anomaly.variants import find_variant
from qmodels.errors import ModelDataError
from qmodels.generation.headers import SampleHeader
from qmodels.types import Floats32


def synthetic_events(n: int, seed: int = 1) -> Floats32:
    """A hard muon, momentum missing against it, and now and then a jet."""
    random = np.random.default_rng(seed)
    events = np.zeros((n, 19, 3), np.float32)
    phi = random.uniform(-np.pi, np.pi, n)
    pt = 23.0 + random.exponential(15.0, n)
    events[:, 5] = np.stack([pt, random.uniform(-2, 2, n), phi], axis=1)
    events[:, 0] = np.stack([pt * random.uniform(0.5, 1.0, n), np.zeros(n), np.remainder(phi, 2 * np.pi) - np.pi], 1)
    jet = random.random(n) < 0.4
    events[jet, 9] = np.stack([15.0 + random.exponential(20.0, n), random.normal(0, 2, n), -phi], axis=1)[jet]
    return events


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "background.h5"
    write_events(path, [(synthetic_events(500), None)], lambda: SampleHeader("background", 1, "a test", 500, {}))
    return path


def test_thresholds_and_efficiencies_by_hand() -> None:
    scores = Scores(np.arange(1000.0), {"s": np.array([998.5, 999.5, 10.0, 998.0])})
    assert scores.threshold(1e-3) == 998.0  # one event above it
    assert scores.threshold(1e-5) == 999.0  # none
    assert (scores.efficiency("s", 1e-3), scores.efficiency("s", 1e-5)) == (0.5, 0.25)
    told = measure(scores, None)
    assert told["efficiency_s"] == {"reference": None, "firmware": 0.25, "unit": "1"}
    assert told["threshold_1khz"] == {"reference": None, "firmware": 999.0, "unit": "score"}
    assert told["auc_s"]["firmware"] == pytest.approx((998.5 + 999.5 + 10.5 + 998.0 - 1.5 + 1.0) / 4000, abs=1e-3)


def test_efficiency_lies_between_those_of_thresholds_that_chance_may_give() -> None:
    # Four events of 400,000 are to pass: two to six do in 68 % of such samples (Poisson: 0.09 for one, 0.89 for six).
    scores = Scores(np.arange(400_000.0), {"s": np.array([399_999.0, 399_997.0, 399_994.0, 399_993.0])})
    assert scores.efficiency("s", 1e-5) == 0.5
    assert scores.efficiency_range("s", 1e-5) == (0.25, 0.75)
    few = Scores(np.arange(1000.0), scores.signals)  # none passes: nothing is known of what lies above them all
    assert few.efficiency_range("s", 1e-5) == (0.0, 1.0)


@pytest.mark.slow  # TensorFlow starts
def test_unusable_requests_name_the_cure(tmp_path: Path, background: Path) -> None:
    with pytest.raises(ModelDataError, match=r"unknown variant 'gan'.* ae, vae, cae, ae-gt, vae-gt"):
        SYSTEM.train("gan", "lean", tmp_path)
    with pytest.raises(ModelDataError, match=r"unknown preset 'fat'.* uniform, lean, float"):
        SYSTEM.train("ae", "fat", tmp_path, data=background)
    with pytest.raises(ModelDataError, match="events is 5: an epoch needs at least 512"):
        SYSTEM.train("ae", "lean", tmp_path, events=5, data=background)
    with pytest.raises(ModelDataError, match="'width' cannot be scanned: choose of charge"):
        SYSTEM.train_point("ae", {"width": 3}, tmp_path)
    with pytest.raises(ModelDataError, match="charge=-1 makes no network"):
        SYSTEM.train_point("ae", {"charge": -1}, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "preset"), [("ae", "lean"), ("vae-gt", "uniform"), ("cae", "lean")])
def test_trained_firmware_scores_as_its_network_does(
    tmp_path: Path, background: Path, variant: str, preset: str
) -> None:
    from hls import emulate, import_keras

    path = SYSTEM.train(variant, preset, tmp_path, events=1024, epochs=2, data=background)
    kind = find_variant(variant)
    inputs = kind.form.inputs(synthetic_events(200, seed=2))
    graph = import_keras(path)
    firmware = emulate(graph, inputs)
    assert firmware.shape == (200, 1)
    assert (firmware >= 0.0).all()
    assert np.std(firmware) > 0.0
    sample = Sample(synthetic_events(200, seed=2), {"s": synthetic_events(50, seed=3) * np.float32(2.0)})
    reference = float_scores(kind, tmp_path, sample)
    assert reference is not None
    # Two epochs do not make it accurate: but it is the same network, so it puts events in much the same order.
    assert np.corrcoef(np.argsort(np.argsort(firmware[:, 0])), np.argsort(np.argsort(reference.background)))[0, 1] > 0.5
    record = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    assert (record["collisions"], record["data"]) == (500, "background.h5")


@pytest.mark.slow
def test_points_of_a_scan_share_the_float_network_they_start_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qmodels.anomaly import recipe

    class TrainedAgainError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise TrainedAgainError

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(recipe, "cached_events", lambda *_: synthetic_events(500))
    fine, coarse = tmp_path / "fine", tmp_path / "coarse"
    SYSTEM.train_point("ae", {"weight_fraction": 7}, fine, events=1024, epochs=1)
    monkeypatch.setattr(recipe, "train_autoencoder", refuse)
    SYSTEM.train_point("ae", {"weight_fraction": 4}, coarse, events=1024, epochs=1)
    assert (fine / "reference.h5").read_bytes() == (coarse / "reference.h5").read_bytes()
    assert (fine / "model.h5").read_bytes() != (coarse / "model.h5").read_bytes()
    with pytest.raises(TrainedAgainError):
        SYSTEM.train_point("ae", {"weight_fraction": 4}, coarse, events=1024, epochs=2)
