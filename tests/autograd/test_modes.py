"""no_grad and enable_grad: nested, after exceptions, in threads, around functions and generators."""

import contextvars
import threading
from unittest import mock

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.autograd import modes
from minigrad.autograd.modes import recording


def leaf(*values, dtype="float64"):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


def test_modes_nest_and_end():
    x = leaf(1.0)
    with mg.no_grad():
        assert not (x * 2).requires_grad
        with mg.enable_grad():
            assert (x * 2).requires_grad
            with mg.set_grad_enabled(False):
                assert not mg.is_grad_enabled()
            assert mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    assert (x * 2).requires_grad


def test_modes_end_with_exceptions():
    for mode in (mg.no_grad, mg.enable_grad, lambda: mg.set_grad_enabled(False)):
        with pytest.raises(KeyError), mode():
            raise KeyError
        assert mg.is_grad_enabled()
    with mg.no_grad():
        with pytest.raises(KeyError), mg.enable_grad():
            raise KeyError
        assert not mg.is_grad_enabled()


def test_one_block_may_be_entered_again():
    mode = mg.no_grad()
    with mode:
        with mode:
            assert not mg.is_grad_enabled()
        assert not mg.is_grad_enabled()
    with mg.enable_grad(), mode:
        assert not mg.is_grad_enabled()
    assert mg.is_grad_enabled()


def test_the_end_of_a_block_restores_what_was_set():
    for before in (True, False):
        with mg.set_grad_enabled(before):
            found = recording.get()
            for mode in (mg.no_grad, mg.enable_grad, lambda value=not before: mg.set_grad_enabled(value)):
                with mode():
                    pass
                assert recording.get() is found and mg.is_grad_enabled() is before


def test_a_block_that_is_forgotten_before_its_end():
    """As after an exception that a signal handler raised when `__exit__` began: the mode around it holds again."""
    for mode, other in ((mg.no_grad, mg.enable_grad), (mg.enable_grad, mg.no_grad)):
        with other():
            outer, inner = mode(), other()
            outer.__enter__()
            inner.__enter__()
            assert mg.is_grad_enabled() is (mode is mg.no_grad)
            del inner
            assert mg.is_grad_enabled() is (mode is mg.enable_grad)
            del outer
            assert mg.is_grad_enabled() is (mode is mg.no_grad)


def test_an_interrupt_while_a_mode_is_set_changes_nothing():
    class Interrupting:
        """A context variable in whose first `set` a signal handler raises, after it is set."""

        get, reset, sets = recording.get, recording.reset, 0

        def set(self, value):
            token, self.sets = recording.set(value), self.sets + 1
            if self.sets == 1:
                raise KeyboardInterrupt
            return token

    block = mg.no_grad()
    for enter in (block.__enter__, lambda: modes.in_mode(False, mg.is_grad_enabled)):
        with mock.patch.object(modes, "recording", Interrupting()), pytest.raises(KeyboardInterrupt):
            enter()
        assert mg.is_grad_enabled()


def test_threads_have_modes_of_their_own():
    seen, barrier = {}, threading.Barrier(4, timeout=10)

    def work(i):
        x = leaf(float(i))
        with mg.no_grad() if i % 2 else mg.enable_grad():
            barrier.wait()
            seen[i] = (x * 2).requires_grad, mg.is_grad_enabled()
            barrier.wait()
        seen[i] += ((x * 2).requires_grad,)

    with mg.no_grad():  # a new thread starts with recording on, whatever its maker's mode
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert seen == {i: (i % 2 == 0, i % 2 == 0, True) for i in range(4)}


def test_threads_differentiate_side_by_side():
    results, errors = [], []

    def work(seed):
        try:
            x = mg.tensor(np.random.default_rng(seed).normal(0, 1, 50), requires_grad=True)
            for _ in range(30):
                x.grad = None
                (x.tanh() * x + x.exp().log()).sum().backward()
            y = x.detach().numpy()
            want = np.tanh(y) + y * (1 - np.tanh(y) ** 2) + 1
            results.append(np.abs(x.grad.numpy() - want).max())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == [] and len(results) == 6 and max(results) < 1e-12


@pytest.mark.parametrize("decorate", [mg.no_grad(), mg.no_grad])
def test_decorated_functions_and_generators(decorate):
    @decorate
    def function():
        return mg.is_grad_enabled()

    @decorate
    def generator():
        got = yield mg.is_grad_enabled()
        try:
            yield got, mg.is_grad_enabled()
        except KeyError:
            yield "caught", mg.is_grad_enabled()
        finally:
            seen.append(mg.is_grad_enabled())
        return "end"

    seen: list = []
    assert function() is False and mg.is_grad_enabled()
    g = generator()
    assert next(g) is False and mg.is_grad_enabled()
    assert g.send("sent") == ("sent", False) and mg.is_grad_enabled()
    assert g.throw(KeyError) == ("caught", False) and mg.is_grad_enabled()
    with pytest.raises(StopIteration, match="end"):
        next(g)
    closed = generator()
    next(closed), next(closed)
    closed.close()
    assert seen == [False, False] and mg.is_grad_enabled()


def test_a_decorated_generator_may_move_to_another_context():
    @mg.no_grad()
    def generator():
        yield mg.is_grad_enabled()
        yield mg.is_grad_enabled()

    g, seen = generator(), []
    seen.append(next(g))
    thread = threading.Thread(target=lambda: seen.append(next(g)))
    thread.start()
    thread.join()
    contextvars.copy_context().run(g.close)
    assert seen == [False, False] and mg.is_grad_enabled()


@pytest.mark.parametrize("mode", [False, True])
@pytest.mark.parametrize("around", [False, True])
def test_set_grad_enabled_as_a_decorator(mode, around):
    for lib in (mg, torch):
        with lib.set_grad_enabled(around):

            @lib.set_grad_enabled(mode)
            def function(lib=lib):
                return lib.is_grad_enabled()

            assert lib.is_grad_enabled() is around and function() is mode and lib.is_grad_enabled() is around


def test_recursive_decorated_functions():
    @mg.no_grad()
    def down(n):
        return [mg.is_grad_enabled(), *(down(n - 1) if n else [])]

    assert down(3) == [False] * 4 and mg.is_grad_enabled()


def test_set_grad_enabled_as_a_plain_call():
    def plain():
        mg.set_grad_enabled(False)
        return mg.is_grad_enabled()

    assert contextvars.copy_context().run(plain) is False and mg.is_grad_enabled()


def test_inference_mode():
    found = []
    for lib in (torch, mg):
        seen, x = [], lib.ones(1, requires_grad=True)

        def note(seen=seen, lib=lib, x=x):
            seen.append((lib.is_inference_mode_enabled(), lib.is_grad_enabled(), (x * 2).requires_grad))
            return seen[-1]

        @lib.inference_mode()
        def generate(note=note):
            """Say it."""
            yield note()
            yield note()

        with lib.inference_mode():
            note()
            with lib.no_grad():
                note()
            lib.no_grad()(note)()
            with lib.inference_mode(mode=False):
                note()
            note()
        with lib.no_grad(), lib.autograd.inference_mode(False):
            note()
        for decorated in (lib.inference_mode(note), lib.inference_mode()(note), lib.inference_mode(False)(note)):
            decorated()
        for _ in generate():
            note()
        assert generate.__doc__ == "Say it."
        with pytest.raises(ValueError), lib.inference_mode():
            raise ValueError
        note()
        found.append(seen)
    assert found[0] == found[1]
