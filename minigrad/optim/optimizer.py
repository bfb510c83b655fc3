"""Optimizer, the base of all optimizers: param groups, steps, zero_grad, state dicts. A subclass defines how a parameter is updated."""

from __future__ import annotations

import copy
import itertools
import warnings
from collections import defaultdict
from typing import Any

from .. import backend
from .._tensor import Tensor
from ..autograd.graph import wrap
from ..autograd.modes import in_mode
from ..functions.gradients import clear_gradients
from ..functions.writing import READ_ONLY, is_read_only
from .flat import lay_out, zeros_like
from .options import plain
from .plan import Plan, is_ready


class Optimizer:
    """Base class. A subclass gives `defaults` and writes `update(group, p, g, state, count, fresh)` on raw arrays.

    Parameters on the host stay where they are. Those on a device move into a flat buffer when the optimizer is made, unless another
    tensor shows their memory, so that a step is few kernels. A parameter whose gradient is None is skipped: no decay, no state, no count.
    """

    buffers: tuple[str, ...] = ()  # names of the arrays kept for each parameter
    counted = True  # whether the updates of each parameter are counted; the number is kept as "step"
    fused = False  # whether `update` passes p, g and the states to @fuse functions only, so that one call may update many parameters
    not_negative: tuple[str, ...] = ()  # names of the options that must not be negative, beside the rate

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got one Tensor; "
                            "put it in a list")
        self.defaults, self.state, self.param_groups = defaults, defaultdict(dict), []  # type: ignore[var-annotated]
        self._plans: dict[int, Plan] = {}  # by the group's number
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters, with options of their own: {"params": [...], "lr": ...}."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        if "params" not in param_group:
            raise KeyError(f"a param group needs 'params'; this one has {list(param_group)}")
        group, given = param_group, param_group["params"]
        if isinstance(given, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
                            "will change between runs. Please use a list instead.")
        given = [given] if isinstance(given, Tensor) else list(given)
        named = [entry for entry in given if isinstance(entry, tuple)]
        if named and len(named) < len(given):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        params = [p for _, p in named] or given
        self._check_parameters(params, bool(named) or "param_names" in group)
        group["params"] = params
        if named:
            group["param_names"] = [name for name, _ in named]
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        self.check(group)
        self.param_groups.append(group)
        lay_out(params)

    def _check_parameters(self, params: list, with_names: bool) -> None:
        """Raise if a parameter cannot be optimized, or does not go with the groups that were added before."""
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf and not p.retains_grad:
                raise ValueError(f"can't optimize a non-leaf Tensor (shape {tuple(p.shape)}, made by {p.grad_fn})")
        ids = {id(p) for p in params}
        if len(ids) < len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters; each is updated as often as it is there",
                          stacklevel=5)
        for group in self.param_groups:
            if with_names != ("param_names" in group):
                raise ValueError("all optimizer param groups should be with/without names. cannot add param group "
                                 f"{'with' if with_names else 'without'} names to the optimizer")
            if any([id(p) in ids for p in group["params"]]):
                raise ValueError("some parameters appear in more than one parameter group")

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for options that make no sense."""
        lr = group.get("lr", 0)  # a subclass may have none
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError(f"Tensor lr must be 1-element, not of shape {tuple(lr.shape)}")
        if not lr >= 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        for name in self.not_negative:
            if not group[name] >= 0:
                raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {group[name]}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Set all gradients to None, or fill them with 0."""
        for group in self.param_groups:
            clear_gradients(group["params"], set_to_none)

    def step(self, closure: Any = None) -> Any:
        """Update every parameter that has a gradient. If a `closure` is given, call it first, and return its loss."""
        loss = None if closure is None else in_mode(True, closure)
        backend.without_fp_warnings(in_mode, False, self._update_groups)
        return loss

    def _update_groups(self) -> None:
        """Update the parameters of all groups, after all of them were checked."""
        groups = [{name: plain(value) if isinstance(value, Tensor) else value for name, value in group.items()}
                  for group in self.param_groups]
        gradients = [self._gradients(number, group) for number, group in enumerate(groups)]
        for number, group in enumerate(groups):
            self._update_group(number, group, gradients[number])

    def _gradients(self, number: int, group: dict[str, Any]) -> list:
        """Return the gradient of each parameter of a group, or None. Raise, before anything changes, if one cannot be updated.

        Drop the plan of the group unless it was made for the arrays that the parameters and their states have now.
        """
        params, names = group["params"], self.names(group)
        arrays = [p.array for p in params]
        gradients = [None if p._grad is None else p._grad.array for p in params]
        for array, g in zip(arrays, gradients):
            if g is not None and (g.dtype != array.dtype or g.shape != array.shape or type(g) is not type(array) or (
                    type(array) is backend.ndarray and not array.flags.writeable)):
                _refuse(array, g)
        if number in self._plans and self._plans[number].is_for([arrays, *self._states(params, names)], gradients):
            return gradients
        self._plans.pop(number, None)
        for p, g in [pair for pair in zip(params, gradients) if pair[1] is not None]:
            if is_read_only(p):
                _refuse(p.array, g)
            for name in names:
                if (held := self.state[p].get(name)) is not None and held.array.shape != p.array.shape:
                    raise RuntimeError(f"step: a parameter has shape {tuple(p.array.shape)}, its {name} {tuple(held.array.shape)}; "
                                       "where a parameter takes another shape, make a new optimizer, or forget optimizer.state[parameter]")
        return gradients

    def _states(self, params: list, names: tuple[str, ...]) -> list[list]:
        """Return, for each name, the arrays of the parameters' states, with None for one that is missing."""
        states = [self.state.get(p, {}) for p in params] if names else []
        return [[getattr(state.get(name), "array", None) for state in states] for name in names]

    def _update_group(self, number: int, group: dict[str, Any], gradients: list) -> None:
        """Update the parameters of one group that have a gradient; first create the states that are missing, and the plan."""
        names, params = self.names(group), group["params"]
        counted = self.counted and names
        counts = [None if g is None else _count(self.state[p]) if counted else 0 for p, g in zip(params, gradients)]
        fresh = [False] * len(params)
        if number not in self._plans:
            states = {p: self.state[p] for p, g in zip(params, gradients) if names and g is not None}
            new = {p for p, state in states.items() if any([state.get(name) is None for name in names])}
            fresh = [p in new for p in params]
            for name in names:
                held = [(p, state.get(name)) for p, state in states.items()]
                self._renew(name, [(p, old) for p, old in held if not is_ready(p.array, getattr(old, "array", None))])
            self._plans[number] = Plan([[p.array for p in params], *self._states(params, names)], self.fused)
        plan, first = self._plans[number], 0
        together = plan.together and plan.is_apart(gradients)
        for (count, is_fresh), run in itertools.groupby(zip(counts, fresh)):
            last = first + sum(1 for _ in run)
            for batch in () if count is None else plan.batches_of(first, last, together):
                self.update(group, batch.arrays[0], batch.gather(gradients), batch.arrays[1:], count or 0, is_fresh)
                batch.wrote()
            first = last

    def _renew(self, name: str, held: list[tuple[Tensor, Any]]) -> None:
        """Replace the state `name` of each parameter by a new array, with the values of the tensor paired with it, or zeros for None."""
        for (p, old), array in zip(held, zeros_like([p.array for p, _ in held])):
            if old is not None:
                array[...] = backend.to_device(old.array, backend.device_of(array))
            self.state[p][name] = wrap(array)

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the state arrays that this group keeps for each parameter."""
        return self.buffers

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Change a parameter `p` and its states in place; all are raw arrays, and `g` is its gradient.

        If the class is `fused`, they may also stand for several parameters: as one flat array, or as Pieces, which @fuse functions take.
        count: the number of this update, from 1 on; 0 if updates are not counted. fresh: whether a state array was missing when this step
        came to the group; missing ones are zeros now. A parameter that is twice in its group is fresh both times, and the second time
        the states hold what the first update left.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to update: define update, or step")

    # ---- state dicts

    def state_dict(self) -> dict[str, Any]:
        """Return {"state": {number: {name: tensor}}, "param_groups": [...]} with parameters numbered in order, as in PyTorch."""
        numbers: dict[int, int] = {}
        start = 0
        for group in self.param_groups:  # a parameter that is there twice has its last number within the first group that has it
            numbers.update({id(p): n for n, p in enumerate(group["params"], start) if id(p) not in numbers})
            start += len(group["params"])
        state = {numbers[id(p)]: dict(s) for p, s in self.state.items() if s}
        groups = [{**{k: v for k, v in g.items() if k != "params"}, "params": [numbers[id(p)] for p in g["params"]]}
                  for g in self.param_groups]
        return {"state": {n: state[n] for n in sorted(state)}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a copy of a state dict of an optimizer with groups of the same lengths; change nothing if it does not fit."""
        groups, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if [len(g["params"]) for g in groups] != [len(g["params"]) for g in saved]:
            raise ValueError(f"load_state_dict: this optimizer has groups of {[len(g['params']) for g in groups]} parameters, "
                             f"the state dict of {[len(g['params']) for g in saved]}")
        params = {n: (p, self.names({**g, **s})) for g, s in zip(groups, saved) for n, p in zip(s["params"], g["params"])}
        for n, entries in state_dict["state"].items():
            if n not in params:
                raise ValueError(f"load_state_dict: there is a state of parameter {n}, but no group of the state dict has it among its "
                                 f"{len(params)} parameters")
            p, names = params[n]
            if not isinstance(entries, dict):
                raise TypeError(f"load_state_dict: the state of parameter {n} is no dict but {type(entries).__name__}")
            for name in names:
                value = entries.get(name)
                if value is not None and not isinstance(value, Tensor):
                    raise TypeError(f"load_state_dict: {name} of parameter {n} is no tensor but {type(value).__name__}")
                if value is not None and tuple(value.shape) != tuple(p.shape):
                    raise ValueError(f"load_state_dict: {name} of parameter {n} has shape {tuple(value.shape)}, "
                                     f"the parameter {tuple(p.shape)}")
        self.state.clear()
        for n, entries in state_dict["state"].items():
            p, names = params[n]
            self.state[p] = {name: self._loaded(p, name, value, names) for name, value in entries.items()}
        for name in dict.fromkeys(name for _, names in params.values() for name in names):
            held = [(p, self.state[p].get(name)) for p, names in params.values() if name in names and p in self.state]
            self._renew(name, [(p, value) for p, value in held if value is not None])
        for group, new in zip(groups, saved):
            group.update({k: v for k, v in new.items() if k != "params"})

    def _loaded(self, p: Tensor, name: str, value: Any, names: tuple[str, ...]) -> Any:
        """Return a copy of a value in a state dict, a tensor on the device and in the dtype of `p`; return a state array as it is."""
        if name == "step" and self.counted and names:
            return wrap(backend.asarray(float(value), backend.float32))
        if not isinstance(value, Tensor):
            return copy.deepcopy(value)
        if name in names:
            return value  # `_renew` copies it
        return value.detach().to(p.device, p.dtype if p.is_floating_point() and name != "step" else value.dtype, copy=True)

    # ---- copies

    def __getstate__(self) -> dict[str, Any]:
        """Return all attributes but the plans, which hold for these parameters only, and a `step` that a schedule has marked."""
        marked = hasattr(self.step, "_wrapped_by_lr_sched")
        return {name: value for name, value in vars(self).items() if name != "_plans" and not (name == "step" and marked)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._plans = {}

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n" + "".join(f"    {k}: {group[k]}\n" for k in sorted(group) if k != "params")
        return text + ")"


def _count(state: dict[str, Any]) -> int:
    """Count an update in the state of a parameter, and return its number, from 1 on."""
    if "step" not in state:
        state["step"] = wrap(backend.asarray(0, backend.float32))
    array = state["step"].array
    array[...] = array.item() + 1
    return int(array.item())


def _refuse(array: Any, g: Any) -> None:
    """Raise the error of a parameter that its gradient does not fit, or else of one that cannot be written."""
    if g.dtype != array.dtype or g.shape != array.shape:
        raise RuntimeError(f"step: a parameter of shape {tuple(array.shape)}, {array.dtype} has a gradient of shape "
                           f"{tuple(g.shape)}, {g.dtype}; where a parameter changes, its gradient must be computed anew")
    if type(g) is not type(array):
        raise backend.DeviceMismatchError(f"step: a parameter of shape {tuple(array.shape)} on {backend.device_of(array)} has a "
                                          f"gradient on {backend.device_of(g)}; move the network with .to(device)")
    raise RuntimeError(f"step: a parameter of shape {tuple(array.shape)} cannot be updated: {READ_ONLY}")
