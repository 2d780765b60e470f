"""LSTM and SimpleRNN of Keras: what their states are, and their quantizers.

No quantizer of QKeras stands before a gate, so that its table has an entry for every value of a sum: what is summed has
few fraction bits, and the gates have few bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.importing.quantizers import function_name
from hls.importing.spec import LayerSpec
from hls.project.quantizing.types import Choice, best_choice

Floats = npt.NDArray[np.floating]

KINDS = ("LSTM", "SimpleRNN")
MOST_FRACTION = 6
"""Of kernels, states and what is read: their products have twice as many, and a table of 2**16 entries holds those."""
_GATE_BITS = 7
_TABLES = {"tanh": "quantized_tanh({},use_real_tanh=1)", "sigmoid": "quantized_sigmoid({},use_real_sigmoid=1)"}
_FUNCTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 + 0.5 * np.tanh(0.5 * x),
}
_EVENTS = 2_000
"""So many show how large a state becomes."""


def check_recurrent(layer: LayerSpec) -> None:
    """Raise UnsupportedError for a recurrent layer that gets no quantizers here, with the cure."""
    if layer.class_name == "GRU":
        raise UnsupportedError(
            f"layer {layer.name!r}: GRU gets no quantizers here: a gate multiplies what enters its table, which would "
            "have an entry for each such product; train QKeras's QGRU, which is read, or an LSTM, which is quantized"
        )
    for key in _activations(layer):
        if function_name(layer.config.get(key)) not in _TABLES:
            raise UnsupportedError(
                f"layer {layer.name!r}: {key}={layer.config.get(key)!r} of a recurrent layer has no quantized form "
                f"here; train with one of {', '.join(_TABLES)}"
            )
    for key in ("stateful", "return_state"):
        if layer.config.get(key):
            raise UnsupportedError(f"layer {layer.name!r}: {layer.class_name} with {key}=True; build it without")
    if any(len(call.arguments) > 1 for call in layer.calls):
        raise UnsupportedError(
            f"layer {layer.name!r}: states of a {layer.class_name} that begin with an initial_state get no types here; "
            f"train QKeras's Q{layer.class_name}, which is read with one, or let them begin at zero"
        )


def _activations(layer: LayerSpec) -> tuple[str, ...]:
    return ("activation",) if layer.class_name == "SimpleRNN" else ("activation", "recurrent_activation")


def quantized_cell(layer: LayerSpec, weights: Choice, state: Choice) -> LayerSpec:
    """QKeras's layer, with a table for each gate."""
    kernel, recurrent, *bias = layer.weights
    bits = weights.bits
    config: dict[str, Any] = {
        **layer.config,
        "kernel_quantizer": best_choice(kernel, bits, signed=True).within(MOST_FRACTION).text,
        "recurrent_quantizer": best_choice(recurrent, bits, signed=True).within(MOST_FRACTION).text,
        "state_quantizer": state.text,
    }
    if bias:
        wide = best_choice(bias[0], bits + 2 * MOST_FRACTION, signed=True)
        config["bias_quantizer"] = wide.within(2 * MOST_FRACTION).text
    for key in _activations(layer):
        text = _TABLES[function_name(layer.config[key]) or ""]
        config[key] = text.format(min(max(state.bits, 2), _GATE_BITS))
    return replace(layer, class_name=f"Q{layer.class_name}", config=config)


def states(layer: LayerSpec, x: Floats) -> Floats:
    """All that the float layer holds from one step to the next, over the first events."""
    kernel, recurrent, *bias = layer.weights
    activate, opened = (_FUNCTIONS[function_name(layer.config[key]) or ""] for key in (_activations(layer) * 2)[:2])
    h: Floats = np.zeros((min(len(x), _EVENTS), len(recurrent)))
    c = h
    found: list[Floats] = []
    for step in np.swapaxes(x[:_EVENTS], 0, 1)[:: -1 if layer.config.get("go_backwards") else 1]:
        sums = step @ kernel + h @ recurrent + (bias[0] if bias else 0.0)
        if layer.class_name == "LSTM":
            i, f, g, o = np.split(sums, 4, axis=1)
            c = opened(f) * c + opened(i) * activate(g)
            h = opened(o) * activate(c)
            found.append(c)
        else:
            h = activate(sums)
        found.append(h)
    return np.stack(found)
