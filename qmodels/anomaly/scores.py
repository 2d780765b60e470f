"""Scores of the float networks, in numpy: no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qmodels.anomaly.float_networks import read_network
from qmodels.anomaly.networks import SHARE
from qmodels.anomaly.variants import Variant
from qmodels.types import Floats32, Floats64


def reference_score(variant: Variant, path: Path, inputs: Floats32) -> Floats64:
    """The score (n,) that the float network in ``path`` gives to inputs (n, 57).

    Raises ModelDataError if the file is missing, or no such network.
    """
    out = read_network(variant, path)(inputs).astype(np.float64)
    return _squares(out) if variant.latents_alone else SHARE * _squares(out - inputs)


def _squares(values: Floats64) -> Floats64:
    return np.einsum("ij,ij->i", values, values)
