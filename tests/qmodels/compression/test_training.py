"""The loss by hand, the symmetries of augmentation, published rates, and a killed run that ends with the same bits."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from qmodels.compression import presets
from qmodels.errors import ModelDataError
from qmodels.training.plateau import Plateau
from qmodels.training.precision.charge import Charge
from qmodels.training.progress import TrainingProgress
from tests.qmodels.compression.synthetic import write

COUNT, EVENTS = 4, 600


def clouds(events: int) -> np.ndarray:
    """Two back-to-back particles and padding: (n, 4, 3) of (pT, η, φ)."""
    rng = np.random.default_rng(2)
    out = np.zeros((events, COUNT, 3), np.float32)
    out[:, :2, 0] = [0.75, 0.25]
    out[:, :2, 1] = rng.normal(size=(events, 2))
    out[:, 0, 2] = rng.uniform(-np.pi, 0.0, events)
    out[:, 1, 2] = out[:, 0, 2] + np.pi
    return out


@pytest.mark.slow
def test_loss_is_distortion_plus_beta_kl() -> None:
    import keras

    from qmodels.compression.inputs import features
    from qmodels.compression.reference import build_decoder, build_encoder
    from qmodels.compression.training import CompressionTask, kl_per_latent

    assert float(kl_per_latent(np.float32(2.0), np.float32(np.log(4.0)))) == pytest.approx(3.5 - np.log(2.0))

    preset = replace(presets.PRESETS["front-end"], particle=(4,), event=(4,), latents=2, decoder=(4,))
    encoder, decoder = build_encoder(preset, COUNT), build_decoder(preset, COUNT)
    task = CompressionTask("x", encoder, decoder, clouds(100), 1)
    assert task.events == 90
    assert len(task.variables) == len(encoder.trainable_variables) + len(decoder.trainable_variables)
    frozen = CompressionTask("x", encoder, decoder, clouds(100), 1, frozen_decoder=True)
    assert len(frozen.variables) == len(encoder.trainable_variables)

    batch = task.epoch_data(0)
    for one, other in zip(batch, task.epoch_data(0), strict=True):
        np.testing.assert_array_equal(one, other)
    events, log10_beta, noise = (keras.ops.convert_to_tensor(array[:8]) for array in batch)
    losses = task._per_event(events, log10_beta, noise)
    mean, log_variance = encoder([features(np.asarray(events)), np.asarray(log10_beta)])
    kl = kl_per_latent(np.asarray(mean, np.float64), np.asarray(log_variance, np.float64))
    expected = np.asarray(losses.distortion) + 10.0 ** np.asarray(log10_beta)[:, 0] * np.asarray(kl).sum(axis=1)
    np.testing.assert_allclose(losses.total, expected, rtol=1e-4)
    assert float(task.loss(events, log10_beta, noise)) == pytest.approx(float(expected.mean()), rel=1e-4)


@pytest.mark.slow
def test_turned_clouds_are_the_same_collisions() -> None:
    from qmodels.compression.training import turned

    before = clouds(200)
    after = turned(before, np.random.default_rng(5))
    np.testing.assert_array_equal(after[:, :, 0], before[:, :, 0])
    np.testing.assert_array_equal(after[:, 2:], 0.0)
    sign = after[:, 0, 1] / before[:, 0, 1]
    assert set(sign.tolist()) == {-1.0, 1.0}
    np.testing.assert_array_equal(after[:, 1, 1], before[:, 1, 1] * sign)
    opening = np.cos(after[:, 0, 2] - after[:, 1, 2])
    np.testing.assert_allclose(opening, -1.0, atol=1e-6)
    assert np.abs(after[:, :, 2]).max() <= np.float32(np.pi)
    assert np.ptp(after[:, 0, 2]) > 6.0  # all of the circle, where the events fill one half


def test_published_rates_fall_stop_and_start_again() -> None:
    plateau = Plateau(factor=0.5, patience=2, min_delta=0.1, min_rate=0.3, stop_patience=5, cycle_epochs=8, cycles=2)
    falling = [10.0 - i for i in range(7)]
    assert plateau.rate(1.0, []) == 1.0
    assert plateau.rate(1.0, falling) == 1.0
    assert plateau.rate(1.0, [2.0, 1.95]) == 1.0
    assert plateau.rate(1.0, [2.0, 1.95, 1.95]) == 0.5
    assert plateau.rate(1.0, [2.0] * 5) == 0.3  # 0.25 without its floor
    assert plateau.rate(1.0, [2.0] * 6) == 1.0  # five epochs without gain: a new cycle
    assert plateau.rate(1.0, [2.0] * 11) == 0.3
    assert plateau.rate(1.0, [2.0] * 12) is None
    assert plateau.rate(1.0, [*falling, 3.0]) == 1.0
    assert plateau.rate(1.0, [*falling, 3.0, *falling, 3.0]) is None


@pytest.mark.slow
@pytest.mark.parametrize("charge", [None, Charge(1e-7, 1e-5, 0.5)], ids=["given widths", "learned widths"])
def test_run_resumed_after_a_kill_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, charge: Charge | None
) -> None:
    from qmodels.compression.recipe import train

    monkeypatch.setitem(presets.VARIANTS, "encoder-4", COUNT)
    stage = presets.AutoencoderStage("tiny-float", 3, 128, 3e-3)
    sizes = replace(presets.PRESETS["front-end"], name="tiny", particle=(6,), event=(6,), latents=2, decoder=(16,))
    tiny = replace(sizes, float_stage=stage, quantized_stage=replace(stage, label="tiny"), charge=charge)
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny)
    data = write(tmp_path / "collisions.h5", clouds(EVENTS)[:, :2].tolist())
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    seen: list[TrainingProgress] = []

    def note(state: TrainingProgress) -> None:
        seen.append(state)
        if (state.stage, state.epoch) == ("tiny", 2):
            shutil.copytree(whole, killed)  # what a kill would leave

    model = train("encoder-4", "tiny", whole, data=data, progress=note)

    assert model == whole / "model.h5"
    assert [state.stage for state in seen] == ["tiny-float"] * 3 + ["tiny"] * 3
    assert seen[2].val_loss < seen[0].val_loss
    assert seen[0].auc is None
    record = json.loads((whole / "training.json").read_text())
    assert (record["variant"], record["events"], record["preset"]["latents"]) == ("encoder-4", EVENTS, 2)
    if charge is not None:  # half of eight particles: at four times the charge
        assert record["preset"]["charge"]["last"] == 4 * charge.last
    assert record["stages"]["tiny"]["val_loss_by_epoch"] == [round(state.val_loss, 5) for state in seen[3:]]
    assert not (killed / "model.h5").exists()
    again: list[TrainingProgress] = []
    train("encoder-4", "tiny", killed, data=data, resume=True, progress=again.append)
    assert [state.epoch for state in again] == [3]
    assert weights(killed / "model.h5") == weights(model)


def weights(path: Path) -> dict[str, bytes]:
    """Every array of a model file, by name."""
    found: dict[str, bytes] = {}
    with h5py.File(path) as file:
        file.visititems(lambda n, o: found.update({n: o[...].tobytes()}) if isinstance(o, h5py.Dataset) else None)
    assert found
    return found


@pytest.mark.slow
def test_options_that_cannot_work_are_named(tmp_path: Path) -> None:
    from qmodels.compression.recipe import train

    data = write(tmp_path / "collisions.h5", clouds(10)[:, :2].tolist())
    for options, words in (
        ({"events": 100}, "events is 100: training of preset 'trigger' needs at least 512"),
        ({"epochs": 0}, "epochs is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"events": 1000, "data": data}, "holds 10 events, 1000 are asked for"),
        ({"data": data}, "holds 10 events, training of preset 'trigger' needs at least 512"),
    ):
        with pytest.raises(ModelDataError, match=words):
            train("encoder-16", "trigger", tmp_path / "out", **options)


@pytest.mark.slow
def test_a_point_of_a_scan_keeps_its_float_networks_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qmodels.compression import recipe
    from qmodels.compression.points import train_point
    from qmodels.compression.samples.collision_files import read_collisions

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(presets.VARIANTS, "encoder-4", COUNT)
    made = read_collisions(write(tmp_path / "collisions.h5", clouds(EVENTS)[:, :2].tolist()))
    monkeypatch.setattr(recipe, "cached_collisions", lambda *arguments: made)
    small: dict[str, int | float | str] = {"particle": "4", "event": "4", "latents": 2, "charge": 3.0}
    model = train_point("encoder-4", small, tmp_path / "point", events=EVENTS, epochs=1, seed=1)
    (kept,) = (tmp_path / "cache/qtrigger/encoders").iterdir()
    assert weights(kept / "reference.h5") == weights(model.parent / "reference.h5")
    assert (model.parent / "latent_layout.json").exists()
