"""The part of a project: one that is listed, or one of a kind of which none is."""

from __future__ import annotations

from hls.errors import ProjectError, UnsupportedError
from hls.rtl.netlist import family_of
from hls.target.parts import all_parts, find_part


def require_known_part(name: str) -> None:
    """Raise ProjectError for a part that nobody makes, with the nearest that are listed.

    A part that is not listed passes where no part of its family is: an ASIC's library, an iCE40. What such a part holds
    is not known.
    """
    try:
        find_part(name)
    except ProjectError:
        if not _is_of_unlisted_family(name):
            raise


def _is_of_unlisted_family(name: str) -> bool:
    family = _family(name)
    return family is not None and family not in {_family(part.name) for part in all_parts()}


def _family(name: str) -> str | None:
    try:
        return family_of(name).name
    except UnsupportedError:
        return None
