"""How many clocks may pass from one event to the next."""

from __future__ import annotations

from typing import Any

import pytest

from hls.target import Target


@pytest.mark.parametrize(
    ("clock_ns", "settings", "clocks"),
    [
        (5.0, {}, 1),
        (5.0, {"interval_ns": 25}, 5),
        (4.0, {"interval_ns": 25.0}, 6),
        (0.1, {"interval_ns": 0.3}, 3),  # in binary, 0.3 / 0.1 is a little less
        (3.125, {"interval_ns": 25.0}, 8),
        (5.0, {"interval_ns": 5.0}, 1),
        (5.0, {"interval": 7}, 7),
        (1e-300, {"interval_ns": 1e300}, 10**600),
    ],
)
def test_whole_clocks_fit_in_the_interval(clock_ns: float, settings: dict[str, Any], clocks: int) -> None:
    assert Target("xcvu13p-flga2577-2-e", "vitis", clock_ns, **settings).interval_clocks == clocks
