"""The numpy emulator: exact integers held in floating point, multiplied by BLAS, in cache-sized blocks of events."""

from hls.emulation.engine import Emulator, emulate
from hls.emulation.ports import quantize_inputs

__all__ = ["Emulator", "emulate", "quantize_inputs"]
