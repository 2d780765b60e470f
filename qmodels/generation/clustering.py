"""FastJet, without its banner."""

from __future__ import annotations

import functools

_BANNER = "_ZN7fastjet15ClusterSequence20_fastjet_banner_ostrE"


@functools.cache
def silence_fastjet() -> None:
    """Take away the stream of FastJet's banner, which would stand in the middle of a program's output.

    Its set_fastjet_banner_stream does just this, but is inline in C++ and has no Python name.
    """
    import ctypes

    from fastjet import _swig

    library = ctypes.CDLL(_swig._fastjet_swig.__file__)
    ctypes.c_void_p.in_dll(library, _BANNER).value = None
