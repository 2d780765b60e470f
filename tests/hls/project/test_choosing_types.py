"""The types of a plain network: where quantizers go, what a width costs, which widths are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hls import emulate
from hls.errors import ProjectError
from hls.importing.importer import build_graph
from hls.importing.spec import ModelSpec
from hls.project.fidelity.statistics import auc
from hls.project.quantizing.candidate import Draft, Slot, draft, quantized
from hls.project.quantizing.fidelity import Judge, parse_goal
from hls.project.quantizing.normal_form import normal_form
from hls.project.quantizing.recurrent import states
from hls.project.quantizing.reference import Reference
from hls.project.quantizing.search import Trial, within_goal, within_luts
from hls.project.quantizing.types import Choice, best_choice
from tests.hls.project.plain_networks import CELL, DENSE, GATES, NORMAL, RELU, layer, model


class TestTypes:
    def test_integer_bits_hold_the_largest_value(self) -> None:
        assert best_choice(np.array([0.1, -0.7, 3.2]), 12, signed=True) == Choice(12, 2, True)
        assert best_choice(np.array([0.02, 0.03]), 8, signed=False).integer == -5

    def test_an_outlier_is_clipped_where_that_serves_the_others(self) -> None:
        values = np.append(np.random.default_rng(0).normal(0, 0.2, 10_000), 4.5)
        assert best_choice(values, 4, signed=True).integer < 3
        assert best_choice(values, 16, signed=True).integer == 3

    def test_small_values_from_zero_on_have_a_quantizer_that_qkeras_computes(self) -> None:
        assert Choice(6, -3, False).text == "quantized_bits(6,-3,keep_negative=0,alpha=1)"
        assert Choice(6, 2, False).text == "quantized_relu(6,2)"

    def test_apply_is_what_qkeras_does(self) -> None:
        assert Choice(4, 1, True).apply(np.array([0.125, 0.375, 9.0, -9.0])).tolist() == [0.0, 0.5, 1.75, -2.0]
        assert Choice(3, 1, False).apply(np.array([-1.0, 0.6, 9.0])).tolist() == [0.0, 0.5, 1.75]


def drafted(spec: ModelSpec) -> Draft:
    """What Keras would compute, by hand: a dense layer, a normalization folded, a ReLU."""
    form = normal_form(spec).model
    x = np.random.default_rng(1).uniform(-1, 1, (500, 2)).astype(np.float32)
    kernel, bias = form.layers["d"].weights
    sums = x @ kernel + bias
    relu = np.maximum(sums, 0)
    return draft(form, (x,), Reference((relu,), {"d": sums, "a": relu}))


class TestCandidate:
    def test_every_rounding_has_a_slot_and_no_more(self) -> None:
        assert [str(slot) for slot in drafted(model(DENSE, NORMAL, RELU)).slots] == [
            "x values",
            "d weights",
            "a values",
        ]

    def test_wide_types_give_the_float_network(self) -> None:
        found = drafted(model(DENSE, NORMAL, RELU))
        graph = build_graph(quantized(found, dict.fromkeys(found.slots, 16)))
        assert np.abs(emulate(graph, found.inputs[0]) - found.reference.outputs[0]).max() < 2**-11

    def test_a_function_has_a_quantizer_before_and_behind_it(self) -> None:
        form = normal_form(model(DENSE, layer("Activation", "e", "d", activation="elu"))).model
        x = np.random.default_rng(1).uniform(-1, 1, (500, 2)).astype(np.float32)
        kernel, bias = form.layers["d"].weights
        sums = x @ kernel + bias
        values = np.where(sums > 0, sums, np.expm1(sums))
        found = draft(form, (x,), Reference((values,), {"d": sums, "e": values}))
        assert [str(slot) for slot in found.slots] == ["x values", "d weights", "e in", "e values"]
        graph = build_graph(quantized(found, dict.fromkeys(found.slots, 14)))
        assert np.abs(emulate(graph, x) - values).max() < 2**-9

    def test_a_recurrent_layer_keeps_what_its_tables_can_hold(self) -> None:
        """Of what a gate sums six fraction bits of each factor, of the gate seven bits; the state to its largest."""
        net = model(layer("LSTM", "r", "x", *CELL, units=2, use_bias=True, **GATES))
        x = np.full((1, 40, 1), 4.0, np.float32)
        found = draft(normal_form(net).model, (x,), Reference((), {"r": np.zeros((1, 2), np.float32)}))
        assert [str(slot) for slot in found.slots] == ["x values", "r weights", "r values"]
        spec = quantized(found, dict.fromkeys(found.slots, 12)).layers
        assert spec["x_rounded"].config["activation"] == "quantized_bits(10,3,alpha=1)"
        cell = spec["r"]
        assert (cell.class_name, cell.config["state_quantizer"]) == ("QLSTM", "quantized_bits(11,4,alpha=1)")
        assert cell.config["recurrent_activation"] == "quantized_sigmoid(7,use_real_sigmoid=1)"
        assert cell.config["kernel_quantizer"] == "quantized_bits(7,0,alpha=1)"

    def test_a_state_by_hand(self) -> None:
        """Gates 1/2 and candidate tanh(1): half of it is kept, and half of what was there before."""
        cell = [np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4)), np.zeros(4)]
        found = states(layer("LSTM", "r", "x", *cell, **GATES), np.ones((1, 2, 1)))
        c = np.tanh(1) / 2
        assert found.ravel() == pytest.approx([c, np.tanh(c) / 2, 1.5 * c, np.tanh(1.5 * c) / 2])


class TestFidelity:
    def test_auc_of_ties(self) -> None:
        assert auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])) == 0.875

    def test_metrics_by_hand(self) -> None:
        judge = Judge((np.array([[1.0, 0.0], [0.0, 1.0]]),), np.array([0, 1]))
        found = judge([np.array([[1.0, 0.0], [1.0, 0.5]])])
        assert found["flips"] == 0.5
        assert found["accuracy_loss"] == 0.5
        assert found["error"] == pytest.approx(np.sqrt((1 + 0.25) / 4) / 0.5)

    @pytest.mark.parametrize(
        ("text", "told"),
        [("error", "write it like"), ("auc_loss<1", "need --labels"), ("flops<1", "flops"), ("error<1e", "no number")],
    )
    def test_a_budget_that_cannot_be(self, text: str, told: str) -> None:
        with pytest.raises(ProjectError, match=told):
            parse_goal(text, ("error", "flips"))


class TestSearch:
    SLOTS = (Slot("a", "weights", signed=True), Slot("b", "weights", signed=True))

    def evaluate(self, widths: Any) -> Trial:
        """Slot a costs a hundred times as much fidelity as b."""
        a, b = (widths[slot] for slot in self.SLOTS)
        return Trial(dict(widths), {"error": 2.0**-a + 0.01 * 2.0**-b}, a + b)

    def test_bits_go_where_they_cost_least(self) -> None:
        start = self.evaluate(dict.fromkeys(self.SLOTS, 12))
        found = within_goal(start, parse_goal("error<0.01", ("error",)), self.evaluate)
        assert (found.widths[self.SLOTS[0]], found.widths[self.SLOTS[1]]) == (7, 3)

    def test_luts_stop_it(self) -> None:
        start = self.evaluate(dict.fromkeys(self.SLOTS, 12))
        found = within_luts(start, 20, lambda trial: trial.ebops, self.evaluate)
        assert found.ebops == 20
