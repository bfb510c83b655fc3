"""LRScheduler, the base of all schedules: it sets the rates of an optimizer's param groups, step by step."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from ..._tensor import Tensor


class LRScheduler:
    """Base of all schedules. A subclass writes `next_lr` or `get_lr`, and `closed_form_lr` if its rate has a formula.

    optimizer: the "lr" of its param groups is set; the rate at the beginning is kept as "initial_lr".
    last_epoch: the number of steps already taken, -1 for a fresh start.
    """

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        self._watch(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", value_of(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming with last_epoch {last_epoch}; "
                               "load the optimizer's state dict first, or leave last_epoch at -1 for a fresh run")
        self.base_lrs: list[float] = [value_of(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        _note_steps(optimizer)
        self._initial_step()

    def _watch(self, optimizer: Any) -> None:
        """Store the optimizer; raise TypeError if it is none."""
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer

    def _initial_step(self) -> None:
        """Set the rates of the first epoch."""
        self._step_count, self._is_initial = 0, True
        self.step()
        self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Set the attributes that `state_dict` returned. The current rates are in the optimizer's state dict."""
        vars(self).update(state_dict)

    def get_last_lr(self) -> list[float]:
        """Return the rate of each param group since the latest step."""
        return self._last_lr

    def get_lr(self) -> list[float]:
        """Return the next rate of each param group, for `step`; warn if anything else asks for it."""
        if not self._get_lr_called_within_step:
            warnings.warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=2)
        return self.next_lr()

    def next_lr(self) -> list[float]:
        """Return the next rate of each param group."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr")

    def closed_form_lr(self) -> list[float]:
        """Return the rates after `last_epoch` steps of this schedule alone; without a formula for them, what `get_lr` returns."""
        return self.get_lr()

    def step(self, epoch: int | None = None) -> None:
        """Set the rates for the next epoch; call it after `optimizer.step()`. The argument `epoch` is deprecated."""
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
                warnings.warn("Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, "
                              "make sure to call `optimizer.step()` before `lr_scheduler.step()`; a schedule cannot tell whether this one "
                              "was called.", stacklevel=2)
            elif not getattr(self.optimizer, "_opt_called", False):
                warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                              "`optimizer.step()` before `lr_scheduler.step()`; otherwise the first value of the schedule is skipped.",
                              stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn("The epoch parameter in `scheduler.step()` is deprecated. Please use `scheduler.step()` to step the scheduler. "
                          "With an epoch the closed form is used instead of the chainable form.", stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates for the next epoch, or for the given one by the closed form."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set(self.get_lr if epoch is None else self.closed_form_lr)

    def _set(self, compute: Callable[[], list[float]]) -> None:
        """Set the rates that `compute` returns."""
        self._get_lr_called_within_step = True
        try:
            rates = compute()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = self._current()

    def _current(self) -> list[float]:
        return [value_of(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, ratio: float) -> list[float]:
        """Return the current rates times `ratio`."""
        return [lr * ratio for lr in self._current()]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes of a copy, and let its optimizer, which was copied with it, note its steps."""
        vars(self).update(state)
        _note_steps(self.optimizer)


def value_of(option: Any) -> Any:
    """Return an option as it is now: a number as it is, a tensor, which may be written to later, as a copy."""
    return option.clone() if isinstance(option, Tensor) else option


def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a param group; a tensor stays, and is filled."""
    if isinstance(group[name], Tensor):
        group[name].fill_(float(value))
    else:
        group[name] = value


def for_each_group(name: str, optimizer: Any, value: Any) -> list:
    """Return a value for each param group, from a list of as many or one value for all."""
    n = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        value = [value] * n
    if len(value) != n:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups: it has {len(value)} values, for {n} groups")
    return [value_of(v) for v in value]


def _note_steps(optimizer: Any) -> None:
    """Let `optimizer.step` set `_opt_called`, so that a schedule can tell when it is stepped too early."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    step, owner = optimizer.step, weakref.ref(optimizer)
    own = getattr(step, "__self__", None) is optimizer  # else a program has put another function in its place
    if own:
        step = step.__func__  # the bound method would keep the optimizer alive for ever

    @functools.wraps(step)
    def marked(*args: Any, **kwargs: Any) -> Any:
        optimizer = owner()
        optimizer._opt_called = True  # type: ignore[union-attr]
        return step(optimizer, *args, **kwargs) if own else step(*args, **kwargs)

    marked._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = marked
