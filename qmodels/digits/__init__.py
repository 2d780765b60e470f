"""Ten classes of images drawn by code, and a small network of convolutions that tells them apart."""
