"""Pairs from PYTHIA: of their seed, however they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.machine.extras import missing
from hls.machine.pools import open_pool
from qmodels.errors import ModelDataError
from qmodels.simulation.generating import PairPlan, generate, make_plan
from qmodels.simulation.pair_files import read_pairs
from qmodels.simulation.particles import WINDOW, Z_MASS, pair_mass, pair_pt

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(missing("pythia8mc", "fastjet") is not None, reason="PYTHIA is not installed"),
]


def test_a_file_says_what_became_of_every_collision(tmp_path: Path) -> None:
    plan = PairPlan("z-ee", 4, collisions=150)
    header = generate(tmp_path / "pairs.h5", plan, 40, open_pool(1))
    pairs, unusable = read_pairs(tmp_path / "pairs.h5")
    assert not unusable
    assert len(pairs) == header.events == 40
    assert header.generated == 40 + sum(header.skipped.values())
    assert np.abs(pair_mass(pairs.z) - Z_MASS).max() < WINDOW
    assert pair_pt(pairs.z).max() < 1e-3  # the hard process alone
    assert np.median(pair_pt(pairs.x)) > 1.0  # and what showers do to it
    fewer = plan.make(0, 5)
    assert np.array_equal(fewer.arrays["x"], pairs.x[:5])


def test_a_seed_below_zero_and_an_unknown_sample_are_refused() -> None:
    with pytest.raises(ModelDataError, match="seed is -1"):
        make_plan("z-ee", -1)
    with pytest.raises(ModelDataError, match="choose one of z-ee, z-ee-full"):
        make_plan("w-ev", 1)
    with pytest.raises(ModelDataError, match="generator version 0"):
        PairPlan("z-ee", 1, generator_version=0).make(0, 1)
