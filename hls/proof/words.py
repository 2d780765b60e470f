"""Numbers of a design as exact integer linear forms over atoms, or as functions of one such form.

An atom is an element of a port, a product, a maximum, or a function of one linear form that went into a sum. Equal
numbers get equal forms, however they were computed: the graph and the Verilog share one ``Space``, so that a form of
the one is that of the other, and no names need to match.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import gcd

from hls.proof import runs as functions
from hls.proof.forms import Atom, Base, Form, Function, Maximum, Port, Product, Value
from hls.proof.runs import Runs, line
from hls.proof.subject import NotClosedError

_REMEMBERED_RUNS = 1 << 22
"""Runs of remembered results, all together: some 300 MB with what is kept beside them."""


@dataclass
class Space:
    """All atoms of a design. ``layer`` is the one that is being read, to which new atoms are put down."""

    atoms: list[Atom] = field(default_factory=list)
    layer: str | None = None
    _numbers: dict[Hashable, int] = field(default_factory=dict)
    _bases: dict[Hashable, Base] = field(default_factory=dict)
    _memory: OrderedDict[Hashable, Runs] = field(default_factory=OrderedDict)
    _remembered: int = 0

    # -- forms

    def constant(self, value: int) -> Form:
        """A number that never changes."""
        return Form({}, value, value, value)

    def port(self, port: int, element: int, low: int, high: int) -> Form:
        """An element of an input."""
        return self._single(self._atom(("port", port, element), low, high, Port(port, element)))

    def affine(self, terms: Sequence[tuple[int, Value]], constant: int = 0) -> Value:
        """``sum of weight * value + constant``."""
        terms = [(weight, value) for weight, value in terms if weight]
        if any(isinstance(value, Function) for _, value in terms):
            shared = self._on_one_base([value for _, value in terms])
            if shared is not None:
                base, seen = shared
                weighted = [(weight, value) for (weight, _), value in zip(terms, seen, strict=True)]
                key = ("affine", tuple(weight for weight, _ in terms), constant)
                return self._simplified(base, self._recalled(key, seen, lambda: functions.combine(weighted, constant)))
        total: dict[int, int] = {}
        for weight, value in terms:
            form = self.form(value)
            constant += weight * form.constant
            for atom, coefficient in form.terms.items():
                total[atom] = total.get(atom, 0) + weight * coefficient
        return self._collapsed({atom: weight for atom, weight in total.items() if weight}, constant)

    def _collapsed(self, terms: dict[int, int], constant: int) -> Value:
        """The form of these terms; functions of the same base among them become one, as they are one function."""
        constant += self._join_products(terms)
        groups: dict[int, list[int]] = {}
        for atom in terms:
            origin = self.atoms[atom].origin
            if isinstance(origin, Function):
                groups.setdefault(id(origin.base), []).append(atom)
        for members in sorted(groups.values(), key=max, reverse=True):
            base = self._function(members[0]).base
            alone = next(iter(base.form.terms)) if len(base.form.terms) == 1 else None
            found = [atom for atom in (*members, alone) if atom in terms]
            if len(found) < 2:
                continue
            parts = [(terms.pop(atom), self._seen(atom, base)) for atom in found]
            form = self.form(self._simplified(base, functions.combine(parts)))
            constant += form.constant
            for atom, weight in form.terms.items():
                terms[atom] = terms.get(atom, 0) + weight
        left = {atom: weight for atom, weight in terms.items() if weight}
        whole = self._on_its_base(left) if groups else None
        if whole is not None:
            return self._simplified(whole[0], functions.combine([(1, whole[1])], constant))
        return self._form(left, constant)

    def _join_products(self, terms: dict[int, int]) -> int:
        """Among ``terms``, products of one number with several functions of another become one product, as those of a
        number with the digits of another do; returns the constant that is left over."""
        groups: dict[Hashable, dict[int, tuple[Form, Form]]] = {}
        for atom in terms:
            origin = self.atoms[atom].origin
            if isinstance(origin, Product):
                for one, other in ((origin.a, origin.b), (origin.b, origin.a)):
                    key = tuple(sorted(one.terms.items())), one.constant, id(self.view(other).base)
                    groups.setdefault(key, {})[atom] = one, other
        constant = 0
        for members in groups.values():
            found = {atom: factors for atom, factors in members.items() if atom in terms}
            if len(found) < 2:
                continue
            one = next(iter(found.values()))[0]
            joined = self.form(
                self.product(one, self.affine([(terms.pop(a), other) for a, (_, other) in found.items()]))
            )
            constant += joined.constant
            for atom, weight in joined.terms.items():
                terms[atom] = terms.get(atom, 0) + weight
        return constant

    def _on_its_base(self, terms: dict[int, int]) -> tuple[Base, Runs] | None:
        """A function and a multiple of its own base, of several atoms, as one function; None of anything else."""
        for member, weight in terms.items():
            origin = self.atoms[member].origin
            if not isinstance(origin, Function) or len(origin.base.form.terms) != len(terms) - 1:
                continue
            own, first = origin.base.form.terms, next(iter(origin.base.form.terms))
            factor = terms.get(first, 0) // own[first]
            if all(terms.get(atom) == factor * part for atom, part in own.items()):
                identity = line(origin.base.form.low, origin.base.form.high, factor, 0)
                return origin.base, functions.combine([(weight, origin.runs), (1, identity)])
        return None

    def _function(self, atom: int) -> Function:
        origin = self.atoms[atom].origin
        assert isinstance(origin, Function)  # noqa: S101 (callers have looked)
        return origin

    def _seen(self, atom: int, base: Base) -> Runs:
        """An atom as a function of ``base``: it is one, or it is the base."""
        origin = self.atoms[atom].origin
        if isinstance(origin, Function) and origin.base is base:
            return origin.runs
        return line(base.form.low, base.form.high, 1, 0)

    def _form(self, terms: Mapping[int, int], constant: int) -> Form:
        low = high = constant
        for atom, weight in terms.items():
            found = self.atoms[atom]
            low += weight * (found.low if weight > 0 else found.high)
            high += weight * (found.high if weight > 0 else found.low)
        return Form(terms, constant, low, high)

    def _single(self, atom: int) -> Form:
        return self._form({atom: 1}, 0)

    def _atom(self, key: Hashable, low: int, high: int, origin: Port | Product | Maximum | Function) -> int:
        if key not in self._numbers:
            self._numbers[key] = len(self.atoms)
            self.atoms.append(Atom(low, high, origin, self.layer))
        return self._numbers[key]

    # -- functions of one form

    def view(self, value: Value) -> Function:
        """A number that changes as a function of one form."""
        if isinstance(value, Function):
            return value
        if len(value.terms) == 1:
            ((atom, weight),) = value.terms.items()
            origin = self.atoms[atom].origin
            if isinstance(origin, Function):
                key = ("affine", (weight,), value.constant)
                found = self._recalled(
                    key, [origin.runs], lambda: functions.combine([(weight, origin.runs)], value.constant)
                )
                return Function(origin.base, found)
        factor = gcd(*value.terms.values())  # never negative, of a single term neither
        first = min(value.terms)
        factor = -factor if value.terms[first] < 0 else factor
        base = self._base({atom: weight // factor for atom, weight in value.terms.items()})
        return Function(base, line(base.form.low, base.form.high, factor, value.constant))

    def _base(self, terms: Mapping[int, int]) -> Base:
        key = tuple(sorted(terms.items()))
        if key not in self._bases:
            self._bases[key] = Base(self._form(terms, 0))
        return self._bases[key]

    def _on_one_base(self, values: Sequence[Value]) -> tuple[Base, list[Runs]] | None:
        """The base of which all of ``values`` are functions, and these functions; None if there is no such base."""
        seen = [None if isinstance(v, Form) and v.is_constant else self.view(v) for v in values]
        bases = {id(function.base): function.base for function in seen if function is not None}
        if len(bases) != 1:
            return None
        base = next(iter(bases.values()))
        ends = base.form.low, base.form.high
        return base, [
            line(*ends, 0, value.low) if function is None else function.runs
            for function, value in zip(seen, values, strict=True)
        ]

    def apply(self, key: Hashable, values: Sequence[Value], operation: Callable[..., Runs]) -> Value:
        """``operation`` on the functions that ``values`` are, which must be functions of one form.

        ``key`` names the operation with all that it depends on but the values: what is equal is computed once.
        """
        if all(isinstance(value, Form) and value.is_constant for value in values):
            made = operation(*(line(0, 0, 0, value.low) for value in values))
            return self.constant(int(made.value[0]))
        shared = self._on_one_base(values)
        if shared is None:
            raise NotClosedError(f"{key} of several independent numbers is none of the operations that a proof follows")
        base, seen = shared
        return self._simplified(base, self._recalled(key, seen, lambda: operation(*seen)))

    def _recalled(self, key: Hashable, seen: Sequence[Runs], compute: Callable[[], Runs]) -> Runs:
        """The result of ``compute``, if it has not been computed for equal functions: copies of a module have such."""
        whole = (key, *(function.digest for function in seen))
        found = self._memory.get(whole)
        if found is None:
            found = self._memory[whole] = compute()
            self._remembered += len(found)
            while self._remembered > _REMEMBERED_RUNS and len(self._memory) > 1:
                self._remembered -= len(self._memory.popitem(last=False)[1])
        else:
            self._memory.move_to_end(whole)
        return found

    def _simplified(self, base: Base, function: Runs) -> Value:
        """A function as a form, where it is affine, or where its atom is known."""
        whole = function.affine
        if whole is not None:
            slope, offset = whole
            return self._form({a: slope * w for a, w in base.form.terms.items() if slope}, offset)
        factor, offset, key = self._normal(base, function)
        if key in self._numbers:
            return self._form({self._numbers[key]: factor}, offset)
        return Function(base, function)

    def _normal(self, base: Base, function: Runs) -> tuple[int, int, Hashable]:
        """A function as ``factor * atom + offset``, and the key of the atom."""
        factor, offset, plain = function.normal
        return factor, offset, ("function", id(base), plain.digest)

    def form(self, value: Value) -> Form:
        """The form of a number; a function that has none yet becomes an atom."""
        if isinstance(value, Form):
            return value
        factor, offset, key = self._normal(value.base, value.runs)
        plain = value.runs.normal[2]
        atom = self._atom(key, *plain.range, Function(value.base, plain))
        return self._form({atom: factor}, offset)

    # -- operations on several forms

    def select(self, chosen: Value, a: Value, b: Value) -> Value:
        """``a`` where ``chosen`` is not 0, ``b`` elsewhere."""
        if isinstance(chosen, Form) and chosen.is_constant:
            return a if chosen.constant else b
        if self._on_one_base([chosen, a, b]) is not None:
            return self.apply("select", [chosen, a, b], functions.select)
        difference = self.affine([(1, a), (-1, b)])
        if self._on_one_base([chosen, difference]) is None:
            raise NotClosedError("a multiplexer whose choice does not come from what it chooses between")
        zero = self.constant(0)
        gained = self.apply("select", [chosen, difference, zero], functions.select)
        if self.equal(gained, self.apply("maximum", [difference, zero], functions.maximum)):
            return self.maximum([a, b])
        negative = self.affine([(-1, difference)])
        if self.equal(gained, self.affine([(-1, self.apply("maximum", [negative, zero], functions.maximum))])):
            return self.affine([(-1, self.maximum([self.affine([(-1, a)]), self.affine([(-1, b)])]))])
        return self.affine([(1, b), (1, gained)])

    def maximum(self, values: Sequence[Value]) -> Value:
        """The largest of ``values``."""
        members = self._members(values)
        if len(members) == 1:
            return members[0]
        factor = reduce(gcd, (w for m in members for w in (*m.terms.values(), m.constant)))
        plain = [self._scaled(member, factor) for member in members]
        plain.sort(key=lambda form: (sorted(form.terms.items()), form.constant))
        key = ("maximum", tuple((tuple(sorted(form.terms.items())), form.constant) for form in plain))
        low, high = max(form.low for form in plain), max(form.high for form in plain)
        return self._form({self._atom(key, low, high, Maximum(tuple(plain))): factor}, 0)

    def _members(self, values: Sequence[Value]) -> list[Form]:
        """Forms of different bases whose maximum is that of ``values``: nested ones opened, idle ones left out.

        None is below what the maximum is at least, whatever it was before: which of two stands for both where both are
        too small to matter, is not told by how the maximum was computed.
        """
        by_base: dict[int, Value] = {}
        for value in values:
            for member in self._opened(value):
                base = 0 if isinstance(member, Form) and member.is_constant else id(self.view(member).base)
                other = by_base.get(base)
                by_base[base] = member if other is None else self.apply("maximum", [other, member], functions.maximum)
        least = self.constant(max(value.low for value in by_base.values()))
        found = [value for value in by_base.values() if value.high > least.low]
        raised = [
            value if value.low == least.low else self.apply("maximum", [value, least], functions.maximum)
            for value in found
        ]
        return [self.form(value) for value in raised] or [least]

    def _opened(self, value: Value) -> list[Value]:
        if isinstance(value, Form) and len(value.terms) == 1:
            ((atom, weight),) = value.terms.items()
            origin = self.atoms[atom].origin
            if isinstance(origin, Maximum) and weight > 0:
                return [self.affine([(weight, member)], value.constant) for member in origin.members]
        return [value]

    def product(self, a: Value, b: Value) -> Value:
        """``a * b``."""
        first, second = self.form(a), self.form(b)
        if first.is_constant:
            return self.affine([(first.constant, second)])
        if second.is_constant:
            return self.affine([(second.constant, first)])
        factors, keys = 1, []
        for form in (first, second):
            factor = reduce(gcd, (*form.terms.values(), form.constant))
            factor = -factor if form.terms[min(form.terms)] < 0 else factor
            factors *= factor
            plain = self._scaled(form, factor)
            keys.append((tuple(sorted(plain.terms.items())), plain.constant, plain))
        keys.sort(key=lambda found: found[:2])
        x, y = keys[0][2], keys[1][2]
        ends = [p * q for p in (x.low, x.high) for q in (y.low, y.high)]
        square = keys[0][:2] == keys[1][:2]
        if square:
            ends = [x.low**2, x.high**2, *([0] if x.low <= 0 <= x.high else [])]
        key = ("product", keys[0][:2], keys[1][:2])
        return self._form({self._atom(key, min(ends), max(ends), Product(x, y)): factors}, 0)

    def _scaled(self, form: Form, divisor: int) -> Form:
        return self._form({atom: weight // divisor for atom, weight in form.terms.items()}, form.constant // divisor)

    # -- what is asked of numbers

    def equal(self, a: Value, b: Value) -> bool:
        """Whether the two are the same number for every input."""
        if isinstance(a, Form) and isinstance(b, Form) and a.terms == b.terms and a.constant == b.constant:
            return True
        difference = self.affine([(1, a), (-1, b)])
        return isinstance(difference, Form) and difference.is_constant and difference.constant == 0

    def shift(self, value: Value, bits: int) -> Value:
        """``floor(value / 2**bits)``, for positive or negative ``bits``."""
        if bits <= 0:
            return self.affine([(1 << -bits, value)])
        if isinstance(value, Form) and value.multiple_of(1 << bits):
            return self._scaled(value, 1 << bits)
        return self.apply(("shift", bits), [value], lambda f: functions.floor_shift(f, bits))

    def modulo(self, value: Value, bits: int, lowest: int) -> Value:
        """``value`` modulo ``2**bits``, as an integer from ``lowest`` on."""
        if lowest <= value.low and value.high < lowest + (1 << bits):
            return value
        return self.apply(("modulo", bits, lowest), [value], lambda f: functions.modulo(f, bits, lowest))
