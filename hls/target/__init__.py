"""What a firmware is built for: part, vendor's tool, clock, interface; and the database of parts and boards."""

from hls.target.target import (
    AUTO,
    BACKENDS,
    BEATS,
    DEFAULT_BACKEND,
    FIRMWARES,
    IO_TYPES,
    LUT,
    MULTIPLIERS,
    PORTS,
    STRATEGIES,
    WHOLE,
    Firmware,
    IOType,
    Target,
    check_name,
    project_identifier,
)

__all__ = [
    "AUTO",
    "BACKENDS",
    "BEATS",
    "DEFAULT_BACKEND",
    "FIRMWARES",
    "IO_TYPES",
    "LUT",
    "MULTIPLIERS",
    "PORTS",
    "STRATEGIES",
    "WHOLE",
    "Firmware",
    "IOType",
    "Target",
    "check_name",
    "project_identifier",
]
