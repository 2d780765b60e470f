"""The link from the graph to the hls4ml C++: types that hold what comes to them, and the graph's own constants."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version

from hls.errors import FirmwareError
from hls.hls4ml_project.backend import find_backend
from hls.proof.certificate import Link, Outputs
from hls.proof.hls4ml.interpretation import Interpretation
from hls.proof.hls4ml.written import Written
from hls.proof.subject import NotClosedError, Subject
from hls.target import project_identifier

_METHOD = "exact intervals against declared types; casts against quantizers; constants and sizes against the graph's"
_ASSUMPTIONS = (
    "hls4ml's templates (nnet_utils) compute what they are called, of the sizes that their configuration says; they "
    "sum in the accumulator's type, compute everything else in full width, and convert once, to the type of the result",
    "ap_fixed or ac_fixed rounds and overflows as its documentation says",
)
_FOLLOWED = ("catapult", "vitis", "vivado")


def prove_hls4ml(subject: Subject) -> Link:
    """No operation of the C++ rounds or overflows but the quantizers, and these do it as the graph says."""
    start = time.monotonic()

    def link(**found: object) -> Link:
        known = {
            "name": "graph = hls4ml",
            "method": _METHOD,
            "tool": "hls4ml's own files, read back",
            "tool_version": _hls4ml_version(),
            "seconds": round(time.monotonic() - start, 3),
            "assumptions": _ASSUMPTIONS,
        }
        return Link.model_validate({**known, **found})

    try:
        _interpreted(subject).run()
    except NotClosedError as error:
        return link(state="not done", reason=error.reason, layer=error.layer)
    except FirmwareError as error:
        return link(state="not done", reason=" ".join(str(error).split()))
    outputs = sum(subject.graph.edges[name].low.size for name in subject.graph.outputs)
    return link(state="proved", outputs=Outputs(proved=outputs, all=outputs))


def _interpreted(subject: Subject) -> Interpretation:
    if subject.hls4ml is None:
        raise NotClosedError("no hls4ml project is written; run `qtrigger build` first")
    if subject.target.io_type != "io_parallel":
        raise NotClosedError(f"the C++ of {subject.target.io_type} is not followed here yet, only that of io_parallel")
    backend = subject.target.backend
    if backend not in _FOLLOWED:
        followed = ", ".join(_FOLLOWED)
        raise NotClosedError(f"the C++ of backend {backend} is not followed here yet, only that of {followed}")
    written = Written(subject.hls4ml / find_backend(backend).sources, project_identifier(subject.project))
    return Interpretation(subject.graph, written, subject.deadline())


def _hls4ml_version() -> str:
    try:
        return version("hls4ml")
    except PackageNotFoundError:
        return "missing"
