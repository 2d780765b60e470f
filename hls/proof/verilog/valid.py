"""The valid flag of a design: as late as its results, and forgotten by a reset."""

from __future__ import annotations

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Bit, FlatDesign


def flag_chain(design: FlatDesign) -> tuple[Bit, ...]:
    """What marks an event as taken, and then that flag one clock later each, up to ``valid_out``.

    Raises:
        NotClosedError: the flag passes a register that ``rst`` does not set to 0.
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
    (bit,) = design.ports["valid_out"]
    chain = [bit]
    while bit in registers:
        if registers[bit] not in cleared or len(chain) > len(registers):
            raise NotClosedError("the valid flag does not pass one register a clock, each cleared by rst")
        bit = cleared[registers[bit]]
        chain.append(bit)
    return tuple(reversed(chain))


def flag_delay(design: FlatDesign) -> int:
    """Clocks from ``valid_in`` to ``valid_out``, each through a register that ``rst`` sets to 0.

    Raises:
        NotClosedError: the flag goes another way.
    """
    came, *later = flag_chain(design)
    if (came,) != design.ports["valid_in"]:
        raise NotClosedError("the valid flag does not pass one register a clock, from valid_in on")
    return len(later)
