"""Options that several Keras layers have in common."""

from __future__ import annotations

from hls.errors import UnsupportedError
from hls.importing.spec import LayerSpec


def sizes(value: object, rank: int) -> tuple[int, ...]:
    """An option that is one number for every axis, or a list with one for each.

    >>> sizes(3, rank=2), sizes([3, 5], rank=2)
    ((3, 3), (3, 5))
    """
    if isinstance(value, list | tuple):
        return tuple(int(v) for v in value)
    return (int(value),) * rank  # type: ignore[call-overload]


def require_channels_last(spec: LayerSpec) -> None:
    """Raise UnsupportedError for ``data_format="channels_first"``."""
    if spec.config.get("data_format") == "channels_first":
        raise UnsupportedError(f"layer {spec.name!r}: data_format='channels_first'; build the model channels_last")
