"""Bugs to plant one at a time: module, the text as it stands, the text with the bug, and which checks to try first."""

from dataclasses import dataclass


@dataclass
class Bug:
    name: str
    module: str
    old: str
    new: str
    first: tuple = ()

    def __str__(self):
        return self.name


ARITHMETIC, ACTIVATIONS, REDUCTIONS = "minigrad.ops.arithmetic", "minigrad.ops.activations", "minigrad.ops.reductions"
SHAPING, LOSSES, PENALTIES = "minigrad.ops.shaping", "minigrad.ops.losses", "minigrad.ops.penalties"
ENGINE, MODES, WRITES = "minigrad.autograd.engine", "minigrad.autograd.modes", "minigrad.autograd.writes"
CONTRACT, HOOKS, LEAVES = "minigrad.autograd.contract", "minigrad.autograd.hooks", "minigrad.autograd.leaves"
SGD, ADAM, OPTIMIZER = "minigrad.optim.sgd", "minigrad.optim.adam", "minigrad.optim.optimizer"

BUGS = [
    # formulas
    Bug("sign", ARITHMETIC, "minus(x, y), unchanged, lambda g: -g", "minus(x, y), unchanged, lambda g: +g", ("row sub",)),
    Bug("factor 1 + 1e-6", ACTIVATIONS, "return g * (1 - y * y)", "return g * (1.000001 - y * y)", ("row tanh",)),
    Bug("factor 1/2", ARITHMETIC, "lambda g: over(g, times(2, y))", "lambda g: over(g, y)", ("row sqrt",)),
    Bug("dropped term", ACTIVATIONS, "return gy - y * array_module(g).sum(gy, axis=axis, keepdims=True)", "return gy", ("row softmax",)),
    Bug("input for output", ACTIVATIONS, "lambda g: tanh_grad(g, y)", "lambda g: tanh_grad(g, x)", ("row tanh",)),
    Bug("product with the wrong factor", ARITHMETIC, "lambda g: times(g, y), lambda g: times(g, x)",
        "lambda g: times(g, x), lambda g: times(g, x)", ("row mul",)),
    Bug("quotient without its sign", ARITHMETIC, "lambda g: times(-g, over(z, y))", "lambda g: times(g, over(z, y))", ("row div",)),
    Bug("not transposed", ARITHMETIC, "array_module(g).matmul(g, array_module(y).swapaxes(y, -1, -2))",
        "array_module(g).matmul(g, array_module(y).swapaxes(y, -1, -1))", ("row matmul",)),
    Bug("mean without its n", REDUCTIONS, "spread(g / (n or 1), shape, axis, keepdims)", "spread(g, shape, axis, keepdims)", ("row mean",)),
    Bug("mean of the squared error over half of n", LOSSES, "scale = 2 / max(n, 1)", "scale = 1 / max(n, 1)", ("row mse",)),
    Bug("bias gradient not summed over rows", ARITHMETIC, "lambda g: array_module(g).sum(_rows(g), axis=0)", "lambda g: _rows(g)[0]",
        ("row linear",)),
    # conventions and extreme values
    Bug("relu'(0) = 1", ACTIVATIONS, "return xp.where(y <= 0, 0, g)", "return xp.where(y < 0, 0, g)", ("row relu",)),
    Bug("relu of NaN", ACTIVATIONS, "return xp.where(x < 0, 0, x)", "return xp.where(x > 0, x, 0)", ("row relu",)),
    Bug("sigmoid loses its tail", ACTIVATIONS, "return xp.where(x >= 0, 1, e) / (1 + e)",
        "return xp.where(x >= 0, 1 / (1 + e), 1 - 1 / (1 + e))", ("row sigmoid",)),
    Bug("sigmoid overflows", ACTIVATIONS, "e = xp.exp(xp.where(x >= 0, -x, x))", "e = xp.exp(x)", ("row sigmoid",)),
    Bug("log-softmax not shifted", ACTIVATIONS, '    shifted = x - _peak("log_softmax", x, axis)', "    shifted = x", ("row log_softmax",)),
    Bug("maximum: a tie gives all to both", ARITHMETIC, "return xp.where(winner == loser, g / 2, xp.where(winner < loser, 0, g))",
        "return xp.where(winner < loser, 0, g)", ("row maximum",)),
    Bug("max: ties not shared", REDUCTIONS, "* share / xp.sum(share, axis=axis, keepdims=True)", "* share",
        ("row max",)),
    Bug("clip: open at the lower bound", ARITHMETIC, "(x >= low) & (x <= high)", "(x > low) & (x <= high)", ("row clip",)),
    Bug("power: 0 · log 0", ARITHMETIC, "(x == 0) & (y >= 0)", "(x != x) & (y >= 0)", ("row pow",)),
    Bug("penalty without its weight", PENALTIES, "lambda g: g + weight * signs(x)", "lambda g: g + signs(x)", ("row l1_penalty",)),
    Bug("loss: ignored targets counted", LOSSES, "picked_grad(-g / total, w, w)", "picked_grad(-g / len(targets), w, w)",
        ("row nll",)),
    # shapes
    Bug("sum: axes not put back", REDUCTIONS, "if axis is not None and not keepdims:", "if axis is not None and keepdims:", ("row sum",)),
    Bug("transpose: order not inverted", SHAPING, "back = None if axes is None else tuple(sorted(range(len(axes)), key=axes.__getitem__))",
        "back = axes", ("row transpose",)),
    Bug("swapaxes: g not swapped back", SHAPING, "lambda g: array_module(g).swapaxes(g, axis1, axis2)",
        "lambda g: array_module(g).reshape(g, x.shape)", ("row swapaxes",)),
    Bug("join: parts one too late", SHAPING, "starts = [0, *ends[:-1]]", "starts = [0, *ends[1:]]", ("row join",)),
    Bug("no unbroadcast of new axes", CONTRACT, "axes = (*range(added), *(", "axes = (*range(added)[1:], *(", ("row add", "row mul")),
    Bug("unbroadcast by mean", CONTRACT, "return xp.sum(g, axis=tuple(range(added)))", "return xp.mean(g, axis=tuple(range(added)))",
        ("row add",)),
    Bug("flip: g not flipped", SHAPING, "lambda g: array_module(g).flip(g, axis=axis)", "lambda g: g", ("row flip",)),
    # memory and dtype
    Bug("a wrong dtype passes", CONTRACT, "if node.dtype == dtype:", "if node.dtype != dtype:", ("rule wrong",)),
    Bug("float64 leaks into a float32 gradient", REDUCTIONS, "share = xp.astype(hit, x.dtype)", "share = xp.astype(hit, \"float64\")",
        ("row max",)),
    Bug("g is changed", ARITHMETIC, "return -x, lambda g: -g", "return -x, lambda g: array_module(g).multiply(g, -1, out=g)", ("row neg",)),
    Bug("two gradients in one array", LEAVES, "first = wrap(g if owned else backend.copy(g, order=\"C\"))", "first = wrap(g)",
        ("rule gradients", "row add")),
    Bug("a saved array handed out", ENGINE, "node.op.owns and not keeps(vjp, c)", "node.op.owns", ("rule a gradient",)),
    Bug("sums added into arrays of others", ENGINE, "    if parent in owned:", "    if True:", ("rule random",)),
    # the engine's walk
    Bug("= for +=", ENGINE, "total = sums[parent] = total + c", "total = sums[parent] = c", ("rule",)),
    Bug("oldest node first", ENGINE, "heappush(newest_first, (-parent.tick, parent))", "heappush(newest_first, (parent.tick, parent))",
        ("rule",)),
    Bug("gradients are replaced, not added up", LEAVES, "before.array += g", "before.array = g + 0", ("rule second",)),
    Bug("graph never freed", ENGINE, "        if not retain:\n", "        if retain:\n", ("rule freed",)),
    Bug("hooks in the wrong order", HOOKS, "key=lambda item: item[0] is None)", "key=lambda item: -(item[0] or 0))", ("rule hooks",)),
    Bug("a decorated function leaves its mode behind", MODES, "recording.set(before) if token is None else recording.reset(token)",
        "None", ("rule no grad",)),
    Bug("in-place writes forgotten", WRITES, "ranges[low, high] = Last.write = now", "ranges[low, high] = now", ("rule writes",)),
    Bug("in-place writes seen everywhere", WRITES, "now > then and a < high and low < b", "now > then", ("rule writes",)),
    # optimizers
    Bug("t off by one", ADAM, "group[\"lr\"] / (1 - beta1**count)", "group[\"lr\"] / (1 - beta1**(count + 1))", ("curve Adam",)),
    Bug("bias correction of v missing", ADAM, "math.sqrt(1 - beta2**count)", "1.0", ("curve Adam",)),
    Bug("eps inside the root", ADAM, "(xp.sqrt(v) / root + eps)", "(xp.sqrt(v / root / root + eps * eps))", ("curve Adam",)),
    Bug("eps before the bias correction", ADAM, "(xp.sqrt(v) / root + eps)", "((xp.sqrt(v) + eps) / root)", ("curve Adam",)),
    Bug("amsgrad takes the latest", ADAM, "xp.where(largest > v, largest, v)", "xp.where(largest > 1e30, largest, v)",
        ("curve Adam, amsgrad",)),
    Bug("decay in the wrong direction", SGD, "return g + weight_decay * p", "return g - weight_decay * p", ("curve SGD, momentum",)),
    Bug("momentum after the step", SGD, "p -= lr * buffer", "p -= lr * g", ("curve SGD, momentum",)),
    Bug("first step dampened", SGD, "1 if fresh else 1 - group[\"dampening\"]", "1 - group[\"dampening\"]", ("curve SGD, momentum",)),
    Bug("nesterov without the gradient", SGD, "(g + momentum * buffer)", "(momentum * buffer)", ("curve SGD, nesterov",)),
    Bug("no gradient taken as zero", OPTIMIZER, "            if p._grad is None:\n",
        "            if p._grad is None: p._grad = p.detach() * 0\n            if False:\n",
        ("curve",)),
]
