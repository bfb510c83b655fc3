"""`fuse`: one element-wise body as plain NumPy, as a compiled loop or as a CUDA kernel, each made from the same text."""
