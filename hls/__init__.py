"""Firmware that computes what was trained, bit by bit: import, emulate and build fixed-point networks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hls.emulation import emulate
    from hls.errors import FirmwareError
    from hls.graph import FixedGraph
    from hls.importing import import_keras, import_model
    from hls.importing.onnx.export import export_qonnx
    from hls.project.build import build

__version__ = "0.1.0"

__all__ = [
    "FirmwareError",
    "FixedGraph",
    "__version__",
    "build",
    "emulate",
    "export_qonnx",
    "import_keras",
    "import_model",
]

# Each name is imported when first asked for (PEP 562), so that `import hls` and `qtrigger --help` stay instant.
_HOMES = {
    "FirmwareError": "hls.errors",
    "FixedGraph": "hls.graph",
    "build": "hls.project.build",
    "emulate": "hls.emulation",
    "export_qonnx": "hls.importing.onnx.export",
    "import_keras": "hls.importing",
    "import_model": "hls.importing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hls' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
