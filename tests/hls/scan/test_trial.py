"""The key by which a trial's result is found again."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from hls.scan.trial import TrialSpec, numbers_of
from hls.target import Target

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
SPEC = TrialSpec({"width": 8}, TARGET, "two-body", b"model", "ap_fixed<8,3>", events=100, epochs=2, seed=1)
OTHER: dict[str, Any] = {
    "parameters": {"width": 9},
    "target": replace(TARGET, multipliers="lut"),
    "system": "two-body/paper",
    "model": b"another",
    "input_type": "ap_fixed<8,4>",
    "internal_sigmoid": "smooth",
    "softmax": "drop",
    "sigmoid": "drop",
    "outputs": "argmax",
    "events": 200,
    "epochs": 3,
    "seed": 2,
}


def test_every_field_has_another_value_here() -> None:
    assert OTHER.keys() == {field.name for field in fields(TrialSpec)}


@pytest.mark.parametrize("name", OTHER)
def test_a_result_is_found_again_for_the_same_trial_only(name: str) -> None:
    assert replace(SPEC).key == SPEC.key
    assert replace(SPEC, **{name: OTHER[name]}).key != SPEC.key


def test_a_curve_is_one_number_a_point() -> None:
    curve = {"unit": "1", "over": "log10_beta", "points": [{"at": -3.0, "reference": None, "firmware": 0.8}]}
    metrics: dict[str, dict[str, Any]] = {"auc": curve, "kl": {"unit": "nats", "reference": 2.0, "firmware": 1.5}}
    assert numbers_of(metrics) == {"kl": 1.5, "auc_at_-3": 0.8}
