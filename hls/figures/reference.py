"""How fast the float reference runs on this CPU: numpy, one event at a time and in large batches."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hls.importing.model_file import read_model
from hls.importing.spec import LayerSpec

Floats = npt.NDArray[np.float32]
_Layer = tuple[Floats, Floats, str]

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
    layers = _dense_chain(path)
    if layers is None:
        return None
    rng = np.random.default_rng(0)
    large = rng.standard_normal((_BATCH, layers[0][0].shape[0]), np.float32)
    with threadpool_limits(limits=1, user_api="blas"):
        batch, single = _best_seconds(layers, large), _best_seconds(layers, large[:1])
    return _BATCH / batch, 1e6 * single


def _dense_chain(path: Path) -> list[_Layer] | None:
    model = read_model(path)
    chain: list[_Layer] = []
    if len(model.inputs) > 1 or len(model.outputs) > 1:
        return None
    for layer in model.layers.values():
        if layer.class_name in ("InputLayer", "Dropout"):
            continue
        made = _dense(layer)
        if made is None:
            return None
        chain.append(made)
    return chain or None


def _dense(layer: LayerSpec) -> _Layer | None:
    activation = layer.config.get("activation", "linear")
    if layer.class_name != "Dense" or activation not in _ACTIVATIONS or not layer.weights:
        return None
    kernel = layer.weights[0]
    bias = layer.weights[1] if len(layer.weights) > 1 else np.zeros(kernel.shape[1], np.float32)
    return kernel, bias, str(activation)


def _best_seconds(layers: list[_Layer], x: Floats) -> float:
    """Fastest of the runs that fit into a fraction of a second: the least disturbed one."""
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        start, y = time.perf_counter(), x
        for kernel, bias, activation in layers:
            y = _ACTIVATIONS[activation](y @ kernel + bias)
        best = min(best, time.perf_counter() - start)
    return best
