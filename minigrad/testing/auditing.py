"""How much a check would have noticed: its precision, whether it was vacuous, and which planted mistakes it would have seen."""

from __future__ import annotations

from functools import partial

import numpy as np

from .findings import BlindSpot, Finding

JUDGED = 0.5  # a derivative is judged if a mistake of this part of its size would be noticed


class Trial:
    """What one input's gradient was compared with: for each direction the numeric derivatives, and how much each may differ.

    rows: the cotangents; gradients: the gradient for each, as rows. They are None where gradients were compared element by element.
    """

    def __init__(self, name, shape, rows, gradients):
        self.name, self.shape, self.rows, self.gradients = name, shape, rows, gradients
        self.steps: list = []
        self.numeric: list = []
        self.allowed: list = []
        self.direct: list = []

    def add(self, step, compared):
        """Keep a comparison along a direction. Rows that could not be judged allow anything."""
        self.steps.append(step.reshape(-1))
        self.numeric.append(compared.numeric)
        self.allowed.append(np.where(compared.state == "right", compared.allowed, np.inf))

    def add_direct(self, gradient, expected, allowed):
        """Keep a comparison with a declared gradient."""
        self.direct.append((gradient, expected, allowed))

    def notices(self, change):
        """Return whether the gradients would be found wrong if `change` replaced them, and whether it changes them at all."""
        if self.rows is None:
            pairs = [(change(g.reshape(self.shape)).reshape(-1), g, expected, allowed) for g, expected, allowed in self.direct]
            return (any([bool((np.abs(new - expected) > allowed).any()) for new, _, expected, allowed in pairs]),
                    any([bool((new != g).any()) for new, g, _, _ in pairs]))
        changed = np.stack([change(g.reshape(self.shape)).reshape(-1) for g in self.gradients])
        new = changed @ np.stack(self.steps, axis=1)
        seen = np.abs(new - np.stack(self.numeric, axis=1)) > np.stack(self.allowed, axis=1)
        return bool(seen.any()), bool((changed != self.gradients).any())

    def resolutions(self):
        """Return for each direction the smallest relative mistake that would be noticed there; 0 where there is no derivative but 0."""
        if self.rows is None:
            return np.array([np.max(allowed / np.maximum(np.abs(e), 5e-324), where=e != 0, initial=0) for _, e, allowed in self.direct])
        if not self.steps:
            return np.zeros(0)
        numeric, allowed = np.abs(np.stack(self.numeric)), np.stack(self.allowed)
        nothing = (numeric.max(axis=1, initial=0) == 0) | ~np.isfinite(allowed).any(axis=1)
        ratios = np.where(numeric > 0, allowed / np.where(numeric > 0, numeric, 1), np.inf).min(axis=1, initial=np.inf)
        return np.where(nothing, 0.0, ratios)


def precision(trials):
    """Return (the largest relative mistake that may be unnoticed in a judged derivative, how many were not judged, how many there are)."""
    with np.errstate(all="ignore"):
        found = np.concatenate([t.resolutions() for t in trials]) if trials else np.zeros(0)
    judged = found[found <= JUDGED]
    count = sum([len(t.steps) * len(t.rows) if t.rows is not None else sum([len(g) for g, _, _ in t.direct]) for t in trials])
    return float(judged.max(initial=0)), int((found > JUDGED).sum()), count


def vacuous(check):
    """Return a Finding for each input whose gradient could be twice as large unnoticed. Inputs without elements are left out."""
    found = []
    for number, trial in enumerate(check.trials):
        if not trial.steps and not trial.direct:
            continue
        noticed, differs = trial.notices(lambda g: 2 * g)
        if noticed:
            continue
        why = "its gradient is 0 everywhere: it does not matter here, or the branch that uses it was never taken; choose other inputs"
        if differs:
            why = "the gradient is smaller than atol or the rounding of the function: scale the function, or pass a smaller atol"
        detail = f"twice the gradient of {trial.name} would have passed too: {why} (allow_vacuous=True accepts this)"
        found.append(Finding(check.subject.name, "vacuous", detail, check.subject.numbers[number], argument_name=trial.name))
    return found + check.subject.never_reached(check)


# ---- planted mistakes


def audit(check):
    """Return a BlindSpot for each mistake that can be planted into the gradient of each input."""
    spots = []
    for trial in check.trials:
        if not trial.steps and not trial.direct:
            continue
        for mistake, change in _changes(trial.shape):
            noticed, differs = trial.notices(change)
            why = "" if noticed else "it changes nothing: the gradient is the same with it" if not differs else \
                "the change is smaller than what the check can tell"
            spots.append(BlindSpot(mistake, trial.name, noticed, why))
        spots += _single_elements(trial)
    return spots + check.subject.unused_code(check)


def _changes(shape):
    """Return [(name of a mistake, function of the right gradient that makes it)] for gradients of this shape."""
    order = np.random.default_rng(0).permutation(int(np.prod(shape)))
    changes = [
        ("wrong sign", lambda g: -g),
        ("factor 1.0001", lambda g: g * 1.0001),
        ("factor 2", lambda g: 2 * g),
        ("zero", lambda g: 0 * g),
    ]
    if len(order) > 1:
        changes.append(("elements in another order", lambda g: g.reshape(-1)[order].reshape(shape)))
    if len(shape) > 1 and shape[-1] == shape[-2] > 1:
        changes.append(("transposed", lambda g: np.swapaxes(g, -1, -2)))
    return changes + [(f"mean instead of sum over axis {axis}", partial(_divided, n=n)) for axis, n in enumerate(shape) if n > 1]


def _divided(g, n):
    return g / n


def _single_elements(trial):
    """Return the BlindSpot for one wrong element: how many elements could be 1 % off unnoticed."""
    size, few = int(np.prod(trial.shape)), 256
    elements = range(size) if size <= few else np.random.default_rng(0).permutation(size)[:few]
    unseen = []
    for e in elements:
        def change(g, e=e):
            g = g.copy()
            g.reshape(-1)[e] += 0.01 * np.abs(g).max()
            return g
        if not trial.notices(change)[0]:
            unseen.append(int(e))
    count = min(size, few)
    first = tuple(map(int, np.unravel_index(unseen[0], trial.shape))) if unseen else ()
    detail = f"{len(unseen)} of {count} elements, the first is {first}" if unseen else ""
    return [BlindSpot("one element off by 1 % of the largest", trial.name, not unseen, detail)]
