"""The turns that threads take to add to the gradients of leaves, and a backward pass that comes between."""

import sys
import threading
import time
from unittest import mock

import pytest

import minigrad as mg
from minigrad.autograd import leaves


def clear_turns():
    leaves._turn.clear()
    return leaves._turn


def loss(leaf, weight):
    return (leaf * weight).sum()


def test_a_pass_waits_while_another_thread_adds():
    turns, leaf = clear_turns(), mg.zeros(2, requires_grad=True)
    try:
        turns[0] = others = [threading.get_ident()]  # for the thread below it is the turn of this one
        thread = threading.Thread(target=loss(leaf, 3).backward)
        thread.start()
        time.sleep(0.05)
        assert leaf.grad is None and turns == {0: others}
        del turns[0]
        thread.join(10)
        assert leaf.grad.tolist() == [3, 3] and turns == {}
    finally:
        turns.clear()


def test_a_pass_does_not_wait_for_its_own_thread():
    """A signal handler or a finalizer that runs one while its thread adds."""
    turns, leaf = clear_turns(), mg.zeros(2, requires_grad=True)
    try:
        turns[0] = outer = [threading.get_ident()]
        loss(leaf, 2).backward()
        assert leaf.grad.tolist() == [2, 2] and turns[0] is outer  # the turn stays that of the pass outside
    finally:
        turns.clear()


def test_a_pass_does_not_wait_while_python_ends():
    turns, leaf = clear_turns(), mg.zeros(2, requires_grad=True)
    try:
        turns[0] = [-1]  # of a thread that no longer runs
        with mock.patch.object(sys, "is_finalizing", lambda: True):
            loss(leaf, 2).backward()
        assert leaf.grad.tolist() == [2, 2] and turns == {0: [-1]}
    finally:
        turns.clear()


@pytest.mark.parametrize("fails", [False, True])
def test_a_pass_gives_its_turn_back(fails):
    turns, leaf = clear_turns(), mg.zeros(2, requires_grad=True)
    seen, accumulate = [], leaves._accumulate

    def watched(*args):
        seen.append(turns[0][0])
        if fails:
            raise KeyboardInterrupt
        accumulate(*args)

    with mock.patch.object(leaves, "_accumulate", watched):
        if fails:
            with pytest.raises(KeyboardInterrupt):
                loss(leaf, 2).backward()
        else:
            loss(leaf, 2).backward()
    assert seen == [threading.get_ident()] and turns == {}


def test_a_turn_that_is_gone():
    """As in a child that is forked meanwhile."""
    turns, leaf = clear_turns(), mg.zeros(2, requires_grad=True)
    accumulate = leaves._accumulate

    def forked(*args):
        turns.clear()
        accumulate(*args)

    with mock.patch.object(leaves, "_accumulate", forked):
        loss(leaf, 2).backward()
    assert leaf.grad.tolist() == [2, 2] and turns == {}


def test_a_pass_that_makes_the_first_gradient_meanwhile():
    leaf, wrap = mg.zeros(2, requires_grad=True), leaves.wrap

    def handled(array):
        with mock.patch.object(leaves, "wrap", wrap):
            loss(leaf, 3).backward()
        return wrap(array)

    y = loss(leaf, 2)
    with mock.patch.object(leaves, "wrap", handled):
        y.backward()
    assert leaf.grad.tolist() == [5, 5]
