"""minigrad's twin in PyTorch: every op, layer, optimizer and both lectures, under the same names."""
