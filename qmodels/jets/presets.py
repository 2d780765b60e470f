"""Sizes in which a network is made: float, uniform bits, or learned ones. Light: a scan lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qmodels.errors import ModelDataError
from qmodels.jets.variants import INTERACTION, MIXER, MLP, SETS, Variant
from qmodels.training.precision.charge import Charge
from qmodels.training.stages import Stage

FLOAT, UNIFORM, LEAN = "float", "uniform", "lean"
PRESETS = (LEAN, UNIFORM, FLOAT)

FLOAT_STAGE = Stage(FLOAT, 30, 256, 1e-2)
UNIFORM_STAGE = Stage(UNIFORM, 20, 256, 1e-3)


@dataclass(frozen=True)
class Learned:
    """How the bits of a network are learned: charged, from ``input_fraction`` bits below the point at its port on.

    Gradients of a norm above ``clip`` are shortened to it. ``bit_jets`` say in the end which bits go: of few jets, what
    seems to cost nothing is partly what those few happen not to need.
    """

    charge: Charge
    stage: Stage
    input_fraction: int = 6
    clip: float | None = 0.3
    bit_jets: int = 4096


UNIFORM_BITS = {MLP: 6, SETS: 8, INTERACTION: 8, MIXER: 8}
"""Bits of weights and of features behind a ReLU: those of the published networks."""

CHARGED_PARTICLES = 16
LEARNED = {
    MLP: Learned(Charge(1e-8, 5e-5, 0.6), Stage(LEAN, 50, 256, 1e-2)),
    SETS: Learned(Charge(1e-8, 2.5e-6, 0.6), Stage(LEAN, 80, 256, 2e-2), bit_jets=16_384),
    INTERACTION: Learned(Charge(1e-8, 3e-6, 0.6), Stage(LEAN, 24, 256, 1e-2)),
    MIXER: Learned(Charge(1e-8, 5e-5, 0.6), Stage(LEAN, 30, 256, 1e-2)),
}


def learned(variant: Variant) -> Learned:
    """How the bits of ``variant`` are learned where nothing else is said.

    The same network costs as many times more LUTs as it has more particles; what each is charged falls with them.
    """
    how = LEARNED[variant.architecture]
    if not variant.particles:
        return how
    return replace(how, charge=how.charge.times(CHARGED_PARTICLES / variant.particles))


def check_preset(name: str) -> None:
    """ModelDataError for a preset that there is not."""
    if name not in PRESETS:
        raise ModelDataError(f"unknown preset {name!r} of jets: choose one of {', '.join(PRESETS)}")
