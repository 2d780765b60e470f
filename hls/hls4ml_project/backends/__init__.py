"""Vendors' tools, a file each; the entry points in pyproject.toml name them."""
