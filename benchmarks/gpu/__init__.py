"""`python -m benchmarks.gpu`: everything that only a GPU can tell, in one call of less than nine minutes.

Its parts run one after the other, the most valuable first, each in a process of its own with a time limit of its own. What a part finds
is written to the disk at once. If a part fails, hangs or is killed, the others run nevertheless. The files, in benchmarks/results/gpu/
or --out:

log.txt          everything that was printed, with the machine's description first
summary.json     the GPU, the versions, and how each part ended
smoke.jsonl      products, random numbers, an index out of range, five training steps: compared with the host's
tests.txt        pytest -m gpu, a line for each test as soon as it has run
steps.jsonl      the lectures' training steps beside PyTorch's on the same card, with the losses of their first steps
kernels.json     which kernels a step launches, and how long each runs
calls.jsonl      what one call of each kind costs, and what a CUDA graph can hold
crossover.jsonl  CPU against GPU by size of the batch, by width of the network, and for single operations

Without a GPU, MINIGRAD_GPU_STAND_IN=support.cupy_on_host (with tests/ on PYTHONPATH) rehearses all parts, at small sizes whose times
mean nothing.
"""
