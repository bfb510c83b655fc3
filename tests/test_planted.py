"""Tests of the tests: for each planted bug one of the suite's checks fails, and for the true engine none on the same calls."""

import contextvars

import pytest

import minigrad as mg
from support.backends import NUMPY
from support.code_patching import edited, planted
from support.named_checks import CHECKS, first_failure
from support.planted_bugs import BUGS, Bug


def plant(bug):
    """Return the block in which minigrad has this bug."""
    return planted(*edited(bug.function, bug.old, bug.new))


def test_there_are_enough_bugs_and_checks():
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30
    assert len(CHECKS) > 60


def first_failure_here(words):
    """Return `first_failure` in a context of its own, since a planted bug may leave a context variable changed, no_grad's for instance."""
    return contextvars.copy_context().run(first_failure, words)


def test_no_false_alarm_on_the_true_engine():
    failure = first_failure()
    assert failure is None, f"{failure[0]}: {failure[1]}"


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_planted_bug_is_noticed(bug):
    with plant(bug):
        failure = first_failure_here(bug.first)
    assert failure is not None, "no check failed"
    name, error = failure
    with NUMPY.active():
        getattr(error, "repeat", CHECKS[name])()  # the true engine passes with the same calls


def test_the_true_engine_is_back_after_a_bug():
    bug = BUGS[0]
    with plant(bug):
        assert first_failure_here(bug.first)
    CHECKS[bug.first[0]]()


def test_a_bug_is_planted_beside_a_graph_that_is_alive():
    bug = next(bug for bug in BUGS if bug.name == "penalty without its weight")
    alive = mg.nn.functional.l1_penalty(mg.ones(3, requires_grad=True), weight=2.0)
    with plant(bug):
        x = mg.ones(3, requires_grad=True)
        mg.nn.functional.l1_penalty(x, weight=2.0).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 2.0]  # 1 + 1, where 1 + 2 would be right
    alive.sum().backward()


@pytest.mark.parametrize(("function", "old", "new", "message"), [
    ("ops.no_such_op", "1 - y * y", "1", "ops.no_such_op: no_such_op is defined in no module of minigrad.ops; .* stands in .*tanh_grad"),
    ("ops.tanh", "sigmoid_grad(g, y)", "g", "stands in it 0 times, not once; .* stands in minigrad.*[.]sigmoid"),
    ("ops.pick_grad", "g", "-g", "stands in it 3 times"),
    ("ops.neg", "return x", "x", "one of 'return x' and 'x' is an expression, the other a statement"),
])
def test_a_bug_that_cannot_be_planted_says_why(function, old, new, message):
    with pytest.raises((LookupError, ValueError), match=message):
        plant(Bug("", function, old, new, ()))


def test_a_bug_is_found_whatever_its_file_and_layout():
    module, tree = edited("optim.Adam.update", "group [ 'lr' ]/( 1-beta1 ** count )", "0")
    assert module.startswith("minigrad.optim.") and tree.body


def test_fused_functions_are_read_again_after_a_bug():
    """While a bug is planted, code and text differ, so the function counts as one without a text and is not compiled."""
    from minigrad.optim.adam import adam_update

    bug = next(bug for bug in BUGS if bug.function.endswith("adam_update"))
    vars(adam_update).pop("body", None)
    with plant(bug):
        assert adam_update.body is None
    assert adam_update.body.parameters
