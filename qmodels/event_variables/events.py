"""Event generators of arXiv:2105.10126, with exactly its priors and boosts.

All four-momenta are laboratory frame and in GeV. Events come in blocks of :data:`BLOCK_EVENTS`: small enough
for the cache, and each with its own random stream, so event ``i`` of a seed is the same however many are
asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.event_variables.variants import (
    MASS_RANGE_GEV,
    PAIR,
    SEMIVISIBLE,
    TWO_BODY,
    Variant,
    find_variant,
)
from qmodels.seeds import check_seed
from qmodels.types import Floats32, Floats64

GENERATOR_VERSION = 1
"""Raised whenever the same seed would give other events."""

BLOCK_EVENTS = 8192
MAX_SINGLE_ENERGY_GEV = 1500.0
MAX_PAIR_MASS_GEV = 1500.0
MAX_PAIR_ENERGY_GEV = 2500.0

TEST_STREAM, TRAINING_STREAM, TEST_THETA_STREAM, VALIDATION_THETA_STREAM, EPOCH_STREAM = range(5)
"""Independent random streams of one seed: so no network sees its test events, whatever seeds are chosen."""


def stream_rng(seed: int, stream: int, *child: int) -> np.random.Generator:
    """Generator of one child of a stream."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *child)))


@dataclass(frozen=True)
class Events:
    """``inputs`` (n, d) and ``parameters`` (n, k), float32 in GeV, columns as in the variant."""

    inputs: Floats32
    parameters: Floats32


def generate(
    variant: str, n: int, seed: int, *, stream: int = TEST_STREAM, masses: tuple[float, ...] | None = None
) -> Events:
    """Generate ``n`` events; the same seed gives the same first events whatever ``n`` is.

    ``masses`` (m_A,) or (m_A, m_C) in GeV makes every event with that Theta instead of drawing it from the
    prior.
    """
    kind = find_variant(variant)
    inputs = np.empty((max(n, 0), len(kind.inputs)), np.float32)
    parameters = np.empty((max(n, 0), len(kind.parameters)), np.float32)
    start = 0
    for block in blocks(variant, n, seed, stream=stream, masses=masses):
        stop = start + len(block.inputs)
        inputs[start:stop] = block.inputs
        parameters[start:stop] = block.parameters
        start = stop
    return Events(inputs, parameters)


def blocks(
    variant: str, n: int, seed: int, *, stream: int = TEST_STREAM, masses: tuple[float, ...] | None = None
) -> Iterator[Events]:
    """The ``n`` events in blocks of :data:`BLOCK_EVENTS` (the last one shorter), in bounded memory.

    Raises ModelDataError for an unknown variant, fewer than one event or a negative seed.
    """
    kind = find_variant(variant)
    if n < 1:
        raise ModelDataError(f"number of events is {n}: ask for at least 1")
    check_seed(seed)
    fixed = None if masses is None else _check_masses(kind, masses)
    # A generator function would find the errors above only when its first block is asked for.
    return _blocks(kind, n, seed, stream, fixed)


def _blocks(kind: Variant, n: int, seed: int, stream: int, fixed: Floats64 | None) -> Iterator[Events]:
    draws, decay = _GENERATORS[kind.name]
    for index, start in enumerate(range(0, n, BLOCK_EVENTS)):
        rng = stream_rng(seed, stream, index)
        prior = rng.random((len(kind.parameters), BLOCK_EVENTS))
        theta = _parameters(kind, prior) if fixed is None else np.repeat(fixed, BLOCK_EVENTS, axis=1)
        inputs = decay(theta, rng.random((draws, BLOCK_EVENTS)))
        count = min(BLOCK_EVENTS, n - start)
        yield Events(inputs[:count], np.asarray(theta.T[:count], np.float32))


def draw_parameters(variant: str, n: int, rng: np.random.Generator) -> Floats32:
    """Draw ``n`` parameter points from the prior: (n, 1) or (n, 2) float32, GeV.

    Two-body: m_A uniform. Otherwise (m_A, delta), delta = (m_A - m_C)^2 / m_A, uniform in the region
    0 <= delta <= m_A, whose width grows with m_A: hence p(m_A) proportional to m_A.
    """
    kind = find_variant(variant)
    return np.asarray(_parameters(kind, rng.random((len(kind.parameters), n))).T, np.float32)


def _parameters(kind: Variant, u: Floats64) -> Floats64:
    """Uniforms (k, n) -> parameters (k, n), by inverting the cumulative of each."""
    low, high = MASS_RANGE_GEV
    if kind is TWO_BODY:
        return low + (high - low) * u
    mass = np.sqrt(low**2 + (high**2 - low**2) * u[0])
    return np.stack([mass, mass * (1.0 - np.sqrt(u[1]))])


def _check_masses(kind: Variant, masses: tuple[float, ...]) -> Floats64:
    low, high = MASS_RANGE_GEV
    complete = len(masses) == len(kind.parameters)
    if not (complete and low <= masses[0] <= high and 0.0 <= masses[-1] <= masses[0]):
        raise ModelDataError(
            f"masses {masses} GeV do not fit {kind.name}: give ({', '.join(kind.parameters)}) with"
            f" {low:g} <= m_A <= {high:g} and 0 <= m_C <= m_A"
        )
    return np.array(masses, np.float64)[:, None]


def _direction(u: Floats64, v: Floats64) -> tuple[Floats64, Floats64, Floats64]:
    """Isotropic unit vectors from two uniforms."""
    cos = 2.0 * u - 1.0
    sin = np.sqrt(1.0 - cos * cos)
    phi = (2.0 * np.pi) * v
    return sin * np.cos(phi), sin * np.sin(phi), cos


def _momentum(energy: Floats64, mass: Floats64) -> Floats64:
    # (E - m)(E + m) keeps precision near threshold, where E^2 - m^2 would cancel.
    return np.sqrt((energy - mass) * (energy + mass))


def decay_two_body(theta: Floats64, u: Floats64) -> Floats32:
    """A -> b c from m_A (1, n) and uniforms (5, n): E_A, flight of A (2), decay (2). Returns (n, 8), GeV."""
    mass = theta[0]
    energy = mass + (MAX_SINGLE_ENERGY_GEV - mass) * u[0]
    momentum = _momentum(energy, mass)
    nx, ny, nz = _direction(u[1], u[2])  # flight of A in the laboratory
    kx, ky, kz = _direction(u[3], u[4])  # flight of b in the rest frame of A
    along = nx * kx + ny * ky + nz * kz
    # Boost of (m/2)(1, +-k) along n, written without gamma and beta.
    stretch = (energy - mass) * along
    to_b, to_c, half = 0.5 * (momentum + stretch), 0.5 * (momentum - stretch), 0.5 * mass
    out = np.empty((8, u.shape[1]), np.float32)
    out[0] = 0.5 * (energy + momentum * along)
    out[4] = 0.5 * (energy - momentum * along)
    for row, (n, k) in enumerate(((nx, kx), (ny, ky), (nz, kz)), start=1):
        transverse = half * k
        out[row] = n * to_b + transverse
        out[row + 4] = n * to_c - transverse
    return out.T


def decay_semivisible(theta: Floats64, u: Floats64) -> Floats32:
    """A -> b C from (m_A, m_C) (2, n) and uniforms (4, n): E_A, sign, decay (2). Returns (n, 6), GeV."""
    mass, invisible = theta
    energy = mass + (MAX_SINGLE_ENERGY_GEV - mass) * u[0]
    boost_e, boost_p = energy / mass, _signed(_momentum(energy, mass), u[1]) / mass
    kx, ky, kz = _direction(u[2], u[3])
    daughter = 0.5 * (mass - invisible) * (mass + invisible) / mass  # energy of b in the rest frame of its parent
    out = np.empty((6, u.shape[1]), np.float32)
    out[0] = daughter * (boost_e + boost_p * kz)
    out[1] = daughter * kx
    out[2] = daughter * ky
    out[3] = daughter * (boost_e * kz + boost_p)
    np.negative(out[1:3], out=out[4:6])
    return out.T


def decay_pair(theta: Floats64, u: Floats64) -> Floats32:
    """A1 A2 -> (b1 C1)(b2 C2) from (m_A, m_C) (2, n) and uniforms (9, n). (n, 10), GeV.

    Uniforms: m_AA, E_AA, sign along z, two of the flight of A1, two of each decay.
    """
    mass, invisible = theta
    pair_mass = 2.0 * mass + (MAX_PAIR_MASS_GEV - 2.0 * mass) * u[0]
    pair_energy = pair_mass + (MAX_PAIR_ENERGY_GEV - pair_mass) * u[1]
    lab_e, lab_p = pair_energy / pair_mass, _signed(_momentum(pair_energy, pair_mass), u[2]) / pair_mass
    flight = _direction(u[3], u[4])  # of A_1 in the rest frame of the pair; A_2 flies the other way
    parent = 0.5 * pair_mass
    boost_e, boost_p = parent / mass, _momentum(parent, mass) / mass
    daughter = 0.5 * (mass - invisible) * (mass + invisible) / mass  # energy of b in the rest frame of its parent
    out = np.empty((10, u.shape[1]), np.float32)
    for row, side in ((0, 1.0), (4, -1.0)):
        k = _direction(u[5 + row // 2], u[6 + row // 2])
        along = flight[0] * k[0] + flight[1] * k[1] + flight[2] * k[2]
        to_flight = (boost_e - 1.0) * along + side * boost_p
        energy = daughter * (boost_e + side * boost_p * along)
        pz = daughter * (k[2] + flight[2] * to_flight)
        out[row] = lab_e * energy + lab_p * pz
        out[row + 1] = daughter * (k[0] + flight[0] * to_flight)
        out[row + 2] = daughter * (k[1] + flight[1] * to_flight)
        out[row + 3] = lab_e * pz + lab_p * energy
    np.add(out[1:3], out[5:7], out=out[8:10])
    np.negative(out[8:10], out=out[8:10])
    return out.T


def _signed(magnitude: Floats64, u: Floats64) -> Floats64:
    return np.copysign(magnitude, u - 0.5)


_GENERATORS: dict[str, tuple[int, Callable[[Floats64, Floats64], Floats32]]] = {
    TWO_BODY.name: (5, decay_two_body),
    SEMIVISIBLE.name: (4, decay_semivisible),
    PAIR.name: (9, decay_pair),
}
"""Uniforms an event needs beside its parameters, and the decay: (parameters, uniforms) -> inputs."""
