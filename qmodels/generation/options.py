"""What every simulation is asked by the options of ``qtrigger data``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from hls.machine.pools import Pool, open_pool
from qmodels.errors import ModelDataError


def number_asked(n: int | None) -> int:
    """``n``; ModelDataError where none is given, which only a file to convert does without."""
    if n is None:
        raise ModelDataError("no number of events is given")
    return n


def pool_asked(options: Mapping[str, Any]) -> AbstractContextManager[Pool]:
    """The ``jobs`` processes, or the cluster of ``scheduler``, that ``options`` name; ModelDataError for both."""
    jobs, scheduler = options.get("jobs"), options.get("scheduler")
    if jobs is not None and scheduler is not None:
        raise ModelDataError("jobs and scheduler exclude each other: a cluster has its own workers")
    return open_pool(jobs, scheduler)
