"""How fast is minigrad beside PyTorch? One file per question; `python -m benchmarks --help` lists them.

How it is measured: every figure comes from a fresh process, engine after engine, round after round (A B A B),
for two engines in one process slow each other down by their threads. Within a process the median over many
calls counts, between processes the median over the rounds; a ratio is one of such medians, and its range
within the rounds stands beside it. Before a time is told, the engines must have computed the same: losses of
the first steps, values and gradients, or the curves of the whole job. What other programs took of the
processors meanwhile is watched.
"""
