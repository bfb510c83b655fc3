"""Schedules give PyTorch's rates, also over two groups, chained, resumed, and with PyTorch's own state."""

import copy
import itertools
import warnings

import pytest
import torch

import minigrad

CASES = [
    ("StepLR", {"step_size": 7, "gamma": 0.3}),
    ("StepLR", {"step_size": 30}),
    ("MultiStepLR", {"milestones": [3, 3, 20, 50], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 37, "eta_min": 1e-3}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("LambdaLR", {"lr_lambda": lambda t: 0.95**t}),
    ("LambdaLR", {"lr_lambda": [lambda t: 1 / (1 + t), lambda t: t % 3]}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]
NO_LAMBDAS = [case for case in CASES if case[0] != "LambdaLR"]


def optimizer(library, lr=0.5):
    a, b = (library.zeros(1, requires_grad=True) for _ in range(2))
    return library.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.01}], lr=lr)


def make(library, name, options, **more):
    on = more.pop("on", None) or optimizer(library)
    return getattr(library.optim.lr_scheduler, name)(on, **options, **more)


def rates(schedule, steps):
    """Return the rates of both groups at each of `steps` epochs."""
    found = []
    for _ in range(steps):
        schedule.optimizer.step()
        found.append([group["lr"] for group in schedule.optimizer.param_groups])
        assert schedule.get_last_lr() == found[-1]
        schedule.step()
    return found


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_rates_over_100_steps(name, options):
    in_minigrad, in_torch = (rates(make(library, name, options), 100) for library in (minigrad, torch))
    assert list(itertools.chain(*in_minigrad)) == pytest.approx(list(itertools.chain(*in_torch)), rel=1e-15, abs=0)
    assert len({rate for rate, _ in in_minigrad}) > 1


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_resumed_from_its_own_state(name, options):
    schedule = make(minigrad, name, options)
    rates(schedule, 13)
    saved, groups = copy.deepcopy((schedule.state_dict(), schedule.optimizer.state_dict()))
    expected = rates(schedule, 40)
    again = make(minigrad, name, options)
    again.load_state_dict(saved)
    again.optimizer.load_state_dict(groups)
    assert rates(again, 40) == expected


@pytest.mark.parametrize(("name", "options"), NO_LAMBDAS)
def test_state_is_pytorch_s(name, options):
    in_minigrad, in_torch = make(minigrad, name, options), make(torch, name, options)
    rates(in_minigrad, 9)
    rates(in_torch, 9)
    assert in_minigrad.state_dict() == in_torch.state_dict()


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_started_at_a_later_epoch(name, options):
    found = []
    for library in (minigrad, torch):
        schedule = make(library, name, options)
        rates(schedule, 6)
        again = make(library, name, options, on=schedule.optimizer, last_epoch=5)
        found.append(list(itertools.chain(*rates(again, 20))))
    assert found[0] == pytest.approx(found[1], rel=1e-15, abs=0)


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_a_given_epoch_takes_the_closed_form(name, options):
    found = []
    for library in (minigrad, torch):
        schedule = make(library, name, options)
        schedule.optimizer.step()
        found.append([])
        for epoch in (0, 5, 60, 2):
            schedule.step(epoch)
            found[-1] += schedule.get_last_lr()
    assert found[0] == pytest.approx(found[1], rel=1e-15, abs=0)


def test_schedules_on_one_optimizer_multiply():
    found = []
    for library in (minigrad, torch):
        shared = optimizer(library)
        chain = [make(library, "ExponentialLR", {"gamma": 0.9}, on=shared)]
        chain += [make(library, "CosineAnnealingLR", {"T_max": 30}, on=shared), make(library, "StepLR", {"step_size": 4}, on=shared)]
        found.append([])
        for epoch in range(20):
            shared.step()
            for schedule in chain:
                schedule.step()
            if epoch == 10:
                shared.param_groups[0]["lr"] *= 3  # set by hand; the schedule goes on from it
            found[-1].append(shared.param_groups[0]["lr"])
    assert found[0] == pytest.approx(found[1], rel=1e-15, abs=0)


def test_lambda_keeps_the_attributes_of_callable_objects():
    class Decay:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, t):
            return self.rate**t

    first = make(minigrad, "LambdaLR", {"lr_lambda": [Decay(0.5), lambda t: 1]})
    state = first.state_dict()
    assert state["lr_lambdas"] == [{"rate": 0.5}, None]
    second = make(minigrad, "LambdaLR", {"lr_lambda": [Decay(0.9), lambda t: 1]})
    second.load_state_dict(state)
    assert second.lr_lambdas[0].rate == 0.5
    assert state["lr_lambdas"] == [{"rate": 0.5}, None]
    with pytest.raises(ValueError, match="zip"):
        second.load_state_dict({**state, "lr_lambdas": [{"rate": 0.5}]})


@pytest.mark.parametrize("library", [torch, minigrad], ids=lambda library: library.__name__)
def test_warnings(library):
    schedule = make(library, "StepLR", {"step_size": 2})
    with pytest.warns(UserWarning, match=r"before `optimizer\.step\(\)`"):
        schedule.step()
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
        schedule.get_lr()
    with pytest.warns(UserWarning, match="epoch parameter"):
        schedule.step(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        right = make(library, "StepLR", {"step_size": 2})
        right.optimizer.step()
        right.step()


def test_warnings_name_the_line_of_the_program():
    schedule, replaced = make(minigrad, "StepLR", {"step_size": 2}), make(minigrad, "StepLR", {"step_size": 2})
    replaced.optimizer.step = lambda: None
    for call in (lambda: schedule.step(), lambda: replaced.step(), lambda: schedule.get_lr(), lambda: schedule.step(3)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            call()
        assert (__file__, call.__code__.co_firstlineno) in [(w.filename, w.lineno) for w in found]
        assert {w.filename for w in found} == {__file__}


def test_a_rate_for_each_group():
    for library in (minigrad, torch):

        class Short(library.optim.lr_scheduler.LRScheduler):
            def get_lr(self):
                return [0.1, 0.2] if self._is_initial else [0.1]

        schedule = Short(optimizer(library))
        schedule.optimizer.step()
        with pytest.raises(ValueError, match="zip"):
            schedule.step()


def test_a_copy_knows_whether_its_optimizer_was_stepped():
    """PyTorch's copy says that `step` was overridden."""
    schedule = copy.deepcopy(make(minigrad, "StepLR", {"step_size": 1}))
    schedule.optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()
    early = copy.deepcopy(make(minigrad, "StepLR", {"step_size": 1}))
    with pytest.warns(UserWarning, match=r"before `optimizer\.step\(\)`"):
        early.step()


def test_an_optimizer_is_freed_with_its_schedule():
    """No reference cycle keeps them: without the collector both are freed when both are dropped."""
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        schedule = make(minigrad, "StepLR", {"step_size": 2})
        seen = weakref.ref(schedule.optimizer)
        schedule.optimizer.step()
        del schedule
        assert seen() is None
    finally:
        gc.enable()
