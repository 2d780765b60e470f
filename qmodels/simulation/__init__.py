"""A learned simulator after OTUS (arXiv:2101.08944): from theory to detector and back, trained without pairs."""
