"""Blocks of jets: what fixes them, and how one is made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from qmodels.generation.blocks import KEPT, Block, block_seed, check_version
from qmodels.jets.samples.columns import CLASSES, CONSTITUENT_COLUMNS, JET_COLUMNS, MOST_CONSTITUENTS
from qmodels.jets.samples.pythia import GENERATOR_VERSION, Jet, generator_name, jets
from qmodels.jets.samples.substructure import constituent_features, jet_features, mass
from qmodels.types import Floats64

BLOCK_JETS = 2000


@dataclass(frozen=True)
class JetPlan:
    """What fixes every jet of a sample: of ``classes`` in turn, ``collisions`` jets a block."""

    classes: tuple[str, ...]
    seed: int
    collisions: int = BLOCK_JETS
    generator_version: int = GENERATOR_VERSION

    @property
    def sample(self) -> str:
        """The classes, in one word."""
        return "".join(self.classes)

    def to_json(self) -> str:
        """One line, the same for the same plan."""
        return json.dumps(asdict(self), sort_keys=True)

    def generator_name(self) -> str:
        """The programs behind a jet, with their versions; ModelDataError if one is not installed."""
        return generator_name()

    def make(self, block: int, most: int) -> Block:
        """Generate block number ``block``, or its first ``most`` jets.

        Raises ModelDataError as :func:`jets` does, or if the plan is one of another version of this program.
        """
        check_version(self.generator_version, GENERATOR_VERSION)
        sources = [(name, jets(name, block_seed(self.seed, f"jets {name}", block))) for name in self.classes]
        constituents = np.zeros((min(self.collisions, most), MOST_CONSTITUENTS, len(CONSTITUENT_COLUMNS)), np.float32)
        columns = np.zeros((len(constituents), len(JET_COLUMNS)), np.float32)
        fates: list[str] = []
        for number in range(len(columns)):
            name, source = sources[number % len(sources)]
            jet = next(source)
            fates += [*jet.passed_over, KEPT]
            constituents[number] = constituent_features(jet.momenta)
            columns[number] = _columns(name, jet)
        return Block({"constituents": constituents, "jets": columns}, np.array(fates, np.str_), generator_name())


def _columns(name: str, jet: Jet) -> Floats64:
    """A row of ``JET_COLUMNS``."""
    total = jet.momenta.sum(axis=0)
    pt = float(np.hypot(total[0], total[1]))
    kinematics = (pt, float(np.arcsinh(total[2] / pt)), mass(total))
    labels = [float(name == known) for known in CLASSES]
    return np.array([*kinematics, *jet_features(jet.momenta), *labels, 0.0])
