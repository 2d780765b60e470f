"""What a tensor of an ONNX file is in a graph: a node, and what is still to be made of it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hls.importing.functions import Smooth
from hls.importing.heads import DROP
from hls.importing.onnx.affine import ONE, ZERO, Fractions


@dataclass(frozen=True, eq=False)
class Value:
    """``clip(node * factor + offset, low, high)``."""

    node: str
    factor: Fractions
    offset: Fractions
    low: Fraction | None = None
    high: Fraction | None = None
    head: str = DROP
    """Whether the index of its largest element is what leaves the network."""
    function: Smooth | None = None
    """Of the node, which is all there is then; its rounding is that of the quantizer right behind it."""

    @classmethod
    def of(cls, node: str) -> Value:
        """The node itself."""
        return cls(node, ONE, ZERO)

    @property
    def clips(self) -> bool:
        """Whether it is more than a line."""
        return self.low is not None or self.high is not None or self.function is not None

    @property
    def alike(self) -> bool:
        """Whether every channel has the same line."""
        return len(self.factor) == len(self.offset) == 1

    @property
    def linear(self) -> bool:
        """Whether it is the node times one number."""
        return self.alike and not self.clips and self.offset[0] == 0
