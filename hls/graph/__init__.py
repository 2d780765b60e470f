"""The network as exact fixed-point arithmetic."""

from hls.graph.builder import GraphBuilder
from hls.graph.edge import Edge
from hls.graph.fixed import FLOAT32_LIMIT, FLOAT64_LIMIT, FixedArray, FixedType
from hls.graph.graph import FixedGraph

__all__ = ["FLOAT32_LIMIT", "FLOAT64_LIMIT", "Edge", "FixedArray", "FixedGraph", "FixedType", "GraphBuilder"]
