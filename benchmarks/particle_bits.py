"""What fewer bits of some particles would cost a committed encoder, and what they would save.

    python -m benchmarks.particle_bits firmware_projects/compression-encoder-16 background.h5

Learned widths are the same for every particle, so that one core serves them all. Here the features and both hidden
layers of a quarter of the particles, in the order of their pT, are rounded to grids that are coarser by some bits,
without training again: the loss that this adds, on the last tenth of the collisions (5000 at most), with the decoder of
the project, bounds what it would add after training. Beside it LUTs by alkaid of a core with as many bits fewer.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from qkeras.utils import load_qmodel

from hls.importing import import_keras
from hls.rtl.trace import trace
from qmodels.compression.inputs import transport_targets
from qmodels.compression.reference import ParticleOutputs
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.training import CompressionTask
from qmodels.layers import GlobalSumPooling1D
from qmodels.training.loop import set_up
from qmodels.training.precision.quantizer import learned_bits

NARROWED = ("features_quantizer", "particle_1", "particle_2")
"""Layers of one vector a particle, whose quantizers have bits for each channel."""

GROUPS, MOST_DROPPED, SEED = 4, 3, 1


class FewerBits(keras.layers.Layer):
    """Rounds (n, N, channels) to grids ``dropped`` (N,) bits coarser than those of ``fraction`` (channels,)."""

    def __init__(self, fraction: npt.NDArray[np.int64], dropped: keras.Variable) -> None:
        super().__init__()
        self._fraction = fraction.astype(np.float32)
        self._dropped = dropped

    def call(self, x: Any) -> Any:
        """Half up: on average as much as before."""
        step = tf.pow(2.0, tf.convert_to_tensor(self._dropped.value)[:, None] - self._fraction)
        return tf.where(self._dropped.value[:, None] > 0.0, tf.floor(x / step + 0.5) * step, x)


def with_fewer_bits(encoder: keras.Model, dropped: keras.Variable) -> keras.Model:
    """``encoder``, its layers shared, with ``dropped`` (N,) bits fewer of each particle; all 0 changes nothing."""

    def called(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        y = layer(*args, **kwargs)
        return FewerBits(layer.activation.fraction_bits(), dropped)(y) if layer.name in NARROWED else y

    return keras.models.clone_model(encoder, call_function=called, clone_function=lambda layer: layer)


def core_luts(project: Path, dropped: int) -> float:
    """LUTs by alkaid of the core that serves a particle, with ``dropped`` bits fewer."""
    encoder = _encoder(project)
    for name in NARROWED:
        quantizer = encoder.get_layer(name).activation
        quantizer.set_bits(quantizer.fraction_bits() - dropped)
    with tempfile.TemporaryDirectory() as folder:
        encoder.save(Path(folder) / "model.h5")
        core = trace(import_keras(Path(folder) / "model.h5")).cores[0]
    return float(core.comb.cost)


def rows(project: Path, collisions: Path) -> Iterator[str]:
    """A line for each number of bits."""
    set_up(SEED)
    encoder = _encoder(project)
    custom = {"ParticleOutputs": ParticleOutputs}
    decoder = keras.models.load_model(project / "decoder.h5", compile=False, custom_objects=custom)
    count = encoder.inputs[0].shape[1]
    clouds = transport_targets(read_collisions(collisions).particles, count)
    dropped = keras.Variable(np.zeros(count, np.float32), trainable=False)
    task = CompressionTask("bits", with_fewer_bits(encoder, dropped), decoder, clouds, SEED, frozen_decoder=True)
    groups = np.array_split(np.arange(count), GROUPS)
    before = task.validate()[0]
    most = [float(clouds[:, group, 0].max()) for group in groups]
    yield f"{'':24}" + "".join(f"{f'{group[0] + 1} to {group[-1] + 1}':>10}" for group in groups)
    yield f"{'largest pT/H_T':24}" + "".join(f"{value:10.3f}" for value in most)
    for bits in range(1, MOST_DROPPED + 1):
        yield f"{f'{bits} bits fewer: loss +':24}" + "".join(
            f"{_validated(task, dropped, group, bits) - before:10.4f}" for group in groups
        )
    luts = ", ".join(f"{bits} fewer: {core_luts(project, bits):,.0f}" for bits in range(MOST_DROPPED + 1))
    yield f"loss before {before:.4f}; LUTs of a core by bits: {luts}"


def _encoder(project: Path) -> keras.Model:
    custom = {"GlobalSumPooling1D": GlobalSumPooling1D, "learned_bits": learned_bits}
    return load_qmodel(project / "model.h5", compile=False, custom_objects=custom)


def _validated(task: CompressionTask, dropped: keras.Variable, group: npt.NDArray[np.int64], bits: int) -> float:
    """The loss with ``bits`` fewer of the particles in ``group``."""
    fewer = np.zeros(dropped.shape, np.float32)
    fewer[group] = bits
    dropped.assign(fewer)
    return task.validate()[0]


def main() -> None:
    """Write the lines."""
    for line in rows(*(Path(name) for name in sys.argv[1:])):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
