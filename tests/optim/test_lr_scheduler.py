"""Schedules give PyTorch's rates, also over two groups, chained, resumed, and with PyTorch's own state."""

import copy
import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad

CASES = [
    ("StepLR", {"step_size": 7, "gamma": 0.3}),
    ("StepLR", {"step_size": 30}),
    ("MultiStepLR", {"milestones": [3, 3, 20, 50], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 37, "eta_min": 1e-3}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 7}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 13}),
    ("CosineAnnealingWarmRestarts", {"T_0": 6}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 1e-4}),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 110}),
    ("OneCycleLR", {"max_lr": [0.7, 0.1], "epochs": 11, "steps_per_epoch": 10, "anneal_strategy": "linear", "three_phase": True,
                    "pct_start": 0.2, "base_momentum": 0.5, "max_momentum": [0.9, 0.8]}),
    ("OneCycleLR", {"max_lr": 0.7, "total_steps": 110, "cycle_momentum": False, "div_factor": 10.0, "final_div_factor": 100.0}),
    ("LambdaLR", {"lr_lambda": lambda t: 0.95**t}),
    ("LambdaLR", {"lr_lambda": [lambda t: 1 / (1 + t), lambda t: t % 3]}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]
NO_LAMBDAS = [case for case in CASES if "lr_lambda" not in case[1]]


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


# ---- schedules of schedules, and what else a step may change


def numbers(x):
    """Return a nested structure with numbers for tensors and lists for tuples."""
    if isinstance(x, dict):
        return {key: numbers(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [numbers(value) for value in x]
    return x.item() if hasattr(x, "item") else x


def train(library, kind, tensor, build, steps, reload_at=None):
    """Return all options of both groups at each epoch, and the final states; at one epoch all is made anew from the saved states."""
    def start():
        a, b = (library.zeros(1, requires_grad=True) for _ in range(2))
        rates = [library.tensor(rate, dtype=library.float64) if tensor else rate for rate in (0.5, 0.01)]
        optimizer = getattr(library.optim, kind)([{"params": [a]}, {"params": [b], "lr": rates[1]}], lr=rates[0])
        return optimizer, build(library.optim.lr_scheduler, optimizer)

    on, schedule = start()
    seen = []
    for epoch in range(steps):
        if epoch == reload_at:
            saved = copy.deepcopy((on.state_dict(), schedule.state_dict()))
            on, schedule = start()
            on.load_state_dict(saved[0])
            schedule.load_state_dict(saved[1])
        on.step()
        schedule.step()
        seen.append([[numbers(g["lr"]), numbers(g.get("momentum", g.get("betas")))] for g in on.param_groups])
        assert numbers(schedule.get_last_lr()) == [rate for rate, _ in seen[-1]]
    return seen, numbers(schedule.state_dict())


def schedules():
    """Draw a function that makes a schedule: one of CASES, or several in sequence."""
    def of(case):
        name, options = case
        return lambda module, on: getattr(module, name)(on, **options)

    def several(parts, milestones):
        ends = list(itertools.accumulate(milestones[:len(parts) - 1]))
        return lambda module, on: module.SequentialLR(on, [part(module, on) for part in parts], ends)

    one = st.sampled_from([case for case in NO_LAMBDAS if case[0] != "OneCycleLR"]).map(of)  # whose rates start from one of its own
    parts = st.tuples(st.lists(one, min_size=1, max_size=3), st.tuples(st.integers(0, 9), st.integers(1, 12)))
    return st.one_of(st.sampled_from(NO_LAMBDAS).map(of), parts.map(lambda drawn: several(*drawn)))


@settings(max_examples=60)
@given(build=schedules(), kind=st.sampled_from(["SGD", "AdamW", "RMSprop"]), tensor=st.booleans(),
       reload_at=st.sampled_from([None, 1, 7, 20]))
def test_any_schedule_also_from_a_saved_state(build, kind, tensor, reload_at):
    in_minigrad, in_torch = (train(library, kind, tensor, build, 40, reload_at) for library in (minigrad, torch))
    np.testing.assert_equal(in_minigrad, in_torch)


@pytest.mark.filterwarnings("ignore:Detected call of:UserWarning")
def test_sequences_within_a_sequence():
    def build(module, on):
        inner = module.SequentialLR(on, [module.LinearLR(on), module.StepLR(on, 2)], [4])
        return module.SequentialLR(on, [inner, module.ExponentialLR(on, 0.9)], [9])

    assert train(minigrad, "SGD", False, build, 20) == train(torch, "SGD", False, build, 20)


@pytest.mark.parametrize("options", [{"T_0": 4}, {"T_0": 3, "T_mult": 2}, {"T_0": 2, "T_mult": 3, "eta_min": 1e-3}])
def test_warm_restarts_at_fractions_of_epochs(options):
    found = []
    for library in (minigrad, torch):
        schedule = make(library, "CosineAnnealingWarmRestarts", options)
        found.append([])
        for epoch in (0, 0.25, 5, 3.5, 20, None, None, 1.75, None, None, None):
            schedule.step(epoch)
            found[-1].append([schedule.get_last_lr(), schedule.last_epoch, schedule.T_cur, schedule.T_i])
        with pytest.raises(ValueError, match="non-negative"):
            schedule.step(-1)
    assert found[0] == found[1]


metrics = st.lists(st.sampled_from([1.0, 0.99995, 0.9, 0.5, 2.0, -1.0, math.nan, math.inf]) | st.floats(-3, 3), min_size=20, max_size=20)


@settings(max_examples=60)
@given(seen=metrics, reload_at=st.integers(0, 19), tensor=st.booleans(), options=st.fixed_dictionaries({}, optional={
    "mode": st.sampled_from(["min", "max"]), "factor": st.sampled_from([0.5, 0.9]), "patience": st.integers(0, 3),
    "threshold": st.sampled_from([0, 0.1]), "threshold_mode": st.sampled_from(["rel", "abs"]), "cooldown": st.integers(0, 3),
    "min_lr": st.sampled_from([0.005, [0.1, 0.001]]), "eps": st.sampled_from([0.0, 1e-2])}))  # fmt: skip
def test_rates_that_fall_on_a_plateau(seen, reload_at, tensor, options):
    found = []
    for library in (minigrad, torch):
        schedule = make(library, "ReduceLROnPlateau", {"patience": 1, **options})
        found.append([])
        for epoch, value in enumerate(seen):
            if epoch == reload_at:
                saved, on = copy.deepcopy(schedule.state_dict()), schedule.optimizer
                schedule = make(library, "ReduceLROnPlateau", {}, on=on)
                schedule.load_state_dict(saved)
            schedule.step(library.tensor(value) if tensor else value)
            found[-1].append([schedule.get_last_lr(), schedule.in_cooldown])
        found[-1].append(schedule.state_dict())
    np.testing.assert_equal(*found)


def test_a_plateau_and_groups_that_join_later():
    for library in (minigrad, torch):
        for least in (0.2, [0.2, 0.001]):
            schedule = make(library, "ReduceLROnPlateau", {"patience": 0, "min_lr": least})
            schedule.optimizer.add_param_group({"params": [library.zeros(1, requires_grad=True)], "lr": 1.0})
            schedule.step(1.0)
            if least == 0.2:
                schedule.step(2.0)
                assert [g["lr"] for g in schedule.optimizer.param_groups] == [0.2, 0.01, 0.2]
            else:
                with pytest.raises(RuntimeError, match="min_lrs"):
                    schedule.step(2.0)
        with pytest.warns(UserWarning, match="epoch parameter"):
            make(library, "ReduceLROnPlateau", {}).step(1.0, 3)


VALUES = {  # calls that raise ValueError
    "LinearLR": [{"start_factor": 0}, {"start_factor": 2.0}, {"end_factor": -0.1}], "ConstantLR": [{"factor": 1.5}, {"factor": -1}],
    "CosineAnnealingWarmRestarts": [{"T_0": 0}, {"T_0": 2.5}, {"T_0": 2, "T_mult": 0}, {"T_0": 2, "eta_min": "0"}],
    "OneCycleLR": [{"max_lr": 0.1}, {"max_lr": 0.1, "total_steps": -1}, {"max_lr": 0.1, "epochs": 2}, {"max_lr": [0.1], "total_steps": 9},
                   {"max_lr": 0.1, "epochs": 2, "steps_per_epoch": 0.5}, {"max_lr": 0.1, "total_steps": 9, "max_momentum": [0.9]},
                   {"max_lr": 0.1, "total_steps": 9, "pct_start": 1.5}, {"max_lr": 0.1, "total_steps": 9, "anneal_strategy": "sine"}],
    "ReduceLROnPlateau": [{"mode": "low"}, {"factor": 1.0}, {"threshold_mode": "x"}, {"min_lr": [0.1]}],
}
WRONG = [(ValueError, lambda m, on, name=name, options=options: getattr(m, name)(on, **options))
         for name, calls in VALUES.items() for options in calls]
WRONG += [
    (TypeError, lambda m, on: m.OneCycleLR("on", 0.1, 10)), (TypeError, lambda m, on: m.ReduceLROnPlateau("on")),
    (TypeError, lambda m, on: m.ReduceLROnPlateau(on, verbose=True)), (TypeError, lambda m, on: m.ReduceLROnPlateau(on).step()),
    (ValueError, lambda m, on: m.SequentialLR(on, [], [])), (ValueError, lambda m, on: m.SequentialLR(on, [m.StepLR(on, 2)], [3])),
    (TypeError, lambda m, on: m.SequentialLR(on, [3], [])), (ValueError, lambda m, on: m.SequentialLR(on, [m.ReduceLROnPlateau(on)], [])),
    (TypeError, lambda m, on: m.LambdaLR(on, 0.9)),
]


@pytest.mark.parametrize(("error", "call"), WRONG)
def test_what_pytorch_refuses_is_refused(error, call):
    for library in (minigrad, torch):
        with pytest.raises(error):
            call(library.optim.lr_scheduler, optimizer(library))


def test_schedules_of_other_optimizers_and_of_optimizers_without_momentum():
    for library in (minigrad, torch):
        module = library.optim.lr_scheduler
        with pytest.raises(ValueError, match="same optimizer"):
            module.SequentialLR(optimizer(library), [module.StepLR(optimizer(library), 2)], [])
        with pytest.raises(ValueError, match="must support momentum"):
            module.OneCycleLR(library.optim.Adagrad([library.zeros(1, requires_grad=True)]), 0.1, 10)
        schedule = make(library, "OneCycleLR", {"max_lr": 0.1, "total_steps": 3})
        with pytest.raises(ValueError, match="Tried to step 4 times"):
            rates(schedule, 5)


def test_a_schedule_of_ones_own_under_the_old_name_of_the_base():
    for library in (minigrad, torch):
        class Halved(library.optim.lr_scheduler._LRScheduler):
            def get_lr(self):
                return [lr / 2**self.last_epoch for lr in self.base_lrs]

        assert rates(Halved(optimizer(library)), 3) == [[0.5, 0.01], [0.25, 0.005], [0.125, 0.0025]]


def test_copies_of_a_sequence_watch_their_own_optimizer():
    on = optimizer(minigrad)
    module = minigrad.optim.lr_scheduler
    schedule = copy.deepcopy(module.SequentialLR(on, [module.LinearLR(on), module.StepLR(on, 2)], [4]))
    assert schedule.optimizer is not on and schedule._schedulers[0].optimizer is schedule.optimizer
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.optimizer.step()
        schedule.step()
