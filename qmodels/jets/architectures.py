"""The four architectures, each laid out once: as a Keras network of any kind of layers, or at once on numpy arrays.

The multilayer perceptron is that of hls4ml's papers (arXiv:1804.06913), the Deep Sets network that of arXiv:2402.01876,
the interaction network JEDI-net's (arXiv:1908.05318) with the first layer of its edges taken apart into one for each
end. The mixer shares a layer by all particles, then one by all channels, as an MLP-Mixer does, and is not invariant
under permutations: its particles are in order of pT.
"""

from __future__ import annotations

from typing import Any, Protocol

from qmodels.jets.samples.columns import CLASSES
from qmodels.jets.variants import INTERACTION, MIXER, MLP, SETS, Variant

LOGITS = "logits"
MLP_HIDDEN = (64, 32, 32)
_SET = (32, 32)
_ENDS, _EDGE, _NODE = 12, 6, (16, 8)
_READ = 32
_MIXED = 16


class Layers(Protocol):
    """What a network is made of. Every ``x`` is a batch, of whatever the layers compute with."""

    def port(self, x: Any) -> Any:
        """The network's input."""

    def hidden(self, x: Any, units: int, name: str) -> Any:
        """A dense layer on the last axis, and ReLU."""

    def linear(self, x: Any, units: int, name: str) -> Any:
        """A dense layer on the last axis without bias, whose sums ``edges`` adds."""

    def edges(self, receivers: Any, senders: Any, name: str) -> Any:
        """For every two of the N particles ReLU of the sum of both: twice (n, N, c) -> (n, N, N, c)."""

    def mean(self, x: Any, name: str) -> Any:
        """Over the second axis from the end."""

    def swapped(self, x: Any, name: str) -> Any:
        """(n, N, c) -> (n, c, N)."""

    def joined(self, x: Any, y: Any, name: str) -> Any:
        """Side by side on the last axis."""

    def logits(self, x: Any, units: int, name: str) -> Any:
        """A dense layer without ReLU: the output."""


def lay_out(variant: Variant, layers: Layers, x: Any) -> Any:
    """Logits (n, 5) of inputs ``x`` (n, ...)."""
    return layers.logits(_BODIES[variant.architecture](layers, layers.port(x)), len(CLASSES), LOGITS)


def _mlp(layers: Layers, x: Any) -> Any:
    for index, units in enumerate(MLP_HIDDEN, start=1):
        x = layers.hidden(x, units, f"dense_{index}")
    return x


def _sets(layers: Layers, x: Any) -> Any:
    for index, units in enumerate(_SET, start=1):
        x = layers.hidden(x, units, f"particle_{index}")
    return layers.hidden(layers.mean(x, "mean"), _READ, "read")


def _interaction(layers: Layers, x: Any) -> Any:
    receivers, senders = layers.linear(x, _ENDS, "receiver"), layers.linear(x, _ENDS, "sender")
    edges = layers.hidden(layers.edges(receivers, senders, "edge_1"), _EDGE, "edge_2")
    nodes = layers.joined(x, layers.mean(edges, "effects"), "node")
    for index, units in enumerate(_NODE, start=1):
        nodes = layers.hidden(nodes, units, f"node_{index}")
    return layers.hidden(layers.mean(nodes, "mean"), _READ, "read")


def _mixer(layers: Layers, x: Any) -> Any:
    x = layers.swapped(layers.hidden(x, _MIXED, "particle_1"), "channels")
    x = layers.swapped(layers.hidden(x, _MIXED, "mixed"), "particles")
    x = layers.hidden(x, _MIXED, "particle_2")
    return layers.hidden(layers.mean(x, "mean"), _READ, "read")


_BODIES = {MLP: _mlp, SETS: _sets, INTERACTION: _interaction, MIXER: _mixer}
