"""The top entity in VHDL-2008: the ports, registers and valid flags of ``wrapper``."""

from __future__ import annotations

from collections.abc import Sequence

from hls.rtl.ports import RtlPort
from hls.rtl.trace import Logic, Wire
from hls.rtl.wrapper import fitted

_RESERVED = ("in", "out")  # ports that have no letter or digit in their name


def vhdl_wrapper_source(top: str, core: str | None, logic: Logic, ports: Sequence[RtlPort], stages: int) -> str:
    """VHDL of entity ``top`` around entity ``core``; arguments and behaviour are those of ``wrapper_source``."""
    inputs, outputs = ports[: len(logic.inputs)], ports[len(logic.inputs) :]
    declared = ["clk: in std_logic", "rst: in std_logic", "valid_in: in std_logic", "valid_out: out std_logic"]
    declared += [f"{_identifier(port)}: in {_vector(port.bits)}" for port in inputs]
    declared += [f"{_identifier(port)}: out {_vector(port.bits)}" for port in outputs]
    signals, body = [f"signal valid: {_vector(stages)};"], _valid(stages)
    if core is not None:
        bits_in, bits_out = (sum(w.width for port in side for w in port) for side in (logic.inputs, logic.outputs))
        signals += [f"signal core_in: {_vector(bits_in)};", f"signal core_out: {_vector(bits_out)};"]
        body += _core(core, logic, inputs)
    body += _outputs(logic, outputs)
    header = ";\n".join(f"        {line}" for line in declared)
    return (
        "library ieee;\nuse ieee.std_logic_1164.all;\n\n"
        f"entity {top} is\n    port (\n{header}\n    );\nend entity {top};\n\n"
        f"architecture rtl of {top} is\n{_indented(signals)}\nbegin\n\n{_indented(body)}\n\nend architecture rtl;\n"
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


def _core(core: str, logic: Logic, inputs: Sequence[RtlPort]) -> list[str]:
    lines, place = [], 0
    for port, wires in zip(inputs, logic.inputs, strict=True):
        for number, wire in enumerate(wires):
            if wire.width:
                source = _slice(_identifier(port), number * port.type.width, wire.width)
                lines.append(f"{_slice('core_in', place, wire.width)} <= {source};")
            place += wire.width
    return [f"core: entity work.{core} port map (clk => clk, model_inp => core_in, model_out => core_out);", *lines]


def _outputs(logic: Logic, outputs: Sequence[RtlPort]) -> list[str]:
    lines, place = [], 0
    for port, wires in zip(outputs, logic.outputs, strict=True):
        for number, wire in enumerate(wires):
            lines += _element(port, number * port.type.width, wire, place)
            place += wire.width
    return lines


def _element(port: RtlPort, low: int, wire: Wire, place: int) -> list[str]:
    """Assignments to the element of ``port`` that starts at bit ``low``, from the core's bits from ``place`` on."""
    name, width = _identifier(port), port.type.width
    if wire.width == 0:
        bits = format(wire.constant & ((1 << width) - 1), f"0{width}b")
        return [f'{_slice(name, low, width)} <= "{bits}";']
    fit = fitted(wire, port.type)
    lines = [f"{_slice(name, low + fit.zeros, fit.kept)} <= {_slice('core_out', place + fit.dropped, fit.kept)};"]
    if fit.missing:
        filler = f"core_out({place + wire.width - 1})" if wire.signed else "'0'"
        lines.append(f"{_slice(name, low + fit.zeros + fit.kept, fit.missing)} <= (others => {filler});")
    if fit.zeros:
        lines.append(f"{_slice(name, low, fit.zeros)} <= (others => '0');")
    return lines


def _identifier(port: RtlPort) -> str:
    """The port's name, between backslashes if it is a reserved word: its name in Verilog is the same."""
    return f"\\{port.signal}\\" if port.signal in _RESERVED else port.signal


def _vector(bits: int) -> str:
    return f"std_logic_vector({bits - 1} downto 0)"


def _slice(signal: str, low: int, width: int) -> str:
    return f"{signal}({low + width - 1} downto {low})"


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" if line else "" for line in lines)
