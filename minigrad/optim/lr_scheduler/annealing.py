"""Schedules that go up and down: CosineAnnealingLR, CosineAnnealingWarmRestarts and OneCycleLR."""

from __future__ import annotations

import math
from typing import Any

from .scheduler import LRScheduler, for_each_group


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


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (lr₀ - eta_min) (1 + cos(π T_cur / T_i)) / 2; T_cur counts epochs up to T_i = T_0, then from 0 up to T_mult · T_i, ….

    `step` also takes fractions of epochs. Source: Loshchilov and Hutter, SGDR, 2017.
    """

    def __init__(self, optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Expected positive integer {name}, but got {value}")
        if not isinstance(eta_min, float | int):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        wave = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * wave / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates for the next epoch, or for the given one, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = epoch or 0
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            if self.T_mult == 1:
                self.T_cur = epoch % self.T_0
            else:
                n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))  # rounds that are over
                self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
                self.T_i = self.T_0 * self.T_mult**n
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr)


class OneCycleLR(LRScheduler):
    """lr goes from max_lr / div_factor to max_lr in the share pct_start of all steps, then to the first rate / final_div_factor.

    It goes along half a cosine wave, or along a line with anneal_strategy="linear". With three_phase it takes as long back to the first
    rate as to max_lr, and goes down from there. With cycle_momentum the momentum, or beta1, goes from max_momentum to base_momentum and
    back meanwhile. Source: Smith and Topin, Super-Convergence, 2018, as in PyTorch.
    """

    def __init__(self, optimizer: Any, max_lr: float | list[float], total_steps: int | None = None, epochs: int | None = None,
                 steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos", cycle_momentum: bool = True,
                 base_momentum: float | list[float] = 0.85, max_momentum: float | list[float] = 0.95, div_factor: float = 25.0,
                 final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1) -> None:
        self._watch(optimizer)
        counts = [epochs, steps_per_epoch] if total_steps is None else [total_steps]
        if None in counts:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        for count in counts:
            if not isinstance(count, int) or count <= 0:
                raise ValueError(f"Expected positive integer total_steps, epochs or steps_per_epoch, but got {count}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.total_steps = n = math.prod(counts)  # type: ignore[arg-type]
        self._anneal_func_type, self.cycle_momentum = anneal_strategy, cycle_momentum
        names = ["initial_lr", "max_lr", *["initial_lr"] * three_phase, "min_lr"]
        ends = [pct_start * n - 1, *[2 * pct_start * n - 2] * three_phase, n - 1]
        momentum = {"initial_lr": "max_momentum", "max_lr": "base_momentum", "min_lr": "max_momentum"}
        self._schedule_phases = [
            {"end_step": end, "start_lr": a, "end_lr": b, "start_momentum": momentum[a], "end_momentum": momentum[b]}
            for end, a, b in zip(ends, names, names[1:])]
        options = {"max_lr": for_each_group("max_lr", optimizer, max_lr)}
        if cycle_momentum:
            if not {"momentum", "betas"} & set(optimizer.defaults):
                raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
            self.use_beta1 = "betas" in optimizer.defaults
            options["max_momentum"] = for_each_group("max_momentum", optimizer, max_momentum)
            options["base_momentum"] = for_each_group("base_momentum", optimizer, base_momentum)
        for i, group in enumerate(optimizer.param_groups if last_epoch == -1 else []):
            group.update({name: values[i] for name, values in options.items()})
            group["initial_lr"] = group["max_lr"] / div_factor
            group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def next_lr(self) -> list[float]:
        t, start = self.last_epoch, 0.0
        if t > self.total_steps:
            raise ValueError(f"Tried to step {t} times. The specified number of total steps is {self.total_steps}")
        for phase in self._schedule_phases:
            end: Any = phase["end_step"]
            if t <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (t - start) / (end - start)
        for group in self.optimizer.param_groups if self.cycle_momentum else []:
            value = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], share)
            group.update({"betas": (value, *group["betas"][1:])} if self.use_beta1 else {"momentum": value})
        return [self._between(group[phase["start_lr"]], group[phase["end_lr"]], share) for group in self.optimizer.param_groups]

    def _between(self, start: Any, end: Any, share: float) -> Any:
        """Return the value that lies at a share of the way from `start` to `end`."""
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
