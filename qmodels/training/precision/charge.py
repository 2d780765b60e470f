"""What bits cost in the loss, epoch by epoch. Light: presets are made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Charge:
    """Loss per LUT: from ``first``, geometrically, to ``last`` after ``ramp`` of the training."""

    first: float
    last: float
    ramp: float

    def times(self, factor: float) -> Charge:
        """The same beginning, ``factor`` times the end; ValueError unless that is above 0.

        >>> Charge(1e-6, 1e-4, ramp=0.6).times(2.0)
        Charge(first=1e-06, last=0.0002, ramp=0.6)
        """
        if not factor > 0.0:
            raise ValueError(factor)
        return replace(self, last=self.last * factor)

    def over(self, epochs: int) -> list[float]:
        """The charge in each epoch.

        >>> [f"{charge:.0e}" for charge in Charge(1e-6, 1e-4, ramp=0.6).over(5)]
        ['1e-06', '1e-05', '1e-04', '1e-04', '1e-04']
        """
        steps = max(round(self.ramp * epochs) - 1, 1)
        return [self.first * (self.last / self.first) ** min(epoch / steps, 1.0) for epoch in range(epochs)]
