"""ReduceLROnPlateau, the schedule that looks at a loss."""

from __future__ import annotations

import math
import warnings
from typing import Any

from .scheduler import LRScheduler, for_each_group, set_option


class ReduceLROnPlateau(LRScheduler):
    """lr ← max(factor · lr, min_lr) when `step(loss)` has got no better loss for more than `patience` epochs.

    A loss is better if it is less than best · (1 - threshold), or with threshold_mode="abs" than best - threshold; with mode="max" if it is
    as much greater. For `cooldown` epochs after a change no epoch counts as bad. A rate changes by more than eps, or not at all.
    """

    def __init__(self, optimizer: Any, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
                 threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | list[float] = 0, eps: float = 1e-8) -> None:
        if factor >= 1:
            raise ValueError(f"Factor should be < 1.0, but got {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown! It is 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown! It is 'rel' or 'abs'")
        self._watch(optimizer)
        self.min_lrs = for_each_group("min_lr", optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch, self._last_lr = 0, self._current()
        self._reset()

    def _reset(self) -> None:
        """Forget the best loss, and count epochs anew."""
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    @property
    def in_cooldown(self) -> bool:
        """Whether a change is so recent that no epoch counts as bad."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the loss of an epoch, and change the rates if it is time. The argument `epoch` is deprecated."""
        if epoch is not None:
            warnings.warn("The epoch parameter in `scheduler.step()` is deprecated. Please use `scheduler.step()` to step the scheduler.",
                          stacklevel=2)
        current, self.last_epoch = float(metrics), self.last_epoch + 1 if epoch is None else epoch
        self.num_bad_epochs += 1
        if self._is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        if self.in_cooldown:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown_counter - 1, 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._current()

    def _is_better(self, a: float, best: float) -> bool:
        """Return whether a loss is better than the best one by more than the threshold."""
        sign = 1 if self.mode == "max" else -1
        wanted = best * (1.0 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return a > wanted if self.mode == "max" else a < wanted

    def _reduce_lr(self) -> None:
        """Multiply the rates by the factor."""
        groups = self.optimizer.param_groups
        if len(self.min_lrs) != len(groups):
            if self.default_min_lr is None:
                raise RuntimeError(f"the optimizer has {len(groups)} param groups now, and had {len(self.min_lrs)} when ReduceLROnPlateau "
                                   "was made; set its `min_lrs` to a list of as many rates")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_option(group, "lr", new)
