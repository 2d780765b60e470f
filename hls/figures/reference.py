"""The float reference in numpy: what it computes, and how fast on this CPU, one event at a time and in batches."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hls.importing.importer import input_shape
from hls.importing.model_file import container, read_model
from hls.importing.spec import LayerSpec, ModelSpec

Floats = npt.NDArray[np.float32]
_Layer = Callable[[Floats], Floats]

_ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "tanh": np.tanh,
    "sigmoid": lambda x: np.float32(1) / (np.float32(1) + np.exp(-x)),
}
_BATCH = 4096
_SECONDS = 0.2


def cpu_name() -> str:
    """Model name of the processor, as Linux states it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def measure_reference(path: Path) -> tuple[float, float] | None:
    """(events per second in batches of 4096, microseconds for one event); None if it is no chain of dense layers.

    One BLAS thread, like a software trigger that runs one event a core.
    """
    model = None if container(path) is None else read_model(path)
    layers = None if model is None else _dense_chain(model)
    if model is None or layers is None:
        return None
    rng = np.random.default_rng(0)
    large = rng.standard_normal((_BATCH, *input_shape(model.layers[model.inputs[0].layer])), np.float32)
    with threadpool_limits(limits=1, user_api="blas"):
        batch, single = _best_seconds(layers, large), _best_seconds(layers, large[:1])
    return _BATCH / batch, 1e6 * single


def dense_outputs(model: ModelSpec, x: Floats) -> Floats | None:
    """The float32 output (events, n); None if the network is no chain of dense layers and their activations."""
    layers = _dense_chain(model)
    if layers is None:
        return None
    for layer in layers:
        x = layer(x)
    return x


def _dense_chain(model: ModelSpec) -> list[_Layer] | None:
    chain: list[_Layer] = []
    if len(model.inputs) > 1 or len(model.outputs) > 1:
        return None
    for layer in model.layers.values():
        if layer.class_name in ("InputLayer", "Dropout"):
            continue
        made = _activation(layer) if layer.class_name == "Activation" else _dense(layer)
        if made is None:
            return None
        chain.append(made)
    return chain or None


def _activation(layer: LayerSpec) -> _Layer | None:
    name = layer.config.get("activation")
    return _ACTIVATIONS.get(name) if isinstance(name, str) else None


def _dense(layer: LayerSpec) -> _Layer | None:
    name = layer.config.get("activation", "linear")
    if layer.class_name != "Dense" or name not in _ACTIVATIONS or not layer.weights:
        return None
    kernel, activation = layer.weights[0], _ACTIVATIONS[str(name)]
    bias = layer.weights[1] if len(layer.weights) > 1 else np.zeros(kernel.shape[1], np.float32)
    return lambda x: activation(x @ kernel + bias)


def _best_seconds(layers: list[_Layer], x: Floats) -> float:
    """Fastest of the runs that fit into a fraction of a second: the least disturbed one."""
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        start, y = time.perf_counter(), x
        for layer in layers:
            y = layer(y)
        best = min(best, time.perf_counter() - start)
    return best
