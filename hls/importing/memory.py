"""A Keras model in memory as plain data. Duck-typed: Keras itself is not imported here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError
from hls.importing.architecture import all_entries, check_model, parse_model
from hls.importing.nested import SEPARATOR
from hls.importing.quantizers import HARD, REAL, SMOOTH
from hls.importing.refusals import ADAPTIVE, adaptive
from hls.importing.spec import ModelSpec

# Attributes that change what a quantizer computes but that QKeras leaves out of its configuration.
_UNSAVED = (
    "is_quantized_clip", "scale_axis", "elements_per_scale", "min_po2_exponent", "max_po2_exponent", "use_01",
)  # fmt: skip


def read_memory(model: Any) -> ModelSpec:
    """The model as its own ``to_json`` states it, with its current weights."""
    layers = dict(_layers(model))
    for layer in layers.values():
        if type(layer).__name__ == ADAPTIVE:
            raise adaptive(layer.name)
    architecture = check_model(json.loads(_stated(model)), f"model {model.name!r}")
    for name, entry in all_entries(architecture):
        layer = layers.get(name)
        if layer is not None:
            _add_unsaved(entry["config"], layer)

    def weights(layer: str, kind: str) -> tuple[npt.NDArray[np.float32], ...]:
        stored = _stored(layers[layer]) if layer in layers else []
        # Counters of training steps are int64 scalars.
        arrays = tuple(array.astype(np.float32) for array in stored if array.ndim or array.dtype != np.int64)
        if not all(np.isfinite(array).all() for array in arrays):
            raise ModelFileError(f"model {model.name!r}: weights of layer {layer!r} are NaN or infinite; train again")
        return arrays

    return replace(parse_model(architecture, weights, f"model {model.name!r}"), internal_sigmoid=_internal_sigmoid())


def _stored(layer: Any) -> list[npt.NDArray[Any]]:
    """Its weights, a low-rank update (``enable_lora``) in the kernel, as Keras computes with it and saves it."""
    if not getattr(layer, "lora_enabled", False):
        return [np.asarray(array) for array in layer.get_weights()]
    update = (layer.lora_kernel_a, layer.lora_kernel_b)
    kept = [weight for weight in layer.weights if not any(weight is part for part in update)]
    return [np.asarray(layer.kernel if weight.name == "kernel" else weight) for weight in kept]


def _layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer by its name, those of models in the model among them."""
    for layer in model.layers:
        name = prefix + layer.name
        yield name, layer
        if hasattr(layer, "layers") and hasattr(layer, "to_json"):
            yield from _layers(layer, name + SEPARATOR)


def _stated(model: Any) -> str:
    """The architecture as Keras writes it; a layer of somebody's own may be unable to say what it is made of."""
    try:
        return str(model.to_json())
    except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(
            f"model {model.name!r}: Keras cannot state it as JSON ({reason}); mend get_config of the layer that this "
            "names"
        ) from error


def _internal_sigmoid() -> str:
    """What ``qkeras.set_internal_sigmoid`` was last told: it changes every model of this process, saved nowhere."""
    chosen = getattr(sys.modules.get("qkeras.quantizers"), "_sigmoid", None)
    return {"smooth_sigmoid": SMOOTH, "sigmoid": REAL}.get(getattr(chosen, "__name__", ""), HARD)


def _add_unsaved(config: dict[str, Any], layer: Any) -> None:
    for key, value in config.items():
        holder = getattr(layer, f"{key}_internal", getattr(layer, key, None))
        if isinstance(value, dict) and isinstance(value.get("config"), dict) and holder is not None:
            for name in _UNSAVED:
                setting = getattr(holder, name, None)
                if name not in value["config"] and isinstance(setting, bool | int | float | list):
                    value["config"][name] = setting
