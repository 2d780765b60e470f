"""The process in which Keras builds a network, saves it, and computes events with it.

Run as ``python -m hls.project.quantizing.keras_worker FOLDER``. ``job.json`` holds the architecture and what to do.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hls.verification.witnesses.framework_worker import compute, custom_objects, trace


def main(folder: Path) -> None:
    """Do the job in ``folder``."""
    import keras
    import tensorflow as tf

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    model = keras.models.model_from_json(json.dumps(job["architecture"]), custom_objects=custom_objects())
    with np.load(folder / "weights.npz") as weights:
        for layer in model.layers:
            layer.set_weights(list(_stored(layer, weights)))
    if job["save"] is not None:
        model.save(job["save"])
    if job["inputs"]:
        inputs = [np.load(folder / f"input{index}.npy") for index in range(job["inputs"])]
        outputs, _ = compute(tf, model, inputs)
        for index, output in enumerate(outputs):
            np.save(folder / f"output{index}.npy", output)
        events = _affordable(model, job["layers"], job["traced"])
        files = trace(keras, model, job["layers"], [x[:events] for x in inputs], folder)
        (folder / "layers.json").write_text(json.dumps(files), encoding="utf-8")


def _stored(layer: Any, weights: Any) -> Iterator[Any]:
    """The layer's arrays in Keras's order; counters of training steps, which none of ours holds, as they are."""
    number = 0
    for current in layer.get_weights():
        if current.ndim == 0 and current.dtype.kind in "iu":
            yield current
        else:
            yield weights[f"{layer.name}:{number}"]
            number += 1


def _affordable(model: Any, layers: list[str], numbers: int) -> int:
    """How many events have at most so many numbers in these layers; one at least."""
    sizes = (math.prod(model.get_layer(name).output.shape[1:]) for name in layers)
    return max(numbers // max(int(sum(sizes)), 1), 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
