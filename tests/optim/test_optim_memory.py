"""Optimizers update exactly what a parameter shows when `step` is called, whatever happened to it before; PyTorch is the oracle."""

import copy
import pickle
import random
import warnings

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

KINDS = {
    "SGD": ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    "Adam": ("Adam", {"lr": 0.1, "amsgrad": True}),
    "RMSprop": ("RMSprop", {"lr": 0.1, "centered": True, "momentum": 0.5}),
    "Adagrad": ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
STATES = {"momentum": "momentum_buffer", "Adam": "exp_avg", "RMSprop": "square_avg", "Adagrad": "sum"}  # the name of one of each kind
with_state = pytest.mark.parametrize("kind", STATES)
SHAPES = [(3, 3), (3, 3), (4,), (3, 3)]


def twins(kind, shapes=SHAPES, groups=None):
    """Yield (library, parameters, optimizer) for minigrad and for PyTorch; the parameters are equal."""
    name, options = KINDS[kind]
    values = [np.random.default_rng(i).normal(0, 1, shape) for i, shape in enumerate(shapes)]
    for lib in (mg, torch):
        params = [lib.nn.Parameter(lib.tensor(value, dtype=lib.float64)) for value in values]
        yield lib, params, getattr(lib.optim, name)(groups(params) if groups else params, **options)


def backward(lib, params):
    """Compute gradients that differ at each place: those of Σ i · p² / 2 + p."""
    for p in params:
        p.grad = None
        n = int(np.prod(p.shape))
        factors = lib.arange(1, n + 1, dtype=p.dtype).reshape(p.shape)
        (p * p * factors / 2 + p).sum().backward()


def swapped(lib, params):
    params[0].data, params[1].data = params[1].data, params[0].data


def rotated(lib, params):
    params[0].data, params[1].data, params[3].data = params[1].data, params[3].data, params[0].data


def transposed(lib, params):
    params[1].data = params[1].data.t()


def tied(lib, params):
    params[3].data = params[0].data


def tied_to_the_transposed(lib, params):
    params[1].data = params[0].data.t()


def another_memory(lib, params):
    params[1].data = lib.full((3, 3), 0.5, dtype=lib.float64)


def a_view_of_something_larger(lib, params):
    params[1].data = lib.arange(36, dtype=lib.float64).reshape(6, 6)[1:4, ::2]


def overlapping_views(lib, params):
    whole = lib.arange(12, dtype=lib.float64)
    params[0].data, params[1].data = whole[:9].view(3, 3), whole[3:].view(3, 3)


def itself(lib, params):
    params[2].data = params[2].data


def written(lib, params):
    params[1].data.zero_()
    params[2].data[1:] = 7.0
    with lib.no_grad():
        params[0].copy_(params[3])


def a_part_of_a_neighbour(lib, params):
    params[3].data = params[0].data.reshape(-1)[:9].view(3, 3)


EVENTS = [swapped, rotated, transposed, tied, tied_to_the_transposed, another_memory, a_view_of_something_larger, overlapping_views, itself,
          written, a_part_of_a_neighbour]


def agree(results):
    in_minigrad, in_torch = results
    for i, (a, b) in enumerate(zip(in_minigrad, in_torch)):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), 1e-12, 1e-12, err_msg=f"parameter {i}")


@each_kind
@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.__name__)
@pytest.mark.parametrize("before", [0, 2])
def test_what_a_parameter_shows_is_updated(kind, event, before):
    results = []
    for lib, params, optimizer in twins(kind):
        for _ in range(before):
            backward(lib, params)
            optimizer.step()
        event(lib, params)
        for _ in range(3):
            backward(lib, params)
            optimizer.step()
        results.append([*params, *[v for p in params for v in optimizer.state[p].values() if v is not None]])
    agree(results)


@each_kind
def test_a_tied_autoencoder_stays_tied(kind):
    results = []
    for lib, params, optimizer in twins(kind, [(3, 4), (4, 3)]):
        params[1].data = params[0].data.t()
        x = lib.arange(8, dtype=lib.float64).reshape(2, 4) / 8
        for _ in range(4):
            optimizer.zero_grad()
            ((x @ params[0].t() @ params[1].t() - x) ** 2).mean().backward()
            optimizer.step()
            assert (params[1] == params[0].t()).all()
        results.append(params)
    agree(results)


@with_state
@pytest.mark.parametrize("new", ["part", "longer", "one", "one more axis"])
def test_a_state_of_another_shape_is_an_error_that_changes_nothing(kind, new):
    (lib, params, optimizer), (_, in_torch, expected) = twins(kind)
    for each, own, optimizer_of in ((lib, params, optimizer), (torch, in_torch, expected)):
        backward(each, own)
        optimizer_of.step()
        own[2].data = {"part": own[2].data[1:], "longer": each.ones(5, dtype=each.float64), "one": each.ones(1, dtype=each.float64),
                       "one more axis": own[2].data.reshape(1, 4)}[new]
        backward(each, own)
    values, state = [p.detach().clone() for p in params], copy.deepcopy(optimizer.state_dict()["state"])
    with pytest.raises(RuntimeError):
        expected.step()
    name = STATES[kind]
    with pytest.raises(RuntimeError, match=rf"shape \({params[2].shape[0]},.*\), its {name} \(4,\)"):
        optimizer.step()
    agree((params, values))
    for n, entries in optimizer.state_dict()["state"].items():
        for key, value in entries.items():
            assert value.tolist() == state[n][key].tolist()
    params[2].grad = None
    optimizer.step()  # the optimizer goes on without it


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_memory_that_cannot_be_written_is_an_error_that_changes_nothing():
    for read_only in (mg.zeros(1).expand(3), mg.from_numpy(np.broadcast_to(np.float32(0), (3,)))):
        params = [nn.Parameter(mg.ones(3)), nn.Parameter(read_only)]
        optimizer = optim.SGD(params, lr=1.0)
        for p in params:
            p.grad = mg.ones(3)
        with pytest.raises(RuntimeError, match=r"shape \(3,\) cannot be updated.*clone"):
            optimizer.step()
        assert params[0].tolist() == [1, 1, 1]
        params[1].grad = None
        optimizer.step()
        params[1].grad = mg.ones(3)  # after a step without it
        with pytest.raises(RuntimeError, match=r"shape \(3,\) cannot be updated.*clone"):
            optimizer.step()
        assert params[0].tolist() == [0, 0, 0]


@each_kind
def test_a_network_converted_after_the_optimizer_was_made(kind):
    results = []
    for lib, params, optimizer in twins(kind, [(2, 3), (3,), (3, 2), (3,)]):
        net = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.Linear(2, 3)).double()
        net[0].weight, net[0].bias, net[1].weight, net[1].bias = params[0], lib.nn.Parameter(params[1].data[:2]), params[2], params[3]
        owned = list(net.parameters())
        optimizer = type(optimizer)(owned, **KINDS[kind][1])
        backward(lib, owned)
        optimizer.step()
        net.half()
        assert owned[0].dtype == owned[0].grad.dtype == lib.float16
        net.double()
        for _ in range(2):
            backward(lib, owned)
            optimizer.step()
        results.append(owned)
    agree(results)


@with_state
@pytest.mark.parametrize("change", ["dtype", "shape"])
def test_a_state_that_fits_no_more_is_looked_at_when_its_parameter_has_a_gradient_again(kind, change):
    _, params, optimizer = next(twins(kind))
    backward(mg, params)
    optimizer.step()
    for p in params:
        p.data = p.data.float() if change == "dtype" else p.data.reshape(-1)[1:]
    params[0].grad = None
    for p in params[1:]:
        p.grad = None
        if change == "shape":
            del optimizer.state[p]
    for _ in range(2):
        backward(mg, params[1:])
        optimizer.step()
    backward(mg, params)
    if change == "shape":
        with pytest.raises(RuntimeError, match="shape"):
            optimizer.step()
    else:
        optimizer.step()
        assert all(v.dtype == mg.float32 for v in optimizer.state[params[0]].values())


@with_state
def test_a_state_that_the_program_replaced_is_used(kind):
    results = []
    for lib, params, optimizer in twins(kind):
        for _ in range(2):
            backward(lib, params)
            optimizer.step()
        name = STATES[kind]
        optimizer.state[params[1]][name] = lib.full((3, 3), 0.25, dtype=lib.float64)
        optimizer.state[params[2]][name].data = lib.full((4,), 0.125, dtype=lib.float64)
        optimizer.state[params[3]][name].zero_()
        backward(lib, params)
        optimizer.step()
        del optimizer.state[params[0]]
        for _ in range(2):
            backward(lib, params)
            optimizer.step()
        optimizer.state.clear()
        for _ in range(2):
            backward(lib, params)
            optimizer.step()
        results.append([*params, *[v for p in params for v in optimizer.state[p].values()]])
    agree(results)


@each_kind
def test_a_saved_state_is_not_written_by_the_next_one(kind):
    """A state dict shows the optimizer's own entries; when the optimizer loads another state, these stay as they were."""
    for lib, params, optimizer in twins(kind):
        empty = copy.deepcopy(optimizer.state_dict())
        backward(lib, params)
        optimizer.step()
        saved = optimizer.state_dict()
        before = copy.deepcopy(saved)
        optimizer.load_state_dict(empty)
        for _ in range(2):
            optimizer.step()
        optimizer.state.clear()
        optimizer.step()
        for n, entries in before["state"].items():
            for name, value in entries.items():
                assert saved["state"][n][name].tolist() == value.tolist(), (lib.__name__, n, name)
        optimizer.load_state_dict(saved)
        optimizer.step()


@each_kind
def test_a_gradient_that_is_another_parameter(kind):
    results = []
    for lib, params, optimizer in twins(kind):
        for _ in range(3):
            backward(lib, params)
            params[1].grad = params[0].data
            params[3].grad = params[3].data
            optimizer.step()
        results.append(params)
    agree(results)


@each_kind
def test_a_first_update_beside_others(kind):
    """Some parameters have a loaded momentum, and the same number of updates as the others."""
    results = []
    for lib, params, optimizer in twins(kind):
        for p in params:
            p.grad = None
        backward(lib, params[1:3])
        optimizer.step()
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        for _ in range(2):
            backward(lib, params)
            optimizer.step()
        results.append(params)
    agree(results)


@each_kind
@pytest.mark.parametrize("order", [[0, 0], [0, 1, 1, 2], [0, 1, 0, 2, 2]], ids=str)
def test_a_parameter_that_is_there_twice(kind, order):
    results = []
    with pytest.warns(UserWarning, match="duplicate parameters"):
        pairs = list(twins(kind, groups=lambda params: [params[i] for i in order]))
    for lib, params, optimizer in pairs:
        for _ in range(3):
            backward(lib, params)
            optimizer.step()
        results.append([*params, *[v for p in optimizer.state for v in optimizer.state[p].values()]])
    agree(results)
    in_minigrad, in_torch = (optimizer.state_dict() for _, _, optimizer in pairs)
    assert in_minigrad["param_groups"][0]["params"] == in_torch["param_groups"][0]["params"]
    assert sorted(in_minigrad["state"]) == sorted(in_torch["state"])


def test_parameters_that_are_appended_and_groups_that_repeat():
    results, numbers = [], []
    for lib, params, optimizer in twins("Adam", groups=lambda params: [{"params": params[:2]}, {"params": params[2:3]}]):
        optimizer.param_groups[0]["params"].append(params[3])
        optimizer.param_groups[1]["params"].append(params[0])
        for _ in range(3):
            backward(lib, params)
            optimizer.step()
        state = optimizer.state_dict()
        numbers.append(([g["params"] for g in state["param_groups"]], sorted(state["state"])))
        optimizer.load_state_dict(copy.deepcopy(state))
        backward(lib, params)
        optimizer.step()
        results.append(params)
    agree(results)
    assert numbers[0] == numbers[1]


def test_two_optimizers_over_the_same_parameters():
    results = []
    for lib, params, first in twins("Adam"):
        second = lib.optim.SGD(params[::-1], lr=0.1, momentum=0.9)
        for i in range(6):
            backward(lib, params)
            (first, second)[i % 2].step()
        results.append(params)
    agree(results)


# ---- what an optimizer accepts: groups, names, options


def test_named_parameters_and_what_is_refused():
    groups = []
    for lib in (mg, torch):
        net, p = lib.nn.Linear(2, 1), lib.zeros(1, requires_grad=True)
        optimizer = lib.optim.SGD(net.named_parameters(), lr=0.1)
        groups.append([optimizer.param_groups[0]["param_names"], optimizer.state_dict()["param_groups"][0]["param_names"]])
        assert optimizer.param_groups[0]["params"] == [net.weight, net.bias] and "param_names: ['weight', 'bias']" in str(optimizer)
        given = {"params": [("more", p)], "lr": 0.5}
        optimizer.add_param_group(given)
        assert optimizer.param_groups[1] is given and given["param_names"] == ["more"] and given["momentum"] == 0
        optimizer.add_param_group({"params": [lib.zeros(1, requires_grad=True)], "param_names": ["as they are saved"]})
        for error, call in [
            (ValueError, lambda o=optimizer, lib=lib: o.add_param_group({"params": [lib.zeros(1, requires_grad=True)]})),
            (ValueError, lambda lib=lib, p=p: lib.optim.SGD([("a", p), lib.zeros(1, requires_grad=True)])),
            (TypeError, lambda o=optimizer, p=p: o.add_param_group([p])),
            (TypeError, lambda lib=lib, p=p: lib.optim.SGD([{"params": {p}}])),
            (TypeError, lambda lib=lib, p=p: lib.optim.SGD([{"params": [p]}, p])),
            (KeyError, lambda lib=lib, p=p: lib.optim.SGD([{"param": [p]}])),
            (TypeError, lambda lib=lib: lib.optim.SGD(None)),
            (ValueError, lambda lib=lib, p=p: lib.optim.SGD([p], lr=lib.ones(2))),
            (ValueError, lambda lib=lib, p=p: lib.optim.SGD([p], lr=lib.tensor(-1.0))),
            (TypeError, lambda lib=lib, p=p: lib.optim.SGD([p], lr="0.1")),
            (NotImplementedError, lambda lib=lib, p=p: lib.optim.Optimizer([p], {}).step(None)),
        ]:
            p.grad = lib.ones(1)
            with pytest.raises(error):
                call()
        y = (p * 2).exp()
        y.retain_grad()
        lib.optim.SGD([y], lr=0.1)
    assert groups[0] == groups[1]


def test_a_parameter_that_is_there_twice_is_warned_of():
    for lib in (mg, torch):
        p = lib.zeros(1, requires_grad=True)
        make = lambda lib=lib, p=p: lib.optim.SGD([p, p], lr=0.1)
        with pytest.warns(UserWarning, match="duplicate parameters") as found:
            make()
        assert lib is torch or [(w.filename, w.lineno) for w in found] == [(__file__, make.__code__.co_firstlineno)]


@each_kind
def test_the_rate_may_be_a_tensor_and_a_schedule_writes_into_it(kind):
    results = []
    for lib, params, optimizer in twins(kind):
        rate = lib.tensor([0.25], dtype=lib.float64)
        optimizer = type(optimizer)(params, **{**KINDS[kind][1], "lr": rate})
        schedule = lib.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
        for _ in range(3):
            backward(lib, params)
            optimizer.step()
            schedule.step()
        assert rate.item() == 0.25 / 8 and optimizer.param_groups[0]["lr"] is rate and schedule.base_lrs[0].item() == 0.25
        assert schedule.get_last_lr()[0].item() == 0.25 / 8 and schedule.get_last_lr()[0] is not rate
        rate.fill_(0.5)
        optimizer.step()
        results.append(params)
    agree(results)


def test_the_state_has_pytorchs_keys():
    for kind in KINDS:
        keys = []
        for lib, params, optimizer in twins(kind):
            backward(lib, params)
            optimizer.step()
            keys.append((len(optimizer.state), [sorted(optimizer.state[p]) for p in params if p in optimizer.state]))
        assert keys[0] == keys[1]


def test_a_subclass_with_its_own_step_and_options():
    """It is written as for PyTorch: no learning rate, a state of any shape, a step of its own."""
    results = []
    for lib in (mg, torch):
        class Own(lib.optim.Optimizer):
            def __init__(self, params):
                super().__init__(params, {})

            def step(self, closure=None):
                for group in self.param_groups:
                    for p in group["params"]:
                        state = self.state[p]
                        state["rows"] = state.get("rows", 0) + p.grad.sum(1)
                        state["calls"] = state.get("calls", 0) + 1
                        p.data.add_(state["rows"].unsqueeze(1), alpha=-0.1 / state["calls"])

        params = [lib.nn.Parameter(lib.ones(2, 3)), lib.nn.Parameter(lib.ones(3, 2))]
        optimizer = Own(params)
        for _ in range(3):
            backward(lib, params)
            optimizer.step()
            saved = copy.deepcopy(optimizer.state_dict())
            optimizer = Own(params)
            optimizer.load_state_dict(saved)
            assert optimizer.state[params[1]]["rows"].shape == (3,)
        results.append(params)
    for a, b in zip(*results):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), 1e-6)


def test_zero_grad_leaves_a_gradient_that_the_program_holds():
    for lib, params, optimizer in twins("SGD"):
        backward(lib, params)
        held = params[0].grad
        optimizer.zero_grad(set_to_none=False)
        assert params[0].grad is held and not held.any()


# ---- copies


def stepped(lib, triple):
    net, optimizer, schedule = triple
    for _ in range(2):
        backward(lib, list(net.parameters()))
        optimizer.step()
        schedule.step()
    return [p.detach().numpy().copy() for p in net.parameters()]


def by_pickle(triple):
    return pickle.loads(pickle.dumps(triple))


@each_kind
@pytest.mark.parametrize("copied", [copy.deepcopy, by_pickle])
@pytest.mark.parametrize("warm", [False, True])
def test_copies_of_network_optimizer_and_schedule_go_on_by_themselves(kind, copied, warm):
    results = []
    name, options = KINDS[kind]
    for lib in (mg, torch):
        net = lib.nn.Linear(3, 2).double()
        for p, value in zip(net.parameters(), (0.5, -0.5)):
            p.data.fill_(value)
        optimizer = getattr(lib.optim, name)(net.parameters(), **options)
        triple = net, optimizer, lib.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
        if warm:
            stepped(lib, triple)
        before = [p.detach().numpy().copy() for p in net.parameters()]
        other = copied(triple)
        assert other[1].param_groups[0]["params"][0] is other[0].weight and other[2].optimizer is other[1]
        with warnings.catch_warnings():
            if lib is torch:
                warnings.simplefilter("ignore")  # PyTorch's "has been overridden", as copies lose the mark
            moved = stepped(lib, other)
        for p, value in zip(net.parameters(), before):
            np.testing.assert_array_equal(p.detach().numpy(), value)
        results += [[lib.tensor(v) for v in moved], [lib.tensor(v) for v in stepped(lib, triple)]]
        assert all((a == b).all() for a, b in zip(results[-1], results[-2]))
    agree(results[::2])


@each_kind
def test_a_copied_optimizer_alone_has_parameters_of_its_own(kind):
    results = []
    for lib, params, optimizer in twins(kind):
        backward(lib, params)
        optimizer.step()
        other = copy.deepcopy(optimizer)
        assert not hasattr(other.step, "_wrapped_by_lr_sched")
        copies = other.param_groups[0]["params"]
        assert copies[0] is not params[0] and set(map(id, other.state)) <= set(map(id, copies))
        before = [p.detach().clone() for p in params]
        backward(lib, copies)
        other.step()
        assert all((p == b).all() for p, b in zip(params, before))
        shallow = copy.copy(optimizer)
        assert shallow.param_groups is optimizer.param_groups and shallow.state is optimizer.state
        for each in (shallow, optimizer, shallow):
            backward(lib, params)
            each.step()
        results.append([*copies, *params])
    agree(results)


def test_a_step_put_in_place_of_the_optimizers_is_noticed():
    for lib in (mg, torch):
        p = lib.zeros(2, requires_grad=True)
        optimizer = lib.optim.SGD([p], lr=0.1)
        schedule = lib.optim.lr_scheduler.StepLR(optimizer, 1)
        step = optimizer.step
        optimizer.step = lambda step=step: step()
        optimizer.step()
        with pytest.warns(UserWarning, match="Seems like `optimizer.step\\(\\)` has been overridden after learning rate scheduler"):
            schedule.step()
    optimizer = optim.SGD([p := mg.zeros(2, requires_grad=True)], lr=0.1)
    step = optimizer.step
    optimizer.step = lambda: step()  # before a schedule is made
    schedule = lr_scheduler.StepLR(optimizer, 1)
    p.grad = mg.ones(2)
    optimizer.step()
    schedule.step()
    assert p.tolist() == pytest.approx([-0.1, -0.1])


def test_a_step_put_in_place_may_be_another_objects_method():
    class Counted:
        def __init__(self, step):
            self.number, self.original = 0, step

        def step(self):
            self.number += 1
            self.original()

    optimizer = optim.SGD([p := mg.zeros(2, requires_grad=True)], lr=0.1)
    counted = Counted(optimizer.step)
    optimizer.step = counted.step
    schedule = lr_scheduler.StepLR(optimizer, 1)
    p.grad = mg.ones(2)
    optimizer.step()
    schedule.step()
    assert counted.number == 1 and p.tolist() == pytest.approx([-0.1, -0.1])


# ---- random programs


def random_events(lib, choose, params, optimizer, saved):
    """Do one thing that a program may do between two steps; return the parameters and the optimizer, which may be copies."""
    p, q = choose.choice(params), choose.choice(params)
    event = choose.randrange(13)
    if event == 0:
        p.data, q.data = q.data, p.data
    elif event == 1 and p.ndim == 2:
        p.data = p.data.t()
    elif event == 2:
        q.data = p.data
    elif event == 3:
        p.data = p.data.clone()
    elif event == 4:
        p.data.mul_(0.5)
    elif event == 5 and p.numel() > 1:
        p.data = p.data.reshape(-1)[1:]
    elif event == 6:
        optimizer.state.clear()
    elif event == 7 and p in optimizer.state:
        del optimizer.state[p]
    elif event == 8:
        saved.append(copy.deepcopy(optimizer.state_dict()))
    elif event == 9:
        optimizer.load_state_dict(copy.deepcopy(choose.choice([*saved, optimizer.state_dict()])))
    elif event == 10:
        params, optimizer = copy.deepcopy((params, optimizer))
    elif event == 11:
        p.requires_grad_(not p.requires_grad)
    elif event == 12 and p in optimizer.state:
        for name, value in list(optimizer.state[p].items()):
            if name != "step":
                optimizer.state[p][name] = lib.ones_like(value) / 2
    return params, optimizer


def random_program(lib, seed):
    """Return the parameters and states after each step of a program that changes them in between, and how it ended."""
    choose = random.Random(seed)
    shapes = [choice for _ in range(choose.randint(1, 5)) for choice in [choose.choice([(3, 3), (3, 3), (9,), (2,), (), (0,), (1, 3)])]]
    params = [lib.nn.Parameter(lib.tensor(np.random.default_rng(i).normal(0, 1, s), dtype=lib.float64)) for i, s in enumerate(shapes)]
    name, options = KINDS[choose.choice(list(KINDS))]
    order = [choose.randrange(len(params)) for _ in params] if choose.random() < 0.2 else range(len(params))
    optimizer = getattr(lib.optim, name)([params[i] for i in order], **options)
    saved, seen = [], []
    for _ in range(choose.randint(1, 6)):
        for _ in range(choose.randint(0, 2)):
            try:
                params, optimizer = random_events(lib, choose, params, optimizer, saved)
            except ValueError:
                return seen, "state refused"
        for p in params:
            if choose.random() < 0.8:
                p.grad = None
                if p.requires_grad:
                    (p * p * lib.arange(1, p.numel() + 1, dtype=lib.float64).reshape(p.shape) / 2 + p).sum().backward()
        try:
            optimizer.step()
        except RuntimeError:
            return seen, "step refused"
        states = [v for p in params if p in optimizer.state for _, v in sorted(optimizer.state[p].items()) if v is not None]
        seen.append([t.detach().numpy().copy() for t in [*params, *states]])
    return seen, "end"


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate parameters")
@pytest.mark.parametrize("part", range(4))
def test_random_programs(part):
    """minigrad refuses whatever PyTorch refuses, and a state of another shape as soon as it is loaded."""
    ends = []
    for seed in range(part * 100, part * 100 + 100):
        (in_minigrad, end), (in_torch, torch_end) = (random_program(lib, seed) for lib in (mg, torch))
        assert end == torch_end or end in ("state refused", "step refused"), seed
        assert len(in_minigrad) == len(in_torch) or end != "end", seed
        for a, b in zip(in_minigrad, in_torch):
            assert len(a) == len(b), seed
            for x, y in zip(a, b):
                np.testing.assert_allclose(x, y, 1e-9, 1e-9, err_msg=f"seed {seed}")
        ends.append(end)
    assert ends.count("end") > 70
