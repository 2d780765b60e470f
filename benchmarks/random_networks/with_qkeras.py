"""Networks under QKeras itself: the same architecture and weights, built by the library, in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import numpy.typing as npt
import qkeras  # noqa: F401 - registers its classes

from benchmarks.random_networks.compare import RIGHT, WRONG, Compared, Outcome
from hls.verification.float32_error import output_spans
from qmodels.layers import GlobalSumPooling1D
from qmodels.product_layers import PairProducts

AGAINST = "qkeras"
ROUNDED, RAISED = "float32 rounded", "QKeras raised"
_BEFORE_CLEARING = 50


def run_qkeras(networks: Sequence[Compared]) -> Iterator[Outcome]:
    """Every network under QKeras, against what the emulator found, which is what the definitions say."""
    for number, one in enumerate(networks):
        if number % _BEFORE_CLEARING == 0:
            keras.backend.clear_session()
        yield _judged(one)


def _judged(one: Compared) -> Outcome:
    seed = int(one.network.name.removeprefix("net"))
    try:
        outputs = _outputs(one)
    except Exception as error:  # noqa: BLE001 - whatever QKeras raises, it has no output to compare
        return Outcome(seed, AGAINST, RAISED, detail=f"{type(error).__name__}: {' '.join(str(error).split())[:150]}")
    values = sum(raw.size for raw in one.raw_outputs)
    wrong = list(_differences(one, outputs))
    if not wrong:
        return Outcome(seed, AGAINST, RIGHT, values)
    spans = output_spans(one.graph, one.raw_inputs)
    explained = all(span.holds(output).all() for span, output in zip(spans, outputs, strict=True))
    result = ROUNDED if explained and one.graph.float32_inexact() else WRONG
    return Outcome(seed, AGAINST, result, values, f"{len(wrong)} values; first {wrong[0]}")


def _outputs(one: Compared) -> list[npt.NDArray[np.float32]]:
    own = {"GlobalSumPooling1D": GlobalSumPooling1D, "PairProducts": PairProducts}
    model = keras.models.model_from_json(json.dumps(one.network.architecture()), custom_objects=own)
    for layer in one.network.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(list(layer.weights))
    if one.network.ports_in_dicts:  # in their order, where the model's own go by keys
        model = keras.Model(model.inputs, model.outputs)
    found = model(one.events if len(one.events) > 1 else one.events[0], training=False)
    return [np.asarray(output) for output in (found if isinstance(found, list | tuple) else [found])]


def _differences(one: Compared, outputs: Sequence[npt.NDArray[np.float32]]) -> Iterator[str]:
    for name, raw, output in zip(one.graph.outputs, one.raw_outputs, outputs, strict=True):
        unit = Fraction(2) ** -one.graph.edges[name].fraction
        for place, value in np.ndenumerate(output.reshape(raw.shape)):
            if not np.isfinite(value) or Fraction(float(value)) != int(raw[place]) * unit:
                yield f"{name}{list(place)}: {float(value)}, not {float(int(raw[place]) * unit)}"
