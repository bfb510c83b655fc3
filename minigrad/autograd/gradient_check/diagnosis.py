"""The verdicts of `gradcheck`: which kind of mistake makes a gradient differ from the numeric one."""

from __future__ import annotations

from fractions import Fraction

from ... import backend
from ...backend import array_module
from ..writes import held
from .findings import Stop
from .snapshots import same, snapshot

# ---- one recorded operation at a time


def check_node(subject, node):
    """Call each backward function of an operation with one random g; raise Stop if it changes g or a saved array, or is imprecise."""
    g = _cotangent(subject, node)
    saved = [a for vjp in node.vjps for a in held(vjp)]
    before = [snapshot(a) for a in (g, *saved)]
    for i, (parent, vjp) in enumerate(zip(node.parents, node.vjps)):
        c = None if parent is None else vjp(g)
        culprit = f"the backward function of {_name(node)} for argument {i} changed"
        if not same(g, before[0]):
            raise Stop("mutation", f"{culprit} the gradient g that it was given; other operations see the same array", i)
        if not all(map(same, saved, before[1:])):
            raise Stop("mutation", f"{culprit} an array that was saved for it: a second pass gives another gradient", i)
        if backend.is_array(c):
            _check_precision(node, i, c)


def _cotangent(subject, node):
    """Return a random gradient of the value of a recorded operation."""
    return backend.to_device(subject.draw(node.shape).astype(node.dtype), subject.devices[node])


def _check_precision(node, i, c):
    """Raise Stop if a gradient fits into float32: one that is made of random float64 numbers does so only if it was rounded."""
    c = backend.to_numpy(c)
    rounded = c.astype(backend.float32).astype(c.dtype)
    if c.dtype.itemsize < 8 or (bool((c != 0).any()) and same(c, rounded)):
        detail = f"{_name(node)} computed the gradient of argument {i} in float32 or less: look for a cast, or a constant"
        raise Stop("precision", detail, i)


def refused(subject, error):
    """Return (verdict, detail, argument) for a backward pass that raised an error; (verdict, detail) if no argument is to blame."""
    for node in subject.nodes():
        g = _cotangent(subject, node)
        for i, (parent, vjp) in enumerate(zip(node.parents, node.vjps)):
            c = None if parent is None else vjp(g)
            shape = tuple(getattr(c, "shape", ()))
            wanted = () if c is None else tuple(parent.shape)
            if len(shape) > 1 and shape != wanted == (*shape[:-2], shape[-1], shape[-2]):
                return "transposed", f"the gradient for argument {i} of {_name(node)} has shape {shape}, not {wanted}", i
    return "shape", str(error)


def _name(node):
    return node.op.__name__


# ---- patterns in the numbers


class Suspects:
    """Some elements of an argument whose gradients disagree, and their analytic and numeric gradients for any cotangent."""

    def __init__(self, check, number, failures):
        self.check, self.subject, self.number = check, check.subject, number
        self.array, self.n = self.subject.arrays[number], self.subject.n
        self.elements = [f.element for f in failures][:8]
        xp = array_module(self.array)
        self.rows = xp.any(xp.stack([f.rows for f in failures]), axis=0)
        steps = [check.direction(number, [e]) for e in self.elements]
        self.slopes = [check.derivative(number, s).value / float(abs(s).max()) for s in steps]

    def cotangent(self):
        """Return a random cotangent. It is 0 at the output elements whose gradients agree, if each was looked at alone."""
        w = self.subject.draw((self.n,))
        xp = array_module(w)
        alone = self.rows[: self.n] if len(self.rows) > self.n else xp.ones(self.n, bool)
        return xp.where(alone, w, 0) if xp.any(alone) else w

    def numeric(self, w):
        """Return the numeric gradient of the suspects for the cotangent `w`."""
        xp = array_module(w)
        if self.subject.surrogate is not None:
            w = xp.concatenate([w, xp.ones(1)])
        return xp.stack([w @ s for s in self.slopes])

    def gradient(self, w):
        """Return the gradient of the whole argument by backward."""
        return self.subject.gradients(w)[self.number]

    def analytic(self, w):
        """Return the gradient of the suspects by backward."""
        return self.gradient(w)[self.elements]


def explain(check, worst, failures):
    """Set the verdict and the detail of the finding `worst`: the first pattern that fits the failures."""
    suspects = Suspects(check, check.subject.positions.index(worst.argument), failures)
    size = suspects.array.size
    where = "every element" if len(failures) >= min(size, 12) else f"{len(failures)} of {size} elements"
    for pattern in (_offset, _sum_missing, _missing, _transposed, _factor, _precision):
        found = pattern(suspects)
        if found is not None:
            worst.verdict, worst.detail = found[0], f"{found[1]} ({where})"
            return
    worst.verdict, worst.detail = "wrong", f"no simple pattern in {where}: a wrong formula, or a term dropped"


def _close(a, b, tolerance=1e-5):
    """Return whether a and b agree to `tolerance` of each element's size."""
    xp = array_module(a)
    size = xp.maximum(xp.absolute(a), xp.absolute(b))
    return bool(xp.all(xp.absolute(a - b) <= tolerance * size + 1e-12))


def _offset(s):
    zero = s.analytic(array_module(s.array).zeros(s.n))
    if s.subject.surrogate is None and bool((zero != 0).any()):
        detail = "the gradient is not 0 where g is 0: backward adds something of its own"
        return "offset", f"{detail}; if that is on purpose, declare it with surrogate="
    return None


def _missing(s):
    w = s.cotangent()
    if not bool(s.analytic(w).any()) and bool(s.numeric(w).any()):
        return "missing", "backward gives 0 (or None, or the graph is cut) where the function does depend on the argument"
    return None


def _sum_missing(s):
    """Recognize a gradient to which only one slice of g contributes, or the mean of the slices instead of their sum."""
    if len(s.subject.recorded) != 1:
        return None
    shape, xp = tuple(s.subject.recorded[0].array.shape), array_module(s.array)
    w = s.subject.draw(shape)
    analytic = s.analytic(w.reshape(-1))
    for axis, n in enumerate(shape):
        place = (-1,) + (1,) * (len(shape) - axis - 1)
        for kept in (0, n - 1) if n > 1 else ():
            one = xp.where(xp.arange(n).reshape(place) == kept, w, 0)
            if not _close(s.numeric((w - one).reshape(-1)), 0 * analytic) and _close(analytic, s.numeric(one.reshape(-1))):
                return "broadcast", f"the sum over axis {axis} of the output is missing: only its slice {kept} counts"
        i = axis - len(shape) + s.array.ndim  # the argument's axis, which broadcasting added or stretched
        if n > 1 and (i < 0 or s.array.shape[i] == 1) and _close(n * analytic, s.numeric(w.reshape(-1)), 1e-6):
            return "broadcast", f"the sum over the broadcast axis {axis} of the output is missing: its mean is taken"
    return None


def _transposed(s):
    w, shape = s.subject.draw((s.n,)), s.array.shape
    whole, numeric = s.gradient(w), s.numeric(w)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        turned = array_module(w).swapaxes(whole.reshape(shape), -1, -2).reshape(-1)
        if _close(turned[s.elements], numeric):
            return "transposed", "the gradient is right for the argument with its last two axes exchanged"
    if s.n == s.array.size > 1 and s.subject.surrogate is None:
        forward = s.check.derivative(s.number, w.reshape(shape)).value
        if _close(whole, forward):
            return "transposed", "backward multiplies by the Jacobian instead of its transpose"
    return None


def _factor(s):
    xp = array_module(s.array)
    pairs = [(s.analytic(w), s.numeric(w)) for w in (s.cotangent(), s.cotangent())]
    analytic, numeric = (xp.concatenate(side) for side in zip(*pairs))
    if not bool(numeric.all()):
        return None
    ratios = analytic / numeric
    c = float(xp.mean(ratios))
    if not float(abs(ratios - c).max()) <= min(1e-5 * abs(c), 0.02 * abs(1 - c)) or abs(1 - c) < 1e-9:
        return None
    if abs(c + 1) < 1e-6:
        return "sign", "analytic = -numeric"
    nice = _nice(c)
    if len(s.elements) > 1 or nice:
        return "constant factor", f"analytic = {nice or format(c, '.10g')} · numeric"
    return None


def _nice(c):
    """Return a factor that a person may forget, a whole number up to 128 or one over it, as text; "" for any other."""
    near = Fraction(c).limit_denominator(128)
    is_nice = 1 in (abs(near.numerator), near.denominator) and abs(near) <= 128 and abs(near) != 1 and abs(c - near) < 1e-6 * abs(near)
    return str(near) if is_nice else ""


def _precision(s):
    if len(s.elements) < min(2, s.array.size):  # one element among many that are right
        return None
    w = s.cotangent()
    analytic, numeric = s.analytic(w), s.numeric(w)
    xp = array_module(w)
    error = float(xp.max(xp.absolute(analytic - numeric) / xp.maximum(xp.absolute(numeric), 1e-300)))
    if error < 1e-3:
        detail = f"right but for {error:.2g} of its size, with no constant ratio: look for an approximation, a cast, or an added eps"
        return "precision", detail
    return None
