"""Learned precision: quantizers whose bits are trained by gradient against what they cost on chip."""
