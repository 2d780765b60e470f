"""What stands in a written hls4ml project: its types, its constants, and the calls of its top function."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from pathlib import Path

from hls.errors import ToolError
from hls.graph.fixed import FixedType

_CASTS = r"(?:,A[PC]_(?P<rounding>\w+),A[PC]_(?P<overflow>\w+)(?:,\d+)?)?"
_TYPES = tuple(
    re.compile(rf"typedef {type_} (?P<name>\w+);")
    for type_ in (
        rf"ap_(?P<signed>u?)fixed<(?P<width>\d+),(?P<integer>-?\d+){_CASTS}>",
        r"ap_(?P<signed>u?)int<(?P<width>\d+)>",
        rf"ac_fixed<(?P<width>\d+),(?P<integer>-?\d+),(?P<signed>true|false){_CASTS}>",
        r"ac_int<(?P<width>\d+), (?P<signed>true|false)>",
    )
)
_TYPEDEF = re.compile(r"^typedef .*$", re.MULTILINE)
_CALL = re.compile(r"nnet::(\w+)<([\w, ]+)>\(([\w, ]+)\); // (\w+)")
_DECLARED = r"(\w+) (\w+)\[(\d+(?:\*\d+)*)\]"
_PORT, _ARRAY = re.compile(_DECLARED), re.compile(f"{_DECLARED} ?;")
_STRUCT = re.compile(r"struct (\w+) : [\w:]+ \{(.*?)^\};", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"typedef (\w+) (\w+);")
_SET = re.compile(r"static const (?:unsigned|int|nnet::Pool_Op) (\w+) = (-?\w+(?:::\w+)?(?: ?\* ?\w+)*);")
_SAME = re.compile(r"auto& (\w+) = (\w+);")
_REMARK = re.compile(r"/\*.*?\*/")
_BODY = "// hls-fpga-machine-learning insert layers"
_VALUES = re.compile(r"(\w+) (\w+)\[(\d+)\](?: = \{([^}]*)\})?;")
_LOADED = re.compile(r"nnet::load_weights_from_txt<(\w+), (\d+)>\((\w+), \"(\w+)\.txt\"\);")


@dataclass(frozen=True)
class CType:
    """An ap_fixed with its rounding and overflow, named without their prefix."""

    type: FixedType
    rounding: str = "TRN"
    overflow: str = "WRAP"


@dataclass(frozen=True)
class Call:
    """A layer: ``function`` is hls4ml's, ``layer`` the name in the comment behind the call."""

    function: str
    templates: tuple[str, ...]
    arguments: tuple[str, ...]
    layer: str

    def taking(self, number: int) -> tuple[str, ...]:
        """The arguments; raises ``ToolError`` if they are not so many."""
        if len(self.arguments) != number:
            raise ToolError(
                f"nnet::{self.function} of {self.layer} is given {len(self.arguments)} arrays, not {number}"
            )
        return self.arguments


@dataclass(frozen=True)
class Constants:
    """Printed constants and the name of the type that they are converted to."""

    type: str
    values: tuple[Fraction, ...]


@dataclass(frozen=True)
class Written:
    """A project whose sources lie in ``folder``; ``top`` names its function.

    Every property raises ``ToolError`` where a file is missing, or says what is not understood here.
    """

    folder: Path
    top: str

    def _text(self, name: str) -> str:
        path = self.folder / name
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ToolError(f"{path} cannot be read; run `qtrigger build` again") from error

    @cached_property
    def types(self) -> Mapping[str, CType]:
        """Declared types by name."""
        lines = _TYPEDEF.findall(self._text("defines.h"))
        return dict(self._type(line) for line in lines)

    def _type(self, line: str) -> tuple[str, CType]:
        match = next((match for pattern in _TYPES if (match := pattern.fullmatch(line))), None)
        if match is None:
            raise ToolError(f"{self.folder / 'defines.h'}: only fixed-point types and integers are read, not {line!r}")
        said = match.groupdict()
        width, name = int(said["width"]), said["name"]
        if width < 1:
            raise ToolError(f"{self.folder / 'defines.h'}: type {name} has no bit")
        type_ = FixedType(said["signed"] in ("", "true"), width, int(said.get("integer") or width))
        return name, CType(type_, said.get("rounding") or "TRN", said.get("overflow") or "WRAP")

    @cached_property
    def _configurations(self) -> Mapping[str, Mapping[str, str]]:
        """By the name of each layer's configuration, its type names."""
        text = self._text("parameters.h")
        return {name: {key: type_ for type_, key in _NAMED.findall(body)} for name, body in _STRUCT.findall(text)}

    def type_name(self, configuration: str, key: str) -> str:
        """The type that a configuration calls ``key``."""
        try:
            return self._configurations[configuration][key]
        except KeyError:
            raise ToolError(f"{self.folder / 'parameters.h'}: {configuration} declares no type {key}") from None

    def setting(self, configuration: str, key: str) -> str | None:
        """What a layer's configuration says of ``key``, as it is printed; None if it does not say."""
        return self._settings.get(configuration, {}).get(key)

    @cached_property
    def _settings(self) -> Mapping[str, Mapping[str, str]]:
        """By the name of each layer's configuration, its sizes and what else it says, as they are printed."""
        text = self._text("parameters.h")
        return {name: dict(_SET.findall(body)) for name, body in _STRUCT.findall(text)}

    def size(self, configuration: str, key: str) -> int | None:
        """A size in a configuration, which may be a product; None if it does not say."""
        printed = self.setting(configuration, key)
        try:
            return None if printed is None else prod(int(factor) for factor in printed.split("*"))
        except ValueError:
            return None

    def array_types(self, call: Call) -> tuple[str, ...]:
        """Type names of the arrays that a layer reads and writes, in order, without those of its constants."""
        return tuple(self._arrays[name][0] for name in call.arguments if name in self._arrays)

    def array(self, name: str) -> tuple[str, int]:
        """Type name and length of an array of the top function: a port, or what lies between layers."""
        if name not in self._arrays:
            raise ToolError(f"{self._source}: array {name} is not declared")
        return self._arrays[name]

    @cached_property
    def _arrays(self) -> Mapping[str, tuple[str, int]]:
        head, body = self._function
        found = [*_PORT.findall("\n".join(head)), *_ARRAY.findall("\n".join(body))]
        return {name: (type_, prod(map(int, sizes.split("*")))) for type_, name, sizes in found}

    @cached_property
    def ports(self) -> tuple[str, ...]:
        """The arrays that are parameters of the top function, in order."""
        return tuple(name for _, name, _ in _PORT.findall("\n".join(self._function[0])))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """The layers in order, arrays by their first names. Any other statement is refused: it could do anything."""
        found, same = list[Call](), dict[str, str]()
        for line in self._function[1]:
            match = _CALL.fullmatch(line)
            if match is not None:
                function, templates, arguments, layer = match.groups()
                known = tuple(same.get(array, array) for array in _listed(arguments))
                found.append(Call(function, _listed(templates), known, layer))
            elif (match := _SAME.fullmatch(line)) is not None:
                same[match[1]] = same.get(match[2], match[2])
            elif not _ARRAY.fullmatch(line):
                raise ToolError(f"{self._source}: a statement that is not understood: {line[:120]!r}")
        return tuple(found)

    @property
    def _source(self) -> Path:
        return self.folder / f"{self.top}.cpp"

    @cached_property
    def _function(self) -> tuple[Sequence[str], Sequence[str]]:
        """Lines of the parameters, and of the body after the weights are loaded."""
        text = _REMARK.sub("", self._text(f"{self.top}.cpp"))
        head = re.search(rf"void (?:CCS_BLOCK\({self.top}\)|{self.top})\(([^)]*)\)", text)
        start, end = text.find(_BODY), text.rfind("}")
        if head is None or start < 0 or end < start:
            raise ToolError(f"{self._source}: no function {self.top} as hls4ml writes it; run `qtrigger build` again")
        body = [line.strip() for line in text[start + len(_BODY) : end].splitlines()]
        kept = [line for line in body if line and not line.startswith(("#pragma", "//"))]
        return [line.strip() for line in head[1].splitlines() if line.strip()], kept

    def constants(self, name: str) -> Constants:
        """The array of constants called ``name``: what is synthesised and what the C simulation loads are the same."""
        declared = [found for found in _VALUES.findall(self._text(f"weights/{name}.h")) if found[1] == name]
        printed = [text for *_, text in declared if text]
        if len(printed) != 1:
            raise ToolError(f"{self.folder / 'weights' / name}.h: no constants; run `qtrigger build` again")
        loaded = self._numbers(name, self._text(f"weights/{name}.txt"))
        values = self._numbers(name, printed[0])
        type_ = declared[0][0]
        if values != loaded or any(found[0] != type_ or int(found[2]) != len(values) for found in declared):
            raise ToolError(f"{self.folder / 'weights' / name}: .h and .txt hold other constants")
        if (type_, str(len(values)), name, name) not in _LOADED.findall(self._text(f"{self.top}.cpp")):
            raise ToolError(f"{self._source}: {name} is not loaded from {name}.txt, all {len(values)} of it")
        return Constants(type_, values)

    def _numbers(self, name: str, text: str) -> tuple[Fraction, ...]:
        try:
            return tuple(Fraction(part.strip()) for part in text.split(",") if part.strip())
        except ValueError as error:
            raise ToolError(f"{self.folder / 'weights' / name}: {error}") from error


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))
