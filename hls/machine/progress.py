"""How far a long job is, as whoever shows it is told."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""(done, total)."""

StageProgress = Callable[[str, int, int], None]
"""(stage, done, total); total 0 where nobody can know."""


def of_stage(progress: StageProgress | None, name: str) -> Progress | None:
    """What a job inside the stage ``name`` tells its progress to."""
    return None if progress is None else lambda done, total: progress(name, done, total)
