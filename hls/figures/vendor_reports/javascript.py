"""The ``var name = {...};`` data files of Intel's HLS compiler: literals only, nothing is executed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hls.figures.vendor_reports.result import VendorReportError

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<mark>[{}\[\]:,;=+]))"""
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_DEEPEST = 200


def read_variables(path: Path, text: str, wanted: tuple[str, ...]) -> dict[str, Any]:
    """Values of those variables of a script that are among ``wanted``; others may hold anything.

    Raises:
        VendorReportError: a wanted value is cut off or no literal.

    >>> read_variables(Path("data.js"), 'var a = {"lut": [1, 2.5], ok: true}; var b = f();', ("a",))
    {'a': {'lut': [1, 2.5], 'ok': True}}
    """
    found = {}
    for match in re.finditer(r"\bvar\s+(\w+)\s*=", text):
        if match.group(1) in wanted:
            found[match.group(1)] = _Reader(path, match.group(1), text, match.end()).value(0)
    return found


class _Reader:
    """Recursive descent over one literal."""

    def __init__(self, path: Path, name: str, text: str, start: int) -> None:
        self.path, self.name, self.text, self.at = path, name, text, start

    def _damaged(self) -> VendorReportError:
        return VendorReportError(f"{self.path}: section {self.name} is cut off or damaged; compile the project again")

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.at)
        if match is None or match.lastgroup is None:
            raise self._damaged()
        self.at = match.end()
        return match.lastgroup, match.group(match.lastgroup)

    def _peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return "" if match is None or match.lastgroup is None else match.group(match.lastgroup)

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise self._damaged()
        kind, token = self._next()
        if kind == "string":
            return self._string(token)
        if kind == "number":
            return float(token) if any(mark in token for mark in ".eE") else int(token)
        if kind == "name" and token in _WORDS:
            return _WORDS[token]
        if token == "{":
            return self._object(depth)
        if token == "[":
            return self._array(depth)
        raise self._damaged()

    def _string(self, token: str) -> str:
        parts = [_unquote(token)]
        while self._peek() == "+":
            self._next()
            kind, token = self._next()
            if kind != "string":
                raise self._damaged()
            parts.append(_unquote(token))
        return "".join(parts)

    def _object(self, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while self._peek() != "}":
            kind, key = self._next()
            if kind not in ("string", "name", "number") or self._next()[1] != ":":
                raise self._damaged()
            result[_unquote(key) if kind == "string" else key] = self.value(depth + 1)
            self._comma("}")
        self._next()
        return result

    def _array(self, depth: int) -> list[Any]:
        result = []
        while self._peek() != "]":
            result.append(self.value(depth + 1))
            self._comma("]")
        self._next()
        return result

    def _comma(self, end: str) -> None:
        if self._peek() != end and self._next()[1] != ",":
            raise self._damaged()


def _unquote(token: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)

    return _ESCAPE.sub(plain, token[1:-1])
