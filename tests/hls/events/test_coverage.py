"""What events compare: the numbers, and the samples that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hls.emulation.ports import port_values
from hls.errors import EventError
from hls.events import gather
from hls.events.coverage import Coverage, PortCoverage, cover, require_comparison
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType

WIDE = FixedType(True, 8, 4)
"""Steps of 1/16 from -8 to 7.9375."""


def wires(**ports: tuple[int, FixedType]) -> FixedGraph:
    """Ports of (elements, type), each an output too."""
    builder = GraphBuilder("wires")
    for name, (size, type_) in ports.items():
        builder.add(nodes.Input(name, (), name, (size,), type_, type_.raw_min, type_.raw_max))
    return builder.finish(list(ports), list(ports), list(ports))


def covered(graph: FixedGraph, events: Any) -> Coverage:
    values = port_values(graph, events)
    found = cover(values)
    require_comparison(values, found)
    return found


def test_numbers_by_hand() -> None:
    """8.0 is the end of the range, and -9 lies beyond; 0.01 is rounded to zero."""
    graph = wires(a=(2, WIDE), b=(1, WIDE))
    a = [[8.0, 0], [-9, 99], [0.01, 0], [0, 0], [1, 1]]
    found = covered(graph, [a, np.arange(5)[:, None] % 2])
    assert found.ports == (
        PortCoverage("a", "ap_fixed<8,4>", 1, 4, saturated=2 / 10, zeroed=1 / 6),
        PortCoverage("b", "ap_fixed<8,4>", 0, 2),
    )
    assert (found.events, found.distinct) == (5, 5)
    (warning,) = found.warnings
    assert "1 of 5 events lie beyond ap_fixed<8,4>, -8 to 7.9375, where the port saturates (20 % of" in warning


@pytest.mark.parametrize(
    ("value", "beyond"),
    [(7.9375, 0), (8.0, 0), (8.03, 0), (8.04, 1), (-8.0625, 0), (-8.13, 1), (np.inf, 1), (-1e30, 1)],
)
def test_beyond_begins_more_than_one_step_outside(value: float, beyond: int) -> None:
    """8.03 rounds to 8, one step above the last value; 8.04 to 8.0625."""
    (port,) = port_values(wires(x=(1, WIDE)), [[value]])
    assert port.beyond.tolist() == [beyond]


class TestNoComparison:
    RNG = np.random.default_rng(3)
    GEV = RNG.normal(0, 2, (200, 4))
    PADDED = np.where(np.arange(4) < RNG.integers(1, 5, (200, 1)), np.abs(GEV), 0)

    @pytest.mark.parametrize("events", [1000 * GEV, 1000 * np.abs(GEV), 1000 * PADDED, 1e30 * GEV, np.inf * GEV])
    def test_events_in_other_units_saturate(self, events: np.ndarray) -> None:
        with pytest.raises(EventError, match=r"input 'x': each of its 200 events lies beyond .* units .*--input-type"):
            covered(wires(x=(4, WIDE)), events)

    def test_one_port_of_two_in_other_units(self) -> None:
        with pytest.raises(EventError, match="input 'b'"):
            covered(wires(a=(4, WIDE), b=(4, WIDE)), [self.GEV, 1000 * self.GEV])

    @pytest.mark.parametrize("value", [0.0, 1.0, 7.99, -20.0])
    def test_one_event_again_and_again(self, value: float) -> None:
        with pytest.raises(EventError, match=r"one and the same|lies beyond"):
            covered(wires(x=(4, WIDE)), np.full((9, 4), value))

    def test_units_so_large_that_every_event_rounds_to_zero(self) -> None:
        with pytest.raises(EventError, match=r"differ before input 'x' rounds to ap_fixed<8,4>.* units"):
            covered(wires(x=(4, WIDE)), 1e-3 * self.GEV)

    def test_a_system_may_generate_none_too(self) -> None:
        class Broken:
            def __str__(self) -> str:
                return "broken/one"

            def generate(self, events: int, seed: int) -> Any:
                return np.ones((events, 4), np.float32)

            def read(self, path: Any) -> Any:
                raise AssertionError

        with pytest.raises(EventError, match="broken/one events: all 5 events"):
            gather(wires(x=(4, WIDE)), Broken(), events=None, seed=1, inputs=None, default=5)


class TestLegitimate:
    def test_a_single_event(self) -> None:
        assert covered(wires(x=(4, WIDE)), np.zeros((1, 4))).distinct == 1
        assert covered(wires(x=(4, WIDE)), np.full((1, 4), 1e6)).ports[0].beyond == 1

    def test_a_network_with_one_possible_input(self) -> None:
        builder = GraphBuilder("constant")
        builder.add(nodes.Input("x", (), "x", (2,), WIDE, 3, 3))
        assert covered(builder.finish(["x"], ["x"], ["x"]), np.full((9, 2), 3 / 16)).warnings == ()

    def test_one_constant_port_of_two(self) -> None:
        found = covered(wires(a=(1, WIDE), b=(1, WIDE)), [np.arange(5)[:, None], np.ones((5, 1))])
        assert (found.distinct, found.warnings) == (5, ())

    def test_a_mask_of_ones_on_a_port_that_ends_just_below(self) -> None:
        found = covered(wires(x=(1, WIDE), mask=(4, FixedType(True, 8, 1))), [np.arange(5)[:, None], np.ones((5, 4))])
        assert found.ports[1].beyond == 0

    def test_hits_on_ports_of_one_bit(self) -> None:
        """Charges of pixels of which the network sees whether there was one."""
        charge = np.where(np.arange(1, 33)[:, None] >> np.arange(6) & 1, 40.0, 0)
        assert covered(wires(x=(6, FixedType(False, 1, 1))), charge).ports[0].beyond == 32

    def test_the_largest_element_saturates_in_every_event(self) -> None:
        events = np.random.default_rng(1).uniform(-4, 4, (50, 8)) + np.where(np.arange(8) == 0, 100, 0)
        (warning,) = covered(wires(x=(8, WIDE)), events).warnings
        assert "50 of 50 events lie beyond ap_fixed<8,4>" in warning

    def test_integers_drawn_for_a_port_of_one_bit(self) -> None:
        """They are ours, and few may well be equal."""
        graph = wires(x=(1, FixedType(False, 1, 1)))
        for seed in range(8):
            assert len(gather(graph, None, events=2, seed=seed, inputs=None, default=1).raw) == 1
        assert gather(graph, None, events=300, seed=1, inputs=None, default=1).covered.warnings == ()


class TestWarnings:
    def test_half_of_a_sample_is_one_event(self) -> None:
        """As of a file of which half was never filled."""
        events = np.zeros((100, 2))
        events[:50] = np.random.default_rng(2).uniform(1, 7, (50, 2))
        events[:50, 0] = np.arange(50) / 16 + 1
        found = covered(wires(x=(2, WIDE)), events)
        assert found.distinct == 51
        assert found.warnings == ("only 51 of 100 events are distinct; the others compare nothing new",)
        assert covered(wires(x=(2, WIDE)), events[:98]).warnings == ()

    def test_a_port_on_which_nothing_is_left(self) -> None:
        found = covered(wires(a=(1, WIDE), b=(1, WIDE)), [np.arange(5)[:, None], np.arange(5)[:, None] / 1000])
        (warning,) = found.warnings
        assert warning == "input 'b': all its events become one and the same on ap_fixed<8,4>, -8 to 7.9375"

    def test_values_in_units_a_hundred_times_too_small_or_large(self) -> None:
        """Of 0.005 to 0.05 in steps of 1/16 those up to 1/32 are zero; of 0.5 to 5 times 2 those above 8 saturate."""
        small = np.tile(np.linspace(0.005, 0.05, 10)[:, None], (1, 2))
        warning, *_ = covered(wires(x=(2, WIDE)), small).warnings
        assert warning.startswith("input 'x': 60 % of the values that are not 0 round to it in steps of 0.0625")
        warning, *_ = covered(wires(x=(2, WIDE)), 200 * small).warnings
        assert "where the port saturates (20 % of its values)" in warning
