"""Names and adds the nodes of one call of one Keras layer."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import Edge, GraphBuilder, nodes
from hls.graph.float32 import Float32
from hls.importing.functions import Awaited
from hls.importing.refusals import Refusals
from hls.importing.shapes import misfit
from hls.importing.spec import Constant, LayerSpec


class Emitter:
    """``emit(kind, suffix, inputs, *fields)`` adds a node called ``<layer>.<suffix>`` and returns that name.

    A mean over a number of values that is no power of two has no finite binary expansion. Its node is *unrounded*: it
    carries enough bits for any quantizer of the network to round as the exact quotient would, and nothing but a
    quantizer may read it. ``arguments`` are those of the call in their order, constants among them. ``last``: what the
    layer gives is an output of the network, and nothing else reads it. ``before_quantizers``: nothing but quantizers
    read it. ``awaited``: functions whose rounding is the next quantizer's, by the node that stands for them.
    """

    def __init__(
        self,
        builder: GraphBuilder,
        layer: str,
        prefix: str,
        unrounded: dict[str, str],
        guard: int,
        arguments: tuple[str | Constant, ...] = (),
        *,
        refusals: Refusals | None = None,
        last: bool = False,
        before_quantizers: bool = False,
        awaited: dict[str, Awaited] | None = None,
    ) -> None:
        self.builder = builder
        self.last = last
        self.before_quantizers = before_quantizers
        self.awaited = {} if awaited is None else awaited
        self.emitted: list[str] = []
        self._refusals = Refusals() if refusals is None else refusals
        self.arguments = arguments
        self.layer = layer
        self.guard_fraction = guard
        self._prefix = prefix
        self._unrounded = unrounded

    def __call__(
        self,
        kind: type[nodes.Node],
        suffix: str,
        inputs: tuple[str, ...],
        *fields: Any,
        float32: Float32 | None = None,
    ) -> str:
        """Add a node of this kind, named after the layer and ``suffix``; returns its name.

        ``float32``: how QKeras comes to its value, where that is not the node's own arithmetic.
        """
        pending = [name for name in inputs if name in self._unrounded]
        if pending and (kind.accumulates or not (kind.rounds or kind.homogeneous)):
            self.refuse_unrounded(pending[0], kind.__name__)
        base = name = f"{self._prefix}.{suffix}"
        count = 2
        while name in self.builder.nodes:
            name, count = f"{base}{count}", count + 1
        node = kind(name, inputs, self.layer, *fields)
        wrong = misfit(node, [self.edge(x) for x in inputs])
        if wrong is not None:
            raise ModelFileError(f"layer {self.layer!r} is inconsistent: {wrong}; save the whole model again")
        self.emitted.append(self.builder.add(node, float32))
        if pending and not kind.rounds:
            self._unrounded[name] = self._unrounded[pending[0]]
        return name

    def inside(self) -> Emitter:
        """The same for what a layer computes on its way to its output, which other nodes of its own read."""
        inner = copy(self)
        inner.last = inner.before_quantizers = False
        return inner

    def edge(self, name: str) -> Edge:
        """The edge of a node already added."""
        return self.builder.edges[name]

    def refuse(self, error: UnsupportedError) -> None:
        """Keep a refusal for the list of all, where the handler can go on as if there were none.

        The graph is then built to its end, so that the user is told everything at once, and thrown away.
        """
        self._refusals.add(error)

    def mark_unrounded(self, name: str) -> None:
        """From here on only a quantizer may read ``name``."""
        self._unrounded[name] = self.layer

    def refuse_unrounded(self, name: str, reader: str) -> None:
        """Raise if ``name`` is an average that no quantizer has rounded yet.

        Raises:
            UnsupportedError: naming the layer.
        """
        if name in self._unrounded:
            layer = self._unrounded[name]
            raise UnsupportedError(
                f"layer {layer!r}: an average over a number of values that is no power of two has no finite binary "
                f"expansion, and {reader} reads it; put a QActivation(quantized_bits(...)) right after it, whose "
                "rounding "
                "is part of the network then"
            )


Handler = Callable[[Emitter, LayerSpec, tuple[str, ...]], str]
"""From one call of a layer and the nodes that enter it to the node that holds its output."""
