"""One cache for all simulations of a session: Verilator's own library is compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of finished results."""
    return tmp_path_factory.mktemp("cache")
