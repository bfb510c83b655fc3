"""What every optimizer does: param groups, flat storage, zero_grad, state dicts. A subclass says how a run of parameters is updated."""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .. import backend
from .._tensor import Tensor
from ..autograd.modes import in_mode
from ..autograd.writes import wrote
from ..functions.writing import READ_ONLY, is_read_only
from .flat import Flat, lay_out

PLAIN = (float, int, bool, list)


class Optimizer:
    """Base class. A subclass gives `defaults` and writes `update(group, p, g, state, count, fresh)` on raw arrays.

    The parameters of a group move into one flat buffer whose views they become (those whose memory nobody else sees), their
    state likewise. A parameter whose gradient is None is skipped: no decay, no state, no count.
    """

    buffers: tuple[str, ...] = ()  # names of the arrays kept for each parameter
    counted = True  # `update` needs the number of the update, which is then kept as "step"
    fused = False  # `update` hands the gradient to fused functions only: those of many parameters then need no copy

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("params: expected an iterable of tensors or dicts, got one Tensor; put it in a list")
        self.defaults, self.state, self.param_groups = defaults, defaultdict(dict), []  # type: ignore[var-annotated]
        self._flats: list[Flat] = []
        self._where: dict = {}  # of a parameter that was put there, by its id: (flat, its number in it)
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
        for flat in lay_out(params):
            self._flats.append(flat)
            self._where.update({id(p): (flat, i) for i, p in enumerate(flat.params)})

    def _check_parameters(self, params: list, with_names: bool) -> None:
        """Raise for what cannot be optimized, and for what does not go with the groups that are there."""
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

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (or fill them with 0)."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    p._grad.detach_().zero_()

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
        if not self.state:
            self._forget_states()
        groups = [{name: value if type(value) in PLAIN else _plain(value) for name, value in group.items()} for group in self.param_groups]
        work = [(group, names, self._entries(group, names)) for group in groups for names in (self.names(group),)]
        for group, names, entries in work:
            for run in self._runs(entries, names):
                self._update_run(group, names, *run)

    def _forget_states(self) -> None:
        for flat in self._flats:
            flat.forget()

    def _entries(self, group: dict[str, Any], names: tuple[str, ...]) -> list:
        """Return (parameter, its state, its place) of each with a gradient. Raise, before anything changes, where one cannot be updated."""
        entries = []
        for p in group["params"]:
            if p._grad is None:
                continue
            array, g = p.array, p._grad.array
            if g.dtype != array.dtype or g.shape != array.shape:
                raise RuntimeError(f"step: a parameter of shape {tuple(array.shape)}, {array.dtype} has a gradient of shape "
                                   f"{tuple(g.shape)}, {g.dtype}; where a parameter changes, its gradient must be computed anew")
            if type(g) is not type(array):
                raise backend.DeviceMismatchError(f"step: a parameter of shape {tuple(array.shape)} on {backend.device_of(array)} has a "
                                                  f"gradient on {backend.device_of(g)}; move the network with .to(device)")
            state = self.state[p] if names else {}
            place = self._place(p, state, names)
            if not array.flags.writeable if type(array) is backend.ndarray else place is None and is_read_only(p):
                raise RuntimeError(f"step: a parameter of shape {tuple(array.shape)} cannot be updated: {READ_ONLY}")
            if place is None:
                self._check_state(p, state, names)
            entries.append((p, state, place))
        return entries

    def _check_state(self, p: Tensor, state: dict[str, Any], names: tuple[str, ...]) -> None:
        for name in names:
            held = state.get(name)
            if held is not None and held.array.shape != p.array.shape:
                raise RuntimeError(f"step: a parameter has shape {tuple(p.array.shape)}, its {name} {tuple(held.array.shape)}; "
                                   "where a parameter takes another shape, make a new optimizer, or forget optimizer.state[parameter]")

    def _place(self, p: Tensor, state: dict[str, Any], names: tuple[str, ...]) -> tuple | None:
        """Return (flat, i) where `p` and its state lie in buffers, and its gradient does not; else None."""
        place = self._where.get(id(p))
        if place is None or not place[0].holds(place[1]):
            return None
        flat, given = place[0], place[0].given[place[1]]
        for name in names:
            if name not in state or name not in given or state[name].array is not given[name]:
                return None
        g = p._grad.array
        if g.base is not None and any([backend.root(g) is buffer for buffer in (flat.array, *flat.state.values())]):
            return None
        return place

    # ---- runs: parameters that lie side by side, as their states, and are at the same count

    def _runs(self, entries: list, names: tuple[str, ...]) -> Iterator[tuple]:
        """Yield (parameters, count, fresh), each run when those before are updated: a parameter may be there twice."""
        lacking = {id(p) for p, state, place in entries if place is None and any([state.get(name) is None for name in names])}
        run: list = []
        following, at, counted = None, (0, False), bool(names) and self.counted
        for p, state, place in entries:
            if run and (place or self._where.get(id(p))) != following:
                yield run, *at
                run = []
            fresh = place is None and id(p) in lacking
            if place is None:
                self._prepare(p, state, names)
                place = self._place(p, state, names) if fresh else None
            now = self._count(state) if counted else 0, fresh
            if run and (place is None or now != at):
                yield run, *at
                run = []
            run.append(p)
            following, at = place and (place[0], place[1] + 1), now
        if run:
            yield run, *at

    def _update_run(self, group: dict[str, Any], names: tuple[str, ...], run: list, count: int, fresh: bool) -> None:
        if len(run) == 1:
            p = run[0]
            gradient = backend.array_module(p.array).ascontiguousarray(p._grad.array).reshape(p.array.shape)
            arrays = [p.array, gradient, *[self.state[p][name].array for name in names]]
        else:
            flat, first = self._where[id(run[0])]
            last = first + len(run) - 1
            arrays = [flat.part(flat.array, first, last), flat.gather(first, last, self.fused),
                      *[flat.part(flat.state[name], first, last) for name in names]]
        self.update(group, arrays[0], arrays[1], arrays[2:], count, fresh)
        for array in (arrays[0], *arrays[2:]):
            wrote(array)

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """The names of the state arrays that this group keeps."""
        return self.buffers

    def _prepare(self, p: Tensor, state: dict[str, Any], names: tuple[str, ...]) -> None:
        """Give `p` the state that it lacks, or that has another dtype or device."""
        if names and self.counted and "step" not in state:
            state["step"] = Tensor(backend.asarray(0, backend.float32))
        for name in names:
            held = state.get(name)
            if held is None or held.array.dtype != p.array.dtype or type(held.array) is not type(p.array):
                state[name] = self._buffer(p, name, held)

    def _count(self, state: dict[str, Any]) -> int:
        """Count an update; return its number."""
        if "step" not in state:
            state["step"] = Tensor(backend.asarray(0, backend.float32))
        array = state["step"].array
        array += 1
        return int(array)

    def _buffer(self, p: Tensor, name: str, held: Any) -> Tensor:
        flat, i = self._where.get(id(p), (None, 0))
        array = flat.give(name, i) if flat is not None and flat.holds(i) else None
        if array is None:
            array = backend.array_module(p.array).zeros(p.array.shape, p.array.dtype)
        if held is not None:
            array[...] = backend.to_device(held.array, backend.device_of(array))
        return Tensor(array)

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Change the raw array `p` in place, given its gradient, its state arrays, the number of this update, and whether it is the first
        (for one that is there twice in its group, also the second of its first step)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to update: define update, or step")

    # ---- state dicts

    def state_dict(self) -> dict[str, Any]:
        """Return {"state": {number: {name: tensor}}, "param_groups": [...]} with parameters numbered in order, as in PyTorch."""
        numbers: dict[int, int] = {}
        start = 0
        for group in self.param_groups:  # one that is there twice has the last number within its group, and of the first group
            numbers.update({id(p): n for n, p in enumerate(group["params"], start) if id(p) not in numbers})
            start += len(group["params"])
        state = {numbers[id(p)]: dict(s) for p, s in self.state.items() if s}
        groups = [{**{k: v for k, v in g.items() if k != "params"}, "params": [numbers[id(p)] for p in g["params"]]}
                  for g in self.param_groups]
        return {"state": {n: state[n] for n in sorted(state)}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state dict of an optimizer with groups of the same lengths; nothing changes where it does not fit."""
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
        self._forget_states()
        for n, entries in state_dict["state"].items():
            p, names = params[n]
            self.state[p] = {name: self._loaded(p, name, value, names) for name, value in entries.items()}
        for group, new in zip(groups, saved):
            group.update({k: v for k, v in new.items() if k != "params"})

    def _loaded(self, p: Tensor, name: str, value: Any, names: tuple[str, ...]) -> Any:
        """Return a copy of what a state dict holds for `p`: tensors where it is, and of its dtype, as in PyTorch."""
        if name == "step" and self.counted and names:
            return Tensor(backend.asarray(float(value), backend.float32))
        if not isinstance(value, Tensor):
            return copy.deepcopy(value)
        if name in names:
            return self._buffer(p, name, value)
        return value.detach().to(p.device, p.dtype if p.is_floating_point() and name != "step" else value.dtype, copy=True)

    # ---- copies

    def __getstate__(self) -> dict[str, Any]:
        """All but the places of its parameters, which a copy's are not in, and the mark that a schedule leaves on `step`."""
        marked = hasattr(self.step, "_wrapped_by_lr_sched")
        return {name: value for name, value in vars(self).items() if name not in ("_flats", "_where") and not (name == "step" and marked)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._flats, self._where = [], {}

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n" + "".join(f"    {k}: {group[k]}\n" for k in sorted(group) if k != "params")
        return text + ")"


def _plain(option: Any) -> Any:
    """Return the number in a tensor of one element; anything else as it is."""
    return option.item() if isinstance(option, Tensor) and option.numel() == 1 else option
