"""The emitted Verilog as numbers of a ``Space``: read back by Yosys, its clocks counted. VHDL by way of GHDL."""

from hls.proof.verilog.cells import Cells
from hls.proof.verilog.design import FlatDesign, read_verilog
from hls.proof.verilog.engines import of_engines
from hls.proof.verilog.from_vhdl import read_synthesised
from hls.proof.verilog.handshakes import check_queues
from hls.proof.verilog.lemmas import prove_lemmas
from hls.proof.verilog.reading import Reading, ports_read
from hls.proof.verilog.schedule import of_shared_cores
from hls.proof.verilog.valid import flag_delay
from hls.proof.verilog.ways import Input

__all__ = [
    "Cells",
    "FlatDesign",
    "Input",
    "Reading",
    "check_queues",
    "flag_delay",
    "of_engines",
    "of_shared_cores",
    "ports_read",
    "prove_lemmas",
    "read_synthesised",
    "read_verilog",
]
