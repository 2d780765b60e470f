"""An exported emulator, compiled and called from here."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hls.cpp.source import Network, compiled_sources
from hls.errors import ToolError
from hls.graph import FixedGraph
from hls.graph.raw import RawArray
from hls.machine.cache import cached_folder, digest
from hls.machine.programs import last_lines, run_program

_FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared")
_NAME = "emulator"


class CompiledEmulator:
    """Written, compiled with g++ and loaded: what a user of the exported files gets."""

    def __init__(self, graph: FixedGraph, cache: Path) -> None:
        """Raises ToolError if there is no g++ or it does not compile, and what ``Network`` and its numbers raise."""
        if shutil.which("g++") is None:
            raise ToolError("g++ is not on PATH; install it (Debian and Ubuntu: apt install g++)")
        self._graph = graph
        self._network = Network(graph, _NAME)
        sources = compiled_sources(self._network)
        key = digest([*_FLAGS, *sources.values()])
        place = cached_folder(cache, f"export-{key[:32]}", lambda place: _compile(sources, place))
        self._library = ctypes.CDLL(str(place / f"{_NAME}.so"))
        create = getattr(self._library, f"{self._network.namespace}_create")
        create.restype = ctypes.c_void_p
        self._emulator = ctypes.c_void_p(create())

    @property
    def version(self) -> str:
        """Of the compiler."""
        return f"g++ {run_program(['g++', '-dumpfullversion']).stdout.strip()}"

    def run(self, raw_inputs: Sequence[RawArray]) -> list[RawArray]:
        """Integers (n, *shape) of every output; raises ValueError where the library refuses."""
        given = [np.ascontiguousarray(raw, np.int64) for raw in raw_inputs]
        edges = [self._graph.edges[name] for name in self._graph.outputs]
        results = [np.empty((len(given[0]), *edge.shape), np.int64) for edge in edges]
        function = getattr(self._library, f"{self._network.namespace}_run")
        failed = function(self._emulator, _pointers(given), _pointers(results), ctypes.c_size_t(len(given[0])))
        if failed:
            raise ValueError(f"the exported emulator refused the events with code {failed}")
        return results


def _pointers(arrays: Sequence[RawArray]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))


def _compile(sources: Mapping[str, str], place: Path) -> None:
    for file, text in sources.items():
        (place / file).write_text(text, encoding="utf-8")
    done = run_program(["g++", *_FLAGS, f"{_NAME}.cpp", "-o", f"{_NAME}.so"], place)
    if done.returncode != 0:
        raise ToolError(f"g++ did not compile the exported emulator:\n{last_lines(done.stdout + done.stderr)}")
