"""The system as a build sees it, on made-up pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.project.systems.finding import find_system
from qmodels.errors import ModelDataError
from qmodels.simulation import events
from qmodels.simulation.events import turned, verification_inputs
from qmodels.simulation.fidelity import figures, floor, identity
from qmodels.simulation.pair_files import PairHeader, write_pairs
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import pair_mass, pair_pt
from qmodels.simulation.system import SYSTEM
from tests.qmodels.simulation.made_up import pairs


@pytest.fixture(autouse=True)
def _no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(n: int, seed: int) -> Pairs:
        return pairs(min(n, 300), seed)

    monkeypatch.setattr(events, "unseen_pairs", made)


def test_it_is_found_by_name_and_its_events_go_by_port() -> None:
    assert find_system("simulation").variant == "decoder"
    assert find_system("simulation/encoder").system.name == "simulation"
    found = SYSTEM.events("decoder", 700, 1)
    assert {name: array.shape for name, array in found.items()} == {
        "momenta": (700, 2, 3),
        "energies": (700, 2, 1),
        "shares": (700, 2, 1),
        "noise": (700, 2, 2),
        "recoil": (700, 3),
    }
    assert all(array.dtype == np.float32 for array in found.values())
    again = SYSTEM.events("decoder", 700, 1)
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_few_events_make_many_different_ones() -> None:
    found = verification_inputs("encoder", 900, 2)["momenta"]
    assert len(np.unique(found.reshape(900, 6), axis=0)) == 900


def test_turning_keeps_masses_and_transverse_momenta() -> None:
    sample = pairs(100).x
    other = turned(sample, 1)
    assert pair_mass(other) == pytest.approx(pair_mass(sample), rel=1e-4)
    assert pair_pt(other) == pytest.approx(pair_pt(sample), abs=1e-3)
    assert (np.sign(other[:, 2]) != np.sign(sample[:, 2])).any()


def test_a_file_of_pairs_brings_its_events(tmp_path: Path) -> None:
    sample = pairs(30)
    write_pairs(tmp_path / "pairs.h5", sample, PairHeader("z-ee", 30, 30, {}))
    found = SYSTEM.read_events(tmp_path / "pairs.h5", "encoder")
    assert found["energies"][..., 0] * 128.0 == pytest.approx(sample.x[:, (3, 7)], rel=1e-6)


def test_what_it_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="unknown variant 'both' of simulation: choose one of decoder, encoder"):
        SYSTEM.events("both", 5, 1)
    with pytest.raises(ModelDataError, match="number of events is 0"):
        SYSTEM.events("decoder", 0, 1)
    with pytest.raises(ModelDataError, match="unknown preset 'huge'"):
        SYSTEM.train("decoder", "huge", tmp_path)


def test_the_floor_is_near_and_identity_is_not() -> None:
    half, other = pairs(6000).halves()
    true, none = (figures(one, half, other, 50) for one in (floor(half), identity(half)))
    assert true.simulated.observables["M_ee"].ks < 0.03 < none.simulated.observables["M_ee"].ks
    assert none.noise_spread == 0.0
    assert none.angle_mrad == 0.0
    assert true.response.width[0] == pytest.approx(0.05, rel=0.1)
