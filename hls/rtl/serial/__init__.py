"""RTL whose adders take a few bits of a number each clock."""

from hls.rtl.serial.serial_core import in_digits, write_serial
from hls.rtl.serial.stages import serial_clocks, serial_stages, share_in_digits

__all__ = ["in_digits", "serial_clocks", "serial_stages", "share_in_digits", "write_serial"]
