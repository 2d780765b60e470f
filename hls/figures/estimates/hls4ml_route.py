"""Estimate of a whole hls4ml design from its graph: what C synthesis by Vitis or Vivado HLS would report."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from hls.figures.estimates.constants import constant_products, signed_digits
from hls.figures.estimates.dense import DenseShape, dense_cost, legal_reuse_factor
from hls.figures.estimates.elements import element_cost
from hls.figures.estimates.estimate import DesignEstimate, Estimate, LayerEstimate, coefficients, measured_error
from hls.figures.estimates.streams import Pace, last_word, processes
from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.machine.plugins import Plugins
from hls.target import BACKENDS, Target
from hls.target.resources import NONE, Counts

MODEL = "hls4ml_dense"
_FITTED_UNCERTAINTY = 12.5
_USUAL_UNCERTAINTY = 27.0
"""Percent of a clock period that logic may not take: what the fitted layers were scheduled with, by Vivado HLS, and
what is assumed of a tool that hls4ml asks for none."""

# Where logic is cut into clock cycles depends on that share.
_SCHEDULED = ("ff", "cycles", "interval", "latency_ns")
_FITTED_SIZES = range(32, 257)
_FITTED_WEIGHT_BITS = range(2, 15)
_FITTED_INPUT_BITS = 16
_NOTHING = Counts(lut=0.0, ff=0.0, dsp=0.0, bram=0.0)
"""What is counted, even where a layer takes none of it."""


@runtime_checkable
class ScheduledBackend(Protocol):
    """The part of a backend that is read here; the backends themselves stand in a room above."""

    @property
    def clock_uncertainty(self) -> float | None:
        """Percent of the clock period that hls4ml asks the tool to leave free; None where it asks for nothing."""

    @property
    def calibrated(self) -> bool:
        """Whether designs of this tool are among those that the estimates were fitted to."""


@dataclass(frozen=True)
class NodeCost:
    """Cost of one node in place. ``path_ns`` is logic that shares clock cycles with its neighbours, ``cycles`` whole
    clock cycles on top; ``interval`` is the clock cycles between two events."""

    node: nodes.Node
    counts: Counts = NONE
    path_ns: float = 0.0
    cycles: int = 0
    interval: int = 1

    def depth(self, stage_ns: float) -> float:
        """Clock cycles from its input to its output, where a cycle holds ``stage_ns`` of logic."""
        return self.cycles + self.path_ns / stage_ns


def estimate_hls4ml(graph: FixedGraph, target: Target, default_bits: int | None = None) -> DesignEstimate:
    """Resources, cycles, interval and latency that HLS would report for ``graph`` built by hls4ml.

    Accumulators are as wide as the graph proves that they must be, which is what ``qtrigger build`` makes. With
    ``default_bits`` accumulators and unquantized tensors have at most that many, as in a project that hls4ml converts
    with its default type (16 bits), and weights have the bits of their quantizer even where the largest need fewer.

    Calibrated on C synthesis of single Dense layers by Vivado and Vitis HLS (``coefficients.json``); anything else is
    marked ``extrapolated``. Takes milliseconds.
    """
    _backend(target)  # loaded now, so that the seconds stated are those of the estimate
    start = time.perf_counter()
    costs = {node.name: _node_cost(graph, node, target, default_bits) for node in graph}
    beyond = _beyond_the_fit(graph, target, default_bits)
    return DesignEstimate(
        route="hls4ml",
        clock_ns=target.clock_ns,
        figures=_figures(_values(graph, costs, target), target, extrapolated=bool(beyond)),
        layers=_layers(costs.values()),
        notes=tuple(beyond),
        seconds=time.perf_counter() - start,
    )


def _values(graph: FixedGraph, costs: Mapping[str, NodeCost], target: Target) -> dict[str, float]:
    if target.io_type == "io_stream":
        cycles, interval = _streamed(graph, costs, target)
    else:
        cycles = _latency(graph, costs, target)
        interval = max((cost.interval for cost in costs.values()), default=1)
        if target.strategy == "latency":
            interval = max(1, min(interval, cycles + 1))
    return {
        **sum((cost.counts for cost in costs.values()), _NOTHING + Counts(uram=0.0)),
        "cycles": float(cycles),
        "interval": float(interval),
        "latency_ns": cycles * target.clock_ns,
    }


def _figures(values: Mapping[str, float], target: Target, *, extrapolated: bool) -> dict[str, Estimate]:
    regime = _regime(target)
    cut_elsewhere = regime != "folded" and _backend(target).clock_uncertainty != _FITTED_UNCERTAINTY
    rescheduled = _SCHEDULED if cut_elsewhere else ()
    return {
        name: Estimate.of(
            name,
            value,
            measured_error(MODEL, regime, name),
            "csynth",
            extrapolated=extrapolated or name in rescheduled,
        )
        for name, value in values.items()
    }


def multipliers(graph: FixedGraph, target: Target) -> int:
    """Products with constants that have hardware of their own in an hls4ml design: a lower bound of its size.

    Zeros and powers of two cost wires and do not count; a reuse factor lets that many share one multiplier.
    """
    total = 0.0
    for node in graph:
        if node.matrix is None:
            continue
        copies = math.prod(graph.edges[node.name].shape[:-1]) if _together(target) else 1
        total += int((signed_digits(node.matrix.integers) > 1).sum()) * copies / target.reuse_factor
    return int(total)


def _together(target: Target) -> bool:
    """Whether a kernel that is used at many places has a copy for each."""
    return target.strategy == "latency" and target.reuse_factor == 1 and target.io_type == "io_parallel"


def _regime(target: Target) -> str:
    if target.reuse_factor == 1:
        return "unrolled"
    return "shared" if target.strategy == "latency" else "folded"


def _stage_ns(target: Target) -> float:
    stated = _backend(target).clock_uncertainty
    return target.clock_ns * (1 - (_USUAL_UNCERTAINTY if stated is None else stated) / 100)


def _backend(target: Target) -> ScheduledBackend:
    backends: Plugins[ScheduledBackend] = Plugins(BACKENDS.group, BACKENDS.noun, ScheduledBackend)
    return backends.load(target.backend)


def _node_cost(graph: FixedGraph, node: nodes.Node, target: Target, default_bits: int | None) -> NodeCost:
    inputs, output = graph.edges_of(node), graph.edges[node.name]
    if node.matrix is not None:
        return _product(graph, node, node.matrix, target, default_bits)
    if not node.computes:
        return NodeCost(node)
    cost = element_cost(node, inputs, output)
    stage_ns = _stage_ns(target)
    cycles = int(cost.path_ns / stage_ns)
    # A cut between two clock cycles falls on this logic as often as it takes up a cycle.
    ff = cost.path_ns / stage_ns * inputs[0].type.width * math.prod(output.shape)
    return NodeCost(node, cost.counts + Counts(ff=ff), cost.path_ns - cycles * stage_ns, cycles)


def _product(
    graph: FixedGraph, node: nodes.Node, matrix: FixedArray, target: Target, default_bits: int | None
) -> NodeCost:
    """A matrix product at all places: at once if unrolled, as hls4ml is asked to, else in turn."""
    shape = _shape(graph, node, matrix, target, default_bits)
    positions = math.prod(graph.edges[node.name].shape[:-1])
    cost = dense_cost(shape, coefficients()[MODEL]["coefficients"])
    copies = positions if _together(target) else 1
    turns = 1 if target.io_type == "io_stream" else positions // copies  # what a stream takes is asked of ``streams``
    straight = int(cost.path_ns / shape.stage_ns)
    return NodeCost(
        node,
        counts=copies * cost.counts,
        path_ns=cost.path_ns,
        cycles=cost.cycles - straight + (turns - 1) * max(cost.interval, 1),
        interval=max(cost.interval * turns, 1),
    )


def _shape(
    graph: FixedGraph, node: nodes.Node, matrix: FixedArray, target: Target, default_bits: int | None
) -> DenseShape:
    n_in, n_out = matrix.shape
    bound = max(graph.edges[node.name].partial_bound, 1)
    accumulator_bits = FixedType.covering(-bound, bound, 0).width
    input_bits, weight_bits = _widths(graph, node, matrix, default_bits)
    reuse = target.reuse_factor
    if target.strategy == "resource":
        reuse = legal_reuse_factor(n_in, n_out, reuse)
    return DenseShape(
        n_in=n_in,
        n_out=n_out,
        input_bits=input_bits,
        weight_bits=weight_bits,
        accumulator_bits=accumulator_bits if default_bits is None else min(accumulator_bits, default_bits),
        strategy=target.strategy,
        reuse_factor=reuse,
        stage_ns=_stage_ns(target),
        from_port=_from_port(graph, node),
        products=constant_products(matrix.integers, input_bits),
    )


def _widths(graph: FixedGraph, node: nodes.Node, weights: FixedArray, default_bits: int | None) -> tuple[int, int]:
    """Bits of the inputs and of the weights of a product."""
    input_bits = graph.edges_of(node)[0].type.width
    if default_bits is None:
        return input_bits, weights.type.width
    # quantized_bits(b, 0) has b - 1 fraction bits and a sign, however small the largest weight is.
    return min(input_bits, default_bits), max(weights.type.width, weights.fraction + 1)


def _from_port(graph: FixedGraph, node: nodes.Node) -> bool:
    source = graph.nodes[node.inputs[0]]
    while isinstance(source, nodes.Reshape):
        source = graph.nodes[source.inputs[0]]
    return isinstance(source, nodes.Input)


def _latency(graph: FixedGraph, costs: Mapping[str, NodeCost], target: Target) -> int:
    """Longest way through the graph in clock cycles.

    Strategy latency is one pipeline, where logic of several layers shares a cycle; with the others each layer is a
    process that starts when the one before is done.
    """
    pipeline = target.strategy == "latency"
    arrival: dict[str, float] = {}
    for node in graph:
        cost = costs[node.name]
        own = cost.depth(_stage_ns(target))
        if not pipeline and node.computes:
            own = int(own) + 1
        arrival[node.name] = max((arrival[name] for name in node.inputs), default=0.0) + own
    last = max(arrival[name] for name in graph.outputs)
    return int(last + 1e-9) if pipeline else max(int(last) - 1, 0)


def _streamed(graph: FixedGraph, costs: Mapping[str, NodeCost], target: Target) -> tuple[int, int]:
    """Cycles and interval of layers that work side by side on a stream of words."""
    depths = {node.name: int(costs[node.name].depth(_stage_ns(target))) + node.computes for node in graph}
    serial = target.strategy == "resource"  # the loop over words is no pipeline: a turn waits for the one before
    paces = {
        node.name: Pace(depths[node.name] if serial else target.reuse_factor, depths[node.name])
        for node in graph
        if node.matrix is not None
    }
    found = processes(graph, paces, target.reuse_factor)
    cycles = max(last_word(graph, found, depths) - 1, 0)
    return cycles, max(process.interval for process in found.values())


def _layers(costs: Iterable[NodeCost]) -> tuple[LayerEstimate, ...]:
    layers: dict[str, LayerEstimate] = {}
    for cost in costs:
        operation = type(cost.node).__name__
        found = layers.setdefault(cost.node.layer, LayerEstimate(cost.node.layer, (), _NOTHING))
        layers[cost.node.layer] = replace(
            found, operations=(*found.operations, operation), counts=found.counts + cost.counts
        )
    return tuple(layers.values())


def _beyond_the_fit(graph: FixedGraph, target: Target, default_bits: int | None) -> list[str]:
    """Why the errors measured on single Dense layers do not simply apply; empty if they do."""
    notes = []
    products = [(node, node.matrix) for node in graph if node.matrix is not None]
    others = sorted({type(n).__name__ for n in graph if n.computes and not isinstance(n, nodes.Dense | nodes.Quantize)})
    if not _backend(target).calibrated:
        notes.append(f"the fit knows Vivado and Vitis HLS only, not {target.backend}")
    if target.io_type == "io_stream":
        notes.append("the fit knows io_parallel only; FIFOs of io_stream are not counted")
    if len(products) != 1:
        notes.append(f"{len(products)} matrix products, the fit knows single Dense layers")
    if others:
        notes.append(f"not in the fit: {', '.join(others)}")
    sizes, widths = [], []
    for node, matrix in products:
        x = graph.edges_of(node)[0]
        input_bits, weight_bits = _widths(graph, node, matrix, default_bits)
        if not all(size in _FITTED_SIZES for size in matrix.shape) or math.prod(x.shape[:-1]) != 1:
            sizes.append(node.layer)
        if input_bits != _FITTED_INPUT_BITS or weight_bits not in _FITTED_WEIGHT_BITS:
            widths.append(node.layer)
    if sizes:
        notes.append(f"not one product of 32-256 inputs and 32-256 outputs: {', '.join(sizes)}")
    if widths:
        notes.append(f"not 16-bit inputs with weights of 2-14 bits: {', '.join(widths)}")
    return notes
