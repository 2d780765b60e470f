"""A firmware project: its project.toml, its build and report, and the physics system that it belongs to."""

from hls.project.project_file import Project, read_project

__all__ = ["Project", "read_project"]
