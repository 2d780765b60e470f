"""What a shell completes after an option whose values have names."""

from __future__ import annotations


def complete_part(incomplete: str) -> list[str]:
    """Parts and boards that begin so."""
    from hls.target.parts import all_boards, all_parts

    return _beginning(incomplete, (*(part.name for part in all_parts()), *(board.name for board in all_boards())))


def complete_backend(incomplete: str) -> list[str]:
    """Installed backends of hls4ml that begin so."""
    from hls.target import BACKENDS

    return _beginning(incomplete, BACKENDS.names())


def complete_witness(incomplete: str) -> list[str]:
    """Installed witnesses that begin so, and the proof."""
    from hls.proof import PROOF
    from hls.witnesses import witness_names

    return _beginning(incomplete, (*witness_names(), PROOF))


def _beginning(incomplete: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name.lower().startswith(incomplete.lower())]
