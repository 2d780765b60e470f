"""Where things lie in the folder of a build. Made once by the build, and handed to whoever writes or reads there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BuildFolder:
    """``home`` is the folder itself; in ``cache``, outside it, results of slow tools outlive a build."""

    home: Path
    cache: Path

    @property
    def hls(self) -> Path:
        """The hls4ml project."""
        return self.home / "hls"

    @property
    def rtl(self) -> Path:
        """Our Verilog, and VHDL."""
        return self.home / "rtl"

    @property
    def netlist(self) -> Path:
        """What synthesis made of the Verilog."""
        return self.home / "netlist"

    @property
    def vendor(self) -> Path:
        """Reports of a vendor's tool, kept from earlier builds."""
        return self.home / "vendor"

    @property
    def figures(self) -> Path:
        """Pictures of the fidelity."""
        return self.home / "figures"
