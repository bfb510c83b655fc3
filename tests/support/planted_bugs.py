"""Bugs to plant one at a time: a function, a piece of it, that piece with the bug, and the checks to try first.

A function is named by its package and its qualified name, not by its file. A piece is an expression or a statement that occurs in it once.
"""

from dataclasses import dataclass


@dataclass
class Bug:
    """A bug; `first` has words from the names of the checks (see named_checks.py) that should notice it soonest."""

    name: str
    function: str
    old: str
    new: str
    first: tuple

    def __str__(self):
        return self.name


BUGS = [
    # formulas
    Bug("sign", "ops.sub", "-g", "+g", ("row sub",)),
    Bug("factor 1 + 1e-6", "ops.tanh_grad", "1 - y * y", "1.000001 - y * y", ("row tanh",)),
    Bug("factor 1/2", "ops.sqrt", "times(2, y)", "y", ("row sqrt",)),
    Bug("dropped term", "ops.softmax", "gy - y * array_module(g).sum(gy, axis=axis, keepdims=True)", "gy", ("row softmax",)),
    Bug("input for output", "ops.tanh", "tanh_grad(g, y)", "tanh_grad(g, x)", ("row tanh",)),
    Bug("product with the wrong factor", "ops.mul", "times(g, y)", "times(g, x)", ("row mul",)),
    Bug("quotient without its sign", "ops.div", "-g", "g", ("row div",)),
    Bug("not transposed", "ops.matmul", "array_module(y).swapaxes(y, -1, -2)", "array_module(y).swapaxes(y, -1, -1)", ("row matmul",)),
    Bug("mean without its n", "ops.mean", "g / (n or 1)", "g", ("row mean",)),
    Bug("variance's gradient over n", "ops.var", "2 / freedom", "2 / (freedom + correction)", ("row var",)),
    Bug("standardized by a constant", "ops.standardize_grad", "g - mean_g - d * (r * r * mean_gd)", "g - mean_g", ("row standardize",)),
    Bug("running sum's gradient from the front", "ops.cumsum", "xp.flip(xp.cumsum(xp.flip(g, axis=axis), axis=axis), axis=axis)",
        "xp.cumsum(g, axis=axis)", ("row cumsum",)),
    Bug("mean of the squared error over half of n", "ops.mse", "2 / max(n, 1)", "1 / max(n, 1)", ("row mse",)),
    Bug("bias gradient not summed over rows", "ops.linear", "array_module(g).sum(_rows(g), axis=0)", "_rows(g)[0]", ("row linear",)),
    Bug("log1p as log", "ops.log1p", "over(g, 1 + x)", "over(g, x)", ("row log1p",)),
    # conventions and extreme values
    Bug("leaky_relu'(0) = 1", "ops.leak", "x > 0", "x >= 0", ("row leaky_relu",)),
    Bug("atan2 at the origin", "ops.arctan2", "array_module(g).where(s == 0, 0, 1 / s)", "1 / s", ("row arctan2",)),
    Bug("relu'(0) = 1", "ops.relu_grad", "y <= 0", "y < 0", ("row relu",)),
    Bug("relu of NaN", "ops.relu_value", "xp.where(x < 0, 0, x)", "xp.where(x > 0, x, 0)", ("row relu",)),
    Bug("sigmoid loses its tail", "ops.sigmoid_value", "xp.where(x >= 0, 1, e) / (1 + e)",
        "xp.where(x >= 0, 1 / (1 + e), 1 - 1 / (1 + e))", ("row sigmoid",)),
    Bug("sigmoid overflows", "ops.sigmoid_value", "xp.where(x >= 0, -x, x)", "x", ("row sigmoid",)),
    Bug("log-softmax not shifted", "ops.log_softmax", 'x - _peak("log_softmax", x, axis)', "x", ("row log_softmax",)),
    Bug("logsumexp shifted by an infinite maximum", "ops.logsumexp", "xp.where(peak - peak == 0, peak, 0)", "peak", ("row logsumexp",)),
    Bug("maximum: a tie gives all to both", "ops.pick_grad", "xp.where(winner == loser, g / 2, xp.where(winner < loser, 0, g))",
        "xp.where(winner < loser, 0, g)", ("row maximum",)),
    Bug("max: ties not shared", "ops._extreme", "xp.sum(share, axis=axis, keepdims=True)", "1", ("row max",)),
    Bug("clip: open at the lower bound", "ops.clip_grad", "x >= low", "x > low", ("row clip",)),
    Bug("power: 0 · log 0", "ops.pow", "x == 0", "x != x", ("row pow",)),
    Bug("penalty without its weight", "ops.l1_penalty", "weight * signs(x)", "signs(x)", ("row l1_penalty",)),
    Bug("loss: ignored targets counted", "ops.nll", "picked_grad(-g / total, w, w)", "picked_grad(-g / len(targets), w, w)", ("row nll",)),
    # shapes
    Bug("sum: axes not put back", "ops.spread", "axis is not None and not keepdims", "axis is not None and keepdims", ("row sum",)),
    Bug("transpose: order not inverted", "ops.transpose", "tuple(sorted(range(len(axes)), key=axes.__getitem__))", "axes",
        ("row transpose",)),
    Bug("swapaxes: g not swapped back", "ops.swapaxes", "array_module(g).swapaxes(g, axis1, axis2)", "array_module(g).reshape(g, x.shape)",
        ("row swapaxes",)),
    Bug("join: parts one too late", "ops.join", "[0, *ends[:-1]]", "[0, *ends[1:]]", ("row join",)),
    Bug("no unbroadcast of new axes", "autograd.unbroadcast",
        "(*range(added), *(i + added for i, n in enumerate(shape) if n == 1 and g.shape[i + added] != 1))",
        "(*range(added)[1:], *(i + added for i, n in enumerate(shape) if n == 1 and g.shape[i + added] != 1))", ("row add", "row mul")),
    Bug("unbroadcast by mean", "autograd.unbroadcast", "xp.sum(g, axis=tuple(range(added)))", "xp.mean(g, axis=tuple(range(added)))",
        ("row add",)),
    Bug("flip: g not flipped", "ops.flip", "array_module(g).flip(g, axis=axis)", "g", ("row flip",)),
    # memory and dtype
    Bug("a wrong dtype passes", "autograd.fit", "node.dtype == dtype", "node.dtype != dtype", ("rule wrong",)),
    Bug("float64 leaks into a float32 gradient", "ops._extreme", "share = xp.astype(hit, x.dtype)", 'share = xp.astype(hit, "float64")',
        ("row max",)),
    Bug("g is changed", "ops.neg", "lambda g: -g", "lambda g: array_module(g).multiply(g, -1, out=g)", ("row neg",)),
    Bug("two gradients in one array", "autograd._accumulate", 'g if owned else backend.copy(g, order="C")', "g",
        ("rule gradients", "row add")),
    Bug("a gradient is a saved array", "autograd.call_vjps", "not writes.keeps(vjp, c)", "True", ("rule a gradient",)),
    Bug("sums are added to in arrays that others hold", "autograd.Sums.add", "parent in self.owned", "True", ("rule random",)),
    # the backward pass
    Bug("= for +=", "autograd.Sums.add", "total + c", "c", ("rule",)),
    Bug("oldest node first", "autograd.call_vjps", "(-parent.tick, parent)", "(parent.tick, parent)", ("rule",)),
    Bug("gradients are replaced, not added up", "autograd._accumulate", "before.array += g", "before.array = g + 0", ("rule second",)),
    Bug("graph never freed", "autograd.backward_pass", "not retain", "retain", ("rule freed",)),
    Bug("hooks in the wrong order", "autograd.run_hooks", "item[0] is None", "-(item[0] or 0)", ("rule hooks",)),
    Bug("a decorated function leaves its mode behind", "autograd.in_mode",
        "recording.set(before) if token is None else recording.reset(token)", "None", ("rule no grad",)),
    Bug("in-place writes forgotten", "autograd.wrote", "ranges[low, high] = latest = now", "ranges[low, high] = now", ("rule writes",)),
    Bug("in-place writes seen everywhere", "autograd.written_since", "now > then and a < high and low < b", "now > then", ("rule writes",)),
    Bug("an output's gradient is dropped", "autograd.Parts.__add__", "b if a is None else a if b is None else _as_array(a + b, a)", "a",
        ("rule several",)),
    Bug("an output's gradient goes to the first", "autograd._output_node", "j == i", "j == 0", ("rule several",)),
    # optimizers
    Bug("t off by one", "optim.Adam.update", "1 - beta1**count", "1 - beta1**(count + 1)", ("curve Adam",)),
    Bug("bias correction of v missing", "optim.Adam.update", "math.sqrt(1 - beta2**count)", "1.0", ("curve Adam",)),
    Bug("eps inside the root", "optim.adam_update", "xp.sqrt(v) / root + eps", "xp.sqrt(v / root / root + eps * eps)", ("curve Adam",)),
    Bug("eps before the bias correction", "optim.adam_update", "xp.sqrt(v) / root + eps", "(xp.sqrt(v) + eps) / root", ("curve Adam",)),
    Bug("amsgrad takes the latest", "optim.amsgrad_update", "largest > v", "largest > 1e30", ("curve Adam, amsgrad",)),
    Bug("decoupled decay through the averages", "optim.Adam.update", 'decay and group["decoupled_weight_decay"]', "None", ("curve AdamW",)),
    Bug("RMSprop: eps inside the root", "optim.rmsprop_update", "xp.sqrt(v) + eps", "xp.sqrt(v + eps)", ("curve RMSprop",)),
    Bug("decay in the wrong direction", "optim.decayed", "g + weight_decay * p", "g - weight_decay * p", ("curve SGD, momentum",)),
    Bug("momentum after the step", "optim.momentum_update", "p -= lr * buffer", "p -= lr * g", ("curve SGD, momentum",)),
    Bug("first step dampened", "optim.SGD.update", '1 if fresh else 1 - group["dampening"]', '1 - group["dampening"]',
        ("curve SGD, momentum",)),
    Bug("nesterov without the gradient", "optim.nesterov_update", "g + momentum * buffer", "momentum * buffer", ("curve SGD, nesterov",)),
    Bug("no gradient taken as zero", "optim.Optimizer._gradients", "None if p._grad is None else p._grad.array",
        "p.array * 0 if p._grad is None else p._grad.array", ("curve",)),
]
