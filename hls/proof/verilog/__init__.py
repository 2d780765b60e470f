"""The emitted Verilog as numbers of a ``Space``: read back by Yosys, its clocks counted."""

from hls.proof.verilog.design import FlatDesign, read_verilog
from hls.proof.verilog.lemmas import prove_lemmas
from hls.proof.verilog.reading import Reading, ports_read
from hls.proof.verilog.schedule import one_event
from hls.proof.verilog.valid import flag_delay

__all__ = ["FlatDesign", "Reading", "flag_delay", "one_event", "ports_read", "prove_lemmas", "read_verilog"]
