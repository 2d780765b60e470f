"""A FixedGraph as an hls4ml project, and its C simulation as a witness."""

from hls.hls4ml_project.csim import CSimulation, available
from hls.hls4ml_project.project import HlsProject, Port, unwritten_project, write_project

__all__ = ["CSimulation", "HlsProject", "Port", "available", "unwritten_project", "write_project"]
