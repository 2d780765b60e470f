"""A small file as the public LHC jet data set has them, of jets whose classes are easily told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from qmodels.jets.samples.columns import (
    CONSTITUENT_COLUMNS,
    JET_FEATURES,
    LABELS,
    PUBLIC_FEATURES,
    PUBLIC_JET_COLUMNS,
    PUBLIC_LABELS,
)

PT = CONSTITUENT_COLUMNS.index("j1_pt")


def public_arrays(jets: int, seed: int = 1, constituents: int = 20) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """``jetConstituentList`` and ``jets`` of jets of all classes in turn."""
    rng = np.random.default_rng(seed)
    classes = np.arange(jets) % len(LABELS)
    lists = np.zeros((jets, constituents, len(CONSTITUENT_COLUMNS)))
    for name, spread in (("j1_pt", 0.0), ("j1_etarel", 0.1), ("j1_phirel", 0.1)):
        column = CONSTITUENT_COLUMNS.index(name)
        lists[:, :, column] = rng.normal(0.0, spread, (jets, constituents))
    falling = -np.sort(-rng.exponential(40.0, (jets, constituents)), axis=1)
    lists[:, :, PT] = falling + 3.0 + 60.0 * classes[:, None]
    lists[:, 15:] = 0.0
    table = np.zeros((jets, PUBLIC_JET_COLUMNS))
    patterns = rng.normal(0.0, 0.1, (len(LABELS), len(JET_FEATURES)))
    table[:, PUBLIC_FEATURES] = patterns[classes] + rng.normal(0.0, 0.02, (jets, len(JET_FEATURES)))
    table[:, PUBLIC_FEATURES[-2]] = 94.0 + 60.0 * (classes - 2)
    table[np.arange(jets), np.array(PUBLIC_LABELS)[classes]] = 1.0
    return lists, table


def write_public(path: Path, lists: npt.NDArray[Any], table: npt.NDArray[Any], names: list[str] | None = None) -> Path:
    """Such a file; ``names`` are those of the columns of ``jets``, which some public files tell."""
    with h5py.File(path, "w") as file:
        file["jetConstituentList"] = lists
        file["jets"] = table
        file["particleFeatureNames"] = np.array([*CONSTITUENT_COLUMNS, "j1_pdgid"], "S")
        if names is not None:
            file["jetFeatureNames"] = np.array(names, "S")
    return path


def public_names() -> list[str]:
    """Names of the 59 columns, of those that are read, the true ones."""
    names = [f"j_other{index}" for index in range(PUBLIC_JET_COLUMNS)]
    for index, name in (*zip(PUBLIC_FEATURES, JET_FEATURES, strict=True), *zip(PUBLIC_LABELS, LABELS, strict=True)):
        names[index] = name
    return names
