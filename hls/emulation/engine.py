"""Runs a compiled graph over any number of events, block by block, one thread a core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from threading import local
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hls.emulation.plan import Storage, rescale, storage_plan, to_integers
from hls.emulation.ports import Events, as_arrays, scaled_to_port
from hls.emulation.steps import Block, Step, compile_step
from hls.errors import EventError
from hls.graph import FixedGraph, nodes

# Bytes that the widest tensor of a block may take: small enough that a layer's input, output and weights stay in L2.
_BLOCK_BYTES = 1 << 19
_MAX_BLOCK = 4096
# Bytes that all tensors of a block may take in one thread. Products of fewer than 16 events are slow, but an image of
# half a megapixel is a gigabyte in as many of them.
_THREAD_BYTES = 1 << 28
_INTEGER_BYTES = 32
"""Of one of Python's integers, besides its place in an array."""

Loader = Callable[[int, int], list[Block]]
Saver = Callable[[int, int, dict[str, Block]], None]


@dataclass(frozen=True)
class _Operation:
    name: str
    inputs: tuple[str, ...]
    step: Step


class Emulator:
    """A graph compiled for emulation. Bit-exact by construction: the interval analysis chose every number format."""

    def __init__(self, graph: FixedGraph, threads: int | None = None) -> None:
        self.graph = graph
        self.threads = threads or os.cpu_count() or 1
        self._storage = storage_plan(graph)
        self._operations = [self._compile(node.name) for node in graph if node.name not in graph.inputs]
        self.block = self._block()
        self._scratch = local()

    def _block(self) -> int:
        """So many events at a time."""
        widest = max(prod(edge.shape) for edge in self.graph.edges.values())
        fast = int(np.clip(_BLOCK_BYTES // (4 * max(widest, 1)), 16, _MAX_BLOCK))
        return max(1, min(fast, _THREAD_BYTES // sum(self._bytes(node) for node in self.graph)))

    def _bytes(self, node: nodes.Node) -> int:
        """What computing ``node`` takes for one event: its output, and the windows of a convolution side by side."""
        shape, stored = self.graph.edges[node.name].shape, self._storage[node.name]
        size = prod(shape)
        if isinstance(node, nodes.Conv) and node.kernel.shape[-2] > 1:
            size += prod(shape[:-1]) * prod(node.kernel.shape[:-1])
        return max(size, 1) * (stored.dtype.itemsize + (_INTEGER_BYTES if stored.exact else 0))

    def _compile(self, name: str) -> _Operation:
        node = self.graph.nodes[name]
        sources = [self._storage[source] for source in node.inputs]
        step = compile_step(node, sources, self._storage[name], self.graph.edges_of(node))
        return _Operation(name, node.inputs, step)

    def run(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[Any]]:
        """Raw output integers (int64, or Python ints beyond 62 bits), in units of each output's LSB.

        ``raw_inputs``: one integer array (n, *port shape) for each port, inside the port's range.
        """
        outputs = self._integers(self.graph.outputs, len(raw_inputs[0]))
        self._loop(len(raw_inputs[0]), self._load_raw(raw_inputs), self._save_raw(outputs))
        return [outputs[name] for name in self.graph.outputs]

    def evaluate(self, events: Events) -> list[npt.NDArray[np.float64]]:
        """Output values for events in the network's own units: float64, exact below 53 bits."""
        arrays = as_arrays(self.graph, events)
        ports = [self.graph.port(name) for name in self.graph.inputs]
        outputs = [np.empty((len(arrays[0]), *self.graph.edges[name].shape)) for name in self.graph.outputs]

        def load(start: int, stop: int) -> list[Block]:
            raw = [scaled_to_port(node, array[start:stop]) for node, array in zip(ports, arrays, strict=True)]
            return self._to_storage(raw)

        def save(start: int, stop: int, blocks: dict[str, Block]) -> None:
            for output, name in zip(outputs, self.graph.outputs, strict=True):
                value = Storage(np.dtype(np.float64), 0)
                stored = self._storage[name]
                if stored.exact:
                    output[start:stop] = np.ldexp(blocks[name].astype(np.float64), -stored.unit)
                else:
                    output[start:stop] = rescale(blocks[name], stored, value)

        self._loop(len(arrays[0]), load, save)
        return outputs

    def trace(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, npt.NDArray[Any]]:
        """Raw integers of every node's output. Holds everything in memory: for a few events."""
        result = self._integers(self.graph.edges, len(raw_inputs[0]))
        self._loop(len(raw_inputs[0]), self._load_raw(raw_inputs), self._save_raw(result))
        return {name: _as_int64(values) for name, values in result.items()}

    def largest(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> dict[str, float]:
        """The largest magnitude of every node's output in these events, in the network's own units."""
        found: list[dict[str, float]] = []

        def save(_start: int, _stop: int, blocks: dict[str, Block]) -> None:
            ends = {name: max(abs(block.min(initial=0)), block.max(initial=0)) for name, block in blocks.items()}
            found.append({name: float(end) * 2.0 ** -self._storage[name].unit for name, end in ends.items()})

        self._loop(len(raw_inputs[0]), self._load_raw(raw_inputs), save)
        return {name: max(part[name] for part in found) for name in self.graph.nodes} if found else {}

    def _integers(self, names: Iterable[str], events: int) -> dict[str, npt.NDArray[Any]]:
        """Room for the raw integers of some nodes."""
        edges = {name: self.graph.edges[name] for name in names}
        return {
            name: np.empty((events, *edge.shape), object if edge.type.width > 62 else np.int64)
            for name, edge in edges.items()
        }

    def _load_raw(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> Loader:
        for name, raw in zip(self.graph.inputs, raw_inputs, strict=True):
            node = self.graph.port(name)
            if raw.shape[1:] != node.shape:
                raise EventError(f"input {name!r} has shape {raw.shape}; expected (events, {node.shape})")
            if raw.size and (raw.min() < node.raw_min or raw.max() > node.raw_max):
                raise EventError(f"input {name!r} leaves the range of its port {node.type}")

        def load(start: int, stop: int) -> list[Block]:
            return self._to_storage([raw[start:stop] for raw in raw_inputs])

        return load

    def _to_storage(self, raw: Sequence[npt.NDArray[Any]]) -> list[Block]:
        """Port integers into the storage of each port, which is in units of the port's LSB."""
        return [
            block.astype(self._storage[name].dtype, copy=False)
            for name, block in zip(self.graph.inputs, raw, strict=True)
        ]

    def _save_raw(self, outputs: dict[str, npt.NDArray[Any]]) -> Saver:
        def save(start: int, stop: int, blocks: dict[str, Block]) -> None:
            for name, output in outputs.items():
                stored, fraction = self._storage[name], self.graph.edges[name].fraction
                if output.dtype == object:
                    output[start:stop] = to_integers(blocks[name], stored, fraction)
                else:
                    output[start:stop] = rescale(blocks[name], stored, Storage(stored.dtype, fraction))

        return save

    def _loop(self, events: int, load: Loader, save: Saver) -> None:
        def work(start: int) -> None:
            stop = min(start + self.block, events)
            save(start, stop, self._run_block(load(start, stop), stop - start))

        starts = range(0, events, self.block)
        # BLAS threads would fight with ours: blocks are independent, so one BLAS thread per core is best.
        with threadpool_limits(limits=1, user_api="blas"):
            if len(starts) <= 1 or self.threads == 1:
                for start in starts:
                    work(start)
                return
            with ThreadPoolExecutor(self.threads) as pool:
                for future in [pool.submit(work, start) for start in starts]:
                    future.result()

    def _run_block(self, inputs: list[Block], size: int) -> dict[str, Block]:
        blocks = dict(zip(self.graph.inputs, inputs, strict=True))
        scratch = self._thread_scratch()
        for operation in self._operations:
            out = scratch[operation.name]
            operands = [blocks[name] for name in operation.inputs]
            blocks[operation.name] = operation.step(operands, None if out is None else out[:size])
        return blocks

    def _thread_scratch(self) -> dict[str, Block | None]:
        """Output buffers of this thread, reused from block to block so that they stay in cache."""
        if not hasattr(self._scratch, "buffers"):
            self._scratch.buffers = {operation.name: self._buffer(operation.name) for operation in self._operations}
        buffers: dict[str, Block | None] = self._scratch.buffers
        return buffers

    def _buffer(self, name: str) -> Block | None:
        stored = self._storage[name]
        if stored.exact:
            return None
        return np.empty((self.block, *self.graph.edges[name].shape), stored.dtype)


def _as_int64(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not values.size or max(abs(int(values.min())), abs(int(values.max()))) < 1 << 62:
        return values.astype(np.int64)
    return values


def emulate(graph: FixedGraph, events: Events) -> Any:
    """What the firmware computes for ``events``, bit by bit.

    Args:
        graph: the network, from ``hls.import_keras``.
        events: array (n, *input shape); for several inputs a list in the model's order or a dict by input name.
            Floats are rounded and saturated at the port as the first quantizer of the network does.

    Returns:
        float64 array (n, *output shape), or a list of them for several outputs. Exact: every value is an integer
        multiple of the output type's LSB.

    Raises:
        EventError: wrong shape, dtype or number of inputs, or NaN.

    >>> from hls.graph import GraphBuilder, nodes
    >>> from hls.graph.fixed import FixedType
    >>> builder = GraphBuilder("relu")
    >>> _ = builder.add(nodes.Input("x", (), "x", (2,), FixedType(True, 4, 2), -8, 7))
    >>> _ = builder.add(nodes.Relu("y", ("x",), "y"))
    >>> emulate(builder.finish(["x"], ["y"], ["y"]), [[0.3, -1.0]]).tolist()  # 0.3 arrives as 0.25
    [[0.25, 0.0]]
    """
    outputs = Emulator(graph).evaluate(events)
    return outputs[0] if len(outputs) == 1 else outputs
