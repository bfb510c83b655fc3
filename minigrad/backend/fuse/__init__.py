"""`fuse`: one element-wise body as plain NumPy, as a compiled loop, or as a CUDA kernel."""
