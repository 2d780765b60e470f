"""What a firmware is built for: part, HLS backend, clock, interface and parallelism; and which firmware it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, get_args

from hls.errors import ProjectError
from hls.machine.plugins import Plugins
from hls.target.parts.ordering import check_ordering_code

IOType = Literal["io_parallel", "io_stream"]
Firmware = Literal["rtl", "hls4ml"]

BACKENDS: Plugins[Any] = Plugins("qtrigger.backends", "backend")
"""The installed backends. Their names are all that is known of them here; each room above loads what it needs."""
DEFAULT_BACKEND = "vitis"
IO_TYPES: tuple[str, ...] = get_args(IOType)
MULTIPLIERS = AUTO, LUT = "auto", "lut"
IO = PACED, STREAM = "paced", "stream"
PORTS = BEATS, WHOLE = "beats", "whole"
DIGITS = "digits"
ADDERS = WHOLE, DIGITS
# hls4ml's "resource_unrolled" is left out: its 1.3.0 writes code that does not compile where a layer's reuse factor
# has to become one.
STRATEGIES: tuple[str, ...] = ("latency", "resource")
FIRMWARES: Mapping[Firmware, str] = MappingProxyType({"rtl": "our RTL", "hls4ml": "the hls4ml project"})
"""The two firmwares that come out of one graph, and what a sentence calls them. One is the project's product."""
_UNROLLED: Mapping[str, object] = MappingProxyType({"io_type": "io_parallel", "strategy": "latency", "reuse_factor": 1})
"""The settings of hls4ml that describe our RTL too: all elements at once, no multiplier shared, a result each clock."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_LONGEST_IDENTIFIER = 64
_PART = re.compile(r"[A-Za-z0-9._-]+")

# Words that the generated C++ cannot have as the name of its top function: the language's, the C library's, and those
# of hls4ml's own files.
_WORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
    concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete
    do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable
    namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
    requires return short signed sizeof static static_assert static_cast struct switch template this thread_local throw
    true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
    abort abs accept access acos asin atan bind calloc ceil chdir chmod chown close connect cos cosh creat div dup erf
    exit exp exp2 fabs floor fmod fork free frexp gamma getenv index ioctl j0 j1 jn kill labs ldexp link listen log log2
    malloc modf nice open pause pipe pow printf puts raise rand random read realloc remove rename rindex round scanf
    select send setenv signal sin sinh sleep socket sqrt srand stat strlen sync system tan tanh time times truncate
    unlink usleep wait write y0 y1 yn
    std nnet hls ap ac main input output inputs outputs config parameters defines weights linux unix stream product
"""
_RESERVED = frozenset(_WORDS.split())
# hls4ml's own names: weights, layers, their types and configurations.
_GENERATED = re.compile(r"[a-z]\d+|layer\d+\w*|\w*config\d*\w*|\w+_t|hls_\w*|nnet_\w*|a[cp]_\w*")


@dataclass(frozen=True)
class Target:
    """Every field reaches Tcl, Makefiles or a shell, so each is checked against what it may be, not what it may not.

    ``part`` is the vendor's device name, ``clock_ns`` the period in nanoseconds, ``io_type``, ``strategy`` and
    ``reuse_factor`` are hls4ml's. ``multipliers`` says what holds a product of two variables in our RTL: LUTs only, or
    whatever synthesis chooses. ``firmware`` is the project's product where it is stated; ``product`` is it in any case.
    ``latency`` = "auto" cuts our RTL's pipeline by what is measured, until the clock is met; ``place_and_route`` names
    the device that our RTL is placed and routed on to measure it. ``interval_ns``, or ``interval`` in clocks, is the
    longest time from one event to the next that our RTL may take: it then shares what several positions need.
    ``adders`` = "digits" lets it add a few bits of each number a clock within that time. ``ports`` says how engines
    take events at positions: a position a beat, or all in one clock. ``io`` = "stream" puts valid and ready at the
    door and behind it.
    Raises ``ProjectError`` that names the key, its value and what is allowed.

    >>> Target("xcvu13p-flga2577-2-e", "vitis", clock_ns=-5.0)
    Traceback (most recent call last):
        ...
    hls.errors.ProjectError: clock_ns = -5.0: a finite number of nanoseconds above 0 is needed
    """

    part: str
    backend: str
    clock_ns: float
    io_type: str = "io_parallel"
    strategy: str = "latency"
    reuse_factor: int = 1
    multipliers: str = AUTO
    firmware: str | None = None
    latency: str | None = None
    place_and_route: str | None = None
    interval_ns: float | None = None
    interval: int | None = None
    adders: str = WHOLE
    ports: str = BEATS
    io: str = PACED

    def __post_init__(self) -> None:
        BACKENDS.check(self.backend)
        _one_of("io_type", self.io_type, IO_TYPES)
        _one_of("strategy", self.strategy, STRATEGIES)
        _one_of("multipliers", self.multipliers, MULTIPLIERS)
        _one_of("adders", self.adders, ADDERS)
        _one_of("ports", self.ports, PORTS)
        _one_of("io", self.io, IO)
        if self.latency is not None:
            _one_of("latency", self.latency, (AUTO,))
            if self.adders == DIGITS:
                raise ProjectError(
                    'adders = "digits": latency = "auto" cuts the pipeline of whole adders; leave out one of the two'
                )
        if self.firmware is not None:
            _one_of("firmware", self.firmware, tuple(FIRMWARES))
        if not isinstance(self.part, str) or not _PART.fullmatch(self.part):
            raise ProjectError(f"part = {self.part!r}: a device name of letters, digits, '.', '_' and '-' is needed")
        check_ordering_code(self.part)
        _nanoseconds("clock_ns", self.clock_ns)
        self._check_interval()
        factor = self.reuse_factor
        if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
            raise ProjectError(f"reuse_factor = {factor!r}: a whole number of at least 1 is needed")
        if self.firmware == "rtl" and self._folded:
            asked = " and ".join(f"{key} = {getattr(self, key)!r}" for key in self._folded)
            raise ProjectError(
                f'firmware = "rtl": our RTL takes all inputs at once and shares by interval_ns alone; only hls4ml '
                f'builds what is asked for by {asked}: state firmware = "hls4ml", or leave that out'
            )

    @property
    def product(self) -> Firmware:
        """The firmware that budgets judge: the one stated, else hls4ml's if a setting asks for what only it builds.

        >>> Target("xcvu13p-flga2577-2-e", "vitis", 5.0).product
        'rtl'
        >>> Target("xcvu13p-flga2577-2-e", "vitis", 5.0, strategy="resource", reuse_factor=12).product
        'hls4ml'
        """
        return "hls4ml" if self.firmware == "hls4ml" or (self.firmware is None and self._folded) else "rtl"

    @property
    def interval_clocks(self) -> int:
        """The most clocks from one event to the next that our RTL may take; 1 if nothing is stated.

        >>> Target("xcvu13p-flga2577-2-e", "vitis", 4.0, interval_ns=25).interval_clocks
        6
        """
        if self.interval_ns is None:
            return self.interval or 1
        # By the decimal numbers that are written, not by their nearest binary ones: 0.3 / 0.1 is 3.
        return int(Fraction(str(self.interval_ns)) / Fraction(str(self.clock_ns)))

    def _check_interval(self) -> None:
        clocks = self.interval
        if clocks is not None and (isinstance(clocks, bool) or not isinstance(clocks, int) or clocks < 1):
            raise ProjectError(f"interval = {clocks!r}: a whole number of clocks, at least 1, is needed")
        if self.interval_ns is None:
            return
        _nanoseconds("interval_ns", self.interval_ns)
        if clocks is not None:
            raise ProjectError(f"interval = {clocks} and interval_ns = {self.interval_ns:g}: state one of them")
        if not self.interval_clocks:
            raise ProjectError(
                f"interval_ns = {self.interval_ns:g}: an event a clock is the most there is; the shortest that works "
                f"is {self.clock_ns:g}, or state a shorter clock_ns"
            )

    @property
    def _folded(self) -> tuple[str, ...]:
        """Settings of hls4ml that our RTL does not follow, by key."""
        return tuple(key for key, value in _UNROLLED.items() if getattr(self, key) != value)


def _nanoseconds(key: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ProjectError(f"{key} = {value!r}: a finite number of nanoseconds above 0 is needed")


def _one_of(key: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ProjectError(f"{key} = {value!r}: must be one of {', '.join(allowed)}")


def check_name(name: str) -> str:
    """A project name that is safe as a folder, in Tcl and in a shell; raises ``ProjectError`` otherwise.

    >>> check_name("evn-pair")
    'evn-pair'
    >>> check_name("rm -rf")
    Traceback (most recent call last):
        ...
    hls.errors.ProjectError: project name 'rm -rf': a letter, then letters, digits, '_' and '-' are allowed
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ProjectError(f"project name {name!r}: a letter, then letters, digits, '_' and '-' are allowed")
    return name


def project_identifier(name: str) -> str:
    """C identifier for the top function of project ``name``: '-' becomes '_', and what would clash gets a suffix.

    A name that is longer than tools like is cut.

    >>> project_identifier("evn-pair"), project_identifier("double"), project_identifier("layer2")
    ('evn_pair', 'double_top', 'layer2_top')
    >>> len(project_identifier("a" * 200))
    64
    """
    identifier = check_name(name).replace("-", "_")[:_LONGEST_IDENTIFIER].rstrip("_")
    clashes = identifier.lower() in _RESERVED or _GENERATED.fullmatch(identifier.lower())
    return f"{identifier}_top" if clashes else identifier
