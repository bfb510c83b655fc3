"""Hooks of nodes, and hooks that run when a gradient was added to a leaf; PyTorch is the oracle. Hooks of tensors: test_engine.py."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

LIBRARIES = (mg, torch)
DEEP = settings.get_current_profile_name() == "deep"


def numbers(gradients):
    """Return gradients, of which some may be None, as lists."""
    return [None if g is None else g.tolist() for g in gradients]


def node_hook(hook, *, make=lambda lib, x: x * 2, register="register_hook", shape=(3,), **options):
    """Return what a hook of the node that `make` records gets and leaves: [what it saw], x.grad, and whether that is recorded."""
    def run(lib):
        seen = []

        def watched(*gradients):
            seen.append([numbers(part) for part in gradients])
            seen.append([lib.is_grad_enabled(), *[g.requires_grad for part in gradients for g in part if g is not None]])
            return hook(lib, *gradients)

        x = lib.ones(shape, dtype=lib.float64, requires_grad=True)
        y = make(lib, x)
        handle = getattr(y.grad_fn, register)(watched)
        (y * y).sum().backward(retain_graph=True, **options)
        found = seen.copy(), x.grad if x.grad is None else (x.grad.tolist(), x.grad.requires_grad)
        handle.remove()
        x.grad = None
        (y * y).sum().backward()
        assert len(seen) == len(found[0])
        return found, x.grad.tolist()
    return run


def chain(*, asked=None):
    """Return the order in which all kinds of hooks of one value are called, and what `backward` or `grad` of `asked` leaves."""
    def run(lib):
        seen = []

        def note(name, factor=None):
            def hook(*given):
                parts = [numbers(part) if isinstance(part, tuple) else part.tolist() for part in given]
                seen.append((name, parts))
                return None if factor is None else tuple(None if g is None else g * factor for g in given[0]) \
                    if isinstance(given[0], tuple) else given[0] * factor
            return hook

        x = lib.ones(2, requires_grad=True)
        y = x * 2
        y.register_hook(note("tensor", 2))
        y.grad_fn.register_hook(note("after", 5))
        y.grad_fn.register_prehook(note("before", 3))
        y.retain_grad()
        y.grad_fn.register_hook(note("after again"))
        y.grad_fn.register_prehook(note("before again"))
        y.register_hook(note("tensor again"))
        x.register_hook(note("leaf"))
        x.register_post_accumulate_grad_hook(lambda leaf: seen.append(("accumulated", leaf.grad.tolist())))
        if asked is None:
            y.sum().backward()
            found = x.grad.tolist()
        else:
            found = numbers(lib.autograd.grad(y.sum(), [{"x": x, "y": y}[name] for name in asked]))
        return seen, found, y.grad.tolist()
    return run


def leaf_hook(hook, **options):
    """Return what a hook on the accumulation into a leaf sees and leaves in two passes; the leaf is used twice."""
    def run(lib):
        x, w, seen = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True), []

        def watched(leaf):
            assert leaf is x
            seen.append((leaf.grad.tolist(), lib.is_grad_enabled()))
            return hook(lib, leaf)

        handle = x.register_post_accumulate_grad_hook(watched)
        for _ in range(2):
            (x * 3 + x * w).sum().backward(**options)
        with handle:
            lib.autograd.grad((x * 2).sum(), x)
        (x * 2).sum().backward()
        return seen, x.tolist(), x.grad.tolist(), w.grad.tolist()
    return run


def step(lib, leaf):
    with lib.no_grad():
        leaf.add_(leaf.grad, alpha=-0.5)
    leaf.grad = None


def squared(lib, x):
    return x * x


def by_function(lib, x):
    """Return x · 2 by a Function, whose backward returns None for the factor."""
    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    return Scale.apply(x, lib.full((3,), 2.0, dtype=lib.float64))


CASES = {
    "a hook that looks": node_hook(lambda lib, given, got: None),
    "one that scales": node_hook(lambda lib, given, got: (given[0] * 10, None)),
    "one that takes what the value got": node_hook(lambda lib, given, got: (got[0], None)),
    "both arguments are one tensor": node_hook(lambda lib, given, got: (given[0] * 2, given[1] * 3), make=squared),
    "nothing is left": node_hook(lambda lib, given, got: (None, None)),
    "nothing is left for one": node_hook(lambda lib, given, got: (given[0], None), make=squared),
    "a broadcast argument": node_hook(lambda lib, given, got: None, make=lambda lib, x: x + lib.ones(2, 3, dtype=lib.float64)),
    "two arguments": node_hook(lambda lib, given, got: None, make=lambda lib, x: lib.maximum(x.exp(), x * 2)),
    "a chain before it": node_hook(lambda lib, given, got: (given[0] * 2,), make=lambda lib, x: x.exp().tanh()),
    "a Function": node_hook(lambda lib, given, got: (given[0] * 3, *given[1:]), make=by_function),
    "a product": node_hook(lambda lib, given, got: (given[0] * 3, given[1]), make=lambda lib, x: x.reshape(1, 3) @ (x * 2).reshape(3, 1)),
    "recorded": node_hook(lambda lib, given, got: (given[0] * got[0], None), create_graph=True),
    "a list": node_hook(lambda lib, given, got: [given[0], None]),
    "a tensor": node_hook(lambda lib, given, got: given[0]),
    "a number": node_hook(lambda lib, given, got: (3.0, None)),
    "too few": node_hook(lambda lib, given, got: (given[0],)),
    "one where there is none": node_hook(lambda lib, given, got: (given[0], given[0])),
    "another shape": node_hook(lambda lib, given, got: (given[0][:1], None)),
    "another dtype": node_hook(lambda lib, given, got: (given[0].float(), None)),
    "before: a hook that looks": node_hook(lambda lib, got: None, register="register_prehook"),
    "before: one that scales": node_hook(lambda lib, got: (got[0] * 10,), register="register_prehook"),
    "before: nothing is left": node_hook(lambda lib, got: (None,), register="register_prehook"),
    "before: a tensor": node_hook(lambda lib, got: got[0], register="register_prehook"),
    "before: none": node_hook(lambda lib, got: (), register="register_prehook"),
    "before: recorded": node_hook(lambda lib, got: (got[0] * got[0],), register="register_prehook", create_graph=True),
    "the order": chain(),
    "the order in grad": chain(asked="x"),
    "the order in grad of the value": chain(asked="y"),
    "the order in grad of both": chain(asked="xy"),
    "a leaf's hook that looks": leaf_hook(lambda lib, leaf: None),
    "a leaf's hook that steps": leaf_hook(step),
    "a leaf's hook, recorded": leaf_hook(lambda lib, leaf: None, create_graph=True),
    "of a computed tensor": lambda lib: (lib.ones(2, requires_grad=True) * 2).register_post_accumulate_grad_hook(print),
    "of a constant": lambda lib: lib.ones(2).register_post_accumulate_grad_hook(print),
}


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("case", CASES)
def test_hooks_do_what_pytorchs_do(case):
    found = []
    for lib in LIBRARIES:
        try:
            found.append(CASES[case](lib))
        except (RuntimeError, TypeError) as error:
            found.append(type(error).__name__)
    assert near(*found), found


def test_a_mistake_of_a_hook_is_named():
    for result, message in (((1, 2), "returned int as gradient 0"), ((None,), "returned 1 gradients instead of 2"),
                            ((mg.ones(1), None), r"returned shape \(1,\), float32 for gradient 0 of \(3,\), float32")):
        y = mg.ones(3, requires_grad=True) * 2
        y.grad_fn.register_hook(lambda given, got, result=result: result)
        with pytest.raises((TypeError, RuntimeError), match=rf"a hook of MulBackward0 \(output shape \(3,\)\) {message}"):
            y.sum().backward()


@settings(max_examples=2_000 if DEEP else 60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["mul", "add", "tanh"])), min_size=1, max_size=8),
       st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=10))
def test_hooks_on_all_nodes_of_a_random_graph(program, factors):
    """Each scales what its node gives; contributions to one tensor add up, and none is changed by another."""
    left = []
    for lib in LIBRARIES:
        leaves = [lib.tensor([0.5, -1.0], dtype=lib.float64, requires_grad=True) for _ in range(2)]
        values, seen = list(leaves), []
        for n, (i, j, name) in enumerate(program):
            x, y = values[i % len(values)], values[j % len(values)]
            values.append(x * y if name == "mul" else x + y if name == "add" else x.tanh())
            factor = factors[n % len(factors)]

            def hook(given, got, factor=factor, seen=seen):
                seen.append((given, got))
                return tuple(None if g is None else g * factor for g in given)

            values[-1].grad_fn.register_hook(hook)
        values[-1].sum().backward()
        left.append(([None if x.grad is None else x.grad.tolist() for x in leaves],
                     [(numbers(given), numbers(got)) for given, got in seen]))
    assert near(*left)


def near(a, b):
    """Return whether lists are equal, numbers in them up to rounding."""
    if isinstance(b, float):
        return a == pytest.approx(b, rel=1e-12, abs=1e-15)
    return len(a) == len(b) and all(map(near, a, b)) if isinstance(b, list | tuple) else a == b


def test_a_copy_has_no_hooks():
    for lib in LIBRARIES:
        seen, x = [], lib.ones(2, requires_grad=True)
        x.register_post_accumulate_grad_hook(seen.append)
        (copy.deepcopy(x) * 2).sum().backward()
        assert seen == []


def test_a_leaf_that_was_switched_off_gets_nothing_and_calls_no_hook():
    """PyTorch calls it nevertheless, with .grad as it was."""
    seen, x = [], mg.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(seen.append)
    y = (x * mg.ones(2, requires_grad=True)).sum()
    x.requires_grad_(False)
    y.backward()
    assert seen == [] and x.grad is None


def test_a_hook_may_run_a_backward_pass_itself():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)

    @x.register_post_accumulate_grad_hook
    def again(leaf):
        with mg.enable_grad():
            (w * 5).sum().backward()

    (x * w).sum().backward()
    assert x.grad.tolist() == [1, 1] and w.grad.tolist() == [6, 6]
