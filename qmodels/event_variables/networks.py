"""Event-variable networks whose widths are trained: their sizes and what is charged for them. Light: a scan lists them.

Every invariant of momenta is a sum of products of their components. A first layer of all products of two inputs,
read by weights that start at random, can form any quadratic one; which, the data say: the loss is that of
arXiv:2105.10126, the charge for LUTs prunes the rest, and no formula is given. The published topology is there too, for
those who want that.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmodels.event_variables.variants import PAIR, SEMIVISIBLE, TWO_BODY
from qmodels.training.precision.charge import Charge
from qmodels.training.stages import Stage

PAPER_HIDDEN = (128, 64, 64, 64, 32)


@dataclass(frozen=True)
class LearnedNetwork:
    """Products of the inputs or the inputs themselves, then hidden ReLU features, and how the search is charged.

    ``input_fraction`` are the bits below the point that inputs start with. ``l1`` pulls the weights behind the products
    to zero until the charge for their bits has grown. ``redundant`` keeps products that others make up: one sum of them
    is found all the same, but several that go through a ReLU are found more easily when there is more than one way to
    each. Gradients of a norm above ``clip`` are shortened to it.
    """

    products: bool
    hidden: tuple[int, ...]
    input_fraction: int
    charge: Charge
    search: Stage
    read: Stage
    l1: float = 0.0
    redundant: bool = False
    clip: float | None = None


READ = Stage("trigger-classifier", 20, 512, 3e-3)
TRIGGER = {
    TWO_BODY.name: LearnedNetwork(
        True, (), 9, Charge(1e-7, 3.5e-4, 0.6), Stage("trigger", 6, 512, 5e-3), READ, l1=2e-3
    ),
    SEMIVISIBLE.name: LearnedNetwork(
        True, (), 9, Charge(1e-6, 1.5e-5, 0.5), Stage("trigger", 6, 512, 5e-3), READ, l1=2e-3
    ),
    PAIR.name: LearnedNetwork(
        True, (12, 12), 8, Charge(1e-8, 2e-6, 0.6), Stage("trigger", 10, 512, 3e-3), READ, l1=1e-4, redundant=True
    ),
}
LEAN_SEARCH, LEAN_READ = Stage("lean", 12, 512, 2e-2), Stage("lean-classifier", 4, 512, 3e-3)
LEAN = {
    name: LearnedNetwork(False, PAPER_HIDDEN, 10, Charge(1e-8, last, 0.6), LEAN_SEARCH, LEAN_READ, clip=0.3)
    for name, last in ((TWO_BODY.name, 1e-5), (SEMIVISIBLE.name, 1e-5), (PAIR.name, 3e-6))
}
PRESETS = {"trigger": TRIGGER, "lean": LEAN}
