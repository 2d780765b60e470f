"""JSON as every reader takes it: ASCII, and null for what is no number."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(data: Mapping[str, Any]) -> str:
    """``data`` as indented JSON; paths are written as they print.

    >>> json_text({"auc": float("nan"), "unit": "µm"})
    '{\\n  "auc": null,\\n  "unit": "\\\\u00b5m"\\n}'
    """
    return json.dumps(_plain(data), indent=2, allow_nan=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
