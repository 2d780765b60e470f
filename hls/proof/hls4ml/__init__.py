"""The written hls4ml project read back, and the graph found again in its types, constants and calls."""
