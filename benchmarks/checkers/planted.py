"""All cases: the planted bugs and the right functions."""

from benchmarks.checkers import classic, layers, right, subtle  # noqa: F401  they register their functions
from benchmarks.checkers.cases import BUGS, RIGHT

CASES = {**BUGS, **RIGHT}
