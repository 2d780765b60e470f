"""The paper's figures: rates on networks whose heat capacities are known, pages and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hls.cli import main
from qmodels.classification import Auc, auc_spread, measured_auc
from qmodels.compression.autoencoder import Encoder
from qmodels.compression.packing.latent_layout import GridPoint, LatentLayout, Quantizer
from qmodels.compression.paper import evaluation, published
from qmodels.compression.paper.rates import displays, rates
from qmodels.compression.paper.results import AucPoint, Classifiers, Evaluation, Seen, SentPoint, Signal
from qmodels.compression.paper.tables import write_markdown
from qmodels.compression.samples.collision_files import CollisionHeader, Collisions, write_collisions
from qmodels.compression.samples.selection import Rows, Selection
from qmodels.compression.trained_folder import Networks
from tests.qmodels.compression.test_fidelity import SHAPES, clouds, decode, network

Floats = npt.NDArray[np.floating]


@pytest.fixture
def optimal() -> Networks:
    """One particle coded by (η, φ) with the variance β/2 each, which is best for a loss of S + β·KL."""

    def encode(particles: Floats, log10_beta: Floats) -> tuple[Floats, Floats]:
        mean = np.stack([particles[:, 0, 1], np.arctan2(particles[:, 0, 3], particles[:, 0, 2])], axis=1)
        return mean, np.broadcast_to(np.log(10.0) * log10_beta - np.log(2.0), mean.shape).astype(np.float32)

    return Networks(
        network(SHAPES, encode, outputs=2),
        network({"latent": (2,), "log10_beta": (1,)}, decode),
        classifier=None,
        layout=None,
    )


def test_two_degrees_of_freedom_have_heat_capacity_one(optimal: Networks) -> None:
    # S = 2·β/2, so dS/dβ = 1; KL = Σ ½(μ² + σ² - 1 - ln σ²), so -dKL/d ln β = 1 - β/2.
    found = rates(optimal, clouds(0.0, events=4000), [-3.0, -2.0], seed=1)
    for rate in found:
        assert rate.c_s == pytest.approx(1.0, rel=0.08)  # 4000 events of two χ²: 1.6 %, and S's own bias
        assert rate.c_kl == pytest.approx(1.0 - 0.5 * 10**rate.log10_beta, rel=1e-3)
        assert rate.distortion == pytest.approx(10**rate.log10_beta, rel=0.08)
        assert rate.active == 2


def test_an_event_on_display(optimal: Networks) -> None:
    [shown] = displays(optimal, clouds(0.5), event=3, log10_betas=[-2.0])
    np.testing.assert_allclose(shown.restored, clouds(0.5)[3], atol=1e-6)
    mu2, variance = float((clouds(0.5)[3, 0, 1:] ** 2).sum()), 0.005
    assert shown.bits == pytest.approx((0.5 * mu2 + variance - 1 - np.log(variance)) / np.log(2), rel=1e-5)
    assert shown.active == 2


@pytest.fixture
def found(optimal: Networks) -> Evaluation:
    """An evaluation whose AUCs are made up."""
    seen = Seen(3.0, Auc(0.66, 0.02), Auc(0.7, 0.02), 27.0, Auc(0.9, 0.01), Auc(0.91, 0.01))
    events = clouds(0.0, events=30)
    return Evaluation(
        particles=1,
        latents=2,
        training={"preset": "toy"},
        signals=[Signal("b-to-ks", 2000, Selection()), Signal("hidden-valley", 1000, Selection())],
        truth=events[0],
        displays=displays(optimal, events, 0, [0.0, -2.0]),
        rates=rates(optimal, events, [-1.0, -1.25], seed=1),
        aucs=[
            AucPoint(-1.0, 3.0, Auc(0.625, 0.01), Auc(0.61, 0.02), Auc(0.7, 0.03), Auc(0.72, 0.03)),
            AucPoint(-2.0, 9.0, Auc(0.75, 0.01), None, Auc(0.7, 0.03), Auc(0.72, 0.03)),
        ],
        sent=[
            SentPoint(-1.0, seen, replace(seen, bits=2.5, trees=Auc(0.65, 0.02))),
            SentPoint(-2.0, seen, None),
        ],
        classifiers=Classifiers(*(Auc(value, 0.01) for value in (0.8, 0.78, 0.9, 0.93, 0.85, 0.87, 0.6))),
    )


def test_tables_set_the_published_figures_beside_ours(found: Evaluation, tmp_path: Path) -> None:
    page = write_markdown(found, tmp_path / "page.md").read_text(encoding="utf-8")
    assert "1 particles, 2 latents; preset toy" in page
    assert "2,000 events of b-to-ks, 1,000 events of hidden-valley" in page
    rows = [line for line in page.splitlines() if line.startswith("| -1 |")]
    assert "/ 1.069 |" in rows[0]
    assert rows[1] == (
        f"| -1 | 3.0 | 0.625 ± 0.010 | 0.610 ± 0.020 | 0.700 ± 0.030 | 0.720 ± 0.030 | {published.auc_at(-1.0):.3f} |"
    )
    assert "| 50 particles, trees | 0.930 ± 0.010 |" in page
    assert "| 1 particles, PFN | 0.850 ± 0.010 |" in page
    float_row, firmware_row = rows[2:4]
    assert float_row == ("| -1 | float | 3.0 | 0.660 ± 0.020 | 0.700 ± 0.020 | 27.0 | 0.900 ± 0.010 | 0.910 ± 0.010 |")
    assert firmware_row.startswith("| -1 | firmware | 2.5 | 0.650 ± 0.020 |")
    assert "| -1.25 |" not in page  # not published
    assert "| two muons, PFN | 0.600 ± 0.010 | 0.719 |" in page


def one_particle(events: npt.NDArray[np.float32]) -> Collisions:
    """Clouds of one particle each as collisions of 1 GeV, of which 7 particles were visible."""
    count = len(events)
    header = CollisionHeader("toy", None, "by hand", count, {}, Selection())
    return Collisions(events, np.zeros((count, 2, 3), np.float32), np.full(count, 7, np.int32), header)


def silently(stage: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""


def no_firmware(path: Path) -> Encoder:
    raise AssertionError(f"there is no {path}")


def test_published_figures_are_those_of_the_facts() -> None:
    assert published.AUC_LOG10_BETA.shape == published.AUC_MEANS.shape == published.AUC_SAMPLED.shape == (30,)
    assert published.AUC_BITS.shape == (30,)
    assert published.auc_at(1.0) == 0.525
    assert published.rate_at(-2.0) == published.RatePoint(-2.0, 0.538, 17.5, 14.4, 14.5, 30)
    assert published.rate_at(-2.1) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("compression",), "nowhere/reference.h5: no such model file"),
        (("compression", "--classifier", "big"), "no classifier is called 'big'; choose one of desk, paper"),
        (("event_variables",), "evaluates nothing"),
    ],
)
def test_what_cannot_be_evaluated(
    options: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["qtrigger", "evaluate", *options, "nowhere"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_what_is_sent_is_classified_as_the_firmware_packs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmodels.compression.classifiers.latent_network import Events, Sender
    from qmodels.compression.paper import sent

    # One latent in steps of 1 tells the signals apart; a firmware that gives every event the same sends nothing.
    quantizer = Quantizer(1, 2, 4, -(2 << 20), 1 << 20)
    weighted = replace(quantizer, weights=(1, 1, 1, 1))
    layout = LatentLayout(0, (GridPoint(-2.0, (quantizer,), (weighted,)),))

    def encode(particles: Floats, log10_beta: Floats) -> tuple[Floats, Floats]:
        return np.rint(particles[:, 0, 1:2]), np.full((len(particles), 1), -9.0)

    def silent(arrays: Sequence[Floats]) -> list[Floats]:
        return [np.zeros((len(arrays[0]), 1))] * 2

    def train(sides: Sequence[Events], send: Sender, seed: int, label: str) -> Auc:
        zeros, ones = (send(side.clouds, np.random.default_rng(1))[:, 0] for side in sides)
        return measured_auc(ones, zeros)  # test_pfn.py trains one

    monkeypatch.setattr(sent, "train_latent_network", train)
    networks = Networks(
        network(SHAPES, encode, outputs=2), network({"latent": (1,), "log10_beta": (1,)}, decode), None, layout
    )
    signals = [one_particle(clouds(eta, events=400)) for eta in (-1.0, 1.0)]
    exact, beyond = sent.measure_sent(networks, lambda arrays: encode(*arrays), signals, [-2.0, -3.0], 1, silently)
    nothing = sent.measure_sent(networks, silent, signals, [-2.0], 1, silently)[0].firmware
    assert exact.firmware is not None
    assert nothing is not None
    for seen in (exact.reference, exact.firmware):
        assert seen.trees == seen.trees_with_totals == seen.network == Auc(1.0, 0.0)
    assert nothing.trees_with_totals.value == nothing.network.value == 0.5
    assert exact.firmware.bits == pytest.approx(2.0, abs=0.3)  # a weight of a quarter, and what a string costs
    assert exact.firmware.bits_with_totals == exact.firmware.bits + 24
    assert beyond.firmware is None  # the layout has no such β


@pytest.mark.slow
def test_from_files_to_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from qmodels.compression.classifiers import pfn
    from qmodels.compression.paper import sent
    from qmodels.compression.presets import AutoencoderStage, Preset
    from qmodels.compression.reference import build_decoder, build_encoder
    from qmodels.training.records import save_model

    keras.utils.set_random_seed(1)
    preset = Preset("toy", (4,), (4,), 2, (4,), 1, 0.1, 100, AutoencoderStage("toy", 1, 10, 1e-3))
    save_model(build_encoder(preset, 4), tmp_path / "reference.h5")
    save_model(build_decoder(preset, 4), tmp_path / "decoder.h5")
    rng = np.random.default_rng(1)
    for name in ("background", "b-to-ks", "hidden-valley"):
        angles = rng.uniform(-2, 2, (2, 400, 50))
        particles = np.stack([np.sort(rng.exponential(size=(400, 50)))[:, ::-1], *angles], axis=-1).astype(np.float32)
        header = CollisionHeader(name, 1, "toy", 400, {}, Selection())
        write_collisions(
            tmp_path / f"{name}.h5",
            [Rows(particles, particles[:, :2], np.full(400, 60, np.int32))],
            partial(replace, header),
        )
    monkeypatch.setattr(evaluation, "AUC_LOG10_BETAS", (-2.0,))
    monkeypatch.setattr(evaluation, "RATE_LOG10_BETAS", (-1.0, -2.0))
    trained: list[str] = []

    def train(features: Sequence[Floats], training: object, seed: int, label: str, **options: object) -> pfn.Classified:
        trained.append(label)  # test_pfn.py trains them
        return pfn.Classified(None, Auc(float(features[0].shape == features[1].shape), 0.0))

    monkeypatch.setattr(pfn, "train_classifier", train)
    monkeypatch.setattr(sent, "train_latent_network", lambda *_: Auc(0.5, 0.1))
    stages: list[str] = []
    page = evaluation.evaluate(
        tmp_path,
        tmp_path / "out",
        events=300,
        data=tmp_path,
        load=no_firmware,
        progress=lambda stage, done, total: stages.append(stage),
    )
    assert page.read_text(encoding="utf-8").startswith("4 particles, 2 latents")
    assert set(stages) == {"rates", "latents"}
    for picture in ("reconstructions.png", "rates.png", "auc.png"):
        assert (tmp_path / "out" / picture).read_bytes().startswith(b"\x89PNG")
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert [rate["log10_beta"] for rate in content["rates"]] == [-1.0, -2.0]
    assert content["classifiers"]["multiplicity"]["value"] == 0.5  # all of 60
    assert abs(content["classifiers"]["trees"]["value"] - 0.5) < 4 * auc_spread(30, 30)
    assert [point["firmware"] for point in content["sent"]] == [None]
    assert set(content["sent"][0]["reference"]["network_with_totals"]) == {"value", "error"}
    assert trained == ["uncompressed", "4 particles", "muons", "log10 beta -2"]
