"""SHA-256 of a graph's arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import fields

import numpy as np

from hls.graph.fixed import FixedArray, narrow
from hls.graph.nodes import Node


def digest(nodes: Iterable[Node], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> str:
    """SHA-256 of everything that determines the arithmetic; equal digests compute equal bits."""
    state = hashlib.sha256()
    for node in nodes:
        state.update(type(node).__name__.encode())
        for field in fields(node):
            value = getattr(node, field.name)
            if isinstance(value, FixedArray):
                state.update(f"{field.name}{value.shape}{value.fraction}".encode())
                state.update(_bytes(value))
            elif field.name != "layer":
                state.update(f"{field.name}={value}".encode())
    state.update(repr((inputs, outputs)).encode())
    return state.hexdigest()


def _bytes(constant: FixedArray) -> bytes:
    integers = narrow(constant.integers)
    if integers.dtype == np.int64:
        return integers.astype("<i8").tobytes()
    return ",".join(map(str, integers.ravel())).encode()
