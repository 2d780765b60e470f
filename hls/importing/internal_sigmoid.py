"""What QKeras makes its sigmoid and tanh of: state of a process, which no file holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hls.errors import UnsupportedError
from hls.importing.quantizers import HARD, REAL, SMOOTH, Quantizer, parse_quantizer
from hls.importing.spec import LayerSpec, ModelSpec

_CHOICES = (HARD, SMOOTH, REAL)
_REAL_BY_ITSELF = {"quantized_sigmoid": "use_real_sigmoid", "quantized_tanh": "use_real_tanh"}


def with_internal_sigmoid(model: ModelSpec, stated: str | None) -> tuple[ModelSpec, list[str]]:
    """The model with what QKeras makes its sigmoids of written into each quantizer that asks, and what to say of it.

    ``stated`` goes before what a process holds; where nobody says it, it is "hard", as QKeras begins.

    Raises:
        UnsupportedError: ``stated`` is none of QKeras's.
    """
    if stated is not None and stated not in _CHOICES:
        raise UnsupportedError(f"internal_sigmoid {stated!r} is none of QKeras's; choose one of {', '.join(_CHOICES)}")
    chosen = stated or model.internal_sigmoid
    asking = [layer.name for layer in model.layers.values() if any(_asking(layer))]
    notes = []
    if chosen is None and asking:
        notes.append(
            f"layer {', '.join(map(repr, asking))}: the file does not say what qkeras.set_internal_sigmoid was told in "
            'training; "hard" is taken, as QKeras begins; internal_sigmoid under [model] states another'
        )
    if chosen in (None, HARD):
        return model, notes
    layers = {name: replace(layer, config=_written(layer, str(chosen))) for name, layer in model.layers.items()}
    return replace(model, layers=layers), notes


def _written(layer: LayerSpec, internal_sigmoid: str) -> dict[str, Any]:
    config = dict(layer.config)
    for key, quantizer in _asking(layer):
        options = {**quantizer.options, "internal_sigmoid": internal_sigmoid}
        config[key] = {"class_name": quantizer.kind, "config": options}
    return config


def _asking(layer: LayerSpec) -> Iterator[tuple[str, Quantizer]]:
    """Options of a layer that are quantizers made of that sigmoid."""
    for key, value in layer.config.items():
        if (key == "activation" or key.endswith("quantizer")) and any(kind in str(value) for kind in _REAL_BY_ITSELF):
            try:
                quantizer = parse_quantizer(value, f"layer {layer.name!r}, {key}")
            except UnsupportedError:
                continue  # told where the layer is read
            option = "" if quantizer is None else _REAL_BY_ITSELF.get(quantizer.kind, "")
            if quantizer is not None and option and not quantizer.get(option, False):
                yield key, quantizer
