"""PyTorch's own inputs for its optimizers, in float64: each gives PyTorch's steps, states and options, and each wrong one its error."""

import copy
import inspect
import warnings

import numpy as np
import pytest
import torch

import minigrad
from support.optional_tools import REQUIRED

if not REQUIRED:
    pytest.importorskip("expecttest", reason="PyTorch's sample inputs need expecttest, pip install expecttest")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_optimizers import optim_db

INFOS = {info.name: info for info in optim_db if hasattr(minigrad.optim, info.name)}
INPUTS = [(name, case.kwargs) for name, info in INFOS.items() for case in info.optim_inputs_func(device="cpu")]
WRONG = [(name, case) for name, info in INFOS.items() for case in info.optim_error_inputs_func("cpu", torch.float64)]
KERNELS = {"foreach", "fused", "capturable", "differentiable"}
SHAPES = [(3, 2), (4,), (), (0,)]
each_input = pytest.mark.parametrize(("name", "options"), INPUTS, ids=[f"{name}-{options}" for name, options in INPUTS])


def translated(x, lib, known):
    """Return an argument of PyTorch's with tensors of `lib`; a tensor that is there twice is so here too."""
    if isinstance(x, torch.Tensor):
        if id(x) not in known:
            known[id(x)] = x, lib.tensor(x.detach().numpy().copy(), requires_grad=x.requires_grad)
        return known[id(x)][1]
    if isinstance(x, dict):
        return {key: translated(value, lib, known) for key, value in x.items()}
    return type(x)(translated(value, lib, known) for value in x) if isinstance(x, list | tuple) else x


def numbers(x):
    """Return all numbers in a nested structure as arrays, with the way to each."""
    if isinstance(x, dict):
        return {f"{key}.{rest}": value for key, entry in x.items() for rest, value in numbers(entry).items()}
    if isinstance(x, list | tuple):
        return numbers(dict(enumerate(x)))
    return {} if x is None or isinstance(x, str) else {"": np.asarray(x.detach().numpy() if hasattr(x, "detach") else x, "float64")}


class Run:
    """An optimizer of one library on a loss with a closure, and where its parameters were after each step."""

    def __init__(self, lib, name, options):
        rng = np.random.default_rng(0)
        self.lib, self.seen = lib, []
        self.params = [lib.tensor(rng.normal(0, 1, shape), requires_grad=True) for shape in SHAPES]
        self.targets = [lib.tensor(rng.normal(0, 1, shape)) for shape in SHAPES]
        self.optimizer = getattr(lib.optim, name)(self.params, **translated(options, lib, {}))

    def loss(self):
        self.optimizer.zero_grad()
        terms = [(p * p * p * p / 10 + (p - target) * (p - target)).sum() for p, target in zip(self.params, self.targets)]
        loss = terms[0] + terms[1] + terms[2] + terms[3]
        loss.backward()
        return loss

    def step(self, steps):
        for _ in range(steps):
            self.seen.append([p.detach().numpy().copy() for p in self.params])
            self.seen[-1].append(self.optimizer.step(self.loss).detach().numpy())
        return self


def agree(in_minigrad, in_torch):
    for found, wanted in ((in_minigrad.seen, in_torch.seen), (in_minigrad.optimizer.state_dict(), in_torch.optimizer.state_dict())):
        found, wanted = ({key: value for key, value in numbers(x).items() if not KERNELS & set(key.split("."))} for x in (found, wanted))
        assert set(found) == set(wanted)
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, 1e-10, 1e-10, err_msg=key)


@each_input
def test_steps_states_and_options_are_pytorch_s(name, options):
    in_minigrad, in_torch = (Run(lib, name, options).step(4 if name == "LBFGS" else 10) for lib in (minigrad, torch))
    agree(in_minigrad, in_torch)
    left_out = [line for line in str(in_torch.optimizer).splitlines() if line.split(":")[0].strip() not in KERNELS]
    assert str(in_minigrad.optimizer).splitlines() == left_out


@each_input
def test_a_state_dict_of_pytorch_is_carried_on(name, options):
    in_minigrad, in_torch = Run(minigrad, name, options), Run(torch, name, options).step(3)
    in_minigrad.optimizer.load_state_dict(translated(in_torch.optimizer.state_dict(), minigrad, {}))
    with minigrad.no_grad():
        for p, wanted in zip(in_minigrad.params, in_torch.params):
            p.copy_(minigrad.from_numpy(wanted.detach().numpy()))
    in_torch.seen.clear()
    agree(in_minigrad.step(3), in_torch.step(3))
    again = Run(minigrad, name, options)
    again.optimizer.load_state_dict(copy.deepcopy(in_minigrad.optimizer.state_dict()))
    assert numbers(again.optimizer.state_dict()).keys() == numbers(in_minigrad.optimizer.state_dict()).keys()


@pytest.mark.parametrize(("name", "case"), WRONG, ids=[f"{name}-{case.optimizer_error_input.desc}" for name, case in WRONG])
def test_wrong_options_raise_pytorch_s_kind_of_error(name, case):
    given = case.optimizer_error_input
    params = [torch.ones(1, requires_grad=True)] if given.params is None else given.params
    known = {}
    with warnings.catch_warnings(), pytest.raises(case.error_type, match=case.error_regex):
        warnings.simplefilter("error")
        getattr(minigrad.optim, name)(translated(params, minigrad, known), **translated(given.kwargs, minigrad, known))


@pytest.mark.parametrize("name", INFOS)
def test_the_options_that_choose_a_kernel_have_no_effect_or_are_refused(name):
    plain = str(Run(minigrad, name, {}).optimizer)
    for option in KERNELS & set(inspect.signature(getattr(torch.optim, name)).parameters):
        for value in (None, False, True):
            if value and option in ("capturable", "differentiable"):
                with pytest.raises(RuntimeError, match=f"{option}=True"):
                    Run(minigrad, name, {option: value})
            else:
                assert str(Run(minigrad, name, {option: value}).optimizer) == plain
    if name in ("SGD", "Adam", "AdamW", "Adagrad"):
        for lib in (minigrad, torch):
            with pytest.raises(RuntimeError, match="cannot be `True` together"):
                Run(lib, name, {"foreach": True, "fused": True})


def test_betas_given_as_tensors_become_numbers():
    for lib in (minigrad, torch):
        betas = (lib.tensor(0.5), lib.tensor([0.75]))
        optimizer = lib.optim.AdamW([lib.zeros(1, requires_grad=True)], betas=betas)
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.75)
