"""Float encoder, decoder and judge read from Keras's files and evaluated in numpy: no TensorFlow, nothing executed.

A network is the list of its layers in the order in which Keras built them, each naming the layers that feed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.importing.spec import LayerSpec, ModelSpec
from qmodels.errors import ModelDataError
from qmodels.numpy_networks import read_float_model
from qmodels.types import Floats32

Step = Callable[..., Floats32]

BLOCK_EVENTS = 256
"""Events computed at once: the activations of 50 particles stay in the cache."""


@dataclass(frozen=True)
class Layer:
    """One layer: what it computes, and the names of the layers it takes."""

    name: str
    sources: tuple[str, ...]
    step: Step


@dataclass(frozen=True)
class Network:
    """A network of several inputs and outputs, called by the names of its inputs."""

    inputs: dict[str, tuple[int, ...]]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]

    def __call__(self, *arrays: npt.ArrayLike) -> list[Floats32]:
        """Inputs (n, *shape) in the order of ``inputs`` -> outputs (n, *shape), float32."""
        given = [np.asarray(array, np.float32) for array in arrays]
        starts = range(0, len(given[0]), BLOCK_EVENTS) if len(given[0]) else range(1)
        blocks = [self._block([array[start : start + BLOCK_EVENTS] for array in given]) for start in starts]
        return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]

    def _block(self, arrays: Sequence[Floats32]) -> list[Floats32]:
        values = dict(zip(self.inputs, arrays, strict=True))
        for layer in self.layers:
            values[layer.name] = layer.step(*(values[name] for name in layer.sources))
        return [values[name] for name in self.outputs]


def read_network(path: Path, inputs: Mapping[str, tuple[int | None, ...]]) -> Network:
    """Read a float network that takes ``inputs`` {name: shape of one event, None where any size will do}.

    Raises:
        ModelDataError: the file is missing or no Keras model, its inputs are others, or a layer is of a kind that is
            not computed here.
    """
    network = _network(path, read_float_model(path), tuple(inputs))
    for name, wanted in inputs.items():
        found = network.inputs[name]
        if len(found) != len(wanted) or any(w not in (None, f) for f, w in zip(found, wanted, strict=True)):
            raise ModelDataError(f"{path}: input {name!r} is of shape {found}, {wanted} is needed: of another variant?")
    return network


def _network(path: Path, model: ModelSpec, wanted: tuple[str, ...]) -> Network:
    ports = {name: layer for name, layer in model.layers.items() if layer.class_name == "InputLayer"}
    if set(ports) != set(wanted):
        raise ModelDataError(f"{path}: takes inputs {sorted(ports)}, {sorted(wanted)} are needed")
    layers = tuple(_layer(path, layer) for name, layer in model.layers.items() if name not in ports)
    return Network({name: _shape(path, ports[name]) for name in wanted}, layers, tuple(o.layer for o in model.outputs))


def _shape(path: Path, port: LayerSpec) -> tuple[int, ...]:
    shape = port.config.get("batch_shape") or port.config.get("batch_input_shape")
    if not shape:
        raise ModelDataError(f"{path}: input {port.name!r} has no shape; save the whole model again")
    return tuple(shape)[1:]


def _layer(path: Path, layer: LayerSpec) -> Layer:
    if layer.class_name not in _KINDS:
        raise ModelDataError(
            f"{path}: layer {layer.name!r} is {layer.class_name}; computed here are {', '.join(_KINDS)}"
        )
    if layer.class_name in _WEIGHTED and not layer.weights:
        raise ModelDataError(f"{path}: layer {layer.name!r} has no weights; save the whole model again")
    step = _KINDS[layer.class_name](path, layer.config, list(layer.weights))
    return Layer(layer.name, tuple(source.layer for source in layer.calls[0].inputs), step)


def _activation(path: Path, options: Any) -> Step:
    spec = options.get("activation", "linear")
    if isinstance(spec, dict):
        kind = spec.get("class_name")
        name, slope = ("leaky_relu", _slope(spec["config"])) if kind == "LeakyReLU" else (spec["config"], 0.2)
    else:
        name, slope = spec, 0.2  # Keras's own default, where the activation is given by name only
    if name == "linear":
        return lambda x: x
    if name == "relu":
        return lambda x: np.maximum(x, np.float32(0))
    if name == "leaky_relu":
        return lambda x: np.maximum(x, np.float32(slope) * x)
    if name == "softmax":
        return _softmax
    raise ModelDataError(
        f"{path}: layer {options['name']!r} has activation {name!r}; use linear, relu, leaky_relu or softmax"
    )


def _softmax(x: Floats32) -> Floats32:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _slope(options: Any) -> float:
    return float(options.get("negative_slope", options.get("alpha", 0.3)))


def _dense(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    kernel = arrays[0].reshape(arrays[0].shape[-2:])  # a Conv1D over one particle has a leading axis of 1
    activation = _activation(path, options)
    if len(arrays) == 1:
        return lambda x: activation(x @ kernel)
    return lambda x: activation(x @ kernel + arrays[1])


def _conv1d(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    if arrays[0].shape[0] != 1:
        raise ModelDataError(f"{path}: layer {options['name']!r} mixes particles; only kernel size 1 is computed here")
    return _dense(path, options, arrays)


def _concatenate(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    return lambda *parts: np.concatenate(parts, axis=-1)


def _leaky(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    slope = np.float32(_slope(options))
    return lambda x: np.maximum(x, slope * x)


def _sum_pooling(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    factor = np.float32(1.0 / options["divisor"])
    return lambda x: x.sum(axis=1) * factor


def _rescaling(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    scale, offset = (np.asarray(options[name], np.float32) for name in ("scale", "offset"))
    return lambda x: x * scale + offset


def _reshape(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    return lambda x: x.reshape(len(x), *options["target_shape"])


def _particle_outputs(path: Path, options: Any, arrays: list[Floats32]) -> Step:
    """(n, N, 4) -> (n, N, 3), as ``qmodels.compression.reference.ParticleOutputs`` does."""

    def step(raw: Floats32) -> Floats32:
        fraction = _softmax(raw[..., 0])
        return np.stack([fraction, raw[..., 1], np.arctan2(raw[..., 3], raw[..., 2])], axis=-1)

    return step


_KINDS: dict[str, Callable[[Path, Any, list[Floats32]], Step]] = {
    "Dense": _dense,
    "Conv1D": _conv1d,
    "LeakyReLU": _leaky,
    "Activation": lambda path, options, arrays: _activation(path, options),
    "Concatenate": _concatenate,
    "Rescaling": _rescaling,
    "GlobalSumPooling1D": _sum_pooling,
    "Reshape": _reshape,
    "ParticleOutputs": _particle_outputs,
}

_WEIGHTED = ("Dense", "Conv1D")
