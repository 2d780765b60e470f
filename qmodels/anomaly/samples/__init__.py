"""Samples: the background and four signals from PYTHIA, seen by a detector, and files of the public layout."""
