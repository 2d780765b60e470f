"""What a training reports while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """State after one epoch. ``stage`` names what is trained ("float", "trigger", ...); no classes, no ``auc``."""

    stage: str
    epoch: int
    epochs: int
    loss: float
    val_loss: float
    auc: float | None
    events_per_second: float
    eta_seconds: float


Report = Callable[[TrainingProgress], None]
"""Told of every epoch when it has ended."""
