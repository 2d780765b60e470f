"""The input type that events ask for, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.errors import EventError, UnsupportedError
from hls.importing import import_keras
from hls.project.input_type import propose_input_type
from tests.hls.importing.files import activation, port, write


@pytest.mark.parametrize(
    ("values", "right"),
    [
        ([[0.5, -1.25]], "ap_fixed<4,2>"),  # quarters from -2 to 1.75
        ([[0.5, 3.0]], "ap_ufixed<3,2>"),
        ([[0.1, -7.9]], "ap_fixed<16,4>"),  # of a tenth there is no last bit
        ([[8.0, 0.0]], "ap_ufixed<4,4>"),  # 8 itself is held
        ([[2.0**-9, -(2.0**-12)]], "ap_fixed<5,-7>"),
    ],
)
def test_the_range_and_the_steps_of_the_events(values: Any, right: str, tmp_path: Path) -> None:
    model = write(tmp_path / "model.keras", [port("x", 2), activation("o", "relu", "x")], "o")
    np.save(tmp_path / "events.npy", np.array(values))
    proposal = propose_input_type(model, tmp_path / "events.npy")
    assert proposal is not None
    ports = import_keras(model, str(proposal.type)).edges["x"]
    assert ports.raw_min <= min(values[0]) * 2.0**ports.fraction
    assert ports.raw_max >= max(values[0]) * 2.0**ports.fraction
    assert str(proposal.type) == right


def test_a_network_that_states_its_types_gets_no_proposal(tmp_path: Path) -> None:
    model = write(tmp_path / "model.keras", [port("x", 2), activation("q", "quantized_bits(8,3,alpha=1)", "x")], "q")
    assert propose_input_type(model, tmp_path / "none.npy") is None


def test_events_that_say_nothing_and_files_that_are_no_models(tmp_path: Path) -> None:
    model = write(tmp_path / "model.keras", [port("x", 2), activation("o", "relu", "x")], "o")
    np.save(tmp_path / "events.npy", np.ones((3, 2)))
    with pytest.raises(EventError, match="every value is 1, which says nothing of a range"):
        propose_input_type(model, tmp_path / "events.npy")
    with pytest.raises(UnsupportedError, match="for files of Keras alone"):
        propose_input_type(tmp_path / "events.npy", tmp_path / "events.npy")
