"""The names under which a physics system is found."""

from __future__ import annotations

import pytest

from hls.errors import FirmwareError, SystemNotFoundError
from hls.project.systems.finding import find_system


@pytest.mark.parametrize(
    ("text", "variant", "expected"),
    [
        ("event_variables", None, "event_variables/two-body"),
        ("event_variables", "pair", "event_variables/pair"),
        ("event_variables/pair", None, "event_variables/pair"),
        ("event_variables/pair", "pair", "event_variables/pair"),
        ("two-body", None, "event_variables/two-body"),
        ("semivisible", None, "event_variables/semivisible"),
        ("evn-two-body", None, "event_variables/two-body"),
        ("evn-pair", "pair", "event_variables/pair"),
    ],
)
def test_found(text: str, variant: str | None, expected: str) -> None:
    assert str(find_system(text, variant)) == expected


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("nothing", None),
        ("event_variables/nothing", None),
        ("event_variables", "nothing"),
        ("event_variables/pair", "two-body"),
        ("two-body", "pair"),
        ("xyz-two-body", None),
        ("", None),
        ("-pair", None),
    ],
)
def test_not_found(text: str, variant: str | None) -> None:
    with pytest.raises(SystemNotFoundError):
        find_system(text, variant)


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(SystemNotFoundError, match="event_variables/two-body") as raised:
        find_system("two-bodies")
    assert "event_variables/semivisible" in str(raised.value)


def test_a_system_need_not_write_events() -> None:
    chosen = find_system("two-body")
    assert chosen.recorder is None
    assert chosen.writer is chosen.system
    assert find_system("compression").recorder is not None
    with pytest.raises(FirmwareError, match="'compression' writes no event files"):
        find_system("compression").writer  # noqa: B018
