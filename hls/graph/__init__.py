"""The network as exact fixed-point arithmetic."""

from hls.graph.edge import Edge
from hls.graph.graph import FLOAT32_LIMIT, FLOAT64_LIMIT, FixedGraph, GraphBuilder

__all__ = ["FLOAT32_LIMIT", "FLOAT64_LIMIT", "Edge", "FixedGraph", "GraphBuilder"]
