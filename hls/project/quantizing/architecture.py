"""A network as the architecture that Keras 3 builds it from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hls.importing.spec import Constant, LayerSpec, ModelSpec, TensorRef

_CONVOLUTION = ("kernel_size", "strides", "padding", "dilation_rate", "data_format", "use_bias", "activation")
_STEPS = ("units", "use_bias", "activation", "return_sequences", "go_backwards")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "LSTM": (*_STEPS, "recurrent_activation"),
    "SimpleRNN": _STEPS,
    "Dense": ("units", "use_bias", "activation"),
    "Conv1D": ("filters", "groups", *_CONVOLUTION),
    "Conv2D": ("filters", "groups", *_CONVOLUTION),
    "DepthwiseConv2D": ("depth_multiplier", *_CONVOLUTION),
    "Conv2DTranspose": ("filters", *_CONVOLUTION),
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
}
"""What of these layers takes part in inference; initializers and regularizers of the author's own do not."""
_OPERATORS_OF = {**dict.fromkeys(("Elu", "Gelu"), "nn"), "Cast": "core"}
"""Modules of Keras with the operators that numpy has not; functions of ``Activation`` come as layers."""
_OF_A_LIST = ("ops.Concatenate", "ops.Stack")
_QUANTIZERS = ("kernel_quantizer", "bias_quantizer", "depthwise_quantizer", "recurrent_quantizer", "state_quantizer")
_NEVER = ("dtype", "trainable", "batch_input_shape", "batch_shape", "build_config", "name", "sparse", "ragged", "index")


def architecture(model: ModelSpec) -> dict[str, Any]:
    """What Keras 3 (with QKeras, if it is quantized) builds a network of one call a layer from."""
    config = {
        "name": model.name,
        "trainable": True,
        "layers": [_entry(layer) for layer in model.layers.values()],
        "input_layers": _ports(model.inputs),
        "output_layers": _ports(model.outputs),
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
    }


def _ports(refs: tuple[TensorRef, ...]) -> list[Any]:
    ports = [[ref.layer, ref.node, ref.tensor] for ref in refs]
    return ports[0] if len(ports) == 1 else ports


def _entry(layer: LayerSpec) -> dict[str, Any]:
    kind = layer.class_name.removeprefix("ops.")
    module = "qkeras" if kind.startswith("Q") else "keras.layers"
    if layer.class_name.startswith("ops."):
        module = f"keras.src.ops.{_OPERATORS_OF.get(kind, 'numpy')}"
    entry: dict[str, Any] = {
        "module": module,
        "class_name": kind,
        "config": _config(layer),
        "registered_name": kind if module == "qkeras" else None,
        "name": layer.name,
    }
    inbound = [{"args": _arguments(layer), "kwargs": {}}] if kind != "InputLayer" else []
    return entry | {"inbound_nodes": inbound}


def _config(layer: LayerSpec) -> dict[str, Any]:
    if layer.class_name == "InputLayer":
        shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
        return {"batch_shape": shape, "dtype": "float32", "name": layer.name}
    known = _OPTIONS.get(layer.class_name.removeprefix("Q"))
    config = dict(layer.config)
    if isinstance(config.get("axis"), list):  # Keras 2 wrote a normalization's axis so
        config["axis"] = config["axis"][0]
    kept = {k: v for k, v in config.items() if (known is None or k in (*known, *_QUANTIZERS)) and k not in _NEVER}
    return {"name": layer.name, **kept}


def _arguments(layer: LayerSpec) -> list[Any]:
    """One list of tensors for a merge, else the arguments as they are."""
    found = [_argument(argument) for argument in layer.calls[0].arguments]
    if layer.class_name == "ops.GetItem":
        found.append(layer.config["index"])
    if layer.class_name == "ops.Take" and len(found) > 2:
        return [found[0], [int(place) for place in found[1:]]]
    single = len(found) == 1 or (layer.class_name.startswith("ops.") and layer.class_name not in _OF_A_LIST)
    return found if single else [found]


def _argument(argument: TensorRef | Constant) -> Any:
    if isinstance(argument, Constant):
        value = np.asarray(argument.value)
        config = {"value": value.tolist(), "dtype": "float32"}
        return float(value) if value.ndim == 0 else {"class_name": "__numpy__", "config": config}
    history = [argument.layer, argument.node, argument.tensor]
    return {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", "keras_history": history}}
