"""What a training reports while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """State after one epoch. Losses in nats; ``stage`` names what is trained ("float", "trigger", ...)."""

    stage: str
    epoch: int
    epochs: int
    loss: float
    val_loss: float
    auc: float
    events_per_second: float
    eta_seconds: float
