"""Mutants of a Python file: one small fault each, as an edit of its source text."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_NAMES = {
    "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "floor": "ceil", "ceil": "floor",
    "rint": "floor", "any": "all", "all": "any", "round": "int", "raw_min": "raw_max", "raw_max": "raw_min",
    "low": "high", "high": "low",
}  # fmt: skip
# What these say is checked or hurried, not computed.
_IDLE_KEYWORDS = frozenset({"strict", "copy", "encoding", "repr", "prefix"})
_DEFAULTS = {"bool": "False", "int": "0", "str": "''", "list": "[]", "dict": "{}", "tuple": "()", "set": "set()"}


@dataclass(frozen=True)
class Mutant:
    """Bytes ``start`` to ``end`` of the file at ``path`` become ``new``.

    The statement around them lies on the lines ``first`` to ``last``; one ``at_import`` runs when its module is loaded.
    """

    path: str
    kind: str
    start: int
    end: int
    new: str
    first: int
    last: int
    at_import: bool

    def apply(self, source: bytes) -> bytes:
        """The source with the fault in it."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def told(self, source: bytes) -> str:
        """The line before and after, the same wherever in the file they stand."""
        line_start, line_end = source.rfind(b"\n", 0, self.start) + 1, source.find(b"\n", self.end)
        before, after = source[line_start:line_end], source[line_start : self.start] + self.new.encode()
        return f"{_one_line(before)} => {_one_line(after + source[self.end : line_end])}"


def _one_line(text: bytes) -> str:
    return " ".join(text.decode().split())


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """All mutants of a file, in the order of the source."""
    source = (root / path).read_bytes()
    found = list(_Finder(path, source).walk(ast.parse(source), None, None))
    return [mutant for mutant in found if source[mutant.start : mutant.end] != mutant.new.encode()]


class _Finder:
    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def walk(self, node: ast.AST, statement: ast.stmt | None, function: ast.AST | None) -> Iterator[Mutant]:
        """Mutants of a node and of what it is made of, inside a ``statement`` of a ``function``."""
        if isinstance(node, ast.stmt):
            statement = node
        if statement is not None:
            for place, kind, new in _variants(node, function):
                yield self._mutant(place, kind, new, statement, function is None)
        inner = node if isinstance(node, ast.FunctionDef | ast.Lambda) else function
        for child in _children(node):
            yield from self.walk(child, statement, inner)

    def _mutant(self, node: ast.AST, kind: str, new: str, statement: ast.stmt, at_import: bool) -> Mutant:
        line, column, end, end_column = (
            getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")
        )
        start, stop = self._starts[line - 1] + column, self._starts[end - 1] + end_column
        first, last = _lines(statement)
        return Mutant(self._path, kind, start, stop, new, first, last, at_import)


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """Those that run with a statement: the head of one with a block; of a function, for its defaults, the body too."""
    block = [] if isinstance(statement, ast.FunctionDef) else getattr(statement, "body", [])
    last = block[0].lineno - 1 if block else statement.end_lineno
    return statement.lineno, max(statement.lineno, last or 0)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What is worth a fault: no decorators, annotations, messages of errors, texts, patterns and imports."""
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.pattern):
        return
    skipped = {"decorator_list", "returns", "annotation", "bases", "keywords" if isinstance(node, ast.ClassDef) else ""}
    for name, value in ast.iter_fields(node):
        if name in skipped:
            continue
        for child in value if isinstance(value, list) else [value]:
            idle = isinstance(child, ast.keyword) and child.arg in _IDLE_KEYWORDS
            if isinstance(child, ast.AST) and not idle:
                yield child


def _variants(node: ast.AST, function: ast.AST | None) -> Iterator[tuple[ast.AST, str, str]]:
    """(what is replaced, kind of fault, new text) for a node itself."""
    for test in _conditions(node):
        yield test, "negation", f"(not ({ast.unparse(test)}))"
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                yield node, "comparison", f"({_changed(node, 'ops', index, _COMPARISONS[type(operator)]())})"
        case ast.Constant(value=bool()):
            yield node, "constant", str(not node.value)
        case ast.Constant(value=int() | float()):
            yield node, "constant", f"({node.value!r} + 1)"
            yield node, "constant", f"({node.value!r} - 1)"
        case ast.BinOp() if type(node.op) in _OPERATORS and not _is_text(node.left):
            yield node, "arithmetic", f"({ast.unparse(ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right))})"
        case ast.BoolOp():
            other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
            yield node, "logic", f"({ast.unparse(ast.BoolOp(other, node.values))})"
        case ast.UnaryOp():
            yield node, "sign", f"({ast.unparse(node.operand)})"
        case ast.Call():
            for index, keyword in enumerate(node.keywords):
                if keyword.arg is not None and keyword.arg not in _IDLE_KEYWORDS:
                    yield node, "dropped keyword", _changed(node, "keywords", index, None)
        case ast.Name(ctx=ast.Load()) if node.id in _NAMES:
            yield node, "name", _NAMES[node.id]
        case ast.Attribute(ctx=ast.Load()) if node.attr in _NAMES:
            yield node, "name", ast.unparse(ast.Attribute(node.value, _NAMES[node.attr]))
        case ast.Return() if node.value is not None and isinstance(function, ast.FunctionDef):
            yield node, "default returned", f"return {_default(function.returns)}"
        case ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Call()):
            yield node, "removed", "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, "removed", "pass"


def _conditions(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If() | ast.While() | ast.IfExp():
            return [node.test]
        case ast.comprehension():
            return node.ifs
    return []


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _default(annotation: ast.expr | None) -> str:
    """What a function that forgot its work would return."""
    name = ast.unparse(annotation).partition("[")[0] if annotation is not None else ""
    return _DEFAULTS.get(name, "None")


def _changed(node: ast.AST, field: str, index: int, new: ast.AST | None) -> str:
    """Text of a node of which one element of a list is another, or gone."""
    other, elements = copy.copy(node), list(getattr(node, field))
    elements[index : index + 1] = [] if new is None else [new]
    setattr(other, field, elements)
    return ast.unparse(other)
