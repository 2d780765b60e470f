from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation.particles import (
    from_port,
    normal_noise,
    pair_mass,
    pair_pt,
    ports,
    pseudorapidity,
    with_energies,
)

# 30 GeV along x against 40 GeV along y, and both along z.
EVENT = np.array([[30, 0, 0, 30, 0, 40, 0, 40], [0, 3, 4, 5, 0, -3, 4, 5]], np.float32)


def test_masses_and_transverse_momenta_by_hand() -> None:
    assert pair_mass(EVENT) == pytest.approx([np.sqrt(70**2 - 50**2), 6.0])
    assert pair_pt(EVENT) == pytest.approx([50.0, 0.0])


def test_pseudorapidity_is_zero_across_the_beam_and_finite_along_it() -> None:
    assert pseudorapidity(EVENT)[0] == pytest.approx([0.0, 0.0])
    assert pseudorapidity(EVENT)[1] == pytest.approx([np.arcsinh(4 / 3)] * 2)
    assert np.isfinite(pseudorapidity(np.array([[0, 0, 5, 5, 0, 0, -5, 5]], np.float32))).all()


def test_an_energy_follows_from_its_momentum() -> None:
    assert with_energies(EVENT[:, (0, 1, 2, 4, 5, 6)]) == pytest.approx(EVENT)


def test_a_port_counts_in_powers_of_two_and_back() -> None:
    read = ports(EVENT, np.arange(14.0).reshape(2, 7))
    assert read["momenta"][1].ravel() == pytest.approx([0, 3 / 32, 4 / 128, 0, -3 / 32, 4 / 128])
    assert read["energies"][0].ravel() == pytest.approx([30 / 128, 40 / 128])
    assert read["shares"][0].ravel() == pytest.approx([3 / 7, 4 / 7])
    assert read["noise"][0].tolist() == [[0, 1], [2, 3]]
    assert read["recoil"][1].tolist() == [11, 12, 13]
    assert np.array_equal(from_port(read["momenta"].reshape(2, 6)), EVENT)


def test_noise_is_standard_normal_and_of_its_seed() -> None:
    noise = normal_noise(20_000, 1, 0)
    assert np.array_equal(noise, normal_noise(20_000, 1, 0))
    assert noise.shape == (20_000, 7)
    assert abs(noise.mean()) < 0.01
    assert noise.std() == pytest.approx(1.0, abs=0.01)
    assert abs(np.corrcoef(noise.ravel(), normal_noise(20_000, 1, 1).ravel())[0, 1]) < 0.01
