"""Interaction networks: from the nodes of a full graph to its edges and back (``NodeEdgeProjection``).

Edges go from each node to each other one, sorted by receiver, then by sender. The layer is a product with a matrix of
zeros and ones, which networks of jets carry around as a class of their own, each copy the same.
"""

from __future__ import annotations

from itertools import permutations
from math import isqrt

import numpy as np

from hls.errors import ModelFileError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.emitter import Emitter, Handler
from hls.importing.spec import LayerSpec

_MOST_PLACES = 1 << 24


def _node_edge_projection(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``matrix @ x`` over the first axis, feature by feature."""
    shape = emit.edge(inputs[0]).shape
    to_edges, receiving = bool(spec.config.get("node_to_edge", True)), bool(spec.config.get("receiving", True))
    count = shape[0] if to_edges else (1 + isqrt(1 + 4 * shape[0])) // 2
    if len(shape) != 2 or count < 2 or (not to_edges and count * (count - 1) != shape[0]):
        what = "nodes and features" if to_edges else "one edge for each pair of nodes, and features"
        raise ModelFileError(f"layer {spec.name!r} reads {what}, and a tensor of shape {shape} arrives; save it again")
    if count**3 > _MOST_PLACES:
        raise ModelFileError(f"layer {spec.name!r}: {count} nodes make more edges than fit on any chip")
    ends = np.array([pair[0 if receiving else 1] for pair in permutations(range(count), 2)])
    of_node = (np.arange(count)[:, None] == ends).astype(np.int64)  # (node, edge)
    matrix = of_node if to_edges else of_node.T
    for stored in spec.weights[:1]:
        if stored.shape != (1, *matrix.T.shape) or not np.array_equal(stored[0], matrix.T):
            raise ModelFileError(
                f"layer {spec.name!r}: its stored matrix is not that of a {spec.class_name} of {count} nodes; save the "
                "whole model again"
            )
    swapped = emit(nodes.Transpose, "features", inputs, (1, 0))
    zero = FixedArray(np.zeros(matrix.shape[1], np.int64), 0)
    projected = emit(nodes.Dense, "project", (swapped,), FixedArray(matrix, 0), zero)
    return emit(nodes.Transpose, "back", (projected,), (1, 0))


HANDLERS: dict[str, Handler] = {"NodeEdgeProjection": _node_edge_projection}
