"""The layers between two registers, of a network whose stages are known by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl.netlist import Wire
from hls.rtl.pipeline import Pipelining
from hls.rtl.provenance import layers_between
from hls.rtl.trace import trace
from tests.hls.rtl.test_pipeline import cut_at
from tests.hls.rtl.zoo import add_input, constant


def two_sums() -> FixedGraph:
    """x0 + x1 and x2 + x3 in one layer, each without its negative numbers in the next, both added in the last."""
    builder = GraphBuilder("sums")
    x = add_input(builder, "x", (4,), FixedType(True, 6, 6))
    pairs = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    y = builder.add(nodes.Dense("y", (x,), "pairs", constant(pairs), constant([0, 0])))
    z = builder.add(nodes.Relu("z", (y,), "relu"))
    out = builder.add(nodes.Dense("out", (z,), "all", constant([[1], [1]]), constant([0])))
    return builder.finish([x], [out], ["out"])


def between(begin: str, end: str, pipelining: Pipelining) -> tuple[str, ...]:
    """Each name with a bit in brackets."""
    wires = [Wire(name, int(bit)) for name, bit in (text.rstrip("]").split("[") for text in (begin, end))]
    logic = trace(two_sums(), pipelining=pipelining, with_layers=True)
    return layers_between(wires[:1], wires[1:], logic, 5.0, pipelining)


@pytest.mark.parametrize(
    ("limit", "begin", "end", "layers"),
    [
        # All between the registers at the ports. Of the inputs the first has bits 0 to 5.
        (9, "core.model_inp_reg[5]", "core.model_out[6]", ("pairs", "relu", "all")),
        # One operation a stage: two sums, two masks, one sum. A number of 7 bits with its sign has 6 without.
        (2, "core.model_inp_reg[5]", "core.stage1_inp[6]", ("pairs",)),
        (2, "core.model_inp_reg[5]", "core.stage1_inp[7]", ()),  # the other sum does not read it
        (2, "core.stage1_inp[0]", "core.stage2_inp[5]", ("relu",)),
        (2, "core.stage2_inp[5]", "core.model_out[0]", ("all",)),
        (2, "core.stage1_inp[0]", "core.model_out[0]", ()),  # there is a register between them
        # Names of wires and of ports that the register drives: the sum is the third operation, after two inputs.
        (2, "core.logic2.v0[3]", "core.model_out[0]", ("all",)),
        (2, "core.logic2.op_2.in1[0]", "core.model_out[0]", ("all",)),
        (2, "core.logic2.op_2.in1_ext[0]", "core.model_out[0]", ("all",)),
        (2, "valid[0]", "core.model_out[0]", ()),
    ],
)
def test_layers_between_two_registers(limit: float, begin: str, end: str, layers: tuple[str, ...]) -> None:
    assert between(begin, end, cut_at(limit)) == layers


def test_every_operation_has_its_layer() -> None:
    (core,) = trace(two_sums(), with_layers=True).cores
    assert Counter(core.layers) == {None: 4, "pairs": 2, "relu": 2, "all": 1}  # the inputs are of no layer
    assert len(core.layers) == len(core.comb.ops)


def test_layers_are_told_where_they_are_asked_for() -> None:
    assert trace(two_sums()).cores[0].layers == ()
