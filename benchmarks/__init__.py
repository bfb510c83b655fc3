"""How fast is minigrad beside PyTorch? One file per question; `python -m benchmarks --help` lists them."""
