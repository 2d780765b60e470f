"""What the primitives of a design mean is proved of their Verilog, for each that occurs: once, and then remembered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hls.machine.cache import digest
from hls.machine.files import write_text
from hls.proof.solver import Term, Words, solver_version
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog import booth, circuit, design, primitives
from hls.proof.verilog.booth import has_rows, prove_rows
from hls.proof.verilog.circuit import Circuit
from hls.proof.verilog.design import Primitive
from hls.proof.verilog.primitives import Algebra, inputs_of, meaning_of, output_width

_KNOWN = "lemmas.json"


@dataclass(frozen=True)
class _Exact(Algebra[Term]):
    """Integers as words wide enough for all that a primitive makes of them."""

    words: Words
    width: int

    def affine(self, terms: Sequence[tuple[int, Term]]) -> Term:
        total = self.words.number(0, self.width)
        for weight, word in terms:
            scaled = self.words.make("BV_MUL", word, self.words.number(weight, self.width))
            total = self.words.make("BV_ADD", total, scaled)
        return total

    def product(self, a: Term, b: Term) -> Term:
        return self.words.make("BV_MUL", a, b)

    def select(self, chosen: Term, a: Term, b: Term) -> Term:
        return self.words.make("ITE", self.words.truth(chosen), a, b)

    def bitwise(self, operation: str, a: Term, b: Term) -> Term:
        return self.words.make(f"BV_{operation.upper()}", a, b)

    def shift(self, value: Term, bits: int) -> Term:
        return self.words.make("BV_ASHR", value, self.words.number(bits, self.width)) if bits else value


def prove_lemmas(
    found: Iterable[Primitive], cache: Path, deadline: Deadline, show: Callable[[int, int], None]
) -> tuple[int, int]:
    """Prove what each of the primitives means; those that were proved before are known from ``cache``.

    Returns:
        How many there are, and how many of them were proved now.

    Raises:
        NotClosedError: one of them means something else, or the solver does not say in time.
        ToolError: the solver is not installed.
    """
    store = cache / _KNOWN
    known = _read(store)
    code = [Path(module.__file__ or "") for module in (booth, circuit, design, primitives)]
    tools = digest([solver_version(), *code, Path(__file__)])
    lemmas = {_key(primitive, tools): primitive for primitive in found}
    fresh = {key: primitive for key, primitive in lemmas.items() if key not in known}
    for number, (key, primitive) in enumerate(fresh.items()):
        show(number, len(fresh))
        _prove(primitive, deadline)
        known.add(key)
    if fresh:
        cache.mkdir(parents=True, exist_ok=True)
        write_text(store, json.dumps(sorted(known), indent=0) + "\n")
    return len(lemmas), len(fresh)


def _key(primitive: Primitive, tools: str) -> str:
    """All that a lemma depends on: the module with its parameters, the solver, and what is said here."""
    made_of = (primitive.kind, primitive.parameters, primitive.ports, primitive.cells, primitive.nets)
    return digest([tools, repr(made_of)])


def _read(store: Path) -> set[str]:
    """Keys of what was proved; a store that is damaged knows nothing."""
    try:
        found = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {key for key in found if isinstance(key, str)} if isinstance(found, list) else set()


def _prove(primitive: Primitive, deadline: Deadline) -> None:
    """The output of the module is the lowest bits of what it means, for every input."""
    name = f"the primitive {primitive.kind} with {dict(primitive.parameters)}"
    deadline.check(name)
    if has_rows(primitive):
        prove_rows(primitive, deadline)
        return
    words = Words()
    pins = inputs_of(primitive.kind, primitive.parameters)
    free = {pin: words.free(width) for pin, (width, _) in pins.items()}
    made = Circuit(words, primitive.cells, {primitive.ports[pin]: word for pin, word in free.items()})
    out = made.word(primitive.ports["out"])
    meant = _meant(primitive, pins, free, words)
    differs = words.make("DISTINCT", out, meant)
    event = words.model([differs], list(free.values()), deadline)
    if event is not None:
        inputs = ", ".join(f"{pin} = {value}" for pin, value in zip(free, event, strict=True))
        raise NotClosedError(f"{name} does not compute what it should for {inputs}")


def _meant(primitive: Primitive, pins: Mapping[str, tuple[int, bool]], free: Mapping[str, Term], words: Words) -> Term:
    out = output_width(primitive.parameters)
    width = _room(primitive, pins)
    inputs = {pin: words.extended(word, width, pins[pin][1]) for pin, word in free.items()}
    exact = meaning_of(primitive.kind, primitive.parameters, inputs, _Exact(words, width))
    return words.bits(exact, 0, out)


def _room(primitive: Primitive, pins: Mapping[str, tuple[int, bool]]) -> int:
    """Bits that hold whatever the primitive makes of its inputs, and its output."""
    parameters = primitive.parameters
    shifts = [abs(parameters.get(name, 0)) for name in ("SHIFT1", "PAD0", "PAD1", "PAD2")]
    widths = [width for width, _ in pins.values()]
    whole = sum(widths) if primitive.kind == "multiplier" else max(widths) + max(shifts)
    return max(whole + 4, parameters["BW_OUT"] + parameters.get("DROP_LSBS", 0))
