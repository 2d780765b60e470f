from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation.ttbar import kinematics
from qmodels.simulation.ttbar.kinematics import TOP_MASS, W_MASS, latent_masses, measured_masses, transverse_mass
from qmodels.simulation.ttbar.layout import (
    LATENT_MASSES,
    MEASURED_MASSES,
    from_port,
    inside,
    momenta_of,
    ordered,
    ports,
    transverse,
    with_energies,
)
from tests.qmodels.simulation.ttbar.made_up import decayed, quarks, top_pairs


def one_event(electron: tuple[float, float] = (20.0, 0.0), jet: tuple[float, float] = (30.0, 0.0)) -> np.ndarray:
    """pT and pz of the electron and of the last jet; the others are well inside."""
    momenta = np.array([[10.0, 0, 0], [5, 5, 900], [0, 50.0, 0], [40, 0, 0], [0, -35, 0], [30, 0, 0]])
    momenta[0] = (electron[0], 0.0, electron[1])
    momenta[5] = (jet[0], 0.0, jet[1])
    return with_energies(momenta[None], MEASURED_MASSES)


@pytest.mark.parametrize(
    ("event", "passes"),
    [
        (one_event(), True),
        (one_event(electron=(10.0, 0.0)), False),
        (one_event(electron=(10.1, 0.0)), True),
        (one_event(electron=(20.0, -20.0 * np.sinh(2.51))), False),
        (one_event(electron=(20.0, -20.0 * np.sinh(2.49))), True),
        (one_event(jet=(20.0, 0.0)), False),
        (one_event(jet=(20.1, 0.0)), True),
        (one_event(jet=(25.0, 25.0 * np.sinh(4.51))), False),
        (one_event(jet=(25.0, 25.0 * np.sinh(4.49))), True),
        (one_event(electron=(0.0, 0.0)), False),
    ],
)
def test_thresholds_are_those_of_the_paper(event: np.ndarray, passes: bool) -> None:
    assert inside(event).tolist() == [passes]


def test_energies_ports_and_order() -> None:
    z = quarks(50)
    assert z.reshape(50, 6, 4)[:, 2, 3] ** 2 == pytest.approx((momenta_of(z)[:, 2] ** 2).sum(axis=1) + 4.7**2, rel=1e-5)
    read = ports(z, np.zeros((50, 18)))
    assert {name: array.shape for name, array in read.items()} == {
        "momenta": (50, 18),
        "energies": (50, 6),
        "noise": (50, 18),
    }
    assert read["momenta"][:, 5] * 128.0 == pytest.approx(z[:, 6])
    again = from_port(read["momenta"], LATENT_MASSES)
    assert np.array_equal(momenta_of(again), momenta_of(z))  # units are powers of two
    assert again == pytest.approx(z, rel=1e-6)
    jets = ordered(z)
    assert (np.diff(transverse(jets)[:, 2:], axis=1) <= 0).all()
    assert np.array_equal(jets[:, :8], z[:, :8])
    assert jets.sum(axis=1) == pytest.approx(z.sum(axis=1), abs=1e-2)


def test_masses_of_the_hard_process_are_those_that_decayed() -> None:
    found = latent_masses(quarks(200))
    assert found["m_jj"] == pytest.approx(W_MASS, abs=1e-2)
    assert found["m_jjj"] == pytest.approx(TOP_MASS, abs=1e-2)
    assert found["m_blv"] == pytest.approx(TOP_MASS, abs=1e-2)
    assert (found["m_T"] <= W_MASS + 1e-3).all()
    assert (found["m_tt"] >= 2 * TOP_MASS - 1e-2).all()


def test_jets_are_assigned_whatever_their_order() -> None:
    z = quarks(200, b_mass=0.0)
    x = ordered(with_energies(momenta_of(z), MEASURED_MASSES))
    found, electron = measured_masses(x), x.reshape(-1, 6, 4)[:, 0].astype(np.float64)
    lepton = kinematics.neutrino(electron, x.reshape(-1, 6, 4)[:, 1].astype(np.float64))
    right = np.abs(lepton[:, 2] - z[:, 6]) < 0.1  # the root nearer to none is the neutrino's
    assert right.mean() > 0.4
    assert found["m_jj"][right] == pytest.approx(W_MASS, abs=0.1)
    assert found["m_jjj"][right] == pytest.approx(TOP_MASS, abs=0.1)
    assert found["m_tt"][right] == pytest.approx(latent_masses(z)["m_tt"][right], abs=1.0)


def test_a_neutrino_gives_the_w_its_mass_where_it_can() -> None:
    random = np.random.default_rng(3)
    momentum = random.normal(0.0, 50.0, (300, 3))
    w = np.concatenate([momentum, np.sqrt((momentum**2).sum(axis=1) + W_MASS**2)[:, None]], axis=1)
    electron, true = decayed(w, (0.0, 0.0), random)
    found = kinematics.neutrino(electron, true)
    assert kinematics.mass(electron + found) == pytest.approx(W_MASS, rel=1e-3)
    assert (np.abs(found[:, 2]) <= np.abs(true[:, 2]) + 1e-3).all()
    # back to back and harder than a W allows: both roots are complex, and the real part is taken
    hard, against = np.array([[60.0, 0.0, 30.0, np.hypot(60.0, 30.0)]]), np.array([[-60.0, 0.0, 0.0, 60.0]])
    half = W_MASS**2 / 2 - 3600.0
    assert kinematics.neutrino(hard, against)[0, 2] == pytest.approx(half * 30.0 / 3600.0)


def test_the_transverse_mass_by_hand() -> None:
    event = one_event(electron=(40.0, 7.0)).reshape(1, 6, 4)
    event[0, 1, :2] = (-40.0, 0.0)
    assert transverse_mass(event.reshape(1, 24)) == pytest.approx(80.0)
    event[0, 1, :2] = (0.0, 40.0)
    assert transverse_mass(event.reshape(1, 24)) == pytest.approx(np.sqrt(2 * 1600.0))


def test_made_up_pairs_pass() -> None:
    sample = top_pairs(100)
    assert inside(sample.x).all()
    assert not inside(quarks(100)).all()
