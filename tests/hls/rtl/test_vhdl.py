"""VHDL: the names, ports and registers of the Verilog, and under GHDL the emulator's bits."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import ProjectError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import RtlProject, write_rtl, write_vhdl
from hls.rtl.ports import RtlPort
from hls.rtl.tools import run_tool
from tests.hls.rtl.zoo import add_input, broadcast, constant, products, random_events, zoo

ghdl = pytest.mark.skipif(
    shutil.which("ghdl") is None, reason="GHDL is not installed (Debian and Ubuntu: apt install ghdl)"
)

BENCH = """\
library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;

entity bench is
end entity bench;

architecture test of bench is
    signal clk: std_logic := '0';
    signal rst, valid_in, valid_out: std_logic;
{signals}
begin
    clk <= not clk after 1 ns;
    dut: entity work.{top} port map (clk => clk, rst => rst, valid_in => valid_in, valid_out => valid_out{ports});
    process
        file source: text open read_mode is "in.txt";
        file target: text open write_mode is "out.txt";
        variable row, made: line;
        variable r, v: std_logic;
        variable cycle: natural := 0;
{variables}
    begin
        while not endfile(source) loop
            readline(source, row);
            read(row, r);
            read(row, v);
            rst <= r;
            valid_in <= v;
{drive}
            wait until rising_edge(clk);
            if valid_out = '1' then
                write(made, cycle);
{record}
                writeline(target, made);
            end if;
            cycle := cycle + 1;
        end loop;
        std.env.finish;
    end process;
end architecture test;
"""


def bench(project: RtlProject) -> str:
    """One line of in.txt a clock: reset, valid, inputs; one of out.txt for each valid output: its clock, outputs."""
    ports = [*project.inputs, *project.outputs]
    kind = {port.signal: f"std_logic_vector({port.bits - 1} downto 0)" for port in ports}
    inputs = list(enumerate(p.signal for p in project.inputs))
    return BENCH.format(
        top=project.top,
        signals="\n".join(f"    signal s_{name}: {type_};" for name, type_ in kind.items()),
        ports="".join(f", {declared(name)} => s_{name}" for name in kind),
        variables="\n".join(f"        variable x{number}: {kind[name]};" for number, name in inputs),
        drive="\n".join(
            f"            read(row, x{number});\n            s_{name} <= x{number};" for number, name in inputs
        ),
        record="\n".join(
            f"                write(made, ' ');\n                write(made, s_{port.signal});"
            for port in project.outputs
        ),
    )


def declared(signal: str) -> str:
    """A port as VHDL has to spell it."""
    return f"\\{signal}\\" if signal in ("in", "out") else signal


def packed(port: RtlPort, row: np.ndarray) -> str:
    width = port.type.width
    bits = (format(int(raw) & ((1 << width) - 1), f"0{width}b") for raw in reversed(row.ravel().tolist()))
    return "".join(bits)


def unpacked(port: RtlPort, bits: str) -> np.ndarray:
    width = port.type.width
    fields = [int(bits[start : start + width], 2) for start in range(0, len(bits), width)][::-1]
    signed = [field - (port.type.signed and field >> (width - 1) << width) for field in fields]
    return np.array(signed).reshape(port.shape)


def simulate(
    project: RtlProject, raw: Sequence[np.ndarray], flags: Sequence[tuple[int, int]], folder: Path
) -> tuple[list[int], list[np.ndarray]]:
    """Clocks with valid outputs, and the outputs; ``flags`` are reset and valid of each clock, ``raw`` its data."""
    folder.mkdir()
    rows = [
        " ".join([str(rst), str(valid), *(packed(p, x[number]) for p, x in zip(project.inputs, raw, strict=True))])
        for number, (rst, valid) in enumerate(flags)
    ]
    (folder / "in.txt").write_text("\n".join(rows) + "\n")
    (folder / "bench.vhd").write_text(bench(project))
    files = [str(path) for path in project.sources]
    run_tool(["ghdl", "-a", "--std=08", *files, "bench.vhd"], folder, "GHDL's analysis")
    run_tool(["ghdl", "-e", "--std=08", "bench"], folder, "GHDL's elaboration")
    # Before the first event numeric_std would complain of what the registers hold.
    run_tool(["ghdl", "-r", "--std=08", "bench", "--ieee-asserts=disable"], folder, "GHDL")
    found = [line.split() for line in (folder / "out.txt").read_text().splitlines()]
    outputs = [np.array([unpacked(p, line[1 + k]) for line in found]) for k, p in enumerate(project.outputs)]
    return [int(line[0]) for line in found], outputs


def check_under_ghdl(graph: FixedGraph, project: RtlProject, events: int, folder: Path) -> None:
    """Back to back first, then with gaps, and a reset among them."""
    raw = random_events(graph, events)
    rng = np.random.default_rng(1)
    flags = [(0, 1 if clock < events // 2 else int(rng.integers(2))) for clock in range(events)]
    flags[0], flags[2 * events // 3] = (1, 1), (1, 1)
    flags[-project.stages :] = [(0, 0)] * project.stages
    resets = [clock for clock, (rst, _) in enumerate(flags) if rst]
    taken = [
        clock
        for clock, (_, valid) in enumerate(flags)
        if valid and not any(clock <= reset < clock + project.stages for reset in resets)
    ]
    clocks, outputs = simulate(project, raw, flags, folder)
    assert clocks == [clock + project.stages for clock in taken]
    for found, expected in zip(outputs, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected[taken])


def constants() -> FixedGraph:
    """One constant output, both ports without a letter in their names."""
    builder = GraphBuilder("constant")
    x = add_input(builder, "é", (2,), FixedType(True, 4, 4))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[0, 0], [0, 0]]), constant([-3, 2])))
    return builder.finish([x], [y], ["é"])


def test_every_entity_has_the_name_of_the_firmware(tmp_path: Path) -> None:
    project = write_vhdl(zoo(), "zoo", tmp_path, clock_ns=5.0)
    texts = [path.read_text() for path in project.sources]
    entities = [name for text in texts for name in re.findall(r"(?m)^entity (\w+)", text)]
    assert len(entities) == len({name.lower() for name in entities}) > 5
    assert all(name.startswith("zoo_") for name in entities)
    used = {name for text in texts for name in re.findall(r"entity work\.(\w+)", text)}
    assert {"zoo_core", "zoo_core_logic0", "zoo_core_mux"} <= used <= set(entities)
    assert {path.name for path in (tmp_path / "vhdl").iterdir()} == {Path(name).name for name in project.files}
    assert all("std_logic_misc" not in text and "_reduce" not in text for text in texts)


def test_files_come_in_an_order_for_analysis(tmp_path: Path) -> None:
    project = write_vhdl(zoo(), "zoo", tmp_path, clock_ns=5.0)
    known: set[str] = set()
    for path in project.sources:
        text = path.read_text()
        assert set(re.findall(r"entity work\.(\w+)", text)) <= known
        known.update(re.findall(r"(?m)^entity (\w+)", text))
    assert project.files[-1] == "vhdl/zoo_top.vhd"


@pytest.mark.parametrize("clock_ns", [2.5, 5.0])
def test_ports_and_registers_are_those_of_the_verilog(clock_ns: float, tmp_path: Path) -> None:
    verilog = write_rtl(zoo(), "zoo", tmp_path, clock_ns)
    vhdl = write_vhdl(zoo(), "zoo", tmp_path, clock_ns)
    assert all(path.is_file() for path in (*verilog.sources, *vhdl.sources))
    assert (vhdl.inputs, vhdl.outputs, vhdl.stages) == (verilog.inputs, verilog.outputs, verilog.stages)
    before, after = verilog.sources[0].read_text(), vhdl.sources[-1].read_text()
    expected = re.findall(r"(in|out)put wire (?:\[(\d+):0\] )?(\w+)", before)
    found = re.findall(r"(?m)^ {8}(\w+): (in|out) std_logic(?:_vector\((\d+) downto 0\))?", after)
    assert [(way, high, name) for name, way, high in found] == expected
    assert f"signal valid: std_logic_vector({vhdl.stages - 1} downto 0);" in after
    core = (tmp_path / "vhdl" / "zoo_core.vhd").read_text()
    clocked = core[core.index("rising_edge") :]
    assert len(set(re.findall(r"(?m)^ *(\w+)\(.*?\) <=", clocked))) == vhdl.stages


def test_top_entity_by_hand(tmp_path: Path) -> None:
    """No core: one register for the flag, and a port that VHDL would take for a keyword."""
    project = write_vhdl(constants(), "still", tmp_path, clock_ns=5.0)
    assert (project.stages, project.files) == (1, ("vhdl/still_top.vhd",))
    text = project.sources[0].read_text()
    assert "        \\in\\: in std_logic_vector(7 downto 0)" in text
    assert '\\out\\(2 downto 0) <= "101";' in text  # -3 in the 3 bits that -3 to 2 need
    assert '\\out\\(5 downto 3) <= "010";' in text
    assert "valid(0) <= valid_in;" in text
    assert (tmp_path / "still_top.xdc").read_text().startswith("create_clock -name clk -period 5.0 ")


@pytest.mark.parametrize("name", ["a__b", "a_", "a-b", ""])
def test_names_that_are_no_identifier_of_vhdl(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="firmware name"):
        write_vhdl(constants(), name, tmp_path, clock_ns=5.0)


@ghdl
@pytest.mark.slow
@pytest.mark.parametrize("clock_ns", [2.5, 10.0])
@pytest.mark.parametrize("graph", [zoo(), broadcast()], ids=lambda graph: graph.name)
def test_every_node_kind_equals_the_emulator(graph: FixedGraph, clock_ns: float, tmp_path: Path) -> None:
    check_under_ghdl(graph, write_vhdl(graph, "zoo", tmp_path, clock_ns), 2000, tmp_path / "ghdl")


@ghdl
@pytest.mark.slow
def test_products_in_luts_equal_the_emulator(tmp_path: Path) -> None:
    graph = products()
    project = write_vhdl(graph, "net", tmp_path, clock_ns=5.0, multipliers="lut")
    check_under_ghdl(graph, project, 3000, tmp_path / "ghdl")


@ghdl
@pytest.mark.slow
def test_constants_equal_the_emulator(tmp_path: Path) -> None:
    graph = constants()
    check_under_ghdl(graph, write_vhdl(graph, "still", tmp_path, clock_ns=5.0), 20, tmp_path / "ghdl")
