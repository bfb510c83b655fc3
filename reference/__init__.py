"""minigrad's twin in PyTorch: every operation, layer and optimizer, and both lectures, under the same names."""
