"""Our softmax by tables beside hls4ml's own, on the same scores: `python -m benchmarks.softmax [CLASSES]...`.

A network that is a softmax alone, its scores of type ``ap_fixed<16,6>``, through hls4ml with its default configuration
and its default for the result (``ap_fixed<18,8,AP_RND,AP_SAT>`` tables of 1024 entries), and through ours.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt

from hls.emulation import emulate
from hls.importing import import_keras

EVENTS, SEED, SPREAD = 10_000, 1, 3.0
INPUT = "ap_fixed<16,6>"

Doubles = npt.NDArray[np.float64]


def main(classes: list[int]) -> None:
    """A line for each number of classes."""
    for count in classes:
        scores = np.rint(np.random.default_rng(SEED).normal(0, SPREAD, (EVENTS, count)) * 1024) / 1024
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        exact = powers / powers.sum(axis=1, keepdims=True)
        with tempfile.TemporaryDirectory() as folder:
            model = _model(count)
            path = Path(folder) / "m.keras"
            model.save(path)
            ours = emulate(import_keras(path, INPUT, softmax="table"), scores)
            theirs = _hls4ml(model, scores, Path(folder))
        for name, found in (("ours", ours), ("hls4ml", theirs)):
            flips = int((found.argmax(axis=1) != scores.argmax(axis=1)).sum())
            sys.stdout.write(
                f"{count:4} classes  {name:6}  flips {flips:5} of {EVENTS:,}  error {np.abs(found - exact).max():.5f}\n"
            )


def _model(classes: int) -> Any:
    import keras

    x = keras.Input((classes,))
    return keras.Model(x, keras.layers.Softmax()(x))


def _hls4ml(model: Any, scores: Doubles, folder: Path) -> Doubles:
    import hls4ml

    config = hls4ml.utils.config_from_keras_model(model, granularity="name")
    converted = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, output_dir=str(folder / "hls"), backend="Vitis", io_type="io_parallel"
    )
    converted.compile()
    return np.asarray(converted.predict(np.ascontiguousarray(scores, dtype=np.float32)), np.float64).reshape(
        scores.shape
    )


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [3, 5, 10])
