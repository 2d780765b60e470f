"""Packages outside the tree: metadata on disk, as pip leaves it, for code that is found by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def install(place: Path, name: str, groups: Mapping[str, Mapping[str, str]]) -> None:
    """Metadata of package ``name`` in folder ``place``, which is to be on ``sys.path``: entry points by group."""
    folder = place / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
