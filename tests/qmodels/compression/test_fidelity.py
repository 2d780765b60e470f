"""Fidelity on encoders and decoders whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from qmodels.classification import auc_spread
from qmodels.compression.autoencoder import Coded
from qmodels.compression.classifiers.separation import restored_auc
from qmodels.compression.fidelity.comparison import compare, latent_error, measure_on
from qmodels.compression.fidelity.metrics import Comparison, Figures, Packed, as_metrics
from qmodels.compression.networks import Layer, Network
from qmodels.compression.trained_folder import Networks

Floats = npt.NDArray[np.floating]


def network(inputs: dict[str, tuple[int, ...]], step: Callable[..., Any], outputs: int = 1) -> Network:
    """A network whose outputs are the last axis of one function, or that function itself."""
    layers = [Layer("all", tuple(inputs), step)]
    layers += [Layer(f"out{i}", ("all",), lambda x, i=i: x[i]) for i in range(outputs) if outputs > 1]
    return Network(inputs, tuple(layers), tuple(f"out{i}" for i in range(outputs)) if outputs > 1 else ("all",))


def encode(particles: Floats, log10_beta: Floats) -> tuple[Floats, Floats]:
    """Mean: (η, φ) of the only particle; σ = 1/10 at any β."""
    mean = np.stack([particles[:, 0, 1], np.arctan2(particles[:, 0, 3], particles[:, 0, 2])], axis=1)
    return mean, np.full_like(mean, 2.0 * np.log(0.1))


def decode(latent: Floats, log10_beta: Floats) -> Floats:
    """The only particle at (η, φ)."""
    return np.stack([np.ones(len(latent)), latent[:, 0], latent[:, 1]], axis=1)[:, None, :]


SHAPES = {"particles": (1, 4), "log10_beta": (1,)}


@pytest.fixture
def networks() -> Networks:
    """One particle an event, coded without loss; the judge's score is η."""
    return Networks(
        network(SHAPES, encode, outputs=2),
        network({"latent": (2,), "log10_beta": (1,)}, decode),
        network(SHAPES, lambda particles, log10_beta: particles[:, 0, 1:2]),
        layout=None,
    )


def clouds(eta: float, events: int = 12) -> npt.NDArray[np.float32]:
    """Events of one particle at η or a little above, φ spread over the circle."""
    rows = np.stack([np.ones(events), eta + np.linspace(0, 0.1, events), np.linspace(-3, 3, events)], axis=1)
    return rows[:, None, :].astype(np.float32)


def shifted(by: float) -> Callable[[Sequence[Floats]], list[Floats]]:
    """Firmware whose η is off by so much."""

    def firmware(arrays: Sequence[Floats]) -> list[Floats]:
        mean, log_variance = encode(*arrays)
        return [mean + np.array([by, 0.0]), log_variance]

    return firmware


def test_firmware_equal_to_float_loses_nothing(networks: Networks) -> None:
    metrics = as_metrics(compare(networks, shifted(0.0), [clouds(-1.0), clouds(1.0)], clouds(0.0), [-2.0, 0.0]))
    for name in ("kl_nats", "distortion", "exact_distortion", "auc"):
        for point in metrics[name]["points"]:
            assert point["firmware"] == pytest.approx(point["reference"], abs=1e-6)
    assert [point["at"] for point in metrics["auc"]["points"]] == [-2.0, 0.0]
    assert all(point["firmware"] == 1.0 for point in metrics["auc"]["points"])
    assert max(point["firmware"] for point in metrics["latent_error_sigma"]["points"]) < 1e-4
    assert metrics["auc_loss"] == {"reference": 0.0, "firmware": 0.0, "unit": "1"}


def test_a_shift_by_hand(networks: Networks) -> None:
    # 0.03 in one of two latents of σ = 0.1: RMS 0.3/√2 σ. One particle moves by ΔR = 0.03.
    [found] = compare(networks, shifted(0.03), [clouds(-1.0), clouds(1.0)], clouds(0.0), [-2.0])
    assert found.latent_error_sigma == pytest.approx(0.3 / np.sqrt(2), rel=1e-4)
    assert found.firmware.exact_distortion == pytest.approx(0.03**2, rel=1e-3)
    assert found.reference.exact_distortion == pytest.approx(0.0, abs=1e-9)
    assert found.firmware.kl_nats != found.reference.kl_nats


def test_kl_of_a_known_posterior(networks: Networks) -> None:
    # KL(N(μ, s²) | N(0, 1)) = (μ² + s² - 1)/2 - ln s, at μ = 0 and s = 0.1 in each of two latents.
    at_zero = np.array([[[1.0, 0.0, 0.0]]], np.float32)
    [found] = compare(networks, shifted(0.0), [at_zero, at_zero], at_zero, [-2.0])
    assert found.reference.kl_nats == pytest.approx(2 * (0.5 * (0.01 - 1) - np.log(0.1)), rel=1e-6)


def test_the_judge_sees_only_what_is_restored(networks: Networks) -> None:
    # Firmware that gives every event η = 0 leaves the judge nothing: AUC 1/2, a loss of all that there was.
    def blind(arrays: Sequence[Floats]) -> list[Floats]:
        mean, log_variance = encode(*arrays)
        return [mean * np.array([0.0, 1.0]), log_variance]

    [found] = compare(networks, blind, [clouds(-1.0), clouds(1.0)], clouds(0.0), [-2.0])
    assert (found.reference.auc, found.firmware.auc) == (1.0, 0.5)
    assert as_metrics([found])["auc_loss"]["firmware"] == 0.5


def test_without_a_judge_there_is_no_auc(networks: Networks) -> None:
    found = compare(replace(networks, classifier=None), shifted(0.0), [clouds(-1.0), clouds(1.0)], clouds(0.0), [-2.0])
    assert set(as_metrics(found)) == {
        "latent_error_sigma", "kl_nats", "distortion", "exact_distortion", "distortion_excess",
    }  # fmt: skip
    assert restored_auc(None, [clouds(0.0), clouds(1.0)], -2.0) is None


def test_latents_that_carry_nothing_have_no_error() -> None:
    idle = Coded(np.zeros((10, 2)), np.zeros((10, 2)), np.zeros((10, 1, 3)))
    wrong = replace(idle, mean=np.full((10, 2), 5.0))
    assert latent_error([idle, idle], [wrong, wrong]) == 0.0


def test_nothing_is_known_where_no_latent_is_sent(networks: Networks) -> None:
    # Means of ±0.01 at σ = 1 have a KL of 5e-5 nats: no bit is sent, though the means, which are not, tell all.
    def faint(particles: Floats, log10_beta: Floats) -> tuple[Floats, Floats]:
        mean, log_variance = encode(particles, log10_beta)
        return 0.01 * mean, 0.0 * log_variance

    quiet = replace(networks, encoder=network(SHAPES, faint, outputs=2))
    [found] = compare(quiet, shifted(0.0), [clouds(-1.0), clouds(1.0)], clouds(0.0), [-2.0])
    assert found.reference.auc == 1.0
    assert not found.informed


def comparison(
    log10_beta: float, distortions: tuple[float, float], aucs: tuple[float, float], packed: Packed | None = None
) -> Comparison:
    """A comparison with these figures, float then firmware; informed if the float AUC is not 0.5."""
    sides = [Figures(np.log(2.0) * 10, s, s, a) for s, a in zip(distortions, aucs, strict=True)]
    return Comparison(log10_beta, sides[0], sides[1], packed, 0.1, informed=aucs[0] != 0.5)


def test_the_worst_beta_at_which_something_is_known_decides() -> None:
    found = [
        comparison(-2.0, (0.50, 0.51), (0.90, 0.89), Packed(11.0, 10.5, 10.0, 0.52, 0.88, 0.51, 0.89)),
        comparison(-1.0, (1.00, 1.01), (0.80, 0.81)),
        comparison(0.0, (1.80, 2.00), (0.50, 0.45), Packed(99.0, None, 9.0, 9.0, 0.4, 1.0, 0.5)),
    ]
    metrics = as_metrics(found)
    assert metrics["distortion_excess"]["firmware"] == pytest.approx(0.02)
    assert metrics["auc_loss"]["firmware"] == pytest.approx(0.01)
    assert metrics["bits_excess"]["firmware"] == pytest.approx(0.1)
    assert [p["at"] for p in metrics["bits_per_event"]["points"]] == [-2.0, 0.0]
    assert metrics["bits_per_event"]["points"][0]["reference"] == pytest.approx(10.0)
    assert metrics["trellis_bits_per_event"]["points"] == [{"at": -2.0, "reference": 10.0, "firmware": 10.5}]
    assert metrics["packed_auc"]["points"][0] == {"at": -2.0, "reference": 0.89, "firmware": 0.88}


def test_spread_of_a_worthless_auc() -> None:
    rng = np.random.default_rng(1)
    from qmodels.classification import auc

    aucs = [auc(rng.normal(size=30), rng.normal(size=20)) for _ in range(4000)]
    assert np.std(aucs) == pytest.approx(auc_spread(30, 20), rel=0.05)


def test_one_sample_of_a_users_is_measured_without_an_auc(
    networks: Networks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("qmodels.compression.fidelity.comparison.read_networks", lambda folder: networks)
    found = measure_on(tmp_path, shifted(0.05), clouds(1.0), figure=tmp_path / "fidelity.png")
    errors = [point["firmware"] for point in found["latent_error_sigma"]["points"]]
    assert errors == pytest.approx([0.5 / np.sqrt(2)] * len(errors), rel=1e-4)
    assert "auc" not in found
    assert (tmp_path / "fidelity.png").is_file()
