from __future__ import annotations

import pytest

from qmodels.errors import ModelDataError
from qmodels.simulation.points import preset_of
from qmodels.simulation.presets import PRESETS
from qmodels.simulation.system import SYSTEM


def test_a_point_is_the_desk_preset_with_its_own_bits_and_features() -> None:
    assert preset_of({}) == PRESETS["desk"]
    point = preset_of({"bits": 6, "hidden": 8})
    assert (point.quantized.bits, point.hidden) == (6, 8)  # type: ignore[union-attr]
    assert set(SYSTEM.scan_space("decoder")) == {"bits", "hidden"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"layers": 2}, "'layers' cannot be scanned: choose of bits, hidden"), ({"bits": 2}, "bits=2 makes no network")],
)
def test_what_makes_no_network_is_named(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ModelDataError, match=message):
        preset_of(parameters)
