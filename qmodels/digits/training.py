"""Trains the network of firmware_projects/mnist-cnn on digits that are drawn as it goes.

    python -m qmodels.digits.training FOLDER

writes ``model.h5`` and ``training.json`` there: the network of two convolutions with six-bit weights, and how many of
10,000 digits that it never saw it tells right. Minutes on one core; the same seed draws the same digits.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from qmodels.digits.drawing import SIZE, digits

TRAINED, TESTED = 20_000, 10_000
EPOCHS = 8


def network() -> Any:
    """28x28 pixels, 3x3 to 4 channels, pool, 3x3 to 8, pool, ten outputs."""
    import keras
    from qkeras import QActivation, QConv2D, QDense

    weights = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            QConv2D(4, 3, padding="same", name="edges", **weights),
            QActivation("quantized_relu(6,2)", name="edges_relu"),
            keras.layers.MaxPooling2D(2, name="halves"),
            QConv2D(8, 3, padding="same", name="corners", **weights),
            QActivation("quantized_relu(6,3)", name="corners_relu"),
            keras.layers.MaxPooling2D(2, name="quarters"),
            keras.layers.Flatten(name="flat"),
            QDense(10, name="digit", **weights),
        ],
        name="mnist_cnn",
    )


def train(folder: Path, seed: int) -> None:
    """Train and write the model and what it reached."""
    import keras

    keras.utils.set_random_seed(seed)
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    images, shown = digits(TRAINED, seed)
    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * (0.5 if epoch >= EPOCHS // 2 else 1.0))
    model.fit(images, shown, batch_size=100, epochs=EPOCHS, verbose=0, callbacks=[rates])
    unseen, expected = digits(TESTED, seed + 1)
    right = float((model.predict(unseen, batch_size=500, verbose=0).argmax(axis=1) == expected).mean())
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.h5", include_optimizer=False)
    found = {"seed": seed, "trained_on": TRAINED, "epochs": EPOCHS, "tested_on": TESTED, "accuracy": right}
    (folder / "training.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    train(options.folder, options.seed)


if __name__ == "__main__":
    main()
