"""Random programs of views, changes in place, indices and reductions leave the same in minigrad and in PyTorch."""

import os
import re

import pytest
from hostile.programs_vs_torch import check, compare, shorter

DEEP = os.environ.get("MINIGRAD_TEST_PROFILE") == "deep"
EACH = 100  # the number of programs in one test
REFUSED = re.compile(
    r"the tensor shows a read-only array, or one expanded without a copy"
    r"|changed in place afterwards"
    r"|Integers to negative integer powers"
    r"|does not fit into u?int8"
)


@pytest.mark.parametrize("first", range(0, EACH * (100 if DEEP else 8), EACH))
def test_programs_leave_the_same_as_in_pytorch(first):
    """The same values, dtypes, shapes, possible views, first and second derivatives; deviations.md lists what only minigrad refuses."""
    for seed in range(first, first + EACH):
        wrong, raised = check(seed, order=1 + seed % 2)
        for kind, _, program in wrong:
            program = shorter(program, kind)
            pytest.fail("\n".join([f"{kind}: {compare(program)[1]}", *program]))
        for kind, text in raised:
            assert kind == "only PyTorch raises" or REFUSED.search(text), text
