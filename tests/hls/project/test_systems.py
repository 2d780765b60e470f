"""The names under which a physics system is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.errors import FirmwareError, SystemNotFoundError
from hls.project.systems.finding import find_system, find_trained


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


@pytest.mark.parametrize(
    ("record", "text", "variant", "expected"),
    [
        ('{"system": "event_variables", "variant": "pair"}', "event_variables", None, "event_variables/pair"),
        ('{"system": "event_variables", "variant": "pair"}', "pair", None, "event_variables/pair"),
        ('{"system": "event_variables", "variant": "pair"}', "event_variables", "pair", "event_variables/pair"),
        # Whatever tells no variant is left to the system to refuse.
        ('{"system": "compression", "variant": "encoder-8"}', "event_variables", None, "event_variables/two-body"),
        ('{"system": "event_variables", "variant": ["pair"]}', "event_variables", None, "event_variables/two-body"),
        ('{"system": "event_variables"', "event_variables", None, "event_variables/two-body"),
        ("[1]", "event_variables", None, "event_variables/two-body"),
    ],
)
def test_what_was_trained_is_found(record: str, text: str, variant: str | None, expected: str, tmp_path: Path) -> None:
    assert str(find_trained("event_variables", None, tmp_path)) == "event_variables/two-body"  # no training.json
    (tmp_path / "training.json").write_text(record, encoding="utf-8")
    assert str(find_trained(text, variant, tmp_path)) == expected


@pytest.mark.parametrize(
    ("text", "variant"), [("event_variables/two-body", None), ("two-body", None), ("event_variables", "two-body")]
)
def test_another_variant_than_was_trained_is_refused(text: str, variant: str | None, tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text('{"system": "event_variables", "variant": "pair"}', encoding="utf-8")
    with pytest.raises(SystemNotFoundError, match="was trained as event_variables/pair, not event_variables/two-body"):
        find_trained(text, variant, tmp_path)


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
