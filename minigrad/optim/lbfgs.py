"""LBFGS, with PyTorch's steps and its line search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .. import backend
from .._tensor import Tensor
from ..autograd.graph import wrap
from ..autograd.modes import in_mode
from ..functions.creation import zeros_like
from ..functions.shapes import cat
from .optimizer import Optimizer
from .options import options_of, plain


class LBFGS(Optimizer):
    """p += t · d,  d = -H g, where H approximates the inverse of the Hessian from the latest changes of g and of p.

    A step makes up to max_iter such iterations, and calls its closure in each. t is lr, or, with line_search_fn="strong_wolfe", what a line
    search finds from there. A step ends early after max_eval calls, where no number in g exceeds tolerance_grad, or where p or the loss
    changes by less than tolerance_change. All parameters are in one group. Source: Nocedal and Wright 2006, algorithms 3.5, 3.6 and 7.4,
    as in PyTorch.
    """

    def __init__(self, params: Any, lr: float | Tensor = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
                 tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None) -> None:
        super().__init__(params, {**options_of(locals()), "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Make the loss smaller that `closure` returns after it has computed the gradients, and return the first one."""
        return backend.without_fp_warnings(in_mode, False, self._iterate, lambda: in_mode(True, closure))

    def _iterate(self, closure: Callable[[], Any]) -> Any:
        """Make the iterations of one step."""
        group = {name: plain(value) for name, value in self.param_groups[0].items()}
        params, lr, search, least = group["params"], group["lr"], group["line_search_fn"], group["tolerance_change"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(f"line_search_fn={search!r}: only 'strong_wolfe' is supported")
        state = self.state[params[0]]
        calls = state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluate() -> tuple[Any, Tensor]:
            """Return the loss and the gradients of all parameters in one row, with zeros for a missing one."""
            state["func_evals"] += 1
            loss, grads = closure(), [zeros_like(p) if p.grad is None else p.grad for p in params]
            return loss, cat([g.reshape(-1) for g in grads])

        def evaluate_at(t: Any) -> Point:
            """Return the point at t on the line from here in the direction d, and leave the parameters where they are."""
            here = [p.clone() for p in params]
            move(params, t, d)
            loss, g = evaluate()
            for p, value in zip(params, here):
                p.copy_(value)
            return Point(t, float(loss), g, g @ d)

        first, g = evaluate()
        loss, n, is_done = float(first), 0, g.abs().max() <= group["tolerance_grad"]
        while n < group["max_iter"] and not is_done:
            n += 1
            state["n_iter"] += 1
            d = state["d"] = direction(state, g, group["history_size"])
            t = lr if state["n_iter"] > 1 else min(1.0, 1.0 / g.abs().sum()) * lr
            state["t"], state["prev_flat_grad"], state["prev_loss"], slope = t, g.clone(), loss, g @ d
            if slope > -least:
                break
            if search:
                rest = group["max_eval"] - (state["func_evals"] - calls)
                t, loss, g, _ = strong_wolfe(evaluate_at, Point(0, loss, g, slope), t, d.abs().max(), rest)
                state["t"] = t
            move(params, t, d)
            if not search and n < group["max_iter"]:
                loss, g = evaluate()
                loss = float(loss)
            is_done = (state["func_evals"] - calls >= group["max_eval"] or g.abs().max() <= group["tolerance_grad"]
                       or (d * t).abs().max() <= least or abs(loss - state["prev_loss"]) < least)
        return first


def move(params: list[Tensor], t: Any, d: Tensor) -> None:
    """Add t · d to the parameters; d has the changes of all of them in one row."""
    start = 0
    for p in params:
        p.add_(d[start:start + p.numel()].reshape(p.shape), alpha=t)
        start += p.numel()


def direction(state: dict[str, Any], g: Tensor, history_size: int) -> Tensor:
    """Return -H g, after H has learned from the latest changes y of the gradient and s of the parameters."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return -g
    y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
    ys = y @ s
    history = state["old_dirs"], state["old_stps"], state["ro"]
    if ys > 1e-10:
        for old, new in zip(history, (y, s, 1.0 / ys)):
            if len(old) == history_size:
                old.pop(0)
            old.append(new)
        state["H_diag"] = ys / (y @ y)
    rows = [[part.array for part in parts] for parts in zip(*history)]
    d, al, xp = -g.array, [], backend.array_module(g.array)  # type: ignore[var-annotated]
    for y, s, ro in reversed(rows):
        al.insert(0, xp.matmul(s, d) * ro)
        d -= al[0] * y
    d *= plain(state["H_diag"])
    for (y, s, ro), a in zip(rows, al):
        d += (a - xp.matmul(y, d) * ro) * s
    state["al"] = [*[wrap(xp.asarray(a)) for a in al], *[None] * (history_size - len(al))]
    return wrap(d)


class Point(NamedTuple):
    """A point on the line of a search: how far it is from the start, the loss there, its gradient, and its slope along the line."""

    t: Any
    loss: float
    gradient: Tensor
    slope: Any


def strong_wolfe(evaluate: Callable[[Any], Point], start: Point, t: Any, longest: Any, most: int) -> Point:
    """Return a point of the strong Wolfe conditions: the loss has fallen by 1e-4 of what the slope promises, the slope to 0.9 of itself.

    t is tried first. Return the best point so far after `most` more, or where the two points that enclose a sought one differ by less than
    1e-9 in each parameter; `longest` is the greatest absolute value in the direction. As in PyTorch, tolerance_change has no part in this.
    """
    def is_high(point: Point) -> Any:
        return point.loss > start.loss + 1e-4 * point.t * start.slope

    def is_flat(point: Point) -> Any:
        return abs(point.slope) <= -0.9 * start.slope

    before, point, n = start, evaluate(t), 0
    while n < most:
        is_past = is_high(point) or (n > 1 and point.loss >= before.loss)
        if not is_past and is_flat(point):
            return point
        if is_past or point.slope >= 0:
            bracket = [before, point]
            break
        t = minimum_of_cubic(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point, n = point, evaluate(t), n + 1
    else:
        bracket = [start, point]
    low, high, was_near = *sides(bracket), False
    while n < most and not abs(bracket[1].t - bracket[0].t) * longest < 1e-9:
        left, right = sorted([bracket[0].t, bracket[1].t])
        t, margin = minimum_of_cubic(bracket[0], bracket[1], left, right), 0.1 * (right - left)
        is_near = min(right - t, t - left) < margin
        if is_near and (was_near or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            is_near = False
        point, n, was_near = evaluate(t), n + 1, is_near
        if is_high(point) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = sides(bracket)
        elif is_flat(point):
            return point
        else:
            if point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point
    return bracket[low]


def sides(bracket: list[Point]) -> tuple[int, int]:
    """Return the number of the point with the lower loss, and that of the other one."""
    return (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)


def minimum_of_cubic(a: Point, b: Point, low: Any, high: Any) -> Any:
    """Return where the cubic through both points with their slopes is least, between `low` and `high`; the middle if it has no minimum."""
    left, right = (a, b) if a.t <= b.t else (b, a)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    return min(max(right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)), low), high)
