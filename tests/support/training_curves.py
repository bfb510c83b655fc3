"""Train the same network with minigrad and with PyTorch, and compare: settings, both sides, comparisons."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim

ACTIVATIONS = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "ReLU"}


@dataclass
class Setting:
    """Everything that decides a training run. `scale` multiplies the loss, and so every gradient.

    side: the second head is used in steps whose number is a multiple of this (0: there is no such head); in the other steps
        its parameters have no gradient.
    noise: standard deviation of the noise that is added to every batch.
    """

    optimizer: str
    options: dict
    sizes: tuple = (4, 6, 3)
    activation: str = "tanh"
    loss: str = "mse"
    batch: int = 7
    items: int = 23
    noise: float = 0.0
    scale: float = 1.0
    side: int = 0
    seed: int = 0
    dtype: str = "float64"


# ---- settings drawn by Hypothesis

rates = st.sampled_from([1e-4, 1e-3, 1e-2, 0.1])
decays = st.sampled_from([0, 1e-4, 1e-2])


@st.composite
def sgd(draw):
    """Draw options of SGD: plain, momentum, dampening, nesterov, weight decay."""
    options = {"lr": draw(rates), "weight_decay": draw(decays)}
    if draw(st.booleans()):
        options["momentum"] = draw(st.sampled_from([0.5, 0.9]))
        options["nesterov"] = draw(st.booleans())
        if not options["nesterov"]:
            options["dampening"] = draw(st.sampled_from([0, 0.5]))
    return options


@st.composite
def adam(draw):
    """Draw options of Adam: betas, eps up to 1e-2, weight decay, amsgrad."""
    return {
        "lr": draw(st.sampled_from([1e-4, 1e-3, 1e-2])),
        "betas": draw(st.sampled_from([(0.9, 0.999), (0.5, 0.9), (0.0, 0.99)])),
        "eps": draw(st.sampled_from([1e-8, 1e-4, 1e-2])),
        "weight_decay": draw(decays),
        "amsgrad": draw(st.booleans()),
    }


@st.composite
def settings_of_runs(draw, dtype="float64"):
    """Draw any Setting."""
    name = draw(st.sampled_from(["SGD", "Adam"]))
    inner = draw(st.lists(st.integers(1, 8), max_size=2))
    return Setting(
        name,
        draw(sgd() if name == "SGD" else adam()),
        (draw(st.integers(1, 6)), *inner, draw(st.integers(2, 5))),
        draw(st.sampled_from(sorted(ACTIVATIONS))),
        draw(st.sampled_from(["mse", "nll", "cross_entropy", "l1", "penalty"])),
        batch=draw(st.integers(1, 16)),
        items=draw(st.integers(16, 40)),
        noise=draw(st.sampled_from([0.0, 0.1])),
        scale=draw(st.sampled_from([1.0, 1.0, 1e-9, 1e-4, 10.0])),
        side=draw(st.sampled_from([0, 0, 2, 5])),
        seed=draw(st.integers(0, 2**16)),
        dtype=dtype,
    )


# ---- both sides


class L1Penalty(torch.autograd.Function):
    """The identity, whose backward adds 0.01 · sign(x)."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g + 0.01 * ctx.saved_tensors[0].sign()


@dataclass
class Side:
    """The network, optimizer and functions of minigrad or PyTorch, under the same names."""

    lib: object
    nn: object
    optim: object
    tensor: object
    net: object = None
    head: object = None
    optimizer: object = None
    targets: object = None
    losses: list = field(default_factory=list)

    def build(self, setting):
        """Make layers and optimizer, and return self; the weights come later."""
        layers = []
        for n, m in zip(setting.sizes, setting.sizes[1:]):
            layers += [self.nn.Linear(n, m), getattr(self.nn, ACTIVATIONS[setting.activation])()]
        dtype = getattr(self.lib, setting.dtype)
        self.net = self.nn.Sequential(*layers[:-1]).to(dtype)
        self.head = self.nn.Linear(setting.sizes[0], setting.sizes[-1]).to(dtype)
        make = getattr(self.optim, setting.optimizer)
        self.optimizer = make([*self.net.parameters(), *self.head.parameters()], **setting.options)
        return self

    @property
    def parameters(self):
        return [*self.net.parameters(), *self.head.parameters()]

    def loss(self, setting, x, y, labels, use_head):
        """Return the loss of one batch."""
        x = self.tensor(x)
        out = self.net(x)
        if use_head:
            out = out + self.head(x)
        if setting.loss == "penalty":
            out = self.nn.L1Penalty(0.01)(out) if self.lib is mg else L1Penalty.apply(out)
        if setting.loss == "nll":
            value = self.nn.NLLLoss()(self.nn.LogSoftmax(dim=1)(out), self.tensor(labels))
        elif setting.loss == "cross_entropy":
            value = self.nn.CrossEntropyLoss()(out, self.tensor(labels))
        else:
            criterion = self.nn.L1Loss() if setting.loss == "l1" else self.nn.MSELoss()
            value = criterion(out, self.tensor(y))
        return value * setting.scale

    def backward(self, setting, number, batch):
        """Compute the gradients of one batch and return the loss."""
        self.optimizer.zero_grad()
        loss = self.loss(setting, *batch, use_head=bool(setting.side) and number % setting.side == 0)
        loss.backward()
        return loss.item()

    def step(self, setting, number, batch):
        """Train one step and return the loss."""
        loss = self.backward(setting, number, batch)
        self.optimizer.step()
        return loss

    def weights(self):
        """Return all parameters in one flat array."""
        return np.concatenate([np.array(p.detach().numpy()).ravel() for p in self.parameters])

    def gradients(self):
        """Return all gradients, None where there is none."""
        return [None if p.grad is None else np.array(p.grad.numpy()) for p in self.parameters]


def minigrad_side(setting):
    return Side(mg, nn, optim, mg.from_numpy).build(setting)


def torch_side(setting):
    """Return PyTorch's side, with the weights that it draws."""
    torch.manual_seed(setting.seed)
    return Side(torch, torch.nn, torch.optim, torch.from_numpy).build(setting)


def copy_weights(source, target):
    """Set the weights of minigrad's or PyTorch's side `target` to those of PyTorch's side `source`."""
    for a, b in zip(source.parameters, target.parameters):
        values = a.detach().numpy().copy()
        if target.lib is mg:
            with mg.no_grad():
                b.copy_(mg.from_numpy(values))
        else:
            with torch.no_grad():
                b.copy_(torch.from_numpy(values))


def copy_gradients(source, target):
    """Set minigrad's gradients to PyTorch's."""
    for a, b in zip(source.gradients(), target.parameters):
        b.grad = None if a is None else mg.from_numpy(a)


def one_ulp_apart(side):
    """Move every weight of PyTorch's side to the next larger number."""
    with torch.no_grad():
        for p in side.parameters:
            p.copy_(torch.nextafter(p, torch.full_like(p, torch.inf)))


def copy_state(source, target):
    """Give minigrad's optimizer PyTorch's state."""
    state = source.optimizer.state_dict()
    state["state"] = {
        n: {k: None if v is None else mg.from_numpy(np.array(v.numpy())) for k, v in entries.items()}
        for n, entries in state["state"].items()
    }
    target.optimizer.load_state_dict(state)


def batches(setting, steps):
    """Yield (number, (x, y, labels)) for each of `steps` steps, in epochs over `items` items, the last batch of each short."""
    rng = np.random.default_rng(setting.seed)
    dtype = setting.dtype
    x = rng.normal(0, 1, (setting.items, setting.sizes[0])).astype(dtype)
    y = rng.normal(0, 1, (setting.items, setting.sizes[-1])).astype(dtype)
    labels = rng.integers(0, setting.sizes[-1], setting.items)
    starts = range(0, setting.items, setting.batch)
    for number in range(steps):
        at = starts[number % len(starts)]
        part = slice(at, at + setting.batch)
        noise = rng.normal(0, setting.noise, x[part].shape).astype(dtype) if setting.noise else 0
        yield number, (x[part] + noise, y[part], labels[part])


# ---- comparing

DIVERGED = 1e3  # from this loss on nothing is learnt, and rounding errors are as large as the weights


def distance(a, b):
    """Return the largest |a - b|, relative to b where |b| is above 1; infinite if only one is NaN."""
    a, b = np.asarray(a, dtype="float64"), np.asarray(b, dtype="float64")
    gap = np.abs(a - b) / np.maximum(1, np.abs(b))
    return float(np.where(np.isnan(a) & np.isnan(b), 0, np.where(np.isnan(gap), np.inf, gap)).max(initial=0))


def is_fit(setting, steps, tolerance):
    """Return (is it fit, losses, weights) of PyTorch's run, which ends as soon as the setting is seen to be unfit.

    A setting is fit if the run does not diverge, and another run stays within a quarter of the tolerance, whose first weights are one
    ulp apart and whose batches are in another order. (An L1 loss's gradient depends on signs alone; where the sum of its terms is 0
    but for the rounding errors of one order, Adam divides these by their size.)
    """
    reference, shaken = torch_side(setting), torch_side(setting)
    one_ulp_apart(shaken)
    losses, weights = [], []
    rng = np.random.default_rng(setting.seed)
    for number, batch in batches(setting, steps):
        losses.append(reference.step(setting, number, batch) / setting.scale)
        weights.append(reference.weights())
        order = rng.permutation(len(batch[0]))
        loss = shaken.step(setting, number, tuple(part[order] for part in batch))
        near = losses[-1] < DIVERGED and distance(loss / setting.scale, losses[-1]) <= tolerance / 4
        if not near or distance(shaken.weights(), weights[-1]) > tolerance / 4:
            return False, losses, weights
    return True, losses, weights


def compare_free(setting, steps, tolerance, losses, weights):
    """Train from the same weights, and compare every step without correcting minigrad's weights in between."""
    side = minigrad_side(setting)
    copy_weights(torch_side(setting), side)
    for number, batch in batches(setting, steps):
        loss = side.step(setting, number, batch) / setting.scale
        assert distance(loss, losses[number]) <= tolerance, (
            f"step {number}: loss {loss!r}, PyTorch {losses[number]!r}"
        )
        gap = distance(side.weights(), weights[number])
        assert gap <= tolerance, f"step {number}: weights differ by {gap:.3g}"


def compare_steps(setting, steps, tolerance):
    """Compare losses and gradients of single steps from PyTorch's weights and state, and the weights that PyTorch's gradients lead to.

    minigrad's own gradients could lead elsewhere: Adam divides a gradient near 0 by its size, and there cancelling terms leave
    nothing but rounding errors.
    """
    reference, side = torch_side(setting), minigrad_side(setting)
    for number, batch in batches(setting, steps):
        copy_weights(reference, side)
        if number:
            copy_state(reference, side)
        before = reference.weights()
        wanted, loss = reference.backward(setting, number, batch), side.backward(setting, number, batch)
        if not wanted / setting.scale < DIVERGED:
            return
        try:
            compare_step(side.gradients(), loss, reference.gradients(), wanted, tolerance, setting, number)
        except AssertionError:
            own = rounding(reference, setting, number, wanted)
            if own <= tolerance:  # else the terms of PyTorch's own float32 sums cancel: it is as far from its float64 result
                raise
            compare_step(side.gradients(), loss, reference.gradients(), wanted, own, setting, number)
        copy_gradients(reference, side)
        for one in (reference, side):
            one.optimizer.step()
        compare_weights(before, side.weights(), reference.weights(), tolerance, f"step {number}")


def compare_step(gradients, loss, wanted_gradients, wanted, tolerance, setting, number):
    """Assert equality of a loss, and of the gradients, to a tolerance."""
    assert distance(loss / setting.scale, wanted / setting.scale) <= tolerance, f"step {number}: loss {loss!r}, PyTorch {wanted!r}"
    compare_gradients(gradients, wanted_gradients, tolerance, setting.scale, f"step {number}")


def rounding(reference, setting, number, wanted):
    """Return four times the distance of PyTorch's loss and gradients in a step from those of two other runs of PyTorch; 0 in float64.

    Both have the same weights: one in float64, the other with activations one ulp apart.
    """
    if setting.dtype == "float64":
        return 0.0
    wide = replace(setting, dtype="float64")
    exact, shaken = torch_side(wide), torch_side(setting)
    shaken.net = torch.nn.Sequential(*(m if isinstance(m, torch.nn.Linear) else OneUlp(m) for m in shaken.net))
    gradients = reference.gradients()
    apart = []
    for side, how in ((exact, wide), (shaken, setting)):
        with torch.no_grad():
            for p, narrow in zip(side.parameters, reference.parameters):
                p.copy_(narrow)
        loss = side.backward(how, number, next(batch for n, batch in batches(how, number + 1) if n == number))
        gaps = [np.abs(a - b).max(initial=0) for a, b in zip(side.gradients(), gradients) if b is not None]
        apart += [distance(loss / setting.scale, wanted / setting.scale), max(gaps) / largest_of(gradients, setting.scale)]
    return 4 * max(apart)


class OneUlp(torch.nn.Module):
    """An activation whose output, from which its derivative is computed, is the next number towards 0: libraries differ by that much.

    It matters where a function saturates: in float32 the derivative of tanh, 1 - y², is 0 at y = 1, and 1.2e-7 one ulp below.
    """

    DERIVATIVES = {"Tanh": lambda y: 1 - y * y, "Sigmoid": lambda y: y * (1 - y), "ReLU": lambda y: (y > 0).to(y.dtype)}

    def __init__(self, activation):
        super().__init__()
        self.activation, self.derivative = activation, self.DERIVATIVES[type(activation).__name__]

    def forward(self, x):
        """Return y + y'·(x - x): the value y, with the derivative y' that follows from it."""
        y = torch.nextafter(self.activation(x.detach()), torch.zeros_like(x))
        return y + self.derivative(y) * (x - x.detach())


def largest_of(gradients, scale):
    """Return the largest magnitude among the gradients, and the loss's scale, which is the size of the terms that cancel."""
    return max([scale, *(np.abs(g).max(initial=0) for g in gradients if g is not None)])


def compare_gradients(found, wanted, tolerance, scale, what):
    """Assert equality to `tolerance` of the largest gradient, or of the loss's scale."""
    largest = largest_of(wanted, scale)
    for i, (a, b) in enumerate(zip(found, wanted)):
        assert (a is None) == (b is None), f"{what}: gradient {i} is {a}, PyTorch's {b}"
        if a is not None:
            gap = np.abs(a - b).max(initial=0)
            assert gap <= tolerance * largest, f"{what}: gradient {i} differs by {gap:.3g} of {largest:.3g}"


def compare_weights(before, found, wanted, tolerance, what):
    """Assert equality to `tolerance` of the largest weight or step, at least 1."""
    largest = max(1, np.abs(wanted).max(), np.abs(wanted - before).max())
    gap = np.abs(found - wanted).max()
    assert gap <= tolerance * largest, f"{what}: weights differ by {gap:.3g} of {largest:.3g}"
