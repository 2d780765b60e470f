"""Post-training quantization: from a plain Keras network and events to an ordinary QKeras file."""

from hls.project.quantizing.quantize import Quantized, Request, quantize

__all__ = ["Quantized", "Request", "quantize"]
