"""A FixedGraph as an hls4ml project, and its C simulation as a witness."""

from hls.hls4ml_project.csim import CompileTimeError, CSimulation, available
from hls.hls4ml_project.duration import expected_seconds, level_for
from hls.hls4ml_project.project import HlsProject, Port, unwritten_project, write_project

__all__ = [
    "CSimulation",
    "CompileTimeError",
    "HlsProject",
    "Port",
    "available",
    "expected_seconds",
    "level_for",
    "unwritten_project",
    "write_project",
]
