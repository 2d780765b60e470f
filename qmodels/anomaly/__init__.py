"""Anomaly detection at 40 MHz: events with a lepton, and networks trained on ordinary ones that score what is not."""
