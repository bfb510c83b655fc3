"""Learning-rate schedules: StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR and LambdaLR.

As in PyTorch, each step computes the rate from the current one where it can ("chainable form"), so that two
schedules on one optimizer multiply, and a rate that a program sets by hand is carried on.
"""

from __future__ import annotations

import functools
import math
import types
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._tensor import Tensor

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LambdaLR", "MultiStepLR", "StepLR"]


class LRScheduler:
    """Base of all schedules. A subclass writes `next_lr` or `get_lr`, and `closed_form_lr` if its rate has a formula.

    optimizer: the "lr" of its param groups is set; the rate at the beginning is kept as "initial_lr".
    last_epoch: the number of steps already taken, -1 for a fresh start.
    """

    def __init__(self, optimizer: Any, last_epoch: int = -1) -> None:
        if not hasattr(optimizer, "param_groups"):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _value(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming with last_epoch {last_epoch}; "
                               "load the optimizer's state dict first, or leave last_epoch at -1 for a fresh run")
        self.base_lrs: list[float] = [_value(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        _note_steps(optimizer)
        self._step_count = 0
        self._is_initial = True
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
        """Return the rates after `last_epoch` steps of this schedule alone."""
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
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                warnings.warn("The epoch parameter in `scheduler.step()` is deprecated. Please use `scheduler.step()` to step the "
                              "scheduler. With an epoch the closed form is used instead of the chainable form.", stacklevel=2)
                self.last_epoch = epoch
                rates = self.closed_form_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(float(rate))
            else:
                group["lr"] = rate
        self._last_lr = self._current()

    def _current(self) -> list[float]:
        return [_value(group["lr"]) for group in self.optimizer.param_groups]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes of a copy, and let its optimizer, which was copied with it, note its steps."""
        vars(self).update(state)
        _note_steps(self.optimizer)


def _value(rate: Any) -> Any:
    """Return a rate as it is now: a number as it is, a tensor, which may be written to later, as a copy."""
    return rate.clone() if isinstance(rate, Tensor) else rate


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


class StepLR(LRScheduler):
    """lr ← gamma · lr every `step_size` epochs."""

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._current()
        return [lr * self.gamma for lr in self._current()]

    def closed_form_lr(self) -> list[float]:
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr ← gamma · lr at each epoch in `milestones`, twice at an epoch that is listed twice."""

    def __init__(self, optimizer: Any, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        if self.last_epoch not in self.milestones:
            return self._current()
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in self._current()]

    def closed_form_lr(self) -> list[float]:
        passed = sum(times for epoch, times in self.milestones.items() if epoch <= self.last_epoch)
        return [lr * self.gamma**passed for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr ← gamma · lr every epoch."""

    def __init__(self, optimizer: Any, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        if self._is_initial:
            return self._current()
        return [lr * self.gamma for lr in self._current()]

    def closed_form_lr(self) -> list[float]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (lr₀ - eta_min) (1 + cos(π t / T_max)) / 2 after t epochs; up again after T_max.

    Source: Loshchilov and Hutter, SGDR, 2017, without its restarts.
    """

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        t, low = self.last_epoch, self.eta_min
        if self._is_initial:
            return self._current()
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # at eta_min the ratio below is 0 / 0
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - low) * rise for lr, base in zip(self._current(), self.base_lrs, strict=True)]
        ratio = (1 + math.cos(math.pi * t / self.T_max)) / (1 + math.cos(math.pi * (t - 1) / self.T_max))
        return [ratio * (lr - low) + low for lr in self._current()]

    def closed_form_lr(self) -> list[float]:
        low, wave = self.eta_min, 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [low + (lr - low) * wave / 2 for lr in self.base_lrs]


class LambdaLR(LRScheduler):
    """lr = lr₀ · lr_lambda(t) after t epochs; a list has one function for each param group."""

    def __init__(self, optimizer: Any, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]], last_epoch: int = -1) -> None:
        n = len(optimizer.param_groups)
        self.lr_lambdas: list[Any] = list(lr_lambda) if isinstance(lr_lambda, list | tuple) else [lr_lambda] * n
        if len(self.lr_lambdas) != n:
            raise ValueError(f"Expected {n} lr_lambdas, but got {len(self.lr_lambdas)}")
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer; of each function its attributes, or None for one written with def or lambda."""
        saved = [None if isinstance(f, types.FunctionType) else dict(vars(f)) for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": saved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        functions = self.lr_lambdas
        super().load_state_dict(state_dict)
        self.lr_lambdas = functions
        for function, saved in zip(functions, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(function).update(saved)
