"""Witnesses: independent ways to compute a graph, each returning integers for the same events."""

from hls.verification.witnesses.base import (
    DEFAULT,
    LARGEST_BY_DEFAULT,
    MAX_EVENTS,
    Skipped,
    Task,
    Witness,
    WitnessRun,
    check_witness_name,
    witness,
    witness_names,
)

__all__ = [
    "DEFAULT",
    "LARGEST_BY_DEFAULT",
    "MAX_EVENTS",
    "Skipped",
    "Task",
    "Witness",
    "WitnessRun",
    "check_witness_name",
    "witness",
    "witness_names",
]
