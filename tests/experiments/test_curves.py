"""Training curves against PyTorch's: settings drawn by Hypothesis, and both lectures at full size.

A setting is fit for a free-running comparison if PyTorch, run again from weights one ulp apart and with its batches in another order,
stays within a quarter of the tolerance: no engine can be nearer to PyTorch than PyTorch itself. Otherwise each step starts
from PyTorch's weights.
"""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import minigrad as mg
import reference.autoencoder
import reference.denoising
from minigrad import optim
from minigrad.data import load_mnist
from minigrad.experiments import autoencoder, denoising
from support.training_curves import (
    Setting,
    adam,
    compare_free,
    compare_gradients,
    compare_steps,
    compare_weights,
    copy_weights,
    distance,
    is_fit,
    settings_of_runs,
    sgd,
)

DEEP = settings.get_current_profile_name() == "deep"


@pytest.fixture(autouse=True)
def one_thread():
    """One thread for both engines: small networks are faster with it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def check_curve(setting, steps, tolerance, step_tolerance):
    """Compare free-running if the setting is fit for that, else step by step; return which it was."""
    fit, losses, weights = is_fit(setting, steps, tolerance)
    if fit:
        compare_free(setting, steps, tolerance, losses, weights)
        return "free"
    compare_steps(setting, min(steps, 100), step_tolerance)
    return "steps"


@pytest.mark.slow
def test_curves_in_float64():
    ways = Counter()

    @settings(max_examples=120 if DEEP else 12)
    @given(setting=settings_of_runs())
    def curve(setting):
        ways[check_curve(setting, 1200, 1e-12, 1e-13)] += 1

    curve()
    assert ways["free"] >= ways["steps"], ways  # most settings are fit, so enough was compared


@pytest.mark.slow
def test_curves_in_float32():
    ways = Counter()

    @settings(max_examples=400 if DEEP else 40)
    @given(setting=settings_of_runs(dtype="float32"))
    def curve(setting):
        ways[check_curve(setting, 100, 1e-5, 1e-6)] += 1

    curve()
    assert ways["free"] >= ways["steps"], ways


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-13), ("float32", 1e-6)])
def test_single_steps(dtype, tolerance):
    @settings(max_examples=500 if DEEP else 40)
    @given(setting=settings_of_runs(dtype=dtype))
    def steps(setting):
        compare_steps(setting, 30, tolerance)

    steps()


def test_every_option_of_sgd():
    """For all combinations that Hypothesis draws, over little more than one epoch: the state of the first steps matters."""

    @settings(max_examples=300 if DEEP else 30)
    @given(options=sgd())
    def run(options):
        check_curve(Setting("SGD", options, side=2), 12, 1e-12, 1e-13)

    run()


def test_every_option_of_adam():
    @settings(max_examples=300 if DEEP else 30)
    @given(options=adam())
    def run(options):
        check_curve(Setting("Adam", options, side=3), 12, 1e-12, 1e-13)

    run()


NAMED = {
    "plain": Setting("SGD", {"lr": 0.1}),
    "momentum": Setting("SGD", {"lr": 0.02, "momentum": 0.9}),
    "dampening": Setting("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    "nesterov": Setting("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    "weight decay": Setting("SGD", {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.01}, side=2),
    "Adam": Setting("Adam", {"lr": 1e-3}, activation="sigmoid", loss="nll"),
    "Adam, weight decay": Setting("Adam", {"lr": 1e-3, "weight_decay": 0.01}, side=5),
    "amsgrad": Setting("Adam", {"lr": 1e-3, "amsgrad": True}, loss="cross_entropy", noise=0.5),
    "large eps": Setting("Adam", {"lr": 1e-3, "eps": 1e-2}, side=2),
    "tiny gradients": Setting("Adam", {"lr": 1e-3, "eps": 1e-8}, scale=1e-9),
    "large gradients": Setting("Adam", {"lr": 1e-3}, scale=10.0),
}


@pytest.mark.parametrize("name", NAMED)
def test_named_settings_run_free_for_1200_steps(name):
    assert check_curve(NAMED[name], 1200, 1e-12, 1e-13) == "free"


# ---- the lectures


class Lecture:
    """A lecture's autoencoder in one library, with the lecture's optimizer, and a step on a noisy batch."""

    def __init__(self, lib, text, optimizers, dtype):
        self.lib, self.nn = lib, mg.nn if lib is mg else torch.nn
        self.net = text.autoencoder().to(getattr(lib, dtype))
        self.tensor = mg.from_numpy if lib is mg else torch.from_numpy
        if text.__name__.endswith("denoising"):
            self.optimizer = optimizers.Adam(self.net.parameters(), lr=1e-3)
        else:
            self.optimizer = optimizers.SGD(self.net.parameters(), lr=0.5, momentum=0.9)

    @property
    def parameters(self):
        return list(self.net.parameters())

    def step(self, inputs, targets):
        self.optimizer.zero_grad()
        loss = self.nn.MSELoss()(self.net(self.tensor(inputs)), self.tensor(targets))
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def weights(self):
        return np.concatenate([np.array(p.detach().numpy()).ravel() for p in self.parameters])

    def gradients(self):
        return [p.grad.numpy() for p in self.parameters]


@pytest.fixture(scope="module")
def images():
    return load_mnist(None)[0].reshape(-1, 784)


def noisy_batches(images, noise, dtype, steps):
    """Yield (input, target) of the first steps: MNIST in batches of 1,000, with the lecture's noise."""
    rng = np.random.default_rng(0)
    for number in range(steps):
        x = (images[1000 * number : 1000 * (number + 1)] / 255).astype(dtype)
        drawn = rng.normal(*noise, x.shape).astype(dtype) if noise else None
        yield x if drawn is None else np.clip(x + drawn, 0, 1), x


LECTURES = {
    "denoising": (denoising, reference.denoising, (0.1, 0.2)),
    "autoencoder": (autoencoder, reference.autoencoder, None),
}


@pytest.mark.slow
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("name", LECTURES)
def test_lectures_at_full_size(name, dtype, tolerance, images, one_thread):
    torch.set_num_threads(mg.get_num_threads())
    in_minigrad, in_torch, noise = LECTURES[name]
    torch.manual_seed(0)
    reference_run, run = Lecture(torch, in_torch, torch.optim, dtype), Lecture(mg, in_minigrad, optim, dtype)
    copy_weights(reference_run, run)
    for number, (inputs, targets) in enumerate(noisy_batches(images, noise, dtype, steps=60 if DEEP else 25)):
        before = reference_run.weights()
        wanted, loss = reference_run.step(inputs, targets), run.step(inputs, targets)
        what = f"step {number}"
        assert distance(loss, wanted) <= tolerance, f"{what}: loss {loss!r}, PyTorch {wanted!r}"
        compare_gradients(run.gradients(), reference_run.gradients(), 100 * tolerance, 1e-3, what)
        compare_weights(before, run.weights(), reference_run.weights(), tolerance, what)

