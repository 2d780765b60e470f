"""Training that every system shares: loop, stages, records, quantization, and learned precision."""
