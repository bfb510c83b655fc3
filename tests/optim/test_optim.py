"""Optimizers, compared with PyTorch's: groups, state dicts, what is refused, parameters without gradients, where parameters lie."""

import copy
import gc
import weakref
from unittest import mock

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import optim
from minigrad._tensor import Tensor
from minigrad.backend.cpu import threads
from minigrad.optim import flat

OPTIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "betas": (0.5, 0.9), "eps": 1e-3}),
    ("AdamW", {"lr": 0.01, "maximize": True}),
    ("RMSprop", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "maximize": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.1}),
]
SHAPES = [(3, 2), (2,), (), (0,), (17,)]
both_sides = pytest.mark.parametrize("name, options", OPTIONS)


def arrays(seed, dtype="float64", shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(0, 1, s), dtype) for s in shapes]


def parameters(lib, dtype="float64", shapes=SHAPES):
    make = mg.tensor if lib is mg else torch.tensor
    return [make(a.copy(), requires_grad=True) for a in arrays(0, dtype, shapes)]


def set_gradients(params, seed, skip=()):
    """Set new gradients, and None for the parameters in `skip`."""
    for i, (p, g) in enumerate(zip(params, arrays(seed, str(params[0].dtype).removeprefix("torch."), [tuple(p.shape) for p in params]))):
        p.grad = None if i in skip else mg.tensor(g) if isinstance(p, mg.Tensor) else torch.tensor(g)


class Pair:
    """An optimizer of minigrad and PyTorch's, with equal parameters."""

    def __init__(self, name, options, groups=None, dtype="float64", shapes=SHAPES):
        self.params = [parameters(lib, dtype, shapes) for lib in (mg, torch)]
        self.optimizers = []
        for module, params in zip((optim, torch.optim), self.params):
            given = params if groups is None else [{**g, "params": [params[i] for i in g["params"]]} for g in groups]
            self.optimizers.append(getattr(module, name)(given, **options))

    def step(self, seed, skip=()):
        for params, optimizer in zip(self.params, self.optimizers):
            set_gradients(params, seed, skip)
            optimizer.step()

    def agree(self):
        tolerance = 1e-14 if self.params[1][0].dtype == torch.float64 else 1e-6
        for i, (a, b) in enumerate(zip(*self.params)):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tolerance, tolerance, err_msg=f"parameter {i}")
        same_state(*(o.state_dict() for o in self.optimizers), tolerance)


def same_state(in_minigrad, in_torch, tolerance=1e-14):
    assert set(in_minigrad["state"]) == set(in_torch["state"])
    for n, entries in in_torch["state"].items():
        expected = {k: v for k, v in entries.items() if v is not None}
        assert set(in_minigrad["state"][n]) == set(expected)
        for key, value in expected.items():
            have = in_minigrad["state"][n][key]
            assert str(have.dtype) == str(value.dtype).removeprefix("torch.") and tuple(have.shape) == tuple(value.shape)
            np.testing.assert_allclose(have.numpy(), value.numpy(), tolerance, tolerance, err_msg=key)
    known = set(in_minigrad["param_groups"][0])
    assert in_minigrad["param_groups"] == [{k: v for k, v in g.items() if k in known} for g in in_torch["param_groups"]]


# ---- steps


@both_sides
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_steps_and_states(name, options, dtype):
    pair = Pair(name, options, dtype=dtype)
    for seed in range(1, 6):
        pair.step(seed)
        pair.agree()


@both_sides
def test_parameters_without_a_gradient_are_left_alone(name, options):
    pair = Pair(name, options)
    for seed, skip in enumerate([(1,), (0, 2), (), (1, 2, 3, 4), (0, 1, 2, 3, 4), ()], start=1):
        pair.step(seed, skip)
        pair.agree()


@both_sides
def test_a_first_gradient_beside_a_second(name, options):
    pair = Pair(name, options)
    for seed, skip in enumerate([(1,), (), ()], start=1):  # parameter 0 is then one update ahead of its neighbour
        pair.step(seed, skip)
        pair.agree()


@both_sides
def test_groups_with_options_of_their_own(name, options):
    pair = Pair(name, options, [{"params": [0, 3]}, {"params": [1, 2], "lr": 0.5, "weight_decay": 0.3}, {"params": [4], "lr": 0.0}])
    for seed in range(1, 4):
        pair.step(seed)
        pair.agree()
    for optimizer in pair.optimizers:
        optimizer.param_groups[0]["lr"] *= 0.1
        optimizer.param_groups[1]["weight_decay"] = 0
    pair.step(9)
    pair.agree()


@both_sides
def test_a_group_that_joins_later(name, options):
    pair = Pair(name, options, [{"params": [0, 1]}])
    pair.step(1)
    for params, optimizer in zip(pair.params, pair.optimizers):
        optimizer.add_param_group({"params": params[2], "lr": 0.3})
        optimizer.add_param_group({"params": params[3:]})
    for seed in range(2, 5):
        pair.step(seed)
        pair.agree()


@both_sides
def test_state_dicts_go_on_where_they_were(name, options):
    pair = Pair(name, options)
    for seed in range(1, 4):
        pair.step(seed, skip=(1,) if seed < 3 else ())
    in_minigrad = pair.optimizers[0]
    saved, values = copy.deepcopy(in_minigrad.state_dict()), [p.detach().clone() for p in pair.params[0]]
    pair.step(5)
    with mg.no_grad():
        for p, v in zip(pair.params[0], values):
            p.copy_(v)
    set_gradients(pair.params[0], 5)
    other = getattr(optim, name)(pair.params[0], lr=7)
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == options["lr"] and other.param_groups[0]["params"] == pair.params[0]
    other.step()
    pair.optimizers[0] = other
    pair.agree()


@both_sides
def test_a_state_dict_for_parameters_just_made(name, options):
    pair = Pair(name, options)
    for seed in range(1, 4):
        pair.step(seed)
    saved = pair.optimizers[0].state_dict()
    pair.params[0] = [mg.tensor(p.detach().numpy().copy(), requires_grad=True) for p in pair.params[0]]
    pair.optimizers[0] = getattr(optim, name)(pair.params[0])
    pair.optimizers[0].load_state_dict(saved)
    for seed in range(4, 6):
        pair.step(seed)
        pair.agree()


@both_sides
def test_an_empty_state_dict_forgets_all(name, options):
    pair = Pair(name, options)
    empty = [{**copy.deepcopy(o.state_dict()), "state": {}} for o in pair.optimizers]
    pair.step(1)
    for optimizer, state in zip(pair.optimizers, empty):
        optimizer.load_state_dict(state)
        assert not optimizer.state
    pair.step(2)
    pair.agree()


def test_entries_of_a_state_that_are_no_tensors_are_kept():
    pair = Pair(*OPTIONS[1])
    pair.step(1)
    saved = pair.optimizers[0].state_dict()
    saved["state"][0]["note"] = "warm"
    pair.optimizers[0].load_state_dict(saved)
    assert pair.optimizers[0].state[pair.params[0][0]]["note"] == "warm"


def test_other_tensors_of_a_state_take_the_dtype_of_their_parameter():
    for lib in (mg, torch):
        p, whole = lib.zeros(2, requires_grad=True), lib.zeros(2, dtype=lib.int64)
        for make in (lambda ps, lib=lib: lib.optim.SGD(ps, lr=0.1, momentum=0.9), lambda ps, lib=lib: lib.optim.Optimizer(ps, {"lr": 0.1})):
            optimizer = make([p, whole])
            more, step = lib.ones(3, dtype=lib.float64), lib.full((1,), 7.0, dtype=lib.float64)
            state = {"more": more, "step": step}
            optimizer.load_state_dict({**optimizer.state_dict(), "state": {0: state, 1: state}})
            of_p, of_whole = optimizer.state[p], optimizer.state[whole]
            assert of_p["more"].dtype == lib.float32 and of_whole["more"].dtype == lib.float64
            assert of_p["step"].dtype == of_whole["step"].dtype == lib.float64
            more.zero_()
            if lib is mg:  # PyTorch copies only where the dtype changes
                assert of_p["more"].tolist() == of_whole["more"].tolist() == [1, 1, 1] and of_p["step"].tolist() == [7]


def test_update_knows_the_first_update_if_one_buffer_came_from_a_file():
    class Two(optim.Optimizer):
        buffers = ("first", "second")

        def update(self, group, p, g, state, count, fresh):
            seen.append((count, fresh))

    seen = []
    (p,) = parameters(mg, shapes=[(2,)])
    optimizer = Two([p], {"lr": 0.1})
    saved = optimizer.state_dict()
    optimizer.load_state_dict({**saved, "state": {0: {"second": mg.ones(2, dtype=mg.float64)}}})
    for seed in (1, 2):
        set_gradients([p], seed)
        optimizer.step()
    assert seen == [(1, True), (2, False)] and optimizer.state[p]["second"].tolist() == [1, 1]


def test_a_loaded_state_is_a_copy():
    pair = Pair(*OPTIONS[3])
    pair.step(1)
    saved = copy.deepcopy(pair.optimizers[0].state_dict())
    kept = saved["state"][0]["exp_avg"].numpy().copy()
    pair.optimizers[0].load_state_dict(saved)
    pair.step(2)
    np.testing.assert_array_equal(saved["state"][0]["exp_avg"].numpy(), kept)
    assert saved["state"][0]["step"].item() == 1


@both_sides
def test_closures(name, options):
    for lib, module in ((mg, optim), (torch, torch.optim)):
        (p,) = parameters(lib, shapes=[(2,)])
        optimizer = getattr(module, name)([p], **options)
        seen = []

        def closure(lib=lib, p=p, optimizer=optimizer, seen=seen):
            seen.append(lib.is_grad_enabled())
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        with lib.no_grad():
            loss = optimizer.step(closure)
        assert seen == [True] and loss.requires_grad and lib.is_grad_enabled()
        assert optimizer.step() is None


def test_steps_record_nothing_and_silence_warnings():
    (p,) = parameters(mg, shapes=[(2,)])
    optimizer = optim.Adam([p], lr=1e300)
    p.grad = mg.tensor([np.inf, 1e308], dtype=mg.float64)
    with np.errstate(all="warn"):
        optimizer.step()
        assert set(np.geterr().values()) == {"warn"}
    assert p.requires_grad and p.is_leaf and np.isnan(p.detach().numpy()[0])


@pytest.mark.filterwarnings("ignore:Using backward")
def test_zero_grad():
    for set_to_none in (True, False):
        params = parameters(mg, shapes=[(2,), (3,)])
        optimizer = optim.SGD([{"params": params[:1]}, {"params": params[1:]}], lr=0.1)
        (params[0] * params[0]).sum().backward(create_graph=not set_to_none)
        kept = params[0].grad
        optimizer.zero_grad(set_to_none=set_to_none)
        assert params[1].grad is None
        if set_to_none:
            assert params[0].grad is None and kept.array.any()
        else:
            assert params[0].grad.tolist() == [0, 0] and not params[0].grad.requires_grad
    params[0].grad = mg.ones(2, dtype=mg.float64)
    optimizer.zero_grad()
    assert params[0].grad is None


# ---- what is refused


def refused(error, call, *words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_options_that_make_no_sense():
    p = parameters(mg)[:1]
    for name, options in [
        ("SGD", {"lr": -1.0}), ("SGD", {"momentum": -0.1}), ("SGD", {"weight_decay": -1}), ("SGD", {"lr": float("nan")}),
        ("SGD", {"nesterov": True}), ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        ("Adam", {"lr": -1.0}), ("Adam", {"betas": (1.0, 0.9)}), ("Adam", {"betas": (0.9, 1.0)}), ("Adam", {"betas": (-0.1, 0.9)}),
        ("Adam", {"eps": -1e-8}), ("Adam", {"weight_decay": -0.1}), ("Adam", {"eps": float("nan")}),
    ]:
        refused(ValueError, lambda name=name, options=options: getattr(optim, name)(p, **options))
    refused(ValueError, lambda: optim.Adam(p, betas=(0.9, 1.5)), "Invalid beta parameter at index 1: 1.5")
    refused(ValueError, lambda: optim.Adam(p, betas=(0.9,)), "expected two")
    refused(ValueError, lambda: optim.SGD([{"params": p, "lr": -2}], lr=0.1), "-2")
    for name, options in [("SGD", {"lr": 0, "momentum": 0, "weight_decay": 0}), ("Adam", {"lr": 0, "betas": (0.0, 0.0), "eps": 0}),
                          ("SGD", {"nesterov": True, "momentum": 0.1})]:
        getattr(optim, name)(p, **options)


def test_parameters_that_cannot_be_optimized():
    p, q = parameters(mg)[:2]
    refused(TypeError, lambda: optim.SGD(p), "list")
    refused(ValueError, lambda: optim.SGD([]), "empty")
    refused(TypeError, lambda: optim.SGD([p, "q"]), "str")
    refused(TypeError, lambda: optim.SGD([np.ones(3)]), "ndarray")
    refused(ValueError, lambda: optim.SGD([p * 2]), "non-leaf", "(3, 2)")
    refused(ValueError, lambda: optim.SGD([{"params": [p]}, {"params": [p, q]}]), "more than one")
    refused(KeyError, lambda: optim.SGD([{"parameters": [p]}]), "params", "parameters")
    optimizer = optim.SGD(iter([p]))
    refused(ValueError, lambda: optimizer.add_param_group({"params": p}), "more than one")
    assert len(optimizer.param_groups) == 1 and optimizer.param_groups[0]["params"] == [p]
    refused(NotImplementedError, lambda: optim.Optimizer([q], {"lr": 1}).update({}, None, None, [], 1, True), "Optimizer")


def test_gradients_of_another_shape_or_dtype():
    for position in (0, 1):
        params = parameters(mg, shapes=[(2,), (3,)])
        optimizer = optim.SGD(params, lr=0.1)
        set_gradients(params, 1)
        params[position]._grad = Tensor(np.ones(params[position].shape, "float32"))
        refused(RuntimeError, optimizer.step, str(tuple(params[position].shape)), "float32", "float64")
        params[position]._grad = Tensor(np.ones(5))
        refused(RuntimeError, optimizer.step, "(5,)")


def test_a_parameter_that_is_locked_after_a_step():
    params = parameters(mg, shapes=[(2,), (3,)])
    optimizer = optim.SGD(params, lr=0.1)
    for locked in (False, True):
        params[1].array.flags.writeable = not locked
        before = [p.tolist() for p in params]
        set_gradients(params, 1)
        if locked:
            refused(RuntimeError, optimizer.step, "(3,)", "cannot be updated")
        else:
            optimizer.step()
        assert ([p.tolist() for p in params] == before) is locked


def test_a_state_dict_that_does_not_fit_changes_nothing():
    pair = Pair(*OPTIONS[1])
    pair.step(1)
    in_minigrad = pair.optimizers[0]
    before = copy.deepcopy(in_minigrad.state_dict())
    shorter = copy.deepcopy(before)
    shorter["param_groups"][0]["params"].pop()
    refused(ValueError, lambda: in_minigrad.load_state_dict(shorter), "[5]", "[4]")
    other = copy.deepcopy(before)
    other["state"][0]["momentum_buffer"] = mg.zeros(7, dtype=mg.float64)
    refused(ValueError, lambda: in_minigrad.load_state_dict(other), "momentum_buffer", "(7,)", "(3, 2)")
    other = copy.deepcopy(before)
    other["state"][9] = other["state"].pop(0)
    refused(ValueError, lambda: in_minigrad.load_state_dict(other), "parameter 9", "5 parameters")
    same_minigrad_states(in_minigrad.state_dict(), before)


def same_minigrad_states(a, b):
    assert a["param_groups"] == b["param_groups"] and set(a["state"]) == set(b["state"])
    for n in a["state"]:
        for key, value in a["state"][n].items():
            np.testing.assert_array_equal(value.numpy(), b["state"][n][key].numpy())


@both_sides
def test_repr_lists_the_groups(name, options):
    in_minigrad, in_torch = (str(o).splitlines() for o in Pair(name, options, [{"params": [0]}, {"params": [1], "lr": 0.7}]).optimizers)
    assert in_minigrad[0] == in_torch[0] and in_minigrad[-1] == in_torch[-1]
    known = {line.split(":")[0] for line in in_minigrad}
    assert in_minigrad == [line for line in in_torch if line.split(":")[0] in known]


def test_options_get_their_defaults():
    p = parameters(mg)[:1]
    for name in ("SGD", "Adam"):
        in_minigrad, in_torch = getattr(optim, name)(p).defaults, getattr(torch.optim, name)(parameters(torch)[:1]).defaults
        assert in_minigrad == {k: in_torch[k] for k in in_minigrad}


# ---- where parameters and states lie


def updates(optimizer):
    """Return a list that fills with the arguments p, g and states of each call of `update`."""
    calls, update = [], type(optimizer).update
    optimizer.update = lambda group, p, g, state, *rest: calls.append((p, g, *state)) or update(optimizer, group, p, g, state, *rest)
    return calls


def test_parameters_stay_where_they_are_and_are_updated_together():
    params = parameters(mg, shapes=[(3, 2), (2,), (17,)])
    before = [p.array for p in params]
    optimizer = optim.Adam(params, lr=0.1)
    calls = updates(optimizer)
    set_gradients(params, 1)
    optimizer.step()
    assert all(p.array is array and array.base is None for p, array in zip(params, before))
    assert [p.size for p, *_ in calls] == [6 + 2 + 17]  # there is one call
    assert [type(a).__name__ for a in calls[0]] == ["Pieces", "Pieces", "ndarray", "ndarray"]
    for name in ("exp_avg", "exp_avg_sq"):
        assert len({id(optimizer.state[p][name].array.base) for p in params}) == 1
    set_gradients(params, 2, skip=(1,))
    optimizer.step()
    assert [p.size for p, *_ in calls[1:]] == [6, 17]
    set_gradients(params, 3)
    optimizer.step()
    assert [p.size for p, *_ in calls[3:]] == [6, 2, 17]  # the counts of updates differ


@both_sides
def test_large_parameters_are_updated_where_they_lie(name, options):
    shapes = [(threads.LARGE, 2), (3,), (), (0,), (5, threads.LARGE), (17,)]
    pair = Pair(name, options, shapes=shapes)
    in_minigrad = pair.optimizers[0]
    calls, arrays_before = updates(in_minigrad), [p.array for p in pair.params[0]]
    for seed in range(3):
        pair.step(seed)
        pair.agree()
    assert [[type(a).__name__ for a in call[:2]] for call in calls] == [["Pieces", "Pieces"]] * 3
    for p, array in zip(pair.params[0], arrays_before):
        assert p.array is array and p.grad.array.base is None
    pair.params[0][4].grad = mg.tensor(np.ones((threads.LARGE, 5))).t()
    pair.params[1][4].grad = torch.ones((5, threads.LARGE), dtype=torch.float64)
    for optimizer in pair.optimizers:
        optimizer.step()
    pair.agree()


@both_sides
@pytest.mark.parametrize("large", [1, 1 << 40])
def test_pieces_do_not_ask_what_counts_as_large(monkeypatch, name, options, large):
    monkeypatch.setattr(threads, "LARGE", large)
    pair = Pair(name, options, shapes=[(1 << 15,), (3, 2), (), (5,)])
    for seed in range(3):
        pair.step(seed)
        pair.agree()


@pytest.mark.parametrize("n", [3, threads.LARGE])
def test_an_optimizer_of_ones_own_gets_one_parameter_at_a_time(n):
    class Plain(optim.Optimizer):
        def update(self, group, p, g, state, count, fresh):
            assert type(p) is type(g) is np.ndarray and p.shape == g.shape == (n, 1)
            assert count == 0 and not fresh and state == [] and not mg.is_grad_enabled()
            assert group["scale"] is scale and type(group["lr"]) is float  # only a tensor of one element becomes a number
            p -= group["lr"] * g

    params = [mg.zeros(n, 1, requires_grad=True), mg.zeros(n, 1, requires_grad=True)]
    for p, value in zip(params, (1.0, 2.0)):
        p.grad = mg.full(p.shape, value)
    scale = mg.ones(2)
    optimizer = Plain(params, {"lr": mg.tensor(0.5), "scale": scale})
    optimizer.step()
    assert not optimizer.state
    assert (params[0] == -0.5).all() and (params[1] == -1.0).all()


def test_a_step_that_was_put_in_place_of_the_optimizers_is_copied():
    optimizer = optim.SGD([mg.zeros(1, requires_grad=True)], lr=0.5)
    optimizer.step = seen = mg.ones  # any function
    assert copy.deepcopy(optimizer).step is seen


def test_a_second_optimizer_leaves_the_parameters_where_they_are():
    params = [mg.full((3,), 1.0, requires_grad=True), mg.full((2,), 2.0, requires_grad=True)]
    first, seen = optim.Adam(params, lr=0.1), [p.array for p in params]
    second = optim.SGD(params, lr=1.0)
    for p in params:
        p.grad = mg.ones_like(p)
    second.step()
    first.step()
    assert all(p.array is array for p, array in zip(params, seen))
    np.testing.assert_allclose(seen[0], [-0.1] * 3, rtol=1e-6)


@both_sides
def test_all_that_show_a_parameters_memory_show_it_trained(name, options):
    """Views, NumPy's arrays and arrays that own the memory, whether taken before or after the optimizer was made."""
    pair = Pair(name, options, shapes=[(4,), (3, 2), (5,)])
    in_minigrad = pair.params[0]
    memory = bytearray(in_minigrad[2].array.tobytes())
    in_minigrad[2].data = mg.from_numpy(np.frombuffer(memory, "float64"))
    seen = [in_minigrad[0].array, in_minigrad[1].detach().numpy().reshape(-1)[1:], in_minigrad[2].detach()[1:]]
    pair.optimizers[0] = getattr(optim, name)(in_minigrad, **options)
    later = [in_minigrad[0].detach()[1:], in_minigrad[1].detach().numpy(), np.frombuffer(memory, "float64")]
    for seed in range(3):
        pair.step(seed)
        pair.agree()
    a, b, c = (p.detach().numpy() for p in in_minigrad)
    for found, want in zip([*seen, *later], [a, b.reshape(-1)[1:], c[1:], a[1:], b, c]):
        np.testing.assert_array_equal(found, want)


@both_sides
def test_a_gradient_in_memory_of_others_that_a_parameter_shows(name, options):
    """Only addresses tell that the first update changes the second gradient."""
    pair = Pair(name, options, shapes=[(4,), (4,)])
    memory = bytearray(pair.params[0][0].array.tobytes())
    pair.params[0][0].data = mg.from_numpy(np.frombuffer(memory, "float64"))
    for seed in range(3):
        for params, optimizer in zip(pair.params, pair.optimizers):
            set_gradients(params, seed)
            params[1].grad = params[0].detach() if params is pair.params[1] else mg.from_numpy(np.frombuffer(memory, "float64"))
            optimizer.step()
        pair.agree()


@both_sides
def test_some_gradients_are_missing_now_and_then(name, options):
    pair, rng = Pair(name, options), np.random.default_rng(0)
    for seed in range(8):
        pair.step(seed, skip=tuple(rng.permutation(5)[:rng.integers(6)]))
        pair.agree()


def test_flat_buffers_leave_nothing_behind():
    gc.collect()
    zeros = flat.zeros_like([np.ones(3), np.ones(2)])
    before, many = len(flat._buffers), [flat.zeros_like([np.ones(3)]) for _ in range(50)]
    assert len(flat._buffers) == before + 50
    del zeros, many
    gc.collect()
    zeros = flat.zeros_like([np.ones(3), np.ones(2)])
    assert len(flat._buffers) <= before and flat.stretch(*zeros).tolist() == [0] * 5


def test_each_dtype_has_a_buffer():
    zeros = flat.zeros_like([np.ones((2, 2)), np.ones(3), np.ones(3, "float32"), np.ones((), "float32")])
    assert [(z.shape, z.dtype.name) for z in zeros] == [((2, 2), "float64"), ((3,), "float64"), ((3,), "float32"), ((), "float32")]
    assert zeros[0].base is zeros[1].base is not zeros[2].base is zeros[3].base
    assert [z.base.size for z in zeros] == [7, 7, 4, 4] and not any(z.any() for z in zeros)


def test_neighbours_of_two_buffers_do_not_follow_each_other():
    memory = bytearray(64)
    first, second = np.frombuffer(memory, count=4), np.frombuffer(memory, offset=32)  # one right behind the other
    buffers = {id(first): weakref.ref(first), id(second): weakref.ref(second)}
    with mock.patch.dict(flat._buffers, buffers):
        assert flat.follows(first[:2], first[2:]) and not flat.follows(first[2:], second[:2])
    assert not flat.follows(first[:2], first[2:])


def test_which_arrays_follow_each_other_in_a_buffer():
    a, b, c = zeros = flat.zeros_like([np.ones((2, 2)), np.ones(3), np.ones(2)])
    other = flat.zeros_like(zeros)
    assert flat.follows(a, b) and flat.follows(b, c)
    assert not flat.follows(a, c) and not flat.follows(a.T, b) and not flat.follows(a, other[1])
    first, square = flat.zeros_like([np.ones(3), np.ones((2, 2))])
    assert flat.follows(first, square) and not flat.follows(first, square.T)
    own = np.zeros(7)
    assert not flat.follows(own[:4], own[4:])  # not in a flat buffer
    with mock.patch.dict(flat._buffers, {id(own): weakref.ref(a.base)}):  # as if it had got the place of freed memory
        assert not flat.follows(own[:4], own[4:])
    flat.stretch(b, c)[...] = range(5)
    assert a.sum() == 0 and b.tolist() == [0, 1, 2] and c.tolist() == [3, 4]


@both_sides
def test_parameters_that_left_the_buffer(name, options):
    pair = Pair(name, options)
    pair.step(1)
    in_minigrad, in_torch = pair.params
    for i in (1, 2):  # these are neighbours
        in_minigrad[i].data = mg.tensor(np.full(in_minigrad[i].shape, 5.0))
        in_torch[i].data = torch.full(in_torch[i].shape, 5.0, dtype=torch.float64)
    for seed in range(2, 5):
        pair.step(seed)
        for i, (a, b) in enumerate(zip(in_minigrad, in_torch)):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), 1e-14, 1e-14, err_msg=f"parameter {i}")


@both_sides
def test_gradients_that_are_views(name, options):
    pair = Pair(name, options, shapes=[(3, 2), (2,)])
    for seed in range(3):
        rng = np.random.default_rng(seed)
        g = rng.normal(0, 1, (2, 3))
        for params, make in zip(pair.params, (mg.tensor, torch.tensor)):
            params[0].grad = make(g).t()
            params[1].grad = make(g[:, 0].copy())
        for optimizer in pair.optimizers:
            optimizer.step()
        pair.agree()
    for params, make in zip(pair.params, (mg.tensor, torch.tensor)):
        params[0].grad, params[1].grad = make(g).t(), None
    for optimizer in pair.optimizers:
        optimizer.step()
    pair.agree()


def test_updates_are_logged_as_writes():
    p, q = parameters(mg, shapes=[(2,), (2,)])
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    loss = (p * p).sum()
    p.grad = mg.ones(2, dtype=mg.float64)
    optimizer.step()
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()
    loss = (q * optimizer.state[p]["momentum_buffer"]).sum()
    optimizer.step()
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()


def test_a_change_of_dtype_takes_the_state_along():
    (p,) = parameters(mg, shapes=[(2,)])
    (q,) = parameters(torch, shapes=[(2,)])
    in_minigrad, in_torch = optim.Adam([p], lr=0.1), torch.optim.Adam([q], lr=0.1)
    set_gradients([p], 1)
    set_gradients([q], 1)
    in_minigrad.step()
    in_torch.step()
    p.data = p.detach().float()
    p.grad = mg.tensor([1.0, 2.0])
    in_minigrad.step()
    assert in_minigrad.state[p]["exp_avg"].dtype == mg.float32 and in_minigrad.state[p]["step"].item() == 2
    q.grad = torch.tensor([1.0, 2.0], dtype=torch.float64)
    in_torch.step()
    np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), 1e-5)
