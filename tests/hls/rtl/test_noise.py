"""Noise of a chip's own: its distribution, and that the Verilog draws what Python says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from hls.emulation import Emulator
from hls.errors import FirmwareError
from hls.graph import FixedGraph, FixedType, GraphBuilder, nodes
from hls.rtl import write_rtl
from hls.rtl.noise import TAPS, NoiseSource, write_alone
from hls.rtl.simulation import Design, Simulation, _Pass
from hls.rtl.tools import missing_tools

TYPE = FixedType(True, 8, 3)
EVENTS = 200_000


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return NoiseSource(7, TYPE, 1).draw(EVENTS) / 32.0


def test_it_is_standard_normal_in_steps_of_the_port(drawn: np.ndarray) -> None:
    assert drawn.shape == (EVENTS, 7)
    assert np.abs(drawn.mean(axis=0)).max() < 5 / np.sqrt(EVENTS)
    assert drawn.std(axis=0) == pytest.approx([1.0] * 7, abs=0.01)
    edges = np.arange(-3.0, 3.01, 0.25) + 1 / 64  # between two steps
    for column in drawn.T:
        found = np.searchsorted(np.sort(column), edges) / EVENTS
        assert np.abs(found - stats.norm.cdf(edges)).max() < 0.005


def test_numbers_of_an_event_and_of_the_next_ones_are_unrelated(drawn: np.ndarray) -> None:
    together = np.concatenate([drawn[:-2], drawn[1:-1], drawn[2:]], axis=1)
    correlations = np.corrcoef(together, rowvar=False) - np.eye(21)
    assert np.abs(correlations).max() < 5 / np.sqrt(EVENTS)
    squares = np.corrcoef(together**2, rowvar=False) - np.eye(21)
    assert np.abs(squares).max() < 5 / np.sqrt(EVENTS)


@pytest.mark.parametrize(("n", "m"), TAPS[:7])
def test_a_register_runs_through_all_states(n: int, m: int) -> None:
    """x^n + x^m + 1 is primitive: x^(2^n - 1) is 1 modulo it, and no power that divides 2^n - 1 is."""
    polynomial, order = (1 << n) | (1 << m) | 1, (1 << n) - 1
    assert _power(order, polynomial, n) == 1
    assert all(_power(order // prime, polynomial, n) != 1 for prime in _primes(order))


def test_another_seed_is_another_start_and_too_many_numbers_are_refused() -> None:
    assert NoiseSource(7, TYPE, 1).starts() != NoiseSource(7, TYPE, 2).starts()
    with pytest.raises(FirmwareError, match="there are 1 to 14"):
        NoiseSource(15, TYPE, 1)
    with pytest.raises(FirmwareError, match="unsigned"):
        NoiseSource(1, FixedType(False, 8, 3), 1)


def test_a_port_that_there_is_not_is_named(tmp_path: Path) -> None:
    project = write_rtl(_sum_of_ports(), "adder", tmp_path / "rtl", clock_ns=5.0)
    with pytest.raises(FirmwareError, match="no input is called 'y'; choose of x, noise"):
        write_alone(project, ("y",), 1)


@pytest.mark.slow
@pytest.mark.skipif(missing_tools() is not None, reason="no RTL simulation here")
def test_a_network_alone_computes_what_it_does_with_the_noise_that_python_draws(tmp_path: Path) -> None:
    graph = _sum_of_ports()
    project = write_rtl(graph, "adder", tmp_path / "rtl", clock_ns=5.0)
    files = (*write_alone(project, ("noise",), 4), *project.sources)
    given = [port for port in project.inputs if port.name != "noise"]
    simulation = Simulation(Design(files, "adder_alone", tuple(given), project.outputs, 5.0), tmp_path / "cache", 1)
    simulation.compile()
    x = np.random.default_rng(1).integers(-128, 128, (1000, 3))
    with tempfile.TemporaryDirectory() as folder:
        x.astype(np.int64).tofile(Path(folder) / "in")
        found, *_ = simulation._pass(Path(folder), len(x), _Pass())
    expected = Emulator(graph).run([x, NoiseSource(3, TYPE, 4).draw(len(x))])
    assert np.array_equal(found.reshape(-1), np.asarray(expected[0]).reshape(-1))


def _sum_of_ports() -> FixedGraph:
    """x + noise, of three numbers each."""
    builder = GraphBuilder("adder")
    ports = [
        builder.add(nodes.Input(name, (), name, (3,), TYPE, TYPE.raw_min, TYPE.raw_max)) for name in ("x", "noise")
    ]
    total = builder.add(nodes.Add("total", tuple(ports), "total"))
    return builder.finish(["x", "noise"], [total], ["total"])


def _power(exponent: int, modulus: int, n: int) -> int:
    """x to a power, of polynomials over two elements."""
    result, base = 1, 2
    while exponent:
        if exponent & 1:
            result = _product(result, base, modulus, n)
        base = _product(base, base, modulus, n)
        exponent >>= 1
    return result


def _product(a: int, b: int, modulus: int, n: int) -> int:
    result = 0
    while b:
        if b & 1:
            result ^= a
        b >>= 1
        a <<= 1
        if a >> n & 1:
            a ^= modulus
    return result


def _primes(number: int) -> list[int]:
    found, divisor = [], 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            found.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return [*found, number] if number > 1 else found
