"""Classifiers on clouds whose classes are told apart in a known way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from qmodels.classification import auc_spread
from qmodels.compression.classifiers.inputs import moved, scaled, scaled_muons
from qmodels.compression.classifiers.separation import restored_auc
from qmodels.compression.trained_folder import read_networks
from qmodels.errors import ModelDataError

pytestmark = pytest.mark.slow


def toy(events: int, eta: float, seed: int) -> npt.NDArray[np.float32]:
    """Clouds of 4 particles around η, the last of every third event padding."""
    rng = np.random.default_rng(seed)
    pt = rng.exponential(size=(events, 4))
    pt[::3, 3] = 0.0
    angles = [rng.normal(eta, 0.5, pt.shape), rng.uniform(-np.pi, np.pi, pt.shape)]
    clouds = np.stack([pt / pt.sum(axis=1, keepdims=True), *angles], axis=-1)
    return np.where(pt[..., None] > 0.0, clouds, 0.0).astype(np.float32)


def test_features_by_hand() -> None:
    cloud = np.array([[[0.75, 1.5, np.pi / 2], [0.25, -1.0, np.pi], [0.0, 0.0, 0.0]]], np.float32)
    expected = [[[2.25, 1.5, 0.0, 1.0], [0.75, -1.0, -1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]
    np.testing.assert_allclose(scaled(cloud), expected, atol=1e-6)
    muons = np.array([[[5.0, 1.0, 0.0], [20.0, 0.0, np.pi]]], np.float32)
    np.testing.assert_allclose(scaled_muons(muons), [[[0.5, 1.0, 1.0, 0.0], [2.0, 0.0, -1.0, 0.0]]], atol=1e-6)


def test_turned_and_mirrored_events_are_the_same_events() -> None:
    clouds = toy(50, 0.5, 1)
    before, after = scaled(clouds), moved(scaled(clouds), np.random.default_rng(2))
    np.testing.assert_array_equal(after[..., 0], before[..., 0])
    np.testing.assert_array_equal(np.abs(after[..., 1]), np.abs(before[..., 1]))
    np.testing.assert_allclose((after[..., 2:] ** 2).sum(axis=-1), before[..., 0] > 0.0, atol=1e-6)
    real = (before[..., 0] > 0.0)[:, :, None] & (before[..., 0] > 0.0)[:, None, :]
    # Angles between particles.
    first, second = (np.where(real, np.einsum("nia,nja->nij", f[..., 2:], f[..., 2:]), 0.0) for f in (before, after))
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert not after[~(before[..., 0] > 0.0)].any()
    assert (after[..., 1] * before[..., 1] < 0.0).any(axis=1).mean() == pytest.approx(0.5, abs=0.25)


def test_a_network_learns_what_is_sent_whichever_way_the_event_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmodels.compression.classifiers import latent_network
    from qmodels.compression.classifiers.latent_network import Events, train_latent_network

    monkeypatch.setattr(latent_network, "EPOCHS", 12)
    monkeypatch.setattr(latent_network, "BATCH", 64)
    clouds = toy(1500, -0.6, 1), toy(1500, 0.6, 2)
    turned: list[float] = []

    def send(events: npt.NDArray[np.float32], _: np.random.Generator) -> npt.NDArray[np.float32]:
        turned.append(float(events[0, 0, 2]))
        return np.concatenate([events[:, :, 1].mean(axis=1, keepdims=True) ** 2, events[:, 0, 2:]], axis=1)

    nothing = [np.zeros((1500, 0), np.float32)] * 2
    mirrored = [Events(side, extra) for side, extra in zip(clouds, nothing, strict=True)]
    # A mirror makes the one class of the other: by η² there is nothing to tell apart.
    assert abs(train_latent_network(mirrored, send, 1, "latents").value - 0.5) < 4 * auc_spread(150, 150)
    assert len(set(turned)) == len(turned)  # every epoch another turn
    told = [Events(side, np.full((1500, 1), label, np.float32)) for label, side in enumerate(clouds)]
    assert train_latent_network(told, send, 1, "both").value > 0.95


def test_a_killed_training_goes_on_to_the_same_auc(tmp_path: Path) -> None:
    from qmodels.compression.classifiers.pfn import Checkpoints, PfnSize, PfnTraining, train_classifier

    class Killed(Exception):
        pass

    def kill(state: object) -> None:
        raise Killed

    training = PfnTraining(PfnSize((4,), (4,)), epochs=2, batch=64, learning_rate=5e-3, moved=True)
    sides = scaled(toy(300, -0.2, 1)), scaled(toy(300, 0.2, 2))
    whole = train_classifier(sides, training, seed=1)
    with pytest.raises(Killed):
        train_classifier(sides, training, seed=1, checkpoints=Checkpoints(tmp_path), progress=kill)
    seen: list[int] = []
    resumed = train_classifier(
        sides,
        training,
        seed=1,
        checkpoints=Checkpoints(tmp_path, resume=True),
        progress=lambda state: seen.append(state.epoch),
    )
    assert seen == [2]
    assert resumed.auc == whole.auc
    with pytest.raises(ModelDataError, match=r"pfn\.npz: checkpoint of a run with other options \(data: "):
        train_classifier(sides[::-1], training, seed=1, checkpoints=Checkpoints(tmp_path, resume=True))


def test_order_and_padding_mean_nothing_to_a_masked_classifier() -> None:
    import keras

    from qmodels.compression.classifiers.pfn import PfnSize, build_pfn

    keras.utils.set_random_seed(3)
    model = build_pfn(PfnSize((8,), (8,)), 4, 4, masked=True)
    features = scaled(toy(9, 0.5, 1))
    shuffled = features[:, [2, 3, 0, 1]]
    np.testing.assert_allclose(model(features), model(shuffled), rtol=1e-4, atol=1e-6)
    noise = np.where(features[..., :1] > 0.0, features, np.array([0.0, 7.0, 7.0, 7.0], np.float32))
    np.testing.assert_array_equal(model(features), model(noise))


def test_learns_what_there_is_and_nothing_where_there_is_nothing() -> None:
    from qmodels.compression.classifiers.pfn import PfnSize, PfnTraining, train_classifier

    training = PfnTraining(PfnSize((8,), (8,)), epochs=6, batch=64, learning_rate=5e-3)
    # η of 4 particles against another mean, two standard deviations away: nearly no overlap of their averages.
    told = train_classifier((scaled(toy(1500, -0.5, 1)), scaled(toy(1500, 0.5, 2))), training, seed=1)
    assert told.auc.value > 0.95
    same = train_classifier((scaled(toy(1500, 0.0, 3)), scaled(toy(1200, 0.0, 4))), training, seed=1)
    assert abs(same.auc.value - 0.5) < 4 * auc_spread(150, 120)


def test_too_few_events_are_named() -> None:
    from qmodels.compression.classifiers.pfn import TRAININGS, train_classifier

    with pytest.raises(ModelDataError, match="a class of 9 events"):
        train_classifier((scaled(toy(9, 0, 1)), scaled(toy(50, 0, 1))), TRAININGS["desk"], seed=1)


def test_a_judge_learns_what_the_decoder_lets_through(tmp_path: Path) -> None:
    """The encoder's mean is Σ pT·η, the decoder puts all particles there: the signals differ in it."""
    import keras

    from qmodels.compression.classifiers.reference_classifier import train_reference_classifier
    from qmodels.compression.presets import AutoencoderStage, Preset
    from qmodels.compression.reference import build_decoder, build_encoder
    from qmodels.training.loop import Schedule
    from qmodels.training.records import save_model

    keras.utils.set_random_seed(2)
    preset = Preset("toy", (4,), (4,), 1, (4,), 1, 0.1, 100, AutoencoderStage("toy", 1, 10, 1e-3))
    save_model(build_encoder(preset, 4), tmp_path / "reference.h5")
    save_model(build_decoder(preset, 4), tmp_path / "decoder.h5")
    zeros, ones = toy(1500, -2.0, 5), toy(1500, 2.0, 6)
    fitted = train_reference_classifier(tmp_path, zeros, ones, schedule=Schedule(4, 64, 5e-3, 1))
    auc = fitted.history[-1].auc
    assert auc is not None
    assert auc > 0.8
    networks = read_networks(tmp_path)

    def restored(clouds: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        from qmodels.compression.autoencoder import code

        return code(networks.reference, networks.decoder, clouds, -3.0).restored

    found = restored_auc(networks.classifier, [restored(toy(300, -2.0, 7)), restored(toy(300, 2.0, 8))], -3.0)
    assert found is not None
    assert found > 0.8
