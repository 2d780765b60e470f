"""Products of pairs of features: ``PairProducts`` of qmodels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.emitter import Emitter
from hls.importing.options import whole_numbers
from hls.importing.spec import LayerSpec


def pair_products(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Both factors picked by matrices of zeros and ones, which are wires, then multiplied."""
    pairs = whole_numbers(spec.config.get("pairs"))
    features = emit.edge(inputs[0]).shape
    if (
        pairs is None
        or pairs.ndim != 2
        or pairs.shape[1] != 2
        or len(features) != 1
        or pairs.min() < 0
        or pairs.max() >= features[0]
    ):
        raise ModelFileError(f"layer {spec.name!r}: its pairs do not fit an input of shape {features}")
    first, second = (_picked(emit, inputs[0], pairs[:, side], features[0]) for side in (0, 1))
    return emit(nodes.Multiply, "multiply", (first, second))


def _picked(emit: Emitter, x: str, chosen: npt.NDArray[np.int64], features: int) -> str:
    if np.array_equal(chosen, np.arange(features)):
        return x
    kernel = np.zeros((features, len(chosen)), np.int64)
    kernel[chosen, np.arange(len(chosen))] = 1
    return emit(nodes.Dense, "pick", (x,), FixedArray(kernel, 0), FixedArray(np.zeros(len(chosen), np.int64), 0))
