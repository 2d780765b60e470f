"""What leaves the chip, where a project states it: logits, or the index of the largest of them."""

from __future__ import annotations

from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder
from hls.importing.argmax import emit_argmax
from hls.importing.emitter import Emitter
from hls.importing.heads import ARGMAX, TABLE
from hls.importing.statements import Statements

LOGITS = "logits"
OUTPUTS = (LOGITS, ARGMAX)


def check_outputs(stated: Statements) -> None:
    """Raise UnsupportedError if such outputs are not known, or another key says what leaves the chip too."""
    if stated.outputs is None:
        return
    if stated.outputs not in OUTPUTS:
        raise UnsupportedError(f"outputs {stated.outputs!r} is not known here; choose one of {', '.join(OUTPUTS)}")
    if stated.softmax in (ARGMAX, TABLE):
        raise UnsupportedError(
            f'outputs = "{stated.outputs}" beside softmax = "{stated.softmax}": both say what leaves the chip; '
            "state one of them"
        )


def with_outputs(graph: FixedGraph, stated: Statements) -> FixedGraph:
    """The graph of a model file, with the outputs that are stated; one of a single value stays as it is.

    Raises:
        UnsupportedError: there is nothing to compare.
    """
    if stated.outputs != ARGMAX:
        return graph
    ports = list(zip(graph.output_names, graph.outputs, strict=True))
    several = [name for name, node in ports if graph.edges[node].shape[-1] > 1]
    if not several:
        raise UnsupportedError(
            "no output of the network has two values or more, of which the largest could be told; "
            'leave outputs = "argmax" out, and compare the value with a threshold in software'
        )
    builder = GraphBuilder.of(graph)
    for name in several:
        builder.notes.append(f"output {name!r} is the index of the largest of its values, the first of equal ones")
    outputs = [_index(builder, node) if name in several else node for name, node in ports]
    return builder.finish(list(graph.inputs), outputs, list(graph.output_names))


def _index(builder: GraphBuilder, scores: str) -> str:
    layer = builder.nodes[scores].layer
    return emit_argmax(Emitter(builder, layer, layer, {}, 0), scores, 'leave outputs = "argmax" out')
