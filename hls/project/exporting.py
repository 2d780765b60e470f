"""What an exported emulator of a project is called, and the events that its own test compares."""

from __future__ import annotations

import numpy as np

from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.project.project_file import Project
from hls.target import project_identifier
from hls.verification.corners import corner_events

_SEED = 1
_CORNERS, _RANDOM = 150, 150


def emulator_name(project: Project) -> str:
    """The project's own, as C++ has it."""
    return project_identifier(project.name)


def vector_events(graph: FixedGraph) -> RawArrays:
    """Corners of the ports, and events all over them: integers (n, *port shape) for each input."""
    rng = np.random.default_rng(_SEED)
    corners = corner_events(graph, _SEED, _CORNERS)
    ports = [graph.port(name) for name in graph.inputs]
    drawn = [rng.integers(p.raw_min, p.raw_max, (_RANDOM, *p.shape), np.int64, endpoint=True) for p in ports]
    return [np.concatenate(both) for both in zip(corners, drawn, strict=True)]
