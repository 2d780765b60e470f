"""Points of a space."""

from __future__ import annotations

import pytest

from hls.errors import FirmwareError
from hls.scan import Space

SPACE = Space({"width": (8, 16), "bits": (4, 6, 8), "rate": (0.1,), "kind": ("dense", "product")})


def test_the_grid_has_every_point_once() -> None:
    points = list(SPACE.grid())

    assert len(points) == SPACE.size == 12
    assert len({tuple(point.values()) for point in points}) == 12
    assert points[0] == {"width": 8, "bits": 4, "rate": 0.1, "kind": "dense"}


def test_random_points_differ_and_a_longer_list_begins_with_a_shorter_one() -> None:
    points = SPACE.random(7, seed=3)

    assert len({tuple(point.values()) for point in points}) == 7
    assert SPACE.random(4, seed=3) == points[:4]
    assert SPACE.random(7, seed=4) != points


def test_more_points_than_there_are_is_all_of_them() -> None:
    assert SPACE.random(100, seed=0) == list(SPACE.grid())


def test_stated_choices_take_the_kind_of_the_old_ones() -> None:
    assert SPACE.narrowed({"width": ["32"], "rate": ["0.5", "1"]}).choices == {
        **SPACE.choices,
        "width": (32,),
        "rate": (0.5, 1.0),
    }


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"with": ["8"]}, "nothing called 'with'"),
        ({"width": ["wide"]}, "should look like 8"),
        ({"bits": []}, "no choices"),
    ],
)
def test_what_cannot_be_scanned_is_refused(stated: dict[str, list[str]], told: str) -> None:
    with pytest.raises(FirmwareError, match=told):
        SPACE.narrowed(stated)
