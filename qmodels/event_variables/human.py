"""The human-engineered variables of the three examples, in GeV."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.event_variables.variants import PAIR, SEMIVISIBLE, TWO_BODY, find_variant
from qmodels.types import Floats64


def human_variable(variant: str, inputs_gev: npt.ArrayLike) -> Floats64:
    """m_bc, m_T(0) or m_T2(0) of each event: (n, d) in GeV -> (n,) float64, GeV.

    Two massless particles back to back, 60 GeV each, are a parent of 120 GeV at rest:

    >>> human_variable("two-body", [[60, 0, 0, 60, 60, 0, 0, -60]]).tolist()
    [120.0]
    """
    columns = np.asarray(inputs_gev, np.float64).T
    return _VARIABLES[find_variant(variant).name](columns)


def invariant_mass(columns: Floats64) -> Floats64:
    """m_bc, eq. (4) of arXiv:2105.10126; rows (E, px, py, pz) of b, then of c."""
    total = columns[0:4] + columns[4:8]
    square: Floats64 = total[0] ** 2 - np.sum(total[1:] ** 2, axis=0)
    return np.sqrt(np.maximum(square, 0.0))


def transverse_mass(columns: Floats64) -> Floats64:
    """m_T(0) = 2 p_bT, eq. (5) with a massless invisible; rows (E, px, py, pz) of b.

    >>> transverse_mass(np.array([[13.0], [3.0], [4.0], [12.0]])).tolist()  # p_T is 5
    [10.0]
    """
    mass: Floats64 = 2.0 * np.hypot(columns[1], columns[2])
    return mass


def stransverse_mass(columns: Floats64) -> Floats64:
    """m_T2(0) = sqrt(2 (pT1 pT2 + pT1 . pT2)): exact for massless visibles, test mass 0 and no upstream pT.

    Rows (E, px, py, pz) of b1, then of b2.

    >>> along = np.array([[5.0], [3.0], [4.0], [0.0]])
    >>> stransverse_mass(np.concatenate([along, along])).tolist()  # side by side: 2 p_T
    [10.0]
    >>> stransverse_mass(np.concatenate([along, -along])).tolist()  # back to back balance without invisibles
    [0.0]
    """
    (x1, y1), (x2, y2) = columns[1:3], columns[5:7]
    square: Floats64 = 2.0 * (np.hypot(x1, y1) * np.hypot(x2, y2) + x1 * x2 + y1 * y2)
    return np.sqrt(np.maximum(square, 0.0))


_VARIABLES = {TWO_BODY.name: invariant_mass, SEMIVISIBLE.name: transverse_mass, PAIR.name: stransverse_mass}
