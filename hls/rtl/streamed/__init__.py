"""RTL behind a door where events may come, and results may be taken, at any time."""

from hls.rtl.streamed.handshakes import paced_top, with_handshakes

__all__ = ["paced_top", "with_handshakes"]
