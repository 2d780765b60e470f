"""Networks in numpy: by hand, and against Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qmodels.compression.inputs import column
from qmodels.compression.networks import read_network
from qmodels.compression.trained_folder import read_networks
from qmodels.errors import ModelDataError

BETA = {"log10_beta": (1,)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained networks of the paper's structure with scaled fractions, and a judge."""
    import keras

    from qmodels.compression.classifiers.pfn import PfnSize, build_pfn
    from qmodels.compression.presets import AutoencoderStage, Preset
    from qmodels.compression.reference import build_decoder, build_encoder
    from qmodels.training.records import save_model

    keras.utils.set_random_seed(1)
    stage = AutoencoderStage("small", 1, 10, 1e-3)
    preset = Preset("small", (8, 8), (8,), 3, (8,), 4, 0.1, 100, stage, scaled=True)
    home = tmp_path_factory.mktemp("networks")
    save_model(build_encoder(preset, 5), home / "reference.h5")
    save_model(build_decoder(preset, 5), home / "decoder.h5")
    save_model(build_pfn(PfnSize((8,), (8,)), 5, 4, masked=False, conditions=1), home / "judge.h5")
    return home


@pytest.mark.slow
def test_numpy_computes_what_keras_computes(folder: Path) -> None:
    import keras

    networks = read_networks(folder)
    assert networks.classifier is not None
    rng = np.random.default_rng(1)
    particles, beta = rng.normal(size=(300, 5, 4)).astype(np.float32), column(-2.0, 300)
    latent = rng.normal(size=(300, 3)).astype(np.float32)
    for name, network, arrays in (
        ("reference", networks.encoder, [particles, beta]),
        ("decoder", networks.decoder, [latent, beta]),
        ("judge", networks.classifier, [particles, beta]),
    ):
        model = keras.models.load_model(folder / f"{name}.h5", compile=False)
        expected = model(arrays)
        for own, other in zip(network(*arrays), expected if isinstance(expected, list) else [expected], strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_decoder_gives_fractions_that_sum_to_one_and_angles(folder: Path) -> None:
    restored = read_networks(folder).decoder(np.random.default_rng(2).normal(size=(50, 3)) * 9, column(0.0, 50))[0]
    np.testing.assert_allclose(restored[..., 0].sum(axis=1), 1.0, rtol=1e-6)
    assert restored[..., 0].min() >= 0.0
    assert np.abs(restored[..., 2]).max() <= np.float32(np.pi)


@pytest.mark.slow
def test_no_events_are_no_error(folder: Path) -> None:
    mean, log_variance = read_networks(folder).encoder(np.zeros((0, 5, 4)), np.zeros((0, 1)))
    assert mean.shape == log_variance.shape == (0, 3)


@pytest.mark.slow
def test_unusable_networks_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match=r"none\.h5: no such model file"):
        read_network(tmp_path / "none.h5", BETA)
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(ModelDataError, match="not a Keras model in HDF5"):
        read_network(tmp_path / "text.h5", BETA)
    with pytest.raises(ModelDataError, match=r"takes inputs \['latent', 'log10_beta'\]"):
        read_network(folder / "decoder.h5", {"particles": (None, 4), **BETA})
    with pytest.raises(ModelDataError, match=r"'particles' is of shape \(5, 4\), \(16, 4\) is needed"):
        read_network(folder / "judge.h5", {"particles": (16, 4), **BETA})


@pytest.mark.slow
def test_layers_that_are_not_computed_are_refused(tmp_path: Path) -> None:
    import keras

    from qmodels.training.records import save_model

    for layer, message in (
        (keras.layers.BatchNormalization(name="norm"), "layer 'norm' is BatchNormalization"),
        (keras.layers.Dense(2, activation="tanh", name="dense"), "layer 'dense' has activation 'tanh'"),
    ):
        given = keras.Input((1,), name="log10_beta")
        save_model(keras.Model(given, layer(given)), tmp_path / "model.h5")
        with pytest.raises(ModelDataError, match=message):
            read_network(tmp_path / "model.h5", BETA)


def test_fidelity_needs_no_tensorflow() -> None:
    code = (
        "import sys; import qmodels.compression.fidelity.comparison, qmodels.compression.samples.generation; "
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'keras', 'matplotlib', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
