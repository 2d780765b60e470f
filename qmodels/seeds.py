"""Seeds as a user gives them."""

from __future__ import annotations

from qmodels.errors import ModelDataError


def check_seed(seed: int) -> None:
    """ModelDataError for a negative one."""
    if seed < 0:
        raise ModelDataError(f"seed is {seed}: use a whole number from 0 up")
