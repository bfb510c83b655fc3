"""The health of a training: how large the gradients and the updates of each layer are, and which units are dead or saturated."""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .. import nn
from .._tensor import Tensor
from ..autograd import no_grad
from ..functions.creation import zeros
from ..functions.elementwise import maximum
from ..functions.indexing import where
from ..functions.shapes import cat, stack

BOUNDS = {nn.Tanh: (-0.97, 0.97), nn.Sigmoid: (0.03, 0.97)}  # outside, the derivative is below 0.06 for Tanh and 0.03 for Sigmoid
MANY_DEAD, MANY_SATURATED = 0.1, 0.5  # shares from which on `concerns` speaks of a layer
LARGEST_UPDATE, SMALLEST_UPDATE = 0.1, 1e-6  # ratios of update and weights beyond which it does
Epoch = dict[str, dict[str, float]]


@contextmanager
def watch(net: nn.Module, optimizer: Any, *, every: int = 1) -> Iterator[Health]:
    """Watch the training of `net` by `optimizer` in this block. It gives a `Health`, whose `epoch()` returns what was seen.

        with mg.inspect.watch(net, optimizer) as health:
            for _ in range(epochs):
                for x, target in batches:
                    optimizer.zero_grad()
                    criterion(net(x), target).backward()
                    optimizer.step()
                print(health.epoch())

    every: watch the first step of an epoch, and each `every`-th step after it. A watched step copies the weights, and reads them,
        their gradients and the outputs of the activations; the other steps cost next to nothing. No step waits for a device.

    The numbers of the training do not change. At the end of the block, also after an error, net and optimizer are as they were.
    """
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise ValueError(f"watch: every must be a whole number, at least 1, got {every!r}")
    health = Health(net, every)
    with ExitStack() as hooks:
        for path, layer in health._activations():
            hooks.enter_context(layer.register_forward_hook(functools.partial(health._see_output, path)))
        hooks.enter_context(net.register_forward_hook(health._see_answer))
        hooks.enter_context(around_steps(optimizer, health._see_step))
        yield health


class Health:
    """What `watch` has seen since the last call of `epoch()`."""

    def __init__(self, net: nn.Module, every: int) -> None:
        self._layers = {path or type(layer).__name__: layer for path, layer in net.named_modules()}
        self._every = every
        self._begin()

    def _begin(self) -> None:
        """Forget everything that was seen."""
        self._steps = 0
        self._latest: tuple[str, Any] = "", None  # the activation that was called last, and a weak reference to its output
        self._norms = {path: Norms() for path, _ in self._trained()}
        self._outputs = {path: DeadUnits() if isinstance(layer, nn.ReLU) else SaturatedOutputs() for path, layer in self._activations()}

    def _activations(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield the path and the layer of each activation whose outputs are watched."""
        return ((path, layer) for path, layer in self._layers.items() if isinstance(layer, (nn.ReLU, *BOUNDS)))

    def _trained(self) -> Iterator[tuple[str, list[nn.Parameter]]]:
        """Yield the path and the own parameters of each layer that has some to be trained."""
        for path, layer in self._layers.items():
            if own := [p for p in layer.parameters(recurse=False) if p.requires_grad]:
                yield path, own

    def epoch(self) -> Epoch:
        """Return what was seen since the last call, by the path of the layer in the network, and start anew.

        Of each layer with parameters of its own that got a gradient; w is all of them in one vector (weight and bias), g the gradients:

        - gradient_norm: ‖g‖ = √(Σ g²), as the optimizer used g; the mean over the watched steps.
        - weight_norm: ‖w‖ before the step; the mean over the watched steps.
        - update_ratio: ‖w after the step - w before it‖ / ‖w before it‖, both as means over the watched steps; left out where all weights
          are 0. It often is about 0.001: far more shakes a network, far less hardly trains it.

        Of each nn.ReLU, nn.Tanh and nn.Sigmoid, over the forward passes of the watched steps that were recorded for a backward pass:

        - dead: the share of a ReLU's units (places on the last axis) whose output never was above 0. No gradient passes through them.
        - saturated: the share of the outputs y with |y| > 0.97 for Tanh, and outside of 0.03 ... 0.97 for Sigmoid, where gradients vanish.

        An activation whose output is the network's own is left out, for there 0 or 1 may be the right answer. A layer that is called
        several times counts as one. The numbers are infinite or NaN where those of the training are.
        This call waits for the device, from which it moves one small tensor.
        """
        seen = [(path, part) for path in self._layers for part in (self._norms.get(path), self._outputs.get(path)) if part and part.count]
        totals = [part.totals() for _, part in seen]
        numbers = iter(cat(totals).tolist() if totals else [])
        found: Epoch = {}
        for (path, part), total in zip(seen, totals):
            found.setdefault(path, {}).update(part.named(*(next(numbers) for _ in range(total.numel()))))
        self._begin()
        return found

    def _see_output(self, path: str, layer: nn.Module, inputs: Any, output: Any) -> None:
        """Note the output of an activation, if the step is watched and the pass is recorded for a backward pass."""
        watched = self._steps % self._every == 0 and path in self._outputs
        if watched and isinstance(output, Tensor) and output.requires_grad and output.numel():
            self._latest = path, weakref.ref(output)
            with no_grad():
                self._outputs[path].add(layer, output.detach())

    def _see_answer(self, net: nn.Module, inputs: Any, output: Any) -> None:
        """Forget the activation that made the network's own output."""
        path, latest = self._latest
        if latest is not None and latest() is output:
            self._outputs.pop(path, None)
        self._latest = "", None

    def _see_step(self, step: Callable[[], Any]) -> Any:
        """Make a step of the optimizer, note what it changed if it is watched, and return what it returned."""
        watched = self._steps % self._every == 0
        before = {path: [p.detach().clone() for p in own] for path, own in self._trained()} if watched else {}
        result = step()
        with no_grad():
            for path, own in self._trained() if watched else ():
                gradients = [p.grad.detach() for p in own if p.grad is not None]
                if gradients and path in before:
                    self._norms[path].add(gradients, before[path], [p.detach() - old for p, old in zip(own, before[path])])
        self._steps += 1
        return result


class Norms:
    """The sums over the watched steps of the norms of a layer's gradient, weights and update."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: Any = 0

    def add(self, gradients: list[Tensor], weights: list[Tensor], updates: list[Tensor]) -> None:
        """Add those of one step."""
        self._sums = stack([norm(gradients), norm(weights), norm(updates)]) + self._sums
        self.count += 1

    def totals(self) -> Tensor:
        """Return the three sums, as a vector of float64."""
        sums: Tensor = self._sums
        return sums

    def named(self, gradient: float, weight: float, update: float) -> dict[str, float]:
        """Return what `Health.epoch` returns of this layer, given the totals as numbers."""
        ratio = {"update_ratio": update / weight} if weight else {}
        return {"gradient_norm": gradient / self.count, "weight_norm": weight / self.count, **ratio}


class DeadUnits:
    """The largest output of each unit of a ReLU. Calls with different numbers of units are kept apart."""

    def __init__(self) -> None:
        self._largest: dict[int, Tensor] = {}  # by the number of units

    @property
    def count(self) -> int:
        """How many units were seen."""
        return sum(self._largest)

    def add(self, layer: nn.Module, output: Tensor) -> None:
        """Add an output of shape (…, units)."""
        rows = output.reshape(-1, output.shape[-1] if output.ndim else 1)
        largest, units = rows.amax(dim=0), rows.shape[1]
        self._largest[units] = maximum(self._largest[units], largest) if units in self._largest else largest

    def totals(self) -> Tensor:
        """Return how many units are dead, as a vector of one element in float64."""
        return (cat(list(self._largest.values())) <= 0).double().sum().reshape(1)

    def named(self, dead: float) -> dict[str, float]:
        """Return what `Health.epoch` returns of this layer, given the totals as numbers."""
        return {"dead": dead / self.count}


class SaturatedOutputs:
    """The count of the outputs of a Tanh or a Sigmoid that are saturated."""

    def __init__(self) -> None:
        self.count = 0
        self._outside: Any = 0

    def add(self, layer: nn.Module, output: Tensor) -> None:
        """Add an output of any shape."""
        low, high = next(bounds for kind, bounds in BOUNDS.items() if isinstance(layer, kind))
        self._outside = (output < low).logical_or(output > high).double().sum() + self._outside
        self.count += output.numel()

    def totals(self) -> Tensor:
        """Return how many outputs are saturated, as a vector of one element in float64."""
        total: Tensor = self._outside
        return total.reshape(1)

    def named(self, saturated: float) -> dict[str, float]:
        """Return what `Health.epoch` returns of this layer, given the totals as numbers."""
        return {"saturated": saturated / self.count}


def norm(tensors: Iterable[Tensor]) -> Tensor:
    """Return √(Σ x²) over all elements of the tensors, in float64. Numbers whose square is no float64 are no problem."""
    return _norm(stack([_norm(x.double()) for x in tensors]))


def _norm(x: Tensor) -> Tensor:
    """Return √(Σ x²) as m √(Σ (x / m)²), where m = max |x|, or 1 where that is 0 or not finite."""
    if not x.numel():
        return zeros((), dtype=x.dtype, device=x.device)
    m = x.abs().amax()
    m = where((m > 0).logical_and(m.isfinite()), m, 1.0)
    return m * (x / m).square().sum().sqrt()


@contextmanager
def around_steps(optimizer: Any, around: Callable[[Callable[[], Any]], Any]) -> Iterator[None]:
    """In this block, let optimizer.step(…) return around(step), where step() makes the step."""
    old, own = optimizer.step, vars(optimizer).get("step")

    @functools.wraps(old)
    def step(*args: Any, **kwargs: Any) -> Any:
        return around(functools.partial(old, *args, **kwargs)) if active else old(*args, **kwargs)

    active, optimizer.step = True, step
    try:
        yield
    finally:
        active = False
        if vars(optimizer).get("step") is step:  # else a schedule, which was made in the block, has wrapped it
            if own is None:
                del optimizer.step
            else:
                optimizer.step = own


def concerns(epoch: Epoch) -> list[str]:
    """Return a sentence for each thing that stands out in what `Health.epoch` returned: "encoder.1: 37 % of the units are dead".

    First come layers whose gradient is not finite, then dead and saturated ones, then gradients of 0 and steps that are large or small.
    """
    lost, idle, odd = [], [], []
    for path, numbers in epoch.items():
        gradient, ratio = numbers.get("gradient_norm", 1.0), numbers.get("update_ratio", LARGEST_UPDATE)
        if not math.isfinite(gradient):
            lost.append(f"{path}: the gradient is not finite")
        elif gradient == 0:
            odd.append(f"{path}: the gradient is 0")
        elif ratio > LARGEST_UPDATE:
            size = f"{100 * ratio:.0f} %" if ratio < 10 else f"{ratio:.2g} times their size"
            odd.append(f"{path}: a step changes the weights by {size}")
        elif ratio == 0:
            odd.append(f"{path}: no step changes the weights")
        elif ratio < SMALLEST_UPDATE:
            odd.append(f"{path}: a step changes the weights by only {100 * ratio:.0e} %")
        if numbers.get("dead", 0) >= MANY_DEAD:
            idle.append(f"{path}: {100 * numbers['dead']:.0f} % of the units are dead")
        if numbers.get("saturated", 0) >= MANY_SATURATED:
            idle.append(f"{path}: {100 * numbers['saturated']:.0f} % of the outputs are saturated")
    return [*lost, *idle, *odd]
