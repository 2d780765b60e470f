"""An event as the networks read it: nineteen objects of fixed places, each with pT, η and φ.

The layout of the public data set (arXiv:2107.02157): the missing transverse momentum first, which has no η, then
electrons, muons and jets, each by falling pT, with zeros where there are fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmodels.types import Floats, Floats32


@dataclass(frozen=True)
class Kind:
    """Objects of one kind: where they stand, the ``code`` that the public files give them, what is asked of them."""

    name: str
    first: int
    most: int
    code: int
    pt: float = 0.0
    max_eta: float = np.inf

    @property
    def rows(self) -> slice:
        """Their places."""
        return slice(self.first, self.first + self.most)


MISSING = Kind("missing momentum", 0, 1, 1)
ELECTRONS = Kind("electrons", 1, 4, 2, pt=3.0, max_eta=3.0)
MUONS = Kind("muons", 5, 4, 3, pt=3.0, max_eta=2.1)
JETS = Kind("jets", 9, 10, 4, pt=15.0, max_eta=4.0)
KINDS = (MISSING, ELECTRONS, MUONS, JETS)

OBJECTS = 19
FEATURES = ("pt", "eta", "phi")
INPUTS = OBJECTS * len(FEATURES)
FILTER_PT = 23.0
"""An event needs an electron or a muon of at least this pT, in GeV."""


def fill(rows: Floats32, kind: Kind, objects: Floats) -> None:
    """Set ``objects`` (n, 3) of a kind into an event's ``rows`` (19, 3): the hardest, where more are seen than fit."""
    hardest = objects[np.argsort(-objects[:, 0], kind="stable")][: kind.most]
    rows[kind.first : kind.first + len(hardest)] = hardest
