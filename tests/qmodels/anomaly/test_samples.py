"""Blocks of simulated events: shares, seeds, and what is turned and mirrored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmodels.anomaly.samples import blocks
from qmodels.anomaly.samples.blocks import CODES, make_plan
from qmodels.anomaly.samples.processes import PROCESSES, SHARES, find_process
from qmodels.anomaly.symmetry import multiplied
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import KEPT


def test_block_is_of_the_processes_in_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every second particle list is seen, and which process it is of can be told from its number.
    monkeypatch.setattr(blocks, "collisions", lambda process, seed: iter([CODES[process.name], "not seen"] * 10_000))
    monkeypatch.setattr(
        blocks, "observe", lambda code, random: code if isinstance(code, str) else np.full((19, 3), code)
    )
    monkeypatch.setattr(blocks, "programs", lambda *packages: "a test")
    block = replace(make_plan("background", 1), collisions=4000).make(0, 10_000)
    made_by = block.arrays["processes"]
    assert np.array_equal(block.arrays["events"][:, 0, 0], made_by)
    for name, share in SHARES.items():
        assert (made_by == CODES[name]).mean() == pytest.approx(share, abs=0.03)
    assert (len(block), set(block.fates)) == (4000, {KEPT, "not seen"})
    assert sum(SHARES.values()) == pytest.approx(1.0)


def test_unknown_samples_processes_and_versions_are_refused() -> None:
    with pytest.raises(ModelDataError, match="no sample is called 'zz'; choose one of background, a-to-4l"):
        make_plan("zz", 1)
    with pytest.raises(ModelDataError, match="seed is -1"):
        make_plan("w", -1)
    with pytest.raises(ModelDataError, match="no process is called"):
        find_process("background")
    with pytest.raises(ModelDataError, match="install the same qtrigger"):
        replace(make_plan("w", 1), generator_version=0).make(0, 1)


def test_multiplied_events_keep_what_nature_keeps() -> None:
    events = np.zeros((3, 19, 3), np.float32)
    events[:, 0] = (50.0, 0.0, 1.0)
    events[:, 5] = [(30.0, 0.5, 2.5), (31.0, -0.5, -2.5), (32.0, 1.0, 0.0)]
    many = multiplied(events, 300, 1)
    apart = np.remainder(many[:, 5, 2] - many[:, 0, 2] + np.pi, 2 * np.pi) - np.pi
    assert np.unique(np.abs(apart).round(4)).tolist() == pytest.approx([1.0, 1.5, 2 * np.pi - 3.5], abs=1e-3)
    assert np.unique(np.abs(many[:, 5, 1])).tolist() == [0.5, 1.0]
    assert np.unique(many[:, 5, 0], return_counts=True)[1].tolist() == [100, 100, 100]
    assert np.abs(many[:, :, 2]).max() <= np.float32(np.pi)
    assert not many[:, 6].any()
    assert np.array_equal(many[:100], multiplied(events, 300, 1)[:100])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["qcd", "hc-to-tau-nu"])
def test_same_seed_same_events_of_pythia(name: str) -> None:
    plan = replace(make_plan(name, 5), collisions=3)
    first, again = plan.make(1, 10), plan.make(1, 10)
    assert np.array_equal(first.arrays["events"], again.arrays["events"])
    assert len(first) == 3
    leptons = first.arrays["events"][:, 1:9, 0].max(axis=1)
    assert (leptons >= 23.0).all()
    assert not np.array_equal(first.arrays["events"], plan.make(2, 10).arrays["events"])
    assert set(first.arrays["processes"]) == {list(PROCESSES).index(name)}
