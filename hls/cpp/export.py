"""Writing an emulator into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hls.cpp.source import Network, Vectors, written
from hls.emulation import Emulator
from hls.errors import FirmwareError
from hls.graph import FixedGraph
from hls.graph.raw import RawArray
from hls.machine.files import write_text


def export_emulator(graph: FixedGraph, name: str, folder: Path, events: Sequence[RawArray]) -> tuple[Path, ...]:
    """Write the emulator ``name`` of ``graph``: sources, build files, a binding for Python, and a test.

    Args:
        graph: the network.
        name: of files and namespace; the namespace ends with the beginning of the graph's digest.
        folder: made if missing; other files in it stay.
        events: integers (n, *port shape) for each input, which the test compares with what ours gives for them.

    Returns:
        The files.

    Raises:
        ProjectError: ``name`` is no identifier of C++.
        UnsupportedError: a number of more than 128 bits, or a port of more than 64.
    """
    outputs = Emulator(graph).run(list(events))
    texts = written(Network(graph, name), Vectors(events, outputs))
    if folder.exists() and not folder.is_dir():
        raise FirmwareError(f"{folder} is a file; --out names the folder to write")
    paths = []
    for file, text in texts.items():
        write_text(folder / file, text)
        paths.append(folder / file)
    return tuple(paths)
