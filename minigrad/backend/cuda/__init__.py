"""CuPy as the operations see it, and the kernels that minigrad launches itself."""
