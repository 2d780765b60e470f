"""What an exported emulator of a project is called, and the events that its own test compares."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hls.events import gather
from hls.events.corners import corner_events
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays
from hls.project.project_file import Project
from hls.project.systems.finding import project_system
from hls.target import project_identifier

_SEED = 1
_CORNERS, _OTHERS = 150, 150


def emulator_name(project: Project) -> str:
    """The project's own, as C++ has it."""
    return project_identifier(project.name)


def vector_events(graph: FixedGraph, project: Project | None = None) -> RawArrays:
    """Corners of the ports, and events of the project's own file, or all over them: integers for each input.

    Raises:
        EventError: the file cannot be read, or does not fit the network.
    """
    corners = corner_events(graph, _SEED, _CORNERS)
    others = _drawn(graph) if project is None or project.inputs is None else _own(graph, project, project.inputs)
    return [np.concatenate(both) for both in zip(corners, others, strict=True)]


def _drawn(graph: FixedGraph) -> RawArrays:
    rng = np.random.default_rng(_SEED)
    ports = [graph.port(name) for name in graph.inputs]
    return [rng.integers(p.raw_min, p.raw_max, (_OTHERS, *p.shape), np.int64, endpoint=True) for p in ports]


def _own(graph: FixedGraph, project: Project, inputs: Path) -> RawArrays:
    system = project_system(project)
    sample = gather(graph, system, events=None, seed=_SEED, inputs=inputs, default=_OTHERS, choice=project.choice())
    return [raw[sample.corners :][:_OTHERS] for raw in sample.raw]
