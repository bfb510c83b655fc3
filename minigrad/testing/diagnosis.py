"""The verdicts: which kind of mistake makes a gradient differ from the numeric one.

Each pattern predicts, from the numeric Jacobian (or from gradients at other inputs), what a backward with that mistake would give. It is
named only if its prediction explains the whole difference, all but a thousandth, in at least two places that are not 0.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .findings import Stop

MOST_COLUMNS, MOST_ROWS = 32, 96  # elements of the argument, and of the outputs, that are looked at
EXPLAINED = 1e-3  # the part of the difference that a pattern may leave over


def check_precision(check):
    """Raise Stop if a gradient for random float64 cotangents fits into float32, and is wrong beyond float32, although the values are not.

    A gradient may fit into float32 for another reason, so some elements are compared with numeric derivatives that are more exact.
    """
    n = check.subject.n
    base = check.base[:n]
    w = check.stream.standard_normal(n)
    for i, g in enumerate(check.subject.gradients(w)):
        if not g.size or not fits_float32(g) or not base.any() or fits_float32(base):
            continue
        said = f"the gradient of {check.subject.names[i]} was computed in float32 or less: look for a cast, or a constant"
        if check.subject.gradient_kinds[i].itemsize < 8:
            raise Stop("precision", said, i)
        off = []
        for element in np.flatnonzero(g)[:4]:
            step = check.direction(i, [int(element)])
            reading, size = check.survey(i, step), float(np.abs(step).max())
            numeric, error = w @ reading.value[:n] / size, np.abs(w) @ reading.error[:n] / size
            off.append(error <= 1e-9 * abs(numeric) and 5e-9 * abs(numeric) < abs(g[element] - numeric))
        if off and 2 * sum(off) >= len(off):
            raise Stop("precision", said, i)


def fits_float32(array):
    """Return whether an array of some numbers other than 0 is exactly representable in float32."""
    return bool((array != 0).any()) and bool((array.astype(np.float32) == array).all())


def explain(check, found):
    """Set the verdict and the detail of the worst finding, `found[0]`: the first pattern that fits all that disagrees in its argument."""
    worst = found[0]
    number = check.subject.numbers.index(worst.argument)
    failures = [f for f in found if f.argument == worst.argument and not f.verdict]
    evidence = Evidence(check, number, [f.element for f in failures])
    size = evidence.array.size
    least = "at least " if len(failures) < size and len(failures) >= check.most else ""
    where = "every element" if len(failures) == size else f"{least}{len(failures)} of {size} elements"
    for pattern in PATTERNS:
        said = pattern(evidence)
        if said is not None:
            worst.verdict, worst.detail = said[0], f"{said[1]} ({where})"
            return
    worst.verdict, worst.detail = "wrong", f"no simple pattern explains it ({where}): a wrong formula, or a term dropped"


class Evidence:
    """Some columns of the numeric Jacobian of one argument, and some rows of the one that backward gives.

    columns: elements of the argument; rows: elements of the outputs. numeric[r, k] is the derivative of output r by element columns[k], for
    all outputs; analytic[k, c] the gradient for a cotangent of 1 at rows[k] alone, for all elements of the argument.
    difference: the largest disagreement; noise: the error of the numeric derivatives.
    """

    def __init__(self, check, number, suspects):
        self.check, self.subject, self.number = check, check.subject, number
        self.array, self.shape, self.n = self.subject.arrays[number], self.subject.arrays[number].shape, self.subject.n
        self.columns = self._choose(self.array.size, suspects, MOST_COLUMNS)
        certain = [c for c in self.columns if not self.column(number, int(c))[2]]
        self.columns = np.array(certain, int) if certain else self.columns
        self.numeric, errors = self.slopes(number, self.columns)
        strongest = [int(r) for column in self.numeric.T for r in np.argsort(-np.abs(column))[:2]]
        same_place = self.columns if self.n == self.array.size else []
        self.rows = self._choose(self.n, [*same_place, *strongest], MOST_ROWS)
        self.zero = self._gradient(np.zeros(self.n))
        self.analytic = self.pulled(self.rows)[number]
        self.block, self.wanted = self.analytic[:, self.columns], self.numeric[self.rows]
        self.noise = np.where(np.isfinite(errors[self.rows]), errors[self.rows], 0.0)
        off = np.abs(self.block - self.wanted)
        self.difference = float(np.nanmax(off, initial=0))
        tiny = 1e-9 * self.difference  # the rounding of derivatives that are 0
        self.bad = ~(off <= check.atol + check.rtol * np.maximum(np.abs(self.block), np.abs(self.wanted)) + self.noise + tiny)

    def _choose(self, size, first, most):
        """Return at most `most` of `size` elements in order: those of `first`, and random other ones."""
        chosen = list(dict.fromkeys(first))[:most]
        others = self.check.stream.permutation(size)[: most + len(chosen)].tolist()
        return np.array(sorted(dict.fromkeys([*chosen, *others][: max(most, len(chosen))])), int)

    def column(self, number, element):
        """Return (numeric derivatives of all outputs, their errors, whether any is in doubt) by one element of an argument."""
        check = self.check
        if (number, element) not in check.columns:
            step = check.direction(number, [element])
            size = float(np.abs(step).max())
            value, error, doubt = check.quick(number, step)
            if not doubt and (error <= 1e-6 * np.abs(value)).all():
                check.columns[number, element] = value / size, error / size, False
            else:
                check.columns[number, element] = check.survey(number, step).column(size)
        return check.columns[number, element]

    def slopes(self, number, columns):
        """Return (numeric derivatives, their errors): one column for each of these elements of an argument."""
        found = [self.column(number, int(c)) for c in columns]
        return np.stack([v[: self.n] for v, _, _ in found], axis=1), np.stack([e[: self.n] for _, e, _ in found], axis=1)

    def pulled(self, rows):
        """Return, for each argument, its gradients for a cotangent of 1 at each of these rows, less what backward gives for 0."""
        unit = np.zeros(self.n)
        found = []
        for r in rows:
            unit[r] = 1.0
            found.append(self.subject.gradients(unit))
            unit[r] = 0.0
        zero = self.subject.gradients(unit)
        return [np.stack([f[i] for f in found]) - zero[i] for i in range(len(zero))]

    def _gradient(self, w):
        return self.subject.gradients(w)[self.number]

    def is_alike(self, found, predicted, places=2, difference=None):
        """Return whether a prediction explains the difference, in at least `places` elements that are not 0."""
        if not np.isfinite(found).all() or not np.isfinite(predicted).all():
            return False
        difference = self.difference if difference is None else difference
        noise = float(self.noise.max(initial=0))
        left_over = float(np.abs(found - predicted).max(initial=0))
        telling = int((np.abs(predicted) > 1e-6 * difference).sum())
        return left_over <= EXPLAINED * difference + 3 * noise <= 0.1 * difference and telling >= places

    @property
    def single(self):
        """Return the shape of the output if there is one, else None."""
        return self.subject.outputs[0][1] if len(self.subject.outputs) == 1 else None


# ---- patterns, the most special first. Each returns (verdict, detail), or None.


def _not_finite(e):
    if not np.isfinite(e.block).all() and np.isfinite(e.wanted).all():
        return "wrong", "the gradient is not finite where the derivative is: a division by 0, or the logarithm of 0, in the backward"
    return None


def _independent(e):
    """Recognize a gradient that is the same whatever g is."""
    w = e.check.stream.standard_normal((2, e.n))
    first, second = e._gradient(w[0]), e._gradient(w[1])
    if e.check.options["surrogate"] is None and e.zero.any() and np.array_equal(first, second) and np.array_equal(first, e.zero):
        return "independent", "the gradient is the same for every g, also for 0: multiply by g"
    return None


def _offset(e):
    if e.check.options["surrogate"] is None and e.zero.any() and np.isfinite(e.zero).all():
        detail = "the gradient is not 0 where g is 0: backward adds something of its own"
        return "offset", f"{detail}; if that is on purpose, declare it with surrogate="
    return None


def _nonlinear(e):
    w, v = e.check.stream.standard_normal((2, e.n))
    one, other = e._gradient(w) - e.zero, e._gradient(v) - e.zero
    both, twice = e._gradient(w + v) - e.zero, e._gradient(-2 * w) - e.zero
    size = 1e-5 * max(np.abs(one).max(initial=0), np.abs(other).max(initial=0), np.abs(both).max(initial=0))
    if np.isfinite(size) and (np.abs(one + other - both).max(initial=0) > size or np.abs(2 * one + twice).max(initial=0) > size):
        return "nonlinear", "the gradient for a sum of two g is not the sum of their gradients: a backward is linear in g"
    return None


def _missing(e):
    if not e.analytic.any() and e.wanted.any() and not e._gradient(e.check.stream.standard_normal(e.n)).any():
        return "missing", "backward gives 0 (or None, or the graph is cut) where the function does depend on the argument"
    return None


def _sign(e):
    if e.is_alike(e.block, -e.wanted, 1):
        return "sign", "analytic = -numeric"
    return None


def _exchanged(e):
    """Recognize a gradient that is another argument's of the same shape, whose own is this one's or is right."""
    for other, array in enumerate(e.subject.arrays):
        if other != e.number and array.shape == e.shape:
            numeric, _ = e.slopes(other, e.columns)
            if e.is_alike(e.block, numeric[e.rows]):
                theirs = e.pulled(e.rows)[other][:, e.columns]
                mine, name = e.subject.names[e.number], e.subject.names[other]
                if e.is_alike(theirs, e.wanted):
                    return "exchanged", f"{mine} gets the gradient of {name}, and {name} that of {mine}"
                if not e.is_alike(e.block, -e.wanted):
                    return "exchanged", f"{mine} gets the gradient of {name}"
    return None


def _jacobian_not_transposed(e):
    """Recognize a product with the Jacobian instead of its transpose, where both are square."""
    if e.n != e.array.size or e.n < 2:
        return None
    turned = e.pulled(e.columns)[e.number][:, e.columns].T
    if e.is_alike(turned, e.numeric[e.columns]) and not np.allclose(turned, turned.T):
        return "transposed", "backward multiplies by the Jacobian instead of its transpose"
    return None


def _transposed(e):
    """Recognize the gradient of the argument with its last two axes exchanged."""
    if len(e.shape) < 2:
        return None
    alike = e.rows[:, None] == e.columns
    if e.single == e.shape[::-1] != e.shape and e.block[alike].all() and not e.block[~alike].any():
        return "transposed", "g is reshaped to the argument's shape where it must be transposed"
    if e.shape[-1] != e.shape[-2] or e.shape[-1] < 2:
        return None
    places = np.swapaxes(np.arange(e.array.size).reshape(e.shape), -1, -2).reshape(-1)
    if e.is_alike(e.analytic[:, places[e.columns]], e.wanted):
        if e.single is not None and len(e.single) < len(e.shape):
            return "wrong axis", "the gradient is right for the argument with its last two axes exchanged: it runs along the wrong axis"
        return "transposed", "the gradient is right for the argument with its last two axes exchanged"
    return None


def _wrong_axis(e):
    """Recognize a backward that works along another axis of the output than the function does."""
    if e.single is None or len(e.single) < 2:
        return None
    shape, numbers = e.single, np.arange(e.n)
    for a in range(len(shape)):
        for b in range(a + 1, len(shape)):
            if shape[a] == shape[b] > 1:
                places = np.swapaxes(numbers.reshape(shape), a, b).reshape(-1)
                if e.is_alike(e.block, e.numeric[places[e.rows]]):
                    return "wrong axis", f"the gradient is right for the output with its axes {a} and {b} exchanged"
    if shape != e.shape:
        return None
    lines = [_line(e, e.wanted), _line(e, e.block)]
    if None not in lines and lines[0] != lines[1]:
        return "wrong axis", f"the function couples elements along axis {lines[0]}, the backward along axis {lines[1]}"
    return None


def _line(e, block):
    """Return the only axis along which rows and columns that belong together lie, beside equal ones; None if there is none or several."""
    rows, columns = np.nonzero(np.abs(block) > 1e-9 * np.abs(block).max(initial=0))
    places = np.array(np.unravel_index(e.rows[rows], e.shape)) != np.array(np.unravel_index(e.columns[columns], e.shape))
    axes = np.flatnonzero(places.any(axis=1))
    return int(axes[0]) if len(axes) == 1 and int(places.any(axis=0).sum()) >= 2 else None


def _sum_missing(e):
    """Recognize a gradient to which only one slice of g contributes, or the mean of the slices instead of their sum."""
    if e.single is None:
        return None
    w = e.check.stream.standard_normal(e.single)
    analytic, right = e._gradient(w.reshape(-1))[e.columns], w.reshape(-1) @ e.numeric
    difference = float(np.abs(analytic - right).max(initial=0))
    for axis, n in enumerate(e.single):
        i = axis - len(e.single) + len(e.shape)  # the argument's axis, which broadcasting added or stretched
        if n < 2 or not (i < 0 or e.shape[i] == 1):
            continue
        places = np.arange(n).reshape((-1,) + (1,) * (len(e.single) - axis - 1))
        for kept in (0, n - 1):
            if e.is_alike(analytic, np.where(places == kept, w, 0.0).reshape(-1) @ e.numeric, 1, difference):
                return "broadcast", f"the sum over axis {axis} of the output is missing: only its slice {kept} counts"
        if e.is_alike(n * analytic, right, 1, difference):
            return "broadcast", f"the sum over the broadcast axis {axis} of the output is missing: its mean is taken"
    return None


def _diagonal(e):
    """Recognize a backward that multiplies g element by element where each output depends on several elements of the argument."""
    if e.n != e.array.size or e.n < 2 or e.single != e.shape:
        return None
    beside = e.rows[:, None] != e.columns
    if e.block[beside].any() or not np.abs(e.wanted[beside]).max(initial=0) > EXPLAINED * np.abs(e.wanted).max(initial=0):
        return None
    right = not (e.bad & ~beside).any()
    return "diagonal", "each output depends on several elements, but the backward multiplies g element by element; " + (
        "its diagonal is right" if right else "its diagonal is wrong, too")


def _diagonals(e):
    """Return (numeric, analytic) diagonals if the function works element by element, else None."""
    if e.n != e.array.size or e.single is None:
        return None
    beside = e.rows[:, None] != e.columns
    if (np.abs(e.wanted[beside]) > 1e-6 * np.abs(e.wanted).max(initial=0)).any() or e.block[beside].any():
        return None
    return e.wanted[~beside], e.block[~beside]


def _mask(e):
    """Recognize an element-wise gradient that is 0 exactly where it must not be."""
    pair = _diagonals(e)
    if pair is None:
        return None
    numeric, analytic = (np.abs(d) > 1e-9 * max(np.abs(d).max(initial=0), 1e-300) for d in pair)
    if (numeric != analytic).all() and numeric.any() and analytic.any():
        return "mask", "the gradient is 0 where it must not be, and not 0 where it must"
    values = [np.unique(np.round(d, 9)) for d in pair]
    two = len(values[0]) == 2 and len(values[1]) == 2 and np.allclose(values[0], values[1])
    if two and np.allclose(pair[0] + pair[1], values[0].sum()):
        return "mask", f"the slopes {values[0][0]:g} and {values[0][1]:g} are exchanged"
    return None


def _input_for_output(e):
    """Recognize a backward that uses x where it needs y, by giving it y as its input; and y where it needs x."""
    if e.n != e.array.size or e.single != e.shape or e.n < 2:
        return None
    y = e.check.base[: e.n].reshape(e.shape)
    if np.array_equal(y, e.array) or not np.isfinite(y).all():
        return None
    arrays = [y.astype(a.dtype) if i == e.number else a for i, a in enumerate(e.subject.arrays)]
    try:
        e.subject.record(arrays)
        elsewhere = e.pulled(e.rows)[e.number][:, e.columns]
    finally:
        e.subject.record()
    if e.is_alike(elsewhere, e.wanted):
        return "input for output", "the backward is right for the output in the place of the input: it uses x where it needs y"
    slopes = []
    for c in e.columns:
        step = e.check.direction(e.number, [int(c)])
        value, error, doubt = e.check.quick(e.number, step, arrays)
        if doubt or not (error <= 1e-6 * np.abs(value).max(initial=1e-300)).all():
            value = e.check.survey(e.number, step, arrays).value
        slopes.append(value[: e.n] / float(np.abs(step).max()))
    if e.is_alike(e.block, np.stack(slopes, axis=1)[e.rows]):
        return "output for input", "the gradient is the derivative at y instead of x: the backward uses y where it needs x"
    return None


def _factor(e):
    numeric, analytic = e.wanted[e.bad], e.block[e.bad]
    minority = 2 * numeric.size < (np.abs(e.wanted) > e.check.atol + 1e-9 * e.difference).sum()
    if not numeric.size or not numeric.all() or minority:
        return None
    weight = float((numeric * numeric).sum())
    c = float((numeric * analytic).sum()) / weight if weight and np.isfinite(weight) else float("nan")
    if not np.isfinite(c) or abs(1 - c) < 1e-9 or not c:
        return None
    rest = np.abs(e.block - np.where(e.bad, c * e.wanted, e.wanted))
    noise = 3 * e.noise + EXPLAINED * abs(1 - c) * np.abs(e.wanted) + 20 * e.check.rtol * e.check.rtol * np.abs(e.wanted)
    allowed = noise + 1e-9 * e.difference + e.check.atol + e.check.rtol * np.abs(e.wanted) * ~e.bad
    if not (rest <= allowed).all() or (3 * e.noise[e.bad] > 0.1 * np.abs(numeric - analytic)).any():
        return None
    nice = _nice(c)
    if len(set(np.nonzero(e.bad)[1].tolist())) > 1 or nice:
        return "constant factor", f"analytic = {nice or format(c, '.10g')} · numeric"
    return None


def _nice(c):
    """Return a factor that a person may forget, a whole number up to 128 or one over it, as text; "" for any other."""
    near = Fraction(c).limit_denominator(128)
    is_nice = 1 in (abs(near.numerator), near.denominator) and abs(near) <= 128 and abs(near) != 1 and abs(c - near) < 1e-6 * abs(near)
    return str(near) if is_nice else ""


def _precision(e):
    if len(set(np.nonzero(e.bad)[1].tolist())) < min(2, e.array.size):  # one element among many that are right
        return None
    error = float((np.abs(e.block - e.wanted)[e.bad] / np.maximum(np.abs(e.wanted[e.bad]), 1e-300)).max(initial=0))
    if 0 < error < 1e-3:
        return "precision", f"right but for {error:.2g} of its size, not by a constant ratio: an approximation, a cast, or an added eps"
    return None


PATTERNS = (_not_finite, _independent, _offset, _nonlinear, _missing, _exchanged, _sign, _sum_missing, _transposed, _wrong_axis,
            _jacobian_not_transposed, _mask, _input_for_output, _diagonal, _factor, _precision)
