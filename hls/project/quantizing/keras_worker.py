"""The process in which Keras builds networks, computes events with them, trains them and saves them.

Run as ``python -m hls.project.quantizing.keras_worker``. Each line of stdin names a folder whose ``job.json`` holds the
architecture and what to do; when that is done, a line of stdout says so.
"""

from __future__ import annotations

import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hls.project.quantizing.keras_training import name_of, train
from hls.witnesses.framework_worker import compute, custom_objects, import_keras, reason, trace


def main() -> None:
    """Do one job after another, for as long as there are any."""
    keras = import_keras()
    import tensorflow as tf

    objects = custom_objects()
    for line in sys.stdin:
        folder = Path(line.removesuffix("\n"))
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        model = keras.models.model_from_json(json.dumps(job["architecture"]), custom_objects=objects)
        with np.load(folder / "weights.npz") as weights:
            for layer in model.layers:
                layer.set_weights(list(_stored(layer, weights)))
        _JOBS[job["do"]](keras, tf, model, job, folder)
        sys.stdout.write("done\n")
        sys.stdout.flush()


def _save(_keras: Any, _tf: Any, model: Any, job: dict[str, Any], _folder: Path) -> None:
    model.save(job["file"])


def _compute(keras: Any, tf: Any, model: Any, job: dict[str, Any], folder: Path) -> None:
    inputs = [np.load(folder / f"input{index}.npy") for index in range(job["inputs"])]
    outputs, _ = compute(tf, model, inputs)
    for index, output in enumerate(outputs):
        np.save(folder / f"output{index}.npy", output)
    events = _affordable(model, job["layers"], job["traced"])
    files = trace(keras, model, job["layers"], [x[:events] for x in inputs], folder)
    (folder / "layers.json").write_text(json.dumps(files), encoding="utf-8")


_JOBS: dict[str, Callable[[Any, Any, Any, dict[str, Any], Path], None]] = {
    "save": _save,
    "compute": _compute,
    "train": train,
}


def _stored(layer: Any, weights: Any) -> Iterator[Any]:
    """The layer's arrays in Keras's order; counters of training steps, which none of ours holds, as they are."""
    name, number = name_of(layer), 0
    for current in layer.get_weights():
        if current.ndim == 0 and current.dtype.kind in "iu":
            yield current
        else:
            yield weights[f"{name}:{number}"]
            number += 1


def _affordable(model: Any, layers: list[str], numbers: int) -> int:
    """How many events have at most so many numbers in these layers, of which operators are none; one at least."""
    sizes = (math.prod(layer.output.shape[1:]) for layer in model.layers if layer.name in layers)
    return max(numbers // max(int(sum(sizes)), 1), 1)


if __name__ == "__main__":
    try:
        main()
        os._exit(0)  # TensorFlow takes seconds to leave by the door
    except Exception as error:  # noqa: BLE001 (whoever waits is told the last line, whatever it was)
        sys.stderr.write(f"{traceback.format_exc()}\n{reason(error)}\n")
        raise SystemExit(1) from None
