"""What a user takes from an event file: of each input its features, and the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hls.errors import EventError

ONLY = ""
"""Stands for the only input of a network."""


@dataclass(frozen=True)
class Choice:
    """``features`` are names by input, ``ONLY`` for that of a network with one; ``labels`` a name, or another file.

    What is not stated, the file says: arrays called as the inputs are, or its only one, and ``labels``.
    """

    features: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: str | None = None


def parse_features(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``--features`` as it is written, once or once an input.

    Raises:
        EventError: a name is empty, or it is not said which input some are of.

    >>> parse_features(["pt, eta"])
    {'': ('pt', 'eta')}
    >>> parse_features(["jets=jet_pt[:8],jet_eta[:8]", "met=met_pt"])
    {'jets': ('jet_pt[:8]', 'jet_eta[:8]'), 'met': ('met_pt',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        port, equals, rest = text.rpartition("=")
        port = port.strip()
        names = tuple(name.strip() for name in rest.split(","))
        if not all(names) or (equals and not port):
            raise EventError(f"--features {text!r}: write names with commas, as pt,eta,phi, or INPUT=pt,eta,phi")
        found[port] = (*found.get(port, ()), *names)
    if ONLY in found and len(found) > 1:
        raise EventError("--features: say of each which input it is for, as INPUT=pt,eta,phi")
    return found
