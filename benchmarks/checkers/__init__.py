"""Which gradient checker sees which mistake? The same planted bugs and the same right functions, given to each of them.

python -m benchmarks.checkers [--checkers NAME ...] [--only NAME ...] [--out FILE.json]
"""
