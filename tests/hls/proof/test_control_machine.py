"""Control is run clock by clock: what a counter with a reset does, and what has no value before."""

from __future__ import annotations

from itertools import islice

from hls.proof.verilog.control import control_of, paced
from hls.proof.verilog.design import Bits, Cell, FlatDesign

UNSIGNED = {"A_SIGNED": "0", "B_SIGNED": "0"}


def counter() -> FlatDesign:
    """``count <= rst ? 0 : count + valid_in`` in two bits."""
    rst, valid, clk, count, more, following = (2,), (3,), (4,), (5, 6), (7, 8), (9, 10)
    cells = (
        Cell("register", "$dff", {"CLK_POLARITY": "1"}, {"CLK": clk, "D": following}, {"Q": count}),
        Cell("add", "$add", UNSIGNED, {"A": count, "B": valid}, {"Y": more}),
        Cell("reset", "$mux", {}, {"A": more, "B": ("0", "0"), "S": rst}, {"Y": following}),
    )
    ports: dict[str, Bits] = {
        "clk": clk,
        "rst": rst,
        "valid_in": valid,
        "valid_out": (count[1],),
        "ready_in": ("1",),
        "in_x": (11,),
    }
    return FlatDesign(ports, cells, {})


def test_a_counter_counts_after_the_reset() -> None:
    control = control_of(counter())
    rows = list(control.rows([True, True, False, True, True, True]))
    run = control.run(rows)
    assert [run.word((5, 6), clock) for clock in range(7)] == [None, 0, 1, 2, 2, 3, 0]
    assert [control.is_high("valid_out", row) for row in rows[1:]] == [False, False, True, True, True, False]
    assert control.is_high("ready_in", rows[0])
    assert control.state([6]) == sorted(control.nets[bit] for bit in (5, 6))


def test_events_come_at_the_interval_without_an_end() -> None:
    assert list(islice(paced(3), 7)) == [True, False, False, True, False, False, True]
