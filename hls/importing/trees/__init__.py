"""Boosted decision trees as fixed-point graphs."""
