"""The process in which TensorFlow lives: loads one model, computes the events of a folder, leaves the outputs there.

Run as ``python framework_worker.py FOLDER``, by an interpreter that need not have this package. ``job.json`` names the
framework, the model file and the layers to trace.
"""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_CANNOT_LOAD = 3
_BATCH = 16_384
_NOT_NEEDED = ("sklearn", "matplotlib")
KERAS_LAYERS = "qtrigger.keras_layers"
"""Entry points of installed packages: Keras layers of their own, by class name, for the files that hold them."""


def main(folder: Path) -> int:
    """Do the job in ``folder``; returns the exit code."""
    keras = import_keras()
    import tensorflow as tf

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    objects, framework = _FRAMEWORKS[job["framework"]]()
    if job["internal_sigmoid"] is not None:
        from qkeras.quantizers import set_internal_sigmoid

        set_internal_sigmoid(job["internal_sigmoid"])
    try:
        model = keras.models.load_model(job["model"], custom_objects=objects, compile=False)
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, OSError, RuntimeError) as error:
        sys.stderr.write(f"\n{reason(error)}\n")
        return _CANNOT_LOAD
    if job["of_keras2"]:
        restore_functions(keras, model)
    inputs = [np.load(folder / f"input{index}.npy") for index in range(job["inputs"])]
    if isinstance(model, keras.Sequential):
        model.build((None, *inputs[0].shape[1:]))  # one of Keras 2 may name its input nowhere
    # Ports in their order, where the model's own go by keys; a Sequential has no ports of its own.
    if isinstance(model, keras.Sequential) or isinstance(model.input, dict) or isinstance(model.output, dict):
        model = keras.Model(model.inputs, model.outputs)
    for name in job["dropped"]:
        drop(keras, model.get_layer(name))
    version = f"{framework} {_version(framework)}, tensorflow {tf.__version__}{stood_in(model)}"
    answer: dict[str, Any] = {"version": version}
    if job["layers"]:
        answer["layers"] = trace(keras, model, job["layers"], inputs, folder)
    else:
        outputs, answer["seconds"] = compute(tf, model, inputs)
        for index, output in enumerate(outputs):
            if index in job["argmax"]:
                output = argmax(output)
            if str(index) in job["tables"]:
                output = softmax_by_tables(output, job["tables"][str(index)])
            np.save(folder / f"output{index}.npy", output)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


def import_keras() -> Any:
    """Keras without scikit-learn and matplotlib, which it imports where they are, and no network that is run needs.

    They take a third of the time of a start.
    """
    absent: Any = None  # as `import` understands it
    sys.modules.update(dict.fromkeys(_NOT_NEEDED, absent))
    try:
        import keras
    finally:
        for name in _NOT_NEEDED:
            del sys.modules[name]  # whoever brings layers may need it
    return keras


def restore_functions(keras: Any, model: Any) -> None:
    """Give the layers of a file of Keras 2 the ``hard_sigmoid`` of Keras 2, where the Keras that loaded it has its own.

    Keras 2: ``clip(0.2 * x + 0.5, 0, 1)``; Keras 3, without a word: ``relu6(x + 3) / 6``.
    """
    if keras.__version__.startswith("2."):
        return
    for layer in model._flatten_layers(include_self=False):
        for key in ("activation", "recurrent_activation"):
            if getattr(layer, key, None) is keras.activations.hard_sigmoid:
                setattr(layer, key, lambda x: keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0))


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FRAMES = "Arguments received by"
"""Keras ends the message of an exception with what it called its layer with, a list that says nothing of the cause."""


def reason(error: Exception) -> str:
    """One line: what kind of exception, and its message without Keras's decoration."""
    message = _COLOURS.sub("", str(error)).partition(_FRAMES)[0]
    return f"{type(error).__name__}: {' '.join(message.split())}"[:300]


def hgq() -> tuple[dict[str, Any], str]:
    """HGQ of Keras 2, whose proxies in HDF5 name their class without its package."""
    from HGQ.proxy.fixed_point_quantizer import FixedPointQuantizer

    return {"FixedPointQuantizer": FixedPointQuantizer}, "HGQ"


def hgq2() -> tuple[dict[str, Any], str]:
    """HGQ 2, which registers its layers with Keras."""
    import hgq  # noqa: F401 (registers them)

    return {}, "HGQ2"


def pquant() -> tuple[dict[str, Any], str]:
    """PQuantML, which registers its layers with Keras."""
    import pquant.core.keras.activations
    import pquant.core.keras.layers  # noqa: F401 (registers them)

    return {}, "pquant-ml"


def qkeras() -> tuple[dict[str, Any], str]:
    """QKeras, whose classes must be named; layers of others where they are not here, if no package brings them."""
    from hls.witnesses.stand_ins import STAND_INS

    return STAND_INS | custom_objects(), "qkeras-v3"


_FRAMEWORKS = {"HGQ": hgq, "hgq": hgq2, "pquant": pquant, "qkeras": qkeras}
"""By the module that a job names: the classes that Keras is told of besides its own, and the package's name."""


def stood_in(model: Any) -> str:
    """Which layers of a model are not of the package that it was trained with, but stand-ins."""
    kinds = {type(layer) for layer in model.layers}
    names = sorted(kind.__name__ for kind in kinds if kind.__module__.endswith(".stand_ins"))
    return f", own {' and '.join(names)}" if names else ""


def custom_objects() -> dict[str, Any]:
    """Layers and quantizers of QKeras, and those of installed packages, by class name."""
    # The package re-exports Keras names over its own submodules, so `qkeras.utils` would be Keras's.
    from qkeras.utils import _add_supported_quantized_objects

    objects: dict[str, Any] = {}
    _add_supported_quantized_objects(objects)
    objects["Clip"] = _clip_of_either(objects["Clip"])
    return objects | {point.name: point.load() for point in entry_points(group=KERAS_LAYERS)}


def drop(keras: Any, layer: Any) -> None:
    """Make a layer, or the one in it, give what its last function, a softmax or a sigmoid, would read."""
    layer = getattr(layer, "layer", layer)
    if hasattr(layer, "kernel") or hasattr(layer, "kernel_quantizer"):
        layer.activation = keras.activations.linear
    else:
        layer.call = lambda inputs, **_keywords: inputs  # an activation by itself


def argmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The index of the largest, the first of equal ones, in the axis of its own that it has on chip."""
    return np.asarray(np.argmax(scores, axis=-1, keepdims=True), np.float32)


def softmax_by_tables(scores: npt.NDArray[np.float32], fraction: int) -> npt.NDArray[np.float32]:
    """docs/how-it-works/softmax.md, step by step, of scores on a grid of ``fraction`` bits."""
    values = scores.astype(np.float64)
    below = values - values.max(axis=-1, keepdims=True)
    step = 2.0 ** -min(fraction, 7)
    cells = np.maximum(np.floor(below / step), -12 / step)
    middle = np.where(cells < 0, cells * step + (step - 2.0**-fraction) / 2, 0.0)
    powers = np.rint(np.exp(middle) * 65536) / 65536
    classes = values.shape[-1]
    per_one = 2.0 ** min(16, int(np.log2(4096 // (classes - 1))))
    sums = np.rint(powers.sum(axis=-1, keepdims=True) * per_one) / per_one
    shares = powers * (np.rint(65536 / sums) / 65536)
    return np.asarray(np.minimum(np.rint(shares * 65536), 65535) / 65536, np.float32)


def _clip_of_either(constraint: Any) -> type:
    """QKeras calls a constraint of weights by the name under which Keras saves its own ``ops.clip``."""
    from keras.src.ops.numpy import Clip

    class EitherClip:
        @staticmethod
        def from_config(config: dict[str, Any]) -> Any:
            return (constraint if "min_value" in config else Clip).from_config(config)

    return EitherClip


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


def compute(tf: Any, model: Any, inputs: list[npt.NDArray[np.float32]]) -> tuple[list[npt.NDArray[np.float32]], float]:
    """Outputs and the seconds of computing, tracing and the first batch not counted."""
    single = len(inputs) == 1
    signature = [tf.TensorSpec((None, *x.shape[1:]), tf.float32) for x in inputs]  # one trace for every batch size
    run = tf.function(lambda *x: model(x[0] if single else list(x), training=False), input_signature=signature)

    def batch(start: int) -> list[npt.NDArray[np.float32]]:
        result = run(*(tf.constant(x[start : start + _BATCH]) for x in inputs))
        return [y.numpy() for y in (result if isinstance(result, list | tuple) else [result])]

    events = len(inputs[0])
    batch(0)
    start_time = time.perf_counter()
    parts = []
    for start in range(0, events, _BATCH):
        parts.append(batch(start))
        sys.stdout.write(f"{min(start + _BATCH, events)}/{events}\n")
        sys.stdout.flush()
    seconds = time.perf_counter() - start_time
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)], seconds


def trace(
    keras: Any, model: Any, layers: list[str], inputs: list[npt.NDArray[np.float32]], folder: Path
) -> dict[str, str]:
    """Outputs, as files in ``folder``, of those layers that are in the model by that name and were called once."""
    known = {layer.name: layer for layer in model.layers}
    chosen = [name for name in layers if name in known and len(known[name]._inbound_nodes) == 1]
    probe = keras.Model(model.inputs, [known[name].output for name in chosen])
    values = probe(inputs if len(inputs) > 1 else inputs[0], training=False)
    files = {}
    listed = values if isinstance(values, list | tuple) else [values]  # of one alone Keras makes no list
    for index, (name, value) in enumerate(zip(chosen, listed, strict=True)):
        files[name] = f"layer{index}.npy"
        np.save(folder / files[name], np.asarray(value))
    return files


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except Exception as error:  # noqa: BLE001 (the build is told the last line, whatever it was)
        sys.stderr.write(f"{traceback.format_exc()}\n{reason(error)}\n")
        raise SystemExit(1) from None
