"""The valid flag of a design: as late as its results, and forgotten by a reset."""

from __future__ import annotations

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Bit, FlatDesign


def flag_delay(design: FlatDesign) -> int:
    """Clocks from ``valid_in`` to ``valid_out``, each through a register that ``rst`` sets to 0.

    Raises:
        NotClosedError: the flag goes another way.
    """
    registers: dict[Bit, Bit] = {}
    for cell in design.cells:
        if cell.kind == "$dff":
            registers.update(zip(cell.drives["Q"], cell.reads["D"], strict=True))
    cleared = {
        y: a
        for cell in design.cells
        if cell.kind == "$mux" and cell.reads["S"] == design.ports["rst"]
        for y, a, b in zip(cell.drives["Y"], cell.reads["A"], cell.reads["B"], strict=True)
        if b == "0"
    }
    (bit,), (came,) = design.ports["valid_out"], design.ports["valid_in"]
    clocks = 0
    while bit != came:
        if bit not in registers or registers[bit] not in cleared or clocks > len(registers):
            raise NotClosedError("the valid flag does not pass one register a clock, each cleared by rst")
        bit, clocks = cleared[registers[bit]], clocks + 1
    return clocks
