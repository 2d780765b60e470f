"""FastJet, without its banner."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from qmodels.types import Floats64

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


def anti_kt_jets(momenta: Floats64, radius: float, least_pt: float) -> tuple[Floats64, npt.NDArray[np.bool_]]:
    """Jets (k, 4) of anti-kT above ``least_pt``, and which of the particles (n, 4) are in one: px, py, pz, E in GeV.

    By what FastJet's Awkward interface calls for many events: an object for each particle takes longer than clustering.
    """
    if not len(momenta):
        return np.zeros((0, 4)), np.zeros(0, np.bool_)
    import fastjet
    import fastjet._ext

    silence_fastjet()
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    ends = np.array([0], np.int32), np.array([len(momenta)], np.int32)
    clustered = fastjet._ext.interfacemulti(*np.ascontiguousarray(momenta.T), *ends, definition)
    starts, members, _ = clustered.to_numpy_with_constituents(least_pt)
    members = members[: starts[-1]]
    if not len(members):
        return np.zeros((0, 4)), np.zeros(len(momenta), np.bool_)
    inside = np.zeros(len(momenta), np.bool_)
    inside[members] = True
    return np.add.reduceat(momenta[members], starts[:-1], axis=0), inside
