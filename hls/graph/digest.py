"""SHA-256 of a graph's arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

from hls.graph.fixed import FixedArray
from hls.graph.nodes import Node

_NAMES = ("name", "inputs", "layer")
"""Fields that call something by a name: operands are hashed by their places, the rest determines nothing."""

_LAYER_DIGITS = 16


def digest(nodes: Mapping[str, Node], inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """SHA-256 of everything that determines the arithmetic; equal digests compute equal bits.

    Ports and nodes count by their places and not by their names, which a training script gives as it likes. Nodes that
    no output reads do not count, nor does the order in which those were added of which none reads the other.
    """
    order = _order(nodes, inputs, outputs)
    place = {name: index for index, name in enumerate(order)}
    state = hashlib.sha256()
    for name in order:
        node = nodes[name]
        operands = tuple(place[source] for source in node.inputs)
        state.update(repr((type(node).__name__, operands, _options(node))).encode())
    state.update(repr(tuple(place[name] for name in outputs)).encode())
    return state.hexdigest()


def layer_digest(layer: Iterable[Node]) -> str:
    """The beginning of a SHA-256 of what the nodes of one layer compute of what they read, whatever that is."""
    told = [(type(node).__name__, _options(node)) for node in layer]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:_LAYER_DIGITS]


def _order(nodes: Mapping[str, Node], inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """The ports, then what the first output reads, each node after its operands, then what the next one reads ..."""
    placed = dict.fromkeys(inputs)
    pending = list(reversed(outputs))
    while pending:
        ahead = [source for source in nodes[pending[-1]].inputs if source not in placed]
        if ahead:
            pending += reversed(ahead)
        else:
            placed[pending.pop()] = None
    return list(placed)


def _options(node: Node) -> tuple[tuple[str, Any], ...]:
    """Fields but names, without those at their default: a class may get another option, and what is recorded stays."""
    told = ((field, _plain(getattr(node, field.name))) for field in fields(node) if field.name not in _NAMES)
    return tuple(
        (field.name, value) for field, value in told if field.default is MISSING or value != _plain(field.default)
    )


def _plain(value: Any) -> Any:
    """``value`` as tuples of Python's integers and texts, whose ``repr`` is the same under every version of NumPy."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value).hex()
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, FixedArray):
        return value.shape, int(value.fraction), _digits(value)
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in fields(value))
    raise TypeError(f"the digest of a graph knows no {type(value).__name__}; teach hls.graph.digest")


def _digits(constant: FixedArray) -> str:
    """SHA-256 of the integers in row-major order, whatever type holds them."""
    integers = constant.integers.ravel()
    if integers.dtype == object and not all(-(1 << 63) <= value < 1 << 63 for value in integers):
        return hashlib.sha256(",".join(map(str, integers)).encode()).hexdigest()
    return hashlib.sha256(integers.astype("<i8").tobytes()).hexdigest()
