"""What every optimizer does: param groups, flat storage, zero_grad, state dicts. A subclass says how a run of parameters is updated."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from .. import backend
from ..autograd.modes import in_mode
from ..autograd.writes import wrote
from ..tensor import Tensor
from .flat import lay_out


class Optimizer:
    """Base class. A subclass gives `defaults` and writes `update(group, p, g, state, count)` on raw arrays.

    The parameters of a group move into one flat buffer whose views they become (those whose memory nobody else sees), their
    state likewise. A parameter whose gradient is None is skipped: no decay, no state, no count.
    """

    buffers: tuple[str, ...] = ()  # names of the arrays kept for each parameter
    fused = False  # `update` hands the gradient to fused functions only: those of many parameters then need no copy

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("params: expected an iterable of tensors or dicts, got one Tensor; put it in a list")
        self.defaults, self.state, self.param_groups = defaults, defaultdict(dict), []  # type: ignore[var-annotated]
        self._where: dict = {}
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters, with options of their own: {"params": [...], "lr": ...}."""
        group = param_group
        if "params" not in group:
            raise KeyError(f"a param group needs 'params'; this one has {list(group)}")
        params = group["params"]
        group = {**group, "params": [params] if isinstance(params, Tensor) else list(params)}
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError(f"can't optimize a non-leaf Tensor (shape {tuple(p.shape)}, made by {p.grad_fn})")
            if id(p) in known:
                raise ValueError("some parameters appear in more than one parameter group")
            known.add(id(p))
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        self.check(group)
        self.param_groups.append(group)
        for flat in lay_out(group["params"]):
            self._where.update({id(p): (flat, i) for i, p in enumerate(flat.params)})
            flat.state = {}  # type: ignore[attr-defined]

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for options that make no sense."""
        if not group["lr"] >= 0:
            raise ValueError(f"Invalid learning rate: {group['lr']}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or fill them with 0)."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    p._grad = p._grad.detach()
                    p._grad.zero_()

    def step(self, closure: Any = None) -> Any:
        """Update every parameter that has a gradient; a closure is called first, and its loss returned."""
        loss = None
        if closure is not None:
            loss = in_mode(True, closure)
        before, token = backend.get_warnings(), None
        try:
            token = backend.set_warnings(backend.QUIET)
            in_mode(False, self._update_groups)
        finally:
            backend.set_warnings(before) if token is None else backend.reset_warnings(token)
        return loss

    def _update_groups(self) -> None:
        for group in self.param_groups:
            for run in self._runs(group):
                self._update_run(group, run)

    # ---- runs: parameters that lie side by side and are at the same count

    def _runs(self, group: dict[str, Any]) -> Iterable[list]:
        run: list = []
        last: Any = None
        for p in group["params"]:
            if p._grad is None:
                last = None
                continue
            flat, i = self._where.get(id(p), (None, 0))
            if flat is not None and not flat.holds(i):
                flat = None
            key = (flat, i - 1, self._count(p))
            if flat is not None and last == key:
                run.append(p)
            else:
                if run:
                    yield run
                run = [p]
            last = (flat, i, key[2])
        if run:
            yield run

    def _count(self, p: Tensor) -> int:
        """How many updates `p` has had."""
        state = self.state.get(p)
        return 0 if not state or "step" not in state else int(state["step"].array)

    def _update_run(self, group: dict[str, Any], run: list) -> None:
        for p in run:
            g = p._grad.array
            if g.dtype != p.array.dtype or g.shape != p.array.shape:
                raise RuntimeError(f"step: a parameter of shape {tuple(p.shape)}, {p.dtype} has a gradient of shape {tuple(g.shape)}, "
                                   f"{g.dtype}")
        fresh = [self._prepare(group, p) for p in run]
        names = self.names(group)
        if len(run) == 1:
            p = run[0]
            gradient = backend.array_module(p.array).ascontiguousarray(p._grad.array).reshape(p.array.shape)
            arrays = [p.array, gradient, *[self.state[p][name].array for name in names]]
        else:
            flat, first = self._where[id(run[0])]
            last = first + len(run) - 1
            arrays = [flat.part(flat.array, first, last), flat.gather(first, last, self.fused),
                      *[flat.part(flat.state[name], first, last) for name in names]]
        self.update(group, arrays[0], arrays[1], arrays[2:], self._count(run[0]), fresh[0])
        wrote(arrays[0])

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of the state arrays that this group keeps."""
        return self.buffers

    def _prepare(self, group: dict[str, Any], p: Tensor) -> bool:
        """Give `p` its state where it has none, and count the update; True where it is the first."""
        state, names = self.state[p], self.names(group)
        fresh = False
        for name in names:
            held = state.get(name)
            if held is None or held.array.dtype != p.array.dtype or type(held.array) is not type(p.array):
                fresh = held is None or fresh
                state[name] = self._buffer(p, name, held)
        if names:
            if "step" not in state:
                state["step"] = Tensor(backend.asarray(0, backend.float32))
            state["step"].array += 1
        return fresh

    def _buffer(self, p: Tensor, name: str, held: Any) -> Tensor:
        flat, i = self._where.get(id(p), (None, 0))
        if flat is not None and flat.holds(i):
            if name not in flat.state:
                flat.state[name] = backend.array_module(flat.array).zeros_like(flat.array)
            array = flat.view(flat.state[name], i)
            array[...] = 0
        else:
            array = backend.array_module(p.array).zeros(p.array.shape, p.array.dtype)
        if held is not None:
            array[...] = backend.to_device(held.array, backend.device_of(array))
        return Tensor(array)

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Change the raw array `p` in place, given its gradient, its state arrays, and the number of this update."""
        raise TypeError(f"{type(self).__name__} does not say how to update")

    # ---- state dicts

    def state_dict(self) -> dict[str, Any]:
        """{"state": {number: {name: tensor}}, "param_groups": [...]} with parameters numbered in order, as in PyTorch."""
        numbers = {id(p): n for n, p in enumerate(p for g in self.param_groups for p in g["params"])}
        state = {numbers[id(p)]: {k: v for k, v in s.items() if k in self.saved(s)} for p, s in self.state.items() if s}
        groups = [{**{k: v for k, v in g.items() if k != "params"}, "params": [numbers[id(p)] for p in g["params"]]}
                  for g in self.param_groups]
        return {"state": {n: state[n] for n in sorted(state)}, "param_groups": groups}

    def saved(self, state: dict[str, Any]) -> Iterable[str]:
        """Which entries of a parameter's state belong in a state dict."""
        return state.keys()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state dict of an optimizer with groups of the same lengths; nothing changes where it does not fit."""
        groups, saved = self.param_groups, copy.deepcopy(state_dict["param_groups"])
        if [len(g["params"]) for g in groups] != [len(g["params"]) for g in saved]:
            raise ValueError(f"load_state_dict: this optimizer has groups of {[len(g['params']) for g in groups]} parameters, "
                             f"the state dict of {[len(g['params']) for g in saved]}")
        params = {n: p for g, s in zip(groups, saved) for n, p in zip(s["params"], g["params"])}
        for n, entries in state_dict["state"].items():
            if n not in params:
                raise ValueError(f"load_state_dict: there is a state of parameter {n}, but no group of the state dict has it among its "
                                 f"{len(params)} parameters")
            for name, value in entries.items():
                if name != "step" and isinstance(value, Tensor) and tuple(value.shape) != tuple(params[n].shape):
                    raise ValueError(f"load_state_dict: {name} of parameter {n} has shape {tuple(value.shape)}, "
                                     f"the parameter {tuple(params[n].shape)}")
        self.state.clear()
        for n, entries in state_dict["state"].items():
            p = params[n]
            for name, value in entries.items():
                if name == "step":
                    self.state[p][name] = Tensor(backend.asarray(float(value), backend.float32))
                else:
                    self.state[p][name] = self._buffer(p, name, value) if isinstance(value, Tensor) else value
        for group, new in zip(groups, saved):
            group.update({k: v for k, v in new.items() if k != "params"})

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n" + "".join(f"    {k}: {group[k]}\n" for k in sorted(group) if k != "params")
        return text + ")"
