"""Plain networks of a few layers, as the importer reads them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hls.importing.spec import Call, LayerSpec, ModelSpec, TensorRef


def layer(kind: str, name: str, source: str, *weights: Any, **config: Any) -> LayerSpec:
    arrays = tuple(np.asarray(w, np.float32) for w in weights)
    return LayerSpec(name, kind, config, (Call((TensorRef(source, 0, 0),)),), arrays)


def model(*layers: LayerSpec, size: int = 2) -> ModelSpec:
    port = LayerSpec("x", "InputLayer", {"batch_shape": [None, size]}, (Call(),), ())
    return ModelSpec(
        "net",
        {spec.name: spec for spec in (port, *layers)},
        (TensorRef("x", 0, 0),),
        (TensorRef(layers[-1].name, 0, 0),),
    )


DENSE = layer("Dense", "d", "x", [[1.0, 0.5], [-2.0, 4.0]], [0.25, 1.0], units=2, use_bias=True, activation="linear")
# gamma / sqrt(variance + epsilon) is 2 and 1/2; the offset beta - mean * factor is 1 - 3 * 2 and 0 - (-2) * 1/2
NORMAL = layer("BatchNormalization", "n", "d", [4.0, 0.5], [1.0, 0.0], [3.0, -2.0], [3.0, 0.0], epsilon=1.0)
RELU = layer("Activation", "a", "n", activation="relu")

GATES = {"activation": "tanh", "recurrent_activation": "sigmoid"}
CELL = [[[0.5] * 8], [[0.25] * 8] * 2, [0.125] * 8]
"""Of one feature and two units."""
