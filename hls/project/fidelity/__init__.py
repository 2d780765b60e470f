"""What quantization costs: a system's own metrics, and what float network and labels say of any firmware."""

from hls.project.fidelity.measuring import FIDELITY_EVENTS, Fidelity, Subject, measure_fidelity

__all__ = ["FIDELITY_EVENTS", "Fidelity", "Subject", "measure_fidelity"]
