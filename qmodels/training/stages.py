"""What one stage of a training is told, and options that every system checks alike. Light: presets are made of it."""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.errors import ModelDataError
from qmodels.seeds import check_seed


@dataclass(frozen=True)
class Stage:
    """Defaults of one training: label, epochs, batch and initial learning rate."""

    label: str
    epochs: int
    batch: int
    learning_rate: float


def check_run(epochs: int | None, seed: int) -> None:
    """ModelDataError for a number of epochs or a seed that cannot work."""
    if epochs is not None and epochs < 1:
        raise ModelDataError(f"epochs is {epochs}: train for at least 1")
    check_seed(seed)
