"""Jets from PYTHIA: the same however they are made, of the masses that their classes have."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.jets.samples.blocks import JetPlan
from qmodels.jets.samples.columns import JET_COLUMNS
from qmodels.jets.samples.files import read_jets
from qmodels.jets.samples.making import make_plan, write_data


@pytest.mark.slow
def test_jets_of_two_classes(tmp_path: Path) -> None:
    pytest.importorskip("pythia8mc")
    path = tmp_path / "jets.h5"
    header = write_data(path, 16, 5, {"sample": "wt", "jobs": 1})
    assert (header.sample, header.events, header.seed) == ("wt", 16, 5)
    jets = read_jets(path, 150)
    assert Counter(jets.classes.tolist()) == {2: 8, 4: 8}
    block = make_plan(5, "wt").make(0, 4)
    assert np.array_equal(block.arrays["constituents"], jets.constituents[:4])  # a smaller sample is its beginning
    table = dict(zip(JET_COLUMNS, block.arrays["jets"].T, strict=True))
    assert ((table["j_pt"] > 800) & (table["j_pt"] < 1600)).all()
    mass = jets.features[:, 14]
    assert 60 < np.median(mass[jets.classes == 2]) < 100 < np.median(mass[jets.classes == 4]) < 200
    assert not (tmp_path / "jets.h5.blocks").exists()


def test_another_version_of_the_generator_is_refused() -> None:
    with pytest.raises(ModelDataError, match="install the same qtrigger"):
        JetPlan(("q",), 1, generator_version=0).make(0, 1)
