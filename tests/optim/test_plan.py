"""Which gradients show memory that a step changes, told by the plan of the step."""

import numpy as np
import pytest

from minigrad.optim.plan import Plan


@pytest.mark.parametrize("states", [0, 1])
def test_gradients_in_the_memory_of_parameters(states):
    memory = np.zeros(10)
    columns = [[memory[2:4], memory[6:8]]]
    columns += [[np.zeros(2), np.zeros(2)]] * states
    plan = Plan(columns, True)
    for part, apart in {(0, 2): True, (4, 6): True, (8, 10): True, (5, 5): True, (0, 1): True, (0, 3): False, (3, 4): False, (3, 5): False,
                        (1, 5): False, (5, 7): False, (2, 8): False, (7, 9): False, (0, 10): False}.items():
        g = memory[slice(*part)]
        for gradients in ([g, None], [None, g], [np.zeros(2), g], [g, np.zeros(4)[1:3]]):
            assert plan.is_apart(gradients) is apart, part
    assert plan.is_apart([None, None]) and plan.is_apart([np.zeros(2), np.zeros(2)]) and not plan.is_apart([memory, None])
    if states:
        assert not plan.is_apart([None, columns[1][0]])


def test_a_gradient_whose_memory_a_parameter_shows():
    g = np.zeros(4)
    for parameter in (g, g[1:], np.frombuffer(memoryview(g)), np.frombuffer(memoryview(g), count=2)):
        assert not Plan([[parameter]], True).is_apart([g]) and Plan([[parameter]], True).is_apart([np.zeros(4)])


def test_batches_are_made_once_and_some_are_kept():
    n = 12
    plan = Plan([[np.zeros(2) for _ in range(n)]], True)
    spans = [(i, j) for i in range(n) for j in range(i + 1, n + 1)]
    made = [plan.batches_of(i, j, True) for i, j in spans[:8 + n]]
    assert all(plan.batches_of(i, j, True) is found for (i, j), found in zip(spans, made))
    for i, j in spans:
        assert [b.part for b in plan.batches_of(i, j, True)] == [slice(i, j)]
        assert [b.part for b in plan.batches_of(i, j, False)] == [slice(k, k + 1) for k in range(i, j)]
        assert len(plan.batches) <= 9 + n


def test_only_what_is_alike_is_updated_together():
    a, b, c = np.zeros(2), np.zeros(2, "float32"), np.zeros((2, 3))
    for arrays, together in (([a, a.copy()], 1), ([a, b], 2), ([a, c], 1), ([a, c.T], 2), ([c[:, 1], a], 2)):
        plan = Plan([arrays], True)
        assert len(plan.batches_of(0, 2, True)) == together
        assert len(Plan([[np.zeros(2), np.zeros(2)], arrays], True).batches_of(0, 2, True)) == together
