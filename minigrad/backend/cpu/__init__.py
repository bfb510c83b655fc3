"""The CPU: NumPy as the operations call it, worker threads, matrix products, sums, and functions compiled with Numba."""
