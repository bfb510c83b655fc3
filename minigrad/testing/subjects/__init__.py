"""What is checked: a function with its inputs and gradients, seen alike whether it belongs to NumPy, PyTorch, JAX or minigrad."""
