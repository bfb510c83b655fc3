"""Helpers that several test files use: the table of operations, the backends, stand-ins for CUDA, random programs."""
