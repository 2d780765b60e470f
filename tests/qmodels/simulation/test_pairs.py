from __future__ import annotations

import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.simulation.pairs import NOT_FINITE, OFF_PEAK, OFF_SHELL, sound
from tests.qmodels.simulation.made_up import pairs


def test_what_cannot_be_used_is_counted_by_its_first_reason() -> None:
    sample = pairs(10)
    sample.x[1, 0] = np.nan
    sample.z[2, 3] = np.inf
    sample.x[3, 7] *= 1.01  # no electron has that mass
    sample.z[4] *= 3.0  # 270 GeV
    good, skipped = sound(sample.z, sample.x)
    assert len(good) == 6
    assert skipped == {NOT_FINITE: 2, OFF_SHELL: 1, OFF_PEAK: 1}
    assert np.array_equal(good.z[0], sample.z[0])


def test_of_an_odd_number_the_last_event_is_in_no_half() -> None:
    sample = pairs(7)
    first, second = sample.halves()
    assert (len(first), len(second)) == (3, 3)
    assert np.array_equal(np.concatenate([first.x, second.x]), sample.x[:6])


def test_one_event_makes_no_halves() -> None:
    with pytest.raises(ModelDataError, match="1 events make no two halves"):
        pairs(1).halves()
