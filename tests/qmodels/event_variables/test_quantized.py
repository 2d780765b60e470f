"""Quantized networks: formats worked by hand, exact accumulators, and files that give back the same bits."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

FIRMWARE = Path(__file__).parents[3] / "firmware_projects"
TRAINED = [
    (variant, FIRMWARE / f"evn-{variant}{suffix}")
    for variant in ("two-body", "semivisible", "pair")
    for suffix in ("", "-paper")
]


def random_layers(rng: np.random.Generator, *units: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [
        (rng.normal(0, 0.4, (a, b)).astype(np.float32), rng.normal(0, 0.1, b).astype(np.float32))
        for a, b in itertools.pairwise(units)
    ]


def test_formats_by_hand() -> None:
    from qmodels.training.quantization import FixedPoint, Widths, choose_formats

    inputs = FixedPoint(10, 2, signed=True)
    assert (inputs.fraction, inputs.largest_integer) == (7, 512)
    layers = [
        (np.array([[1.5, -0.5]], np.float32), np.array([0.25, 0.0], np.float32)),
        (np.array([[2.0], [1.0]], np.float32), np.array([-0.5], np.float32)),
    ]
    # x in [-2, 2]: activations up to 3.25 and 1, so two integer bits; V in [0.5, 6] -> twice 6 needs four.
    sample = np.linspace(-2, 2, 1001, dtype=np.float32)[:, None]
    hidden, last = choose_formats(layers, inputs, sample, Widths(10, 6, 8, 16, 1.0))
    assert hidden.kernel == FixedPoint(6, 1, signed=True)  # 1.5 < 2
    assert hidden.output == FixedPoint(8, 2, signed=False)
    assert hidden.bias == FixedPoint(12, 1, signed=True)  # 7 + 4 product fraction bits, of which 10 are kept
    assert last.kernel == FixedPoint(6, 2, signed=True)  # 2.0 needs [-4, 4)
    assert last.output == FixedPoint(16, 4, signed=True)
    assert last.bias == FixedPoint(13, 3, signed=True)  # products have 6 + 3 fraction bits: no finer than those


def test_accumulator_bound_by_hand() -> None:
    from qmodels.training.quantization import DenseFormats, FixedPoint, accumulator_bounds, build_dense_stack

    signed, relu = FixedPoint(6, 1, signed=True), FixedPoint(8, 2, signed=False)
    formats = DenseFormats(signed, FixedPoint(9, 1, signed=True), relu)
    model = build_dense_stack(FixedPoint(10, 2, signed=True), 2, [(1, formats), (1, formats)], "m")
    model.layers[2].set_weights([np.array([[0.5], [-1.0]]), np.array([0.25])])
    model.layers[4].set_weights([np.array([[1.5]]), np.array([0.0])])
    bounds = {b.layer: b.bound for b in accumulator_bounds(model)}
    # Products have 7 + 4 fraction bits: (8 + 16) * 512 + 0.25 * 2^11; then 6 + 4: 24 * 255.
    assert bounds == {"dense_1": 24 * 512 + 512, "dense_2": 24 * 255}


def test_a_bias_finer_than_its_products_is_refused() -> None:
    from qmodels.errors import ModelDataError
    from qmodels.training.quantization import DenseFormats, FixedPoint, accumulator_bounds, build_dense_stack

    formats = DenseFormats(FixedPoint(4, 0, signed=True), FixedPoint(16, 0, signed=True), FixedPoint(8, 2, signed=True))
    model = build_dense_stack(FixedPoint(6, 2, signed=True), 2, [(1, formats)], "m")
    with pytest.raises(ModelDataError, match="'dense_1': its bias has 15 fraction bits, its products only 6"):
        accumulator_bounds(model)


def test_an_inexact_network_is_refused() -> None:
    from qmodels.errors import ModelDataError
    from qmodels.training.quantization import FixedPoint, Widths, build_dense_stack, check_exact, choose_formats

    rng = np.random.default_rng(1)
    layers = random_layers(rng, 8, 64, 1)
    inputs = FixedPoint(16, 2, signed=True)
    formats = choose_formats(layers, inputs, rng.normal(size=(500, 8)).astype(np.float32), Widths(16, 16, 16, 16, 1.0))
    model = build_dense_stack(inputs, 8, list(zip((64, 1), formats, strict=True)), "m")
    model.set_weights([array for layer in layers for array in layer])
    with pytest.raises(ModelDataError, match=r"'dense_1': its accumulator may reach \d+, beyond 2\^24"):
        check_exact(model)


def test_saved_network_gives_back_the_same_bits(tmp_path: Path) -> None:
    import keras

    from qmodels.event_variables.quantized import PAPER, quantize
    from qmodels.event_variables.reference import build_evn
    from qmodels.event_variables.system import SYSTEM
    from qmodels.event_variables.variants import PAIR
    from qmodels.training.quantization import snap_to_grid
    from qmodels.training.records import save_model

    keras.utils.set_random_seed(3)
    x = SYSTEM.events("pair", 5000, 1)
    model = quantize(PAIR, PAPER, build_evn(PAIR), x)
    before = np.asarray(model(x))
    snap_to_grid(model)
    assert np.array_equal(np.asarray(model(x)), before)
    path = tmp_path / "model.h5"
    save_model(model, path)
    assert [p.name for p in tmp_path.iterdir()] == ["model.h5"]
    assert np.array_equal(np.asarray(keras.models.load_model(path, compile=False)(x)), before)


@pytest.mark.parametrize(("variant", "folder"), TRAINED, ids=[folder.name for _, folder in TRAINED])
def test_trained_firmware_networks(variant: str, folder: Path) -> None:
    """The committed networks: small files, exact in float32, inputs and output that do not saturate, as recorded."""
    import json

    import keras

    from qmodels.event_variables.system import SYSTEM
    from qmodels.training.quantization import check_exact

    for name in ("model.h5", "classifier.h5", "reference.h5", "reference_classifier.h5"):
        assert (folder / name).stat().st_size < 400_000
    model = keras.models.load_model(folder / "model.h5", compile=False)
    x = SYSTEM.events(variant, 50_000, 2)
    assert np.abs(x).max() < 2.0 ** int(model.layers[1].activation.integer)
    v = np.asarray(model(x), np.float64)

    recorded = json.loads((folder / "training.json").read_text())["test"]["metrics"]
    measured = SYSTEM.fidelity(variant, folder, lambda inputs: v, events=50_000, seed=2)
    for metric, tolerance in (("kendall_tau", 0.005), ("bce", 0.01)):
        assert measured[metric]["firmware"] == pytest.approx(recorded[metric]["firmware"], abs=tolerance)
    if folder.name.endswith("-paper"):  # within 2 % of the float reference
        check_exact(model)
        assert np.abs(v).max() < 0.99 * 2.0 ** int(model.layers[-1].activation.integer)
        assert measured["bce"]["firmware"] < 1.02 * measured["bce"]["reference"]
        assert measured["kendall_tau"]["firmware"] > 0.98 * measured["kendall_tau"]["reference"]
