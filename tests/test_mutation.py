"""The faults that benchmarks.mutation puts into the code, and that the hand-made ones still fit it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.mutation.hand_made import HAND_MADE, Patch
from benchmarks.mutation.operators import mutants_of

ROOT = Path(__file__).parents[1]


def faults(tmp_path: Path, body: str) -> list[str]:
    """What the last line of a function becomes."""
    (tmp_path / "m.py").write_text(f"def f(x: int, y: int) -> int:\n    {body}\n", encoding="utf-8")
    source = (tmp_path / "m.py").read_bytes()
    return [mutant.told(source).partition(" => ")[2] for mutant in mutants_of(tmp_path, "m.py")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x < y", ["return 0", "return (x <= y)"]),
        ("return x + y", ["return 0", "return (x - y)"]),
        ("return 2", ["return 0", "return (2 + 1)", "return (2 - 1)"]),
        ("return max(x, y)", ["return 0", "return min(x, y)"]),
        ("return x and not y", ["return 0", "return (x or not y)", "return x and (y)"]),
        ("return f(x, y=y)", ["return 0", "return f(x)"]),
        ("y += x", ["pass"]),
        ("if x: y", ["if (not (x)): y"]),
        ("raise ValueError('at least ' + str(x + 1))", ["pass"]),  # messages are no behaviour
    ],
)
def test_the_faults_of_a_line(body: str, expected: list[str], tmp_path: Path) -> None:
    assert faults(tmp_path, body) == expected


def test_texts_of_more_bytes_than_signs(tmp_path: Path) -> None:
    assert "g('β'); return (x - 1)" in faults(tmp_path, "g('β'); return x + 1")


@pytest.mark.parametrize("patch", HAND_MADE, ids=lambda patch: patch.name)
def test_a_hand_made_fault_fits_the_code(patch: Patch) -> None:
    changed = patch.mutant(ROOT).apply((ROOT / patch.path).read_bytes())
    ast.parse(changed)
