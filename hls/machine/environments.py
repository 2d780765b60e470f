"""Environments apart from ours, for frameworks whose packages do not live beside those that we need."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def pinned(requirements: Path) -> dict[str, str]:
    """The version of each package that a file of requirements pins."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==", 1) for line in lines if "==" in line)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that the user makes once, of the packages that ``requirements`` pins.

    ``variable`` names its interpreter where it is not at its usual place; ``title`` is what people call what is in it,
    ``computing`` are the packages whose versions decide what it computes. ``interpreter`` is the Python that makes it:
    one of its own where its packages are too old for ours.
    """

    title: str
    name: str
    variable: str
    computing: tuple[str, ...]
    interpreter: str = "python3"

    @property
    def requirements(self) -> Path:
        """The pinned packages."""
        return Path(__file__).with_name(f"{self.name}.txt")

    @property
    def pins(self) -> dict[str, str]:
        """The tested version of each."""
        return pinned(self.requirements)

    @property
    def folder(self) -> Path:
        """Where it is, unless the variable says otherwise."""
        home = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
        return Path(home).expanduser() / "qtrigger" / self.name

    @property
    def python(self) -> Path:
        """Its interpreter, there or not."""
        stated = os.environ.get(self.variable)
        return Path(stated).expanduser() if stated else self.folder / "bin" / "python"

    @property
    def cure(self) -> str:
        """The command that makes it."""
        if os.environ.get(self.variable):
            return f"let {self.variable} name the interpreter of an environment with {self.title}, or unset it"
        return f"{self.interpreter} -m venv {self.folder} && {self.folder}/bin/pip install -r {self.requirements}"

    @property
    def missing(self) -> str | None:
        """Why it cannot be used, and the cure; None if it can."""
        if os.access(self.python, os.X_OK) and self.python.is_file():
            return None
        return f"{self.title} is not at {self.python}; {self.cure}"


HGQ = Environment("HGQ", "hgq", "QTRIGGER_HGQ", ("HGQ", "keras", "tensorflow", "numpy"), "python3.11")
HGQ2 = Environment("HGQ 2", "hgq2", "QTRIGGER_HGQ2", ("hgq2", "quantizers", "keras", "tensorflow", "numpy"))
PQUANT = Environment("PQuantML", "pquant", "QTRIGGER_PQUANT", ("pquant-ml", "hgq2", "keras", "tensorflow", "numpy"))
XGBOOST = Environment("XGBoost", "xgboost", "QTRIGGER_XGBOOST", ("xgboost", "numpy"))
LIGHTGBM = Environment("LightGBM", "lightgbm", "QTRIGGER_LIGHTGBM", ("lightgbm", "numpy"))
