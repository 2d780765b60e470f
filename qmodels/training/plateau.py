"""Learning rates that follow the validation loss, as a pure function of it: a resumed run sees the same ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Plateau:
    """A rate that falls by ``factor`` after ``patience`` epochs without a validation loss lower by ``min_delta``.

    A cycle ends after ``stop_patience`` such epochs, or ``cycle_epochs`` in all; the next one starts at the full rate
    again, with the moments of Adam kept. Training ends after ``cycles``.
    """

    factor: float
    patience: int
    min_delta: float
    min_rate: float
    stop_patience: int
    cycle_epochs: int
    cycles: int

    def rate(self, full: float, val_losses: Sequence[float]) -> float | None:
        """Rate of the epoch that follows those with ``val_losses``; None when training has ended.

        >>> plateau = Plateau(0.5, patience=2, min_delta=0.1, min_rate=0.1, stop_patience=4, cycle_epochs=100, cycles=1)
        >>> plateau.rate(1.0, [3.0, 2.0, 1.95]), plateau.rate(1.0, [3.0, 2.0, 1.95, 1.95])  # 1.95 is not lower by 0.1
        (1.0, 0.5)
        >>> plateau.rate(1.0, [2.0, 2.0, 2.0, 2.0, 2.0]) is None
        True
        """
        rate, cycle, epochs, waited, stale, best = full, 1, 0, 0, 0, math.inf
        for loss in val_losses:
            epochs += 1
            if loss < best - self.min_delta:
                best, waited, stale = loss, 0, 0
            else:
                waited, stale = waited + 1, stale + 1
                if waited >= self.patience:
                    rate, waited = max(rate * self.factor, self.min_rate), 0
            if stale >= self.stop_patience or epochs >= self.cycle_epochs:
                rate, cycle, epochs, waited, stale, best = full, cycle + 1, 0, 0, 0, math.inf
        return rate if cycle <= self.cycles else None
