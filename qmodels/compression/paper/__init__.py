"""The figures of arXiv:2210.11489, ours beside the published."""
