"""Event-variable networks (EVN) of arXiv:2105.10126."""
