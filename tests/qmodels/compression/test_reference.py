"""Sizes of the networks, their inputs and outputs by name, and what their unusual layers do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qmodels.compression.presets import PRESETS, VARIANTS, find_preset, particle_count
from qmodels.errors import ModelDataError

pytestmark = pytest.mark.slow


def dense_multiplications(encoder: object, count: int) -> int:
    """Multiplications of an encoder unrolled: those of the particle network once a particle."""
    total = 0
    for layer in encoder.layers:  # type: ignore[attr-defined]
        if layer.get_weights():
            total += layer.get_weights()[0].size * (count if layer.name.startswith("particle") else 1)
    return total


def test_paper_encoder_has_the_published_size() -> None:
    from qmodels.compression.reference import build_encoder

    encoder = build_encoder(PRESETS["paper"], 50)
    heads = 2 * (1024 * 256 + 256)
    assert encoder.count_params() - heads == 7_353_344
    assert encoder.get_layer("pool").divisor == 32
    assert [layer.name for layer in encoder.inputs] == ["particles", "log10_beta"]
    assert [tuple(output.shape) for output in encoder.outputs] == [(None, 256), (None, 256)]


@pytest.mark.parametrize(
    ("preset", "variant", "most"), [("trigger", "encoder-16", 11_000), ("front-end", "encoder-8", 1500)]
)
def test_firmware_presets_are_small_enough_to_unroll(preset: str, variant: str, most: int) -> None:
    from qmodels.compression.reference import build_encoder

    count = particle_count(variant)
    assert dense_multiplications(build_encoder(find_preset(preset), count), count) <= most


def test_encoder_does_not_care_for_the_order_of_particles() -> None:
    from qmodels.compression.reference import build_encoder

    encoder = build_encoder(PRESETS["front-end"], 6)
    rng = np.random.default_rng(1)
    particles = rng.normal(size=(3, 6, 4)).astype(np.float32)
    beta = np.full((3, 1), -2.0, np.float32)
    for one, other in zip(encoder([particles, beta]), encoder([particles[:, ::-1], beta]), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_scaled_fractions_have_a_mean_of_one_and_angles_stay() -> None:
    import keras

    from qmodels.compression.reference import build_encoder

    encoder = build_encoder(replace(PRESETS["front-end"], scaled=True), 4)
    particles = np.zeros((1, 4, 4), np.float32)
    particles[0, :, 0] = [0.5, 0.25, 0.25, 0.0]
    particles[0, :, 1] = [1.0, -1.0, 2.0, 9.0]

    seen = keras.Model(encoder.inputs[0], encoder.get_layer("scaled").output)(particles)

    assert np.asarray(seen)[0, :, 0].tolist() == [2.0, 1.0, 1.0, 0.0]
    assert np.asarray(seen)[0, :, 1].tolist() == [1.0, -1.0, 2.0, 9.0]


def test_decoder_outputs_fractions_and_angles_and_survives_a_file(tmp_path: Path) -> None:
    import keras

    from qmodels.compression.reference import ParticleOutputs, build_decoder
    from qmodels.training.records import save_model

    raw = np.zeros((1, 2, 4), np.float32)
    raw[0, :, 0] = [np.log(3.0), 0.0]
    raw[0, :, 1] = [0.5, -7.0]
    raw[0, :, 2:] = [[0.0, 2.0], [-1.0, 0.0]]  # (cos-like, sin-like)
    expected = [[[0.75, 0.5, np.pi / 2], [0.25, -7.0, np.pi]]]
    np.testing.assert_allclose(ParticleOutputs()(raw), expected, rtol=1e-6)

    decoder = build_decoder(PRESETS["front-end"], 8)
    save_model(decoder, tmp_path / "decoder.h5")
    again = keras.models.load_model(tmp_path / "decoder.h5", compile=False)
    arrays = [np.ones((2, 8), np.float32), np.zeros((2, 1), np.float32)]
    assert again(arrays).shape == (2, 8, 3)
    np.testing.assert_array_equal(again(arrays), decoder(arrays))


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelDataError, match="choose one of desk, trigger"):
        find_preset("huge")
    with pytest.raises(ModelDataError, match=r"choose one of encoder-50, .*encoder-8"):
        particle_count("encoder-7")
    assert next(iter(VARIANTS)) == "encoder-50"
    assert next(iter(PRESETS)) == "desk"
