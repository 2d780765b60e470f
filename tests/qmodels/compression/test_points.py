"""What a scan may vary of an encoder."""

from __future__ import annotations

import pytest

from qmodels.compression.points import Choice, float_folder, preset_of, scan_space
from qmodels.compression.presets import LEAN
from qmodels.errors import ModelDataError


def test_the_first_choices_are_the_preset() -> None:
    first = {name: choices[0] for name, choices in scan_space().items()}
    assert preset_of({**first, "charge": 1.0}) == LEAN
    assert preset_of({}) == LEAN


def test_every_choice_makes_a_preset_of_its_own() -> None:
    presets = [preset_of({name: choice}) for name, choices in scan_space().items() for choice in choices]
    assert len(set(presets)) == len(presets) - len(scan_space()) + 1


def test_points_of_the_same_sizes_share_their_float_networks() -> None:
    folders = [
        float_folder("encoder-8", preset_of(parameters), 1000, 2, 1)
        for parameters in ({}, {"charge": 3.0}, {"latents": 8}, {"particle": "8-8"})
    ]
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3
    assert float_folder("encoder-8", LEAN, 1000, 2, 2) != folders[0]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("depth", 3, "'depth' cannot be scanned: choose of charge, particle, event, latents"),
        ("charge", 0.0, "charge=0.0 makes no network"),
        ("latents", 0, "latents=0 makes no network"),
        ("particle", "16-x", "particle='16-x' makes no network"),
        ("event", "", "event='' makes no network"),
    ],
)
def test_what_makes_no_network_is_named(name: str, value: Choice, words: str) -> None:
    with pytest.raises(ModelDataError, match=words):
        preset_of({name: value})
