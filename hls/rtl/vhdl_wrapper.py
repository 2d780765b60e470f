"""The top entity in VHDL-2008: the ports, registers and valid flags of ``wrapper``."""

from __future__ import annotations

from collections.abc import Sequence

from hls.rtl.places import Assignment, Bits, Fill, Held, Slice
from hls.rtl.port_map import port_map_comment
from hls.rtl.wiring import Instance, Wiring

_RESERVED = ("in", "out")  # ports that have no letter or digit in their name


def vhdl_wrapper_source(wiring: Wiring) -> str:
    """VHDL of the top entity; its behaviour is that of ``wrapper_source``."""
    declared = ["clk: in std_logic", "rst: in std_logic", "valid_in: in std_logic", "valid_out: out std_logic"]
    declared += [f"{_identifier(port.signal)}: in {_vector(port.bits)}" for port in wiring.inputs]
    declared += [f"{_identifier(port.signal)}: out {_vector(port.bits)}" for port in wiring.outputs]
    signals, body = [f"signal valid: {_vector(wiring.stages)};"], _valid(wiring.stages)
    for core in wiring.instances:
        signals.append(f"signal {core.name}_in: {_vector(core.copies * core.bits_in)};")
        signals.append(f"signal {core.name}_out: {_vector(core.copies * core.bits_out)};")
        body += _core(core)
    for held in (*wiring.held, *(held for core in wiring.instances for held in core.held)):
        signals.append(f"signal {_identifier(held.name)}: {_vector(held.depth * held.width)};")
        body += _held(held)
    body += _assignments(wiring.drives)
    header = ";\n".join(f"        {line}" for line in declared)
    ports = port_map_comment(wiring.inputs, wiring.outputs, "--")
    return (
        "library ieee;\nuse ieee.std_logic_1164.all;\n\n"
        f"{ports}entity {wiring.top} is\n    port (\n{header}\n    );\nend entity {wiring.top};\n\n"
        f"architecture rtl of {wiring.top} is\n{_indented(signals)}\nbegin\n\n{_indented(body)}\n\n"
        "end architecture rtl;\n"
    )


def _valid(stages: int) -> list[str]:
    shifted = "valid_in" if stages == 1 else f"valid({stages - 2} downto 0) & valid_in"
    target = "valid(0)" if stages == 1 else "valid"
    return [
        "process (clk) begin",
        "    if rising_edge(clk) then",
        f"        {target} <= {shifted};",
        "        if rst = '1' then",
        "            valid <= (others => '0');",
        "        end if;",
        "    end if;",
        "end process;",
        f"valid_out <= valid({stages - 1});",
        "",
    ]


def _held(held: Held) -> list[str]:
    name, lines, low = _identifier(held.name), [], 0
    for part in held.parts:
        lines.append(f"{_slice(name, low, part.width)} <= {_slice(_identifier(part.vector), part.low, part.width)};")
        low += part.width
    if held.depth > 1:
        rest = (held.depth - 1) * held.width
        lines.append(f"{_slice(name, held.width, rest)} <= {_slice(name, 0, rest)};")
    inside = [f"        {line}" for line in lines]
    return ["process (clk) begin", "    if rising_edge(clk) then", *inside, "    end if;", "end process;", ""]


def _core(core: Instance) -> list[str]:
    read, made = f"{core.name}_in", f"{core.name}_out"
    if core.copies == 1:
        lines = [
            f"{core.name}: entity work.{core.module} port map (clk => clk, model_inp => {read}, model_out => {made});"
        ]
    else:
        read, made = (
            f"{vector}((i + 1) * {bits} - 1 downto i * {bits})"
            for vector, bits in ((read, core.bits_in), (made, core.bits_out))
        )
        lines = [
            f"{core.name}: for i in 0 to {core.copies - 1} generate",
            f"    core: entity work.{core.module} port map (clk => clk, model_inp => {read}, model_out => {made});",
            f"end generate {core.name};",
        ]
    return lines + _assignments(core.inputs)


def _assignments(assignments: Sequence[Assignment]) -> list[str]:
    lines = []
    for assigned in assignments:
        low = assigned.target.low
        for part in assigned.parts:
            target = _slice(_identifier(assigned.target.vector), low, part.width)
            lines.append(f"{target} <= {_text(part)};")
            low += part.width
    return lines


def _text(part: Bits) -> str:
    if isinstance(part, Slice):
        return _slice(_identifier(part.vector), part.low, part.width)
    if isinstance(part, Fill):
        filler = "'0'" if part.vector is None else f"{_identifier(part.vector)}({part.bit})"
        return f"(others => {filler})"
    return f'"{part.value:0{part.width}b}"'


def _identifier(signal: str) -> str:
    """The name between backslashes if it is a reserved word: that of the signal in Verilog is the same."""
    return f"\\{signal}\\" if signal in _RESERVED else signal


def _vector(bits: int) -> str:
    return f"std_logic_vector({bits - 1} downto 0)"


def _slice(signal: str, low: int, width: int) -> str:
    return f"{signal}({low + width - 1} downto {low})"


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" if line else "" for line in lines)
