"""NumPy as the operations see it, worker threads, and matrix products."""
