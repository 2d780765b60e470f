"""In which layer two witnesses begin to differ: by values that both show, or by bringing out each layer's output."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hls.emulation import Emulator
from hls.errors import FirmwareError
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.verification.disagreement import Disagreement
from hls.witnesses import Task, Witness, limits_of, witness

_BEFORE = 63
"""Events ahead of the one that differs: what a pipeline computes may depend on them, and should not."""


@dataclass(frozen=True)
class _Origin:
    """The first layer that differs, and how it was found; no layer, and why it is not known."""

    layer: str | None
    how: str


def located(
    task: Task, found: Disagreement, witnesses: Mapping[str, Witness], raw: RawArrays, specification: str
) -> Disagreement:
    """``found`` with the layer in which it begins, as far as the two witnesses allow to tell.

    The disagreement itself is the finding: what fails on the way to its layer is told in its place.
    """
    try:
        origin = _shown(task.graph, found, witnesses, raw)
        if origin is None and specification in found.witnesses:
            (other,) = (name for name in found.witnesses if name != specification)
            origin = _brought_out(task, other, found.event, raw)
    except FirmwareError as error:
        origin = _Origin(None, f"not localised: {' '.join(str(error).split())}")
    return found if origin is None else replace(found, layer=origin.layer, place=origin.how)


def _shown(graph: FixedGraph, found: Disagreement, witnesses: Mapping[str, Witness], raw: RawArrays) -> _Origin | None:
    """By the values that both show of that event; None where they show none that are the same tensors."""
    one = [array[found.event : found.event + 1] for array in raw]
    a, b = (witnesses[name].trace(one) for name in found.witnesses)
    shared = [node for node in graph if node.name in a and node.name in b]
    if not shared:
        return None
    for node in shared:
        if not np.array_equal(a[node.name], b[node.name]):
            return _Origin(node.layer, "by the layers' values that both show")
    return _Origin(None, "not localised: all layers' values that both show are equal")


def _brought_out(task: Task, name: str, event: int, raw: RawArrays) -> _Origin:
    """By another firmware of the same graph, made and run as that of the witness, whose outputs are those of all
    layers: what is no property of one firmware alone shows there too."""
    limits = limits_of(name)
    if limits.probe is None:
        return _Origin(None, f"not localised: {name} shows its outputs alone")
    products = task.graph.multiplications()
    if limits.multiplications is not None and products > limits.multiplications:
        return _Origin(None, f"not localised: {products:,} multiplications once more take {name} too long")
    graph = probed(task.graph)
    events = [array[max(event - _BEFORE, 0) : event + 1] for array in raw]
    with tempfile.TemporaryDirectory(prefix="qtrigger-layers-") as folder:
        outputs = witness(name, limits.probe(task, graph, Path(folder))).run(events).raw
    expected = Emulator(graph).run(events)
    if [values.shape for values in outputs] != [values.shape for values in expected]:
        return _Origin(None, f"not localised: {name} does not bring out its layers")
    for layer, values, right in zip(graph.output_names, outputs, expected, strict=True):
        if not np.array_equal(values[-1], right[-1]):
            return _Origin(layer, f"by a firmware of {name} that brings out every layer")
    return _Origin(None, f"not localised: a firmware of {name} that brings out every layer is right")


def probed(graph: FixedGraph) -> FixedGraph:
    """The same network with the output of each layer that computes as an output, in the order of computation."""
    last = {node.layer: node for node in graph}
    ends = [node for node in last.values() if node.computes]
    return replace(
        graph, outputs=tuple(node.name for node in ends), output_names=tuple(node.layer for node in ends), softmaxes={}
    )
