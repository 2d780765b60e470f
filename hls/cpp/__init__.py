"""The network as one C++ source that needs nothing: the emulator that an experiment's software runs."""

from hls.cpp.export import export_emulator
from hls.cpp.library import CompiledEmulator

__all__ = ["CompiledEmulator", "export_emulator"]
