"""Every witness on the same events: what is computed, by whom, and whether all bits agree."""
