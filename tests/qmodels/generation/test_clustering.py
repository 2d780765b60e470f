"""Jets of FastJet, by arrays."""

from __future__ import annotations

import fastjet
import numpy as np
import pytest

from qmodels.generation.clustering import anti_kt_jets, silence_fastjet
from qmodels.types import Floats64


def momenta(pt: Floats64, eta: Floats64, phi: Floats64) -> Floats64:
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)


def test_jets_are_those_of_the_object_interface() -> None:
    random = np.random.default_rng(1)
    particles = momenta(random.exponential(4.0, 60), random.normal(0.0, 2.0, 60), random.uniform(-np.pi, np.pi, 60))
    jets, inside = anti_kt_jets(particles, 0.4, 8.0)
    silence_fastjet()
    objects = [fastjet.PseudoJet(*row) for row in particles.tolist()]
    sequence = fastjet.ClusterSequence(objects, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4))
    expected = [(jet.px(), jet.py(), jet.pz(), jet.e()) for jet in sequence.inclusive_jets(8.0)]
    assert len(jets) == len(expected) > 2
    assert np.sort(jets, axis=0) == pytest.approx(np.sort(expected, axis=0))
    assert particles[inside].sum(axis=0) == pytest.approx(jets.sum(axis=0))


def test_where_nothing_is_hard_there_is_no_jet() -> None:
    soft = momenta(np.array([1.0, 2.0]), np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    for particles in (soft, np.zeros((0, 4))):
        jets, inside = anti_kt_jets(particles, 0.4, 8.0)
        assert jets.shape == (0, 4)
        assert inside.tolist() == [False] * len(particles)
