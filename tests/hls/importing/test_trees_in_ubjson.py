"""Trees of XGBoost in its binary files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import import_model
from hls.errors import ModelFileError
from hls.importing.trees.ubjson import UbjsonError, parse
from tests.hls.importing.tree_files import (
    FIRST,
    QUARTERS,
    SECOND,
    written,
    xgboost,
)


def ubjson(value: Any) -> bytes:
    """As XGBoost writes it: typed arrays of float32 and int32, lengths of 64 bits."""
    match value:
        case dict():
            members = (struct.pack(">cq", b"L", len(key)) + key.encode() + ubjson(held) for key, held in value.items())
            return b"{" + b"".join(members) + b"}"
        case str():
            return b"SL" + struct.pack(">q", len(value)) + value.encode()
        case int():
            return b"L" + struct.pack(">q", value)
        case list() if value and all(isinstance(held, int) for held in value):
            return b"[$l#L" + struct.pack(">q", len(value)) + np.array(value, ">i4").tobytes()
        case list() if value and all(isinstance(held, int | float) for held in value):
            return b"[$d#L" + struct.pack(">q", len(value)) + np.array(value, ">f4").tobytes()
        case list():
            return b"[#L" + struct.pack(">q", len(value)) + b"".join(map(ubjson, value))
    raise TypeError(value)


class TestBinary:
    def test_it_is_the_same_network(self, tmp_path: Path) -> None:
        held = xgboost(FIRST, SECOND)
        (tmp_path / "m.ubj").write_bytes(ubjson(held))
        plain = import_model(written(tmp_path / "m.json", held), QUARTERS)
        assert import_model(tmp_path / "m.ubj", QUARTERS).digest() == plain.digest()

    def test_whatever_is_cut_off_is_refused(self, tmp_path: Path) -> None:
        data = ubjson(xgboost(SECOND))
        for size in range(20, len(data) - 1, 7):
            (tmp_path / "m.ubj").write_bytes(data[:size])
            with pytest.raises(ModelFileError):
                import_model(tmp_path / "m.ubj", QUARTERS)

    @pytest.mark.parametrize(
        "data", [b"{i\x01aq}", b"[$d#l\x7f\xff\xff\xff", b"[#L" + b"\x7f" * 8, b"[" * 99, b"Si\xff"]
    )
    def test_nonsense(self, data: bytes) -> None:
        with pytest.raises(UbjsonError):
            parse(data)
