"""The layers in expected.json: in which of them something has moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from pydantic import BaseModel, ConfigDict

from hls.project.report.network_schema import Layer
from hls.project.report.schema import Report

_MOST = 3
"""Layers that one message names."""


class ExpectedLayer(BaseModel):
    """A recorded layer: what it computes, as a digest, and its share of the estimated LUTs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digest: str
    lut: float | None = None


def recorded_layers(report: Report) -> list[ExpectedLayer]:
    """Those of ``report``, to be expected."""
    return [
        ExpectedLayer(name=layer.name, digest=layer.digest, lut=None if layer.lut is None else round(layer.lut, 1))
        for layer in report.graph.pipeline
        if layer.digest is not None
    ]


def changed_layers(report: Report, expected: Sequence[ExpectedLayer]) -> str:
    """In which layers the arithmetic differs; empty where none were recorded. Names alone make no difference."""
    if not expected:
        return ""
    changes = list(_changes(expected, report.graph.pipeline))
    if not changes:
        return "each layer computes what it did, but reads others"
    more = f" and {len(changes) - _MOST} more" if len(changes) > _MOST else ""
    return ", ".join(changes[:_MOST]) + more


def _changes(was: Sequence[ExpectedLayer], now: Sequence[Layer]) -> Iterator[str]:
    matched = SequenceMatcher(None, [layer.digest for layer in was], [layer.digest for layer in now], autojunk=False)
    for kind, first, last, begin, end in matched.get_opcodes():
        if kind == "equal":
            continue
        changed = min(last - first, end - begin)
        yield from (f"layer {layer.name!r} differs" for layer in now[begin : begin + changed])
        yield from (f"layer {layer.name!r} is new" for layer in now[begin + changed : end])
        yield from (f"layer {layer.name!r} is gone" for layer in was[first + changed : last])


def moved_luts(report: Report, expected: Sequence[ExpectedLayer]) -> str:
    """The layer whose estimated LUTs have moved most; empty where none has, or the layers are not the same ones."""
    now = report.graph.pipeline
    if len(now) != len(expected):
        return ""
    moves = [
        (abs(layer.lut - was.lut), f"layer {layer.name!r} from {was.lut:,.0f} to {layer.lut:,.0f} by the estimate")
        for was, layer in zip(expected, now, strict=True)
        if was.lut is not None and layer.lut is not None and round(layer.lut) != round(was.lut)
    ]
    return max(moves)[1] if moves else ""
