"""The 16 features of a jet and the 16 of each constituent, as the public LHC jet data set defines them.

Jets are groomed by the modified mass-drop tagger, which is soft drop (arXiv:1402.2657) with β = 0 and z_cut = 0.1.
Energy correlators are those of arXiv:1305.0007 (C), 1409.6298 (D) and 1609.07483 (M, N), of transverse momenta and
distances in rapidity and azimuth.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qmodels.generation.clustering import silence_fastjet
from qmodels.jets.samples.columns import CONSTITUENT_COLUMNS, JET_FEATURES, MOST_CONSTITUENTS
from qmodels.types import Floats32, Floats64

Z_CUT = 0.1
_WHOLE = 1000.0
"""Radius at which Cambridge/Aachen puts all constituents into one tree."""


def jet_features(momenta: Floats64) -> Floats64:
    """The 16 of :data:`JET_FEATURES` of a jet with these ``momenta`` (n, 4), rows of px, py, pz, E, n at least 1.

    A ratio of correlators is 0 where its denominator is, which is so for a groomed jet of a single particle.
    """
    fractions = momenta[:, 3] / momenta[:, 3].sum()
    groomed = mass_drop(momenta)
    correlators = _correlators(groomed)
    values = {
        "j_zlogz": float(np.sum(fractions * np.log(fractions))),
        **{f"{name}_mmdt": value for name, value in correlators.items()},
        "j_mass_mmdt": mass(groomed.sum(axis=0)),
        "j_multiplicity": float(len(momenta)),
    }
    return np.array([values[name] for name in JET_FEATURES])


def mass(momentum: Floats64) -> float:
    """Of a four-momentum (4,); 0 where rounding leaves it below the light cone.

    >>> mass(np.array([3.0, 0.0, 4.0, 13.0]))
    12.0
    """
    return float(np.sqrt(max(momentum[3] ** 2 - np.sum(momentum[:3] ** 2), 0.0)))


def mass_drop(momenta: Floats64) -> Floats64:
    """The constituents (m, 4) that are left when soft branches are dropped from the outermost on.

    The jet is clustered anew by Cambridge/Aachen. Its tree is followed along the harder branch until the softer one has
    more than ``Z_CUT`` of the transverse momentum of both.
    """
    import fastjet

    silence_fastjet()
    particles = [fastjet.PseudoJet(*row) for row in momenta.tolist()]
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.cambridge_algorithm, _WHOLE))
    jet = max(sequence.inclusive_jets(), key=lambda found: found.pt())
    one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
    while jet.has_parents(one, two):
        harder, softer = (one, two) if one.pt2() > two.pt2() else (two, one)
        if softer.pt() > Z_CUT * (softer.pt() + harder.pt()):
            break
        jet = fastjet.PseudoJet(harder)
    return _rows(jet.constituents())


def _rows(jets: Any) -> Floats64:
    return np.array([(jet.px(), jet.py(), jet.pz(), jet.e()) for jet in jets]).reshape(-1, 4)


def _correlators(momenta: Floats64) -> dict[str, float]:
    """C, D, M and N of a groomed jet, by the names of the data set without their ending."""
    pt = np.hypot(momenta[:, 0], momenta[:, 1])
    weights, distances = pt / pt.sum(), _distances(momenta)
    pairs = np.triu(weights[:, None] * weights, 1)  # no particle has a distance from itself, also to the power 0
    two = [float(np.sum(pairs)), float(np.sum(pairs * distances)), float(np.sum(pairs * distances**2))]
    three = _three_point(weights, distances)
    found = {f"j_c1_b{beta}": value for beta, value in enumerate(two)}
    for beta in (1, 2):
        every, smallest, both = three[:, beta - 1]
        found |= {
            f"j_c2_b{beta}": _ratio(every, two[beta] ** 2),
            f"j_d2_b{beta}": _ratio(every, two[beta] ** 3),
            f"j_m2_b{beta}": _ratio(smallest, two[beta]),
            f"j_n2_b{beta}": _ratio(both, two[beta] ** 2),
            # The generalised D2 with α = 1: three angles to the power 1 over two to the power β.
            f"j_d2_a1_b{beta}": _ratio(three[0, 0], two[beta] ** (3.0 / beta)),
        }
    return found


def _three_point(weights: Floats64, distances: Floats64) -> Floats64:
    """Three-point correlators (3, 2): of all distances, the smallest, the two smallest; to the powers 1 and 2.

    Over all three constituents i < j < k the product of their weights times that of some of their distances.
    """
    sums = np.zeros((3, 2))
    for i in range(len(weights) - 2):
        near, far = distances[i, i + 1 :], distances[i + 1 :, i + 1 :]
        one, other = near[:, None], near[None, :]
        product = one * other * far
        smallest = np.minimum(np.minimum(one, other), far)
        largest = np.maximum(np.maximum(one, other), far)
        both = np.divide(product, largest, out=np.zeros_like(largest), where=largest > 0.0)
        each = np.stack([product, smallest, both])
        pair = 0.5 * weights[i] * weights[i + 1 :]  # j < k and k < j are the same three
        for power, angles in enumerate((each, each * each)):
            # The diagonal is j = k, of which the distance and with it every product is 0.
            sums[:, power] += angles @ weights[i + 1 :] @ pair
    return sums


def _distances(momenta: Floats64) -> Floats64:
    rapidity = 0.5 * np.log((momenta[:, 3] + momenta[:, 2]) / (momenta[:, 3] - momenta[:, 2]))
    phi = np.arctan2(momenta[:, 1], momenta[:, 0])
    return np.hypot(rapidity[:, None] - rapidity, _around(phi[:, None] - phi))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else 0.0


def _around(phi: Floats64) -> Floats64:
    return np.mod(phi + np.pi, 2.0 * np.pi) - np.pi


def constituent_features(momenta: Floats64, most: int = MOST_CONSTITUENTS) -> Floats32:
    """The 16 of :data:`CONSTITUENT_COLUMNS` of the hardest ``most`` of ``momenta`` (n, 4), by falling pT: (most, 16).

    Rows without a constituent are zero. What is "rel" is relative to the sum of all ``momenta``, the jet.
    """
    jet = momenta.sum(axis=0)
    pt = np.hypot(momenta[:, 0], momenta[:, 1])
    order = np.argsort(-pt, kind="stable")[:most]
    px, py, pz, energy = momenta[order].T
    pt, size = pt[order], np.linalg.norm(momenta[order, :3], axis=1)
    jet_pt, jet_size = np.hypot(jet[0], jet[1]), np.linalg.norm(jet[:3])
    eta, phi = np.arcsinh(pz / pt), np.arctan2(py, px)
    etarel, phirel = eta - np.arcsinh(jet[2] / jet_pt), _around(phi - np.arctan2(jet[1], jet[0]))
    etarot, phirot = _turned(pt, etarel, phirel)
    columns = (
        *(px, py, pz, energy, energy / jet[3], pt, pt / jet_pt),
        *(eta, etarel, etarot, phi, phirel, phirot, np.hypot(etarel, phirel)),
        *(pz / size, momenta[order, :3] @ jet[:3] / (size * jet_size)),
    )
    out = np.zeros((most, len(CONSTITUENT_COLUMNS)), np.float32)
    out[: len(order)] = np.stack(columns, axis=1)
    return out


def _turned(pt: Floats64, eta: Floats64, phi: Floats64) -> tuple[Floats64, Floats64]:
    """Turned about the jet's axis: along the first coordinate the jet is widest, and more of it lies far above zero."""
    along = 0.5 * np.arctan2(2.0 * pt @ (eta * phi), pt @ (eta**2 - phi**2))
    first, second = eta * np.cos(along) + phi * np.sin(along), phi * np.cos(along) - eta * np.sin(along)
    sign = -1.0 if pt @ first**3 < 0.0 else 1.0
    return sign * first, sign * second
