"""The RTL project of a graph: pipelined modules, a top module with valid flags, clock constraints."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from hls.errors import ProjectError
from hls.rtl.logic import Core, Logic
from hls.rtl.pipeline import Pipelining
from hls.rtl.ports import RtlPort, input_ports, output_ports
from hls.rtl.program import Program, StateMachine
from hls.rtl.serial import write_serial
from hls.rtl.wiring import Wiring, core_names, wire_up
from hls.rtl.wrapper import wrapper_source
from hls.target import AUTO, LUT

CLOCK_UNCERTAINTY = 0.1
"""Part of the clock period kept back for jitter, skew and what the delay model does not know."""

CONTENTS = "mem"
"""Suffix of the contents of a memory."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True)
class Language:
    """How the same project is written in another language.

    ``flavor`` is alkaid's name of it, ``suffix`` that of its files, ``folder`` where they go. ``declared`` finds the
    names of modules in a file; ``wrapper`` writes the top module as ``wrapper_source`` does.
    """

    flavor: str
    suffix: str
    folder: str
    declared: re.Pattern[str]
    wrapper: Callable[[Wiring], str]


VERILOG = Language("verilog", "v", "src", re.compile(r"^\s*module\s+(\w+)", re.MULTILINE), wrapper_source)


@dataclass(frozen=True)
class RtlProject:
    """A written project. ``files`` are relative to ``folder``: Verilog's top module first, VHDL in order of analysis.

    ``stages`` is the number of registers between input and output; ``multiplications`` counts products of two
    variables, which synthesis may place in DSP slices. ``cost`` is alkaid's, in bits of adders. ``shared`` names the
    modules that are there several times. ``interval`` is the fewest clocks from one event to the next. ``folded`` says
    that engines compute it, and ``digits`` that adders take a digit of their numbers a clock; ``contents`` are files of
    memories, which the sources name without a folder.
    ``streamed`` says that it has valid and ready on both sides: ``stages`` and ``interval`` are then those of a stream
    for which nobody waits, each beat of a port a transfer.
    """

    folder: Path
    top: str
    files: tuple[str, ...]
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]
    clock_ns: float
    stages: int
    multiplications: int
    cost: float = 0.0
    shared: tuple[str, ...] = ()
    interval: int = 1
    contents: tuple[str, ...] = ()
    folded: bool = False
    streamed: bool = False
    digits: bool = False

    @property
    def sources(self) -> tuple[Path, ...]:
        """The Verilog or VHDL files."""
        return tuple(self.folder / name for name in self.files)

    @property
    def memories(self) -> tuple[Path, ...]:
        """The files of memories' contents."""
        return tuple(self.folder / name for name in self.contents)


def latency_cutoff(clock_ns: float) -> float:
    """Delay in ns that alkaid may put between two registers, for a clock period of ``clock_ns``.

    The period less ``CLOCK_UNCERTAINTY`` of it. alkaid's delays (about 1.1 ns for an adder, 0.025 ns more for each
    bit) stand for a Virtex UltraScale+ of speed grade 2, routing included. A slower family needs a shorter
    ``clock_ns`` here than on its board, and only the vendor's timing report settles whether a design closes: the
    rule chooses where to cut, it proves nothing.
    """
    return clock_ns * (1 - CLOCK_UNCERTAINTY)


def write_in(
    language: Language,
    logic: Logic,
    name: str,
    folder: Path,
    clock_ns: float,
    multipliers: str = AUTO,
    pipelining: Pipelining | None = None,
) -> RtlProject:
    """The project of ``logic`` in ``language``, see ``write_rtl``."""
    check_name(name)
    # With the suffix no name is a reserved word of Verilog or VHDL.
    top = f"{name}_top"
    source = empty_source(folder, language)
    modules = [f"{name}_{core}" for core in core_names(logic)]
    depths: list[int] = []
    for core, module in zip(logic.cores, modules, strict=True):
        if core.digits > 1:
            depths.append(write_serial(core, module, source, latency_cutoff(clock_ns)))
            continue
        # Beats come out of a register of their own, and so does what an earlier core computes.
        registered = core.beats == 1 and not core.follows(len(logic.graph.inputs))
        depths.append(write_core(language, core, module, source, clock_ns, registered, pipelining))
        if multipliers == LUT:
            # In place of alkaid's, which is a `*` that synthesis maps as it likes. Radix-4 Booth recoding
            # (O. L. MacSorley, Proc. IRE 49 (1961) 67), a row of adders a digit.
            _library(language, "multiplier", "lut_multiplier", f"{module}_multiplier", source)
    inputs, outputs = input_ports(logic.graph), output_ports(logic.graph)
    if any(core.totals for core in logic.cores):
        _library(language, "accumulator", "accumulator", f"{name}_accumulator", source)
    wiring = wire_up(top, name, logic, (*inputs, *outputs), depths)
    first = f"{top}.{language.suffix}"
    (source / first).write_text(language.wrapper(wiring), encoding="utf-8")
    write_constraints(folder, top, clock_ns)
    files = source_files(source, first, language.suffix)
    shared = tuple(module for core, module in zip(logic.cores, modules, strict=True) if core.copies > 1)
    return RtlProject(
        folder,
        top,
        files,
        inputs,
        outputs,
        clock_ns,
        wiring.stages,
        logic.multiplications,
        logic.cost,
        shared,
        logic.interval,
        digits=any(core.digits > 1 for core in logic.cores),
    )


def check_name(name: str) -> None:
    """Raise ``ProjectError`` if no modules can be called so."""
    if not _IDENTIFIER.fullmatch(name):
        raise ProjectError(f"firmware name {name!r}: a letter, then letters, digits and '_' are allowed")


def empty_source(folder: Path, language: Language = VERILOG) -> Path:
    """The folder of sources in ``folder``. Synthesis takes every file there, so none of an earlier graph may stay."""
    source = folder / language.folder
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    return source


def source_files(source: Path, first: str = "", suffix: str = VERILOG.suffix) -> tuple[str, ...]:
    """Files of a suffix in the folder of sources, relative to the project's, with ``first`` before the others."""
    names = sorted(path.name for path in source.glob(f"*.{suffix}"))
    return tuple(f"{source.name}/{name}" for name in sorted(names, key=lambda name: name != first))


def write_constraints(folder: Path, top: str, clock_ns: float) -> None:
    """The clock for synthesis, in the two suffixes that tools want."""
    for kind in ("xdc", "sdc"):
        (folder / f"{top}.{kind}").write_text(_constraints(clock_ns), encoding="utf-8")


def write_core(
    language: Language,
    logic: Core,
    core: str,
    source: Path,
    clock_ns: float,
    first: bool,
    pipelining: Pipelining | None = None,
) -> int:
    """Write alkaid's modules; returns the registers on the way. Only a ``first`` core has one at its input."""
    from alkaid.codegen.rtl import RTLModel

    pipeline = cut(logic.comb, clock_ns, first, pipelining)
    with tempfile.TemporaryDirectory(prefix="rtl-") as place:
        model = RTLModel(
            pipeline,
            place,
            core,
            flavor=language.flavor,
            clock_period=clock_ns,
            print_latency=False,
            ternary_fuse=False,
        )
        model.write()
        written = sorted((Path(place) / "src").rglob(f"*.{language.suffix}"))
        texts = {path.stem: path.read_text(encoding="utf-8") for path in written if path.stem != f"{core}_wrapper"}
    # Names such as "mux" or "logic0" would meet others in the project that this firmware becomes a part of.
    names = {name for text in texts.values() for name in language.declared.findall(text)} - {core}
    plain = re.compile(rf"\b({'|'.join(sorted(names, key=len, reverse=True))})\b")
    for stem, text in texts.items():
        name = stem if stem.startswith(core) else f"{core}_{stem}"
        (source / f"{name}.{language.suffix}").write_text(plain.sub(rf"{core}_\1", text), encoding="utf-8")
    return max(int(signal.schedule.bias) for signal in model.fsm.out_signals)


def cut(program: Program, clock_ns: float, first: bool, pipelining: Pipelining | None = None) -> StateMachine:
    """``program`` with registers between its stages, as ``write_core`` writes it. What an operation costs stays with
    it."""
    from alkaid.trace.passes import add_surrogate, dead_code_elimin, fuse_ternary_adders
    from alkaid.trace.pipeline import to_pipeline

    fused = fuse_ternary_adders(program) if pipelining is None or pipelining.ternary else program
    plain: Program = dead_code_elimin(fused)
    timed: Program = add_surrogate(plain, _skip_op8_cost=True)
    comb = timed._replace(ops=[op._replace(cost=of.cost) for op, of in zip(timed.ops, plain.ops, strict=True)])
    made: StateMachine
    if pipelining is None:
        made = to_pipeline(comb, latency_cutoff=latency_cutoff(clock_ns), verbose=False, reg_inp=first)
    else:
        staged, stages = pipelining.staged(comb)
        made = to_pipeline(staged, n_stages=stages, verbose=False, reg_inp=first)
    return made


def _library(language: Language, module: str, file: str, named: str, source: Path) -> None:
    """Our own ``module`` in ``file``, under the name that it has in this project."""
    text = resources.files("hls.rtl").joinpath(f"{file}.{language.suffix}").read_text(encoding="utf-8")
    renamed = re.sub(rf"\b{module}\b", named, text)
    (source / f"{named}.{language.suffix}").write_text(renamed, encoding="utf-8")


def _constraints(clock_ns: float) -> str:
    uncertainty = round(clock_ns * CLOCK_UNCERTAINTY, 6)
    return (
        f"create_clock -name clk -period {clock_ns} [get_ports {{clk}}]\n"
        f"set_clock_uncertainty -setup {uncertainty} [get_clocks clk]\n"
    )
