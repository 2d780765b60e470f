"""Collisions: simulated, read from files of others, selected, clustered, and kept in files."""
