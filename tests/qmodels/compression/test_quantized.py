"""The QKeras encoder starts where the float one is, and the fixed-point graph computes the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmodels.compression.presets import PRESETS, Preset, Widths
from qmodels.errors import ModelDataError

pytestmark = pytest.mark.slow

COUNT = 6
SMALL = replace(PRESETS["trigger"], particle=(6, 8), event=(10, 8), latents=4)


def encoders(preset: Preset, *, learned: bool = False) -> tuple[Any, Any, list[np.ndarray]]:
    """Float encoder of random weights, its quantized twin, and inputs of 500 events."""
    import keras

    from qmodels.compression.inputs import encoder_inputs
    from qmodels.compression.learned_encoder import learn
    from qmodels.compression.quantized import quantize
    from qmodels.compression.reference import build_encoder

    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    pt = -np.sort(-rng.exponential(3.0, (500, COUNT)), axis=1)
    events = np.stack([pt, rng.uniform(-2.5, 2.5, pt.shape), rng.uniform(-np.pi, np.pi, pt.shape)], axis=-1)
    inputs = [encoder_inputs(events, COUNT), rng.uniform(-6, 1, (500, 1)).astype(np.float32)]
    encoder = build_encoder(preset, COUNT)
    return encoder, (learn if learned else quantize)(preset, encoder, *inputs), inputs


@pytest.mark.parametrize("learned", [False, True])
def test_graph_computes_the_bits_of_keras(tmp_path: Path, learned: bool) -> None:
    import hls
    from qmodels.training.precision.finish import snap
    from qmodels.training.quantization import check_exact, snap_to_grid
    from qmodels.training.records import save_model

    _, model, inputs = encoders(SMALL, learned=learned)
    (snap if learned else snap_to_grid)(model)
    bounds = check_exact(model)
    assert [bound.layer for bound in bounds][:2] == ["particle_1_dense", "particle_2_dense"]
    assert len(bounds) == 6
    save_model(model, tmp_path / "model.h5")
    graph = hls.import_keras(tmp_path / "model.h5")
    assert not graph.float32_inexact()
    for keras_output, emulated in zip(model(inputs), hls.emulate(graph, inputs), strict=True):
        np.testing.assert_array_equal(np.asarray(keras_output, np.float64), emulated)


def test_quantized_encoder_starts_near_the_float_one() -> None:
    wide = Widths(inputs=14, log10_beta=10, weights=10, activations=11, pooled=14, mean=16, log_variance=14)
    encoder, model, inputs = encoders(replace(SMALL, widths=wide))
    for expected, found in zip(encoder(inputs), model(inputs), strict=True):
        spread = float(np.std(expected))
        assert float(np.sqrt(np.mean((found - expected) ** 2))) < 0.03 * spread


def test_learned_encoder_starts_near_the_float_one() -> None:
    wide = Widths(inputs=14, log10_beta=10, mean=16, log_variance=14)
    encoder, model, inputs = encoders(replace(SMALL, widths=wide), learned=True)
    for expected, found in zip(encoder(inputs), model(inputs), strict=True):
        assert float(np.sqrt(np.mean((found - expected) ** 2))) < 0.1 * float(np.std(expected))


def test_bound_of_a_layer_that_reads_two_quantizers() -> None:
    import keras
    from qkeras import QActivation, QDense, quantized_bits, quantized_relu

    from qmodels.training.quantization import accumulator_bounds

    left, right = keras.Input((2,)), keras.Input((1,))
    parts = [
        QActivation(quantized_relu(3, 1))(left),  # 7 steps of 1/4
        QActivation(quantized_bits(4, 3, alpha=1))(right),  # 8 steps of 1
    ]
    weights = quantized_bits(3, 0, alpha=1)  # steps of 1/4
    layer = QDense(1, kernel_quantizer=weights, bias_quantizer=weights)
    model = keras.Model([left, right], layer(keras.layers.Concatenate()(parts)))
    layer.set_weights([np.array([[0.5], [-0.25], [0.75]]), np.array([0.25])])
    # In units of 1/16: (2 + 1) steps of 7, 3 steps of 8 units of 4 each, and a bias of 4.
    assert accumulator_bounds(model)[0].bound == 3 * 7 + 3 * 8 * 4 + 4


def test_float_presets_are_not_quantized() -> None:
    from qmodels.compression.quantized import quantize
    from qmodels.compression.reference import build_encoder

    preset = replace(PRESETS["desk"], particle=(4,), event=(4,), latents=2)
    sample = np.zeros((2, 3, 4), np.float32), np.zeros((2, 1), np.float32)
    with pytest.raises(ModelDataError, match="'desk' of compression is float only"):
        quantize(preset, build_encoder(preset, 3), *sample)
