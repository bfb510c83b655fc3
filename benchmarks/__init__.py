"""How fast is minigrad beside PyTorch? One file per question; `python -m benchmarks --help` lists them.

Every figure comes from a fresh process, engine after engine, round after round (A B A B), because the threads
of two engines in one process slow each other down. Within a process the median over many calls counts, between
processes the median over the rounds. A ratio is that of two such medians; its range within the rounds stands
beside it. A time is only reported if the engines computed the same: losses of the first steps, values and
gradients, or the curves of the whole job. The tables warn if other programs used the processors meanwhile.
"""
