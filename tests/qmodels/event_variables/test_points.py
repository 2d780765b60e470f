"""What a scan of event-variable networks may vary."""

from __future__ import annotations

from typing import Any

import pytest

from qmodels.errors import ModelDataError
from qmodels.event_variables.networks import LEAN, TRIGGER
from qmodels.event_variables.points import network_of, objective, scan_space
from qmodels.event_variables.variants import VARIANTS, Variant


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_every_choice_makes_a_network_and_the_preset_is_among_them(variant: Variant) -> None:
    networks = [network_of(variant, {name: choice}) for name, some in scan_space(variant).items() for choice in some]
    assert networks.count(TRIGGER[variant.name]) == 4
    assert objective(variant).partition(":")[2] in ("max", "min")


def test_choices_replace_the_preset_s() -> None:
    network = network_of(VARIANTS["pair"], {"charge": 10.0, "input_fraction": 6, "hidden": "8-4"})
    assert (network.hidden, network.input_fraction) == ((8, 4), 6)
    assert network.charge.last == pytest.approx(10 * TRIGGER["pair"].charge.last)


def test_dense_layers_are_those_of_the_paper_unless_others_are_named() -> None:
    assert network_of(VARIANTS["pair"], {"layers": "dense", "hidden": ""}) == LEAN["pair"]
    assert network_of(VARIANTS["pair"], {"layers": "dense", "hidden": "32-16"}).hidden == (32, 16)


@pytest.mark.parametrize(("parameters", "named"), [
    ({"charge": 0.0}, "charge=0.0"), ({"hidden": "a-b"}, "hidden='a-b'"), ({"depth": 3}, "'depth'"),
    ({"layers": "curved"}, "layers='curved'"),
])  # fmt: skip
def test_nonsense_is_refused_by_name(parameters: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelDataError, match=named):
        network_of(VARIANTS["pair"], parameters)
