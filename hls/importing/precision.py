"""In which floating-point format a layer computes: the graph states QKeras's float32 arithmetic and no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hls.errors import UnsupportedError
from hls.importing.spec import LayerSpec

FLOAT32 = (
    "call keras.config.set_dtype_policy('float32'), build the model again without dtype= of layers, give it the "
    "weights "
    "with new.set_weights(old.get_weights()), and save that"
)
_OTHER = ("float16", "bfloat16", "float64", "float8")


def quantized_by_keras(layer: LayerSpec) -> UnsupportedError | None:
    """The refusal of a layer of ``model.quantize``, which holds codes in place of its weights; None of any other."""
    dtype = layer.config.get("dtype")
    config = dtype.get("config") if isinstance(dtype, Mapping) else None
    mode = config.get("mode") if isinstance(config, Mapping) else None
    if mode is None and isinstance(dtype, str) and "_from_" in dtype:
        mode = dtype.split("_from_")[0]
    if not isinstance(mode, str):
        return None
    mode = mode.partition("/")[0]  # of int4 with the size of its blocks
    return UnsupportedError(
        f"layer {layer.name!r} ({layer.class_name}) was quantized by Keras's model.quantize({mode!r}): it scales by "
        "float32 numbers, which no grid of bits is; give the model as it was before that, whose weights `qtrigger "
        "quantize` rounds, which is another network"
    )


def wrong_precision(layer: LayerSpec) -> UnsupportedError | None:
    """The refusal of a layer that computes in another format than float32; None if it does not."""
    quantized = quantized_by_keras(layer)
    if quantized is not None:
        return quantized
    policy = _policy(layer.config.get("dtype"))
    if not any(other in policy for other in _OTHER):
        return None
    return UnsupportedError(
        f"layer {layer.name!r} ({layer.class_name}) computes in {policy}, and only float32 is stated exactly here; "
        f"{FLOAT32}"
    )


def _policy(dtype: Any) -> str:
    """Name of a dtype policy, which a file holds as text or as an object."""
    if isinstance(dtype, Mapping):
        config = dtype.get("config")
        dtype = config.get("name") if isinstance(config, Mapping) else None
    return dtype if isinstance(dtype, str) else ""
