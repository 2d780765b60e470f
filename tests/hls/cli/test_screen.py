"""Tables on a screen of any width."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hls.cli.screen import console, new_table, print_table

Printed = Callable[[int], list[str]]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Printed:
    def show(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        table = new_table("what", "LUT", "said by", words=("said by",))
        table.add_row("our RTL", "1,000", "yosys 0.50")
        table.add_row("their HLS", "", "a vendor")
        print_table(console(), table)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    return show


def test_wide_enough(printed: Printed) -> None:
    assert printed(80) == ["what         LUT  said by", "our RTL    1,000  yosys 0.50", "their HLS         a vendor"]


def test_broken_between_words(printed: Printed) -> None:
    assert printed(22) == [
        "              said", "what     LUT  by", "our    1,000  yosys", "RTL           0.50", "their         a",
        "HLS           vendor",
    ]  # fmt: skip


def test_a_paragraph_a_row(printed: Printed) -> None:
    assert printed(18) == [
        "what: our RTL", "  LUT 1,000; said", "  by yosys 0.50", "what: their HLS", "  said by a vendor",
    ]  # fmt: skip
