"""What numbers of a ``Space`` are for given events: to look for an event on which two of them differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hls.proof.forms import Function, Maximum, Port, Product, Value
from hls.proof.runs import Ints
from hls.proof.words import Space


@dataclass(frozen=True)
class Evaluation:
    """``ports`` are the raw integers (events, elements) of each input."""

    space: Space
    ports: Sequence[Ints]
    _atoms: dict[int, Ints] = field(default_factory=dict)

    def of(self, value: Value) -> Ints:
        """A number, for each event."""
        if isinstance(value, Function):
            return value.runs.at(self.of(value.base.form))
        total = np.full(len(self.ports[0]), value.constant, np.int64)
        for atom, weight in value.terms.items():
            total += weight * self._atom(atom)
        return total

    def _atom(self, number: int) -> Ints:
        if number not in self._atoms:
            self._atoms[number] = self._computed(number)
        return self._atoms[number]

    def _computed(self, number: int) -> Ints:
        origin = self.space.atoms[number].origin
        if isinstance(origin, Port):
            return self.ports[origin.port][:, origin.element]
        if isinstance(origin, Product):
            return np.multiply(self.of(origin.a), self.of(origin.b))
        if isinstance(origin, Maximum):
            largest: Ints = np.maximum.reduce([self.of(member) for member in origin.members])
            return largest
        return self.of(origin)
