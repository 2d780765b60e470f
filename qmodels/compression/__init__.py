"""The β-VAE encoder that compresses a whole collision (arXiv:2210.11489)."""
