"""What HDF5 says nothing of: that values of a dataset are not there, for which it hands out a fill value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

_PATTERN = "%b"
"""In the name of a source: one for each block, and HDF5 itself counts no events beyond the first that is gone."""


_CHECKSUM_BYTES = 4


def lacks(dataset: h5py.Dataset, above: tuple[tuple[str, str], ...] = ()) -> str | None:
    """What of ``dataset`` was never written, or lies in files that are gone; None if all is there.

    ``above`` are virtual datasets that read this one. Raises what h5py raises for a damaged file.
    """
    name = dataset.name
    if not dataset.size:
        return None
    if dataset.is_virtual:
        found = _lacks_sources(dataset, above)
        return None if found is None else f"dataset {name!r} is virtual, and {found}"
    if dataset.external is not None:
        found = _lacks_bytes(dataset)
        return None if found is None else f"dataset {name!r} lies in other files, and {found}"
    status = dataset.id.get_space_status()
    if status == h5py.h5d.SPACE_STATUS_ALLOCATED:
        return _lacks_chunks(dataset)
    part = "" if status == h5py.h5d.SPACE_STATUS_NOT_ALLOCATED else "in part "
    return f"dataset {name!r} was {part}never written"


def _lacks_chunks(dataset: h5py.Dataset) -> str | None:
    """HDF5 itself crashes on a chunk that is shorter than its checksum."""
    sizes: list[int] = []
    if dataset.chunks is not None:
        dataset.id.chunk_iter(lambda chunk: sizes.append(chunk.size))
    least = _CHECKSUM_BYTES if dataset.fletcher32 else 0
    return f"dataset {dataset.name!r} has a chunk without content" if min(sizes, default=least + 1) <= least else None


def _lacks_sources(dataset: h5py.Dataset, above: tuple[tuple[str, str], ...]) -> str | None:
    place = str(dataset.file.filename), str(dataset.name)
    if place in above:
        return "reads itself"
    mapped = 0
    for source in dataset.virtual_sources():
        if _PATTERN in source.file_name + source.dset_name:
            return None
        mapped += _points(source.vspace, dataset.size)
        with _source_file(dataset, source.file_name) as file:
            if file is None:
                return f"its source {source.file_name} is not there"
            found = file.get(source.dset_name)
            if not isinstance(found, h5py.Dataset):
                return f"its source {source.file_name} has no dataset {source.dset_name}"
            missing = lacks(found, (*above, place)) or _too_short(source.src_space, found)
            if missing is not None:
                return f"of its source {source.file_name} {missing}"
    return None if mapped >= dataset.size else f"has sources for {mapped:,} of its {dataset.size:,} values"


def _points(space: h5py.h5s.SpaceID, otherwise: int) -> int:
    """Values selected; ``otherwise`` for a selection without an end, which HDF5 cuts to what is there."""
    try:
        return int(space.get_select_npoints())
    except RuntimeError:
        return otherwise


def _too_short(space: h5py.h5s.SpaceID, source: h5py.Dataset) -> str | None:
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS:
        return None
    try:
        _, last = space.get_select_bounds()
    except RuntimeError:  # a selection without an end
        return None
    if all(end < size for end, size in zip(last, source.shape, strict=False)):
        return None
    return f"dataset {source.name!r} is shorter than what is read of it"


@contextmanager
def _source_file(dataset: h5py.Dataset, name: str) -> Iterator[h5py.File | None]:
    """The file of a source, looked for where HDF5 looks for it; None if it is not there."""
    if name == ".":
        yield dataset.file
        return
    home = Path(dataset.file.filename)
    places = (home.parent / name, home.resolve().parent / name, Path(name), home.parent / Path(name).name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        yield None
        return
    with h5py.File(found, "r") as file:
        yield file


def _lacks_bytes(dataset: h5py.Dataset) -> str | None:
    """HDF5 complains of a file that is not there, and reads zeros from one that is too short."""
    left = int(dataset.nbytes)
    for name, offset, size in dataset.external:
        wanted = left if size == h5py.h5f.UNLIMITED else min(left, size)
        if not Path(name).is_file():
            return f"{name} is not there"
        if Path(name).stat().st_size < offset + wanted:
            return f"{name} is too short"
        left -= wanted
    return None
