"""What a whole network computes by the definitions of its layers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.random_networks import definitions, definitions_later
from benchmarks.random_networks.definitions import Value
from benchmarks.random_networks.exact import Exact
from benchmarks.random_networks.network import Argument, Network, Ref

LAYERS = {**definitions.LAYERS, **definitions_later.LAYERS}


def compute(network: Network, events: list[npt.NDArray[np.float32]]) -> list[Exact]:
    """Outputs for ``events``, one array for each port."""
    layers = {layer.name: layer for layer in network.layers}
    found: dict[Ref, Exact] = {}
    for port, values in zip(network.ports, events, strict=True):
        found[Ref(port.name)] = Exact.of(values)

    def value(argument: Argument) -> Value:
        if not isinstance(argument, Ref):
            return argument
        if argument not in found:
            layer = layers[argument.layer]
            found[argument] = LAYERS[layer.kind](layer, [value(read) for read in layer.calls[argument.call]])
        return found[argument]

    for ref in network.outputs:
        value(ref)
    return [found[ref] for ref in network.outputs]
