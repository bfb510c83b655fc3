"""The health of a training against NumPy by hand, and that watching changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.inspect import concerns, watch
from minigrad.inspect.health import norm
from support.strict_device import Sync, no_sync, strict_device


def network():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3), nn.Sigmoid(), nn.Linear(3, 2)).double()


def train_step(net, optimizer, x):
    optimizer.zero_grad()
    (net(x) ** 2).mean().backward()
    optimizer.step()


def numbers_of(layer):
    """Return the weights and the gradients of a layer, each as one vector of NumPy."""
    return tuple(np.concatenate([t.numpy().reshape(-1).copy() for t in parts]) for parts in (
        [p.detach() for p in layer.parameters()], [p.grad for p in layer.parameters()]))


def test_norms_and_update_ratio_are_those_of_numpy():
    net = network()
    optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    x = mg.randn(7, 5, dtype=mg.float64)
    gradients, weights, updates = [], [], []
    with watch(net, optimizer, every=2) as health:
        for step in range(5):
            before = np.concatenate([p.detach().numpy().reshape(-1).copy() for p in net[2].parameters()])
            train_step(net, optimizer, x)
            after, g = numbers_of(net[2])
            if step % 2 == 0:
                for list_, vector in ((gradients, g), (weights, before), (updates, after - before)):
                    list_.append(np.linalg.norm(vector))
        found = health.epoch()
        assert list(found) == ["0", "1", "2", "3", "4", "5", "6"]
        expected = {"gradient_norm": np.mean(gradients), "weight_norm": np.mean(weights), "update_ratio": sum(updates) / sum(weights)}
        assert found["2"] == pytest.approx(expected, rel=1e-12)
        assert health.epoch() == {}  # everything was returned; nothing new was seen


def test_dead_and_saturated_shares_are_counted_over_the_watched_passes():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 2)).double()
    with mg.no_grad():
        net[0].weight.copy_(mg.eye(4, 3))
        net[0].bias.copy_(mg.tensor([0.0, 0.0, 0.0, -1.0], dtype=mg.float64))  # the fourth unit never is above 0
        net[2].weight.copy_(mg.tensor([[10.0, 0, 0, 0], [0, 1.0, 0, 0]], dtype=mg.float64))
        net[2].bias.zero_()
    optimizer = optim.SGD(net.parameters(), lr=0.0)
    with watch(net, optimizer, every=2) as health:
        for x in ([[1.0, 1.0, -1.0]], [[0.0, 0.0, 9.0]], [[1.0, 0.1, -2.0]]):  # the second step is not watched
            train_step(net, optimizer, mg.tensor(x, dtype=mg.float64))
            with mg.no_grad():
                net(mg.full((1, 3), 9.0, dtype=mg.float64))  # a pass that is not recorded does not count
        found = health.epoch()
    assert found["1"] == {"dead": 0.5}  # the third unit was above 0 in the second step alone
    assert found["3"] == {"saturated": 0.5}  # tanh(10) twice, and neither tanh(1) nor tanh(0.1)
    assert concerns(found) == ["1: 50 % of the units are dead", "3: 50 % of the outputs are saturated",
                               *(f"{path}: no step changes the weights" for path in "024")]  # fmt: skip


def test_the_bounds_of_a_sigmoid_and_a_layer_that_is_called_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.act, self.end = nn.Linear(1, 2), nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1)

        def forward(self, x):
            return self.end(self.act(self.second(self.act(self.first(x)))))

    net = Twice()
    with mg.no_grad():
        for layer, bias in ((net.first, [-3.6, 0.0]), (net.second, [3.6, -3.3, 3.3])):  # sigmoid(3.6) = 0.973, sigmoid(3.3) = 0.964
            layer.weight.zero_()
            layer.bias.copy_(mg.tensor(bias))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with watch(net, optimizer) as health:
        train_step(net, optimizer, mg.ones(1, 1))
        assert health.epoch()["act"] == {"saturated": 2 / 5}


def test_the_activation_that_makes_the_answer_is_left_out():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU())
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with watch(net, optimizer) as health:
        for _ in range(2):
            train_step(net, optimizer, mg.rand(4, 2))
            assert list(health.epoch()) == ["0", "1", "2"]


@pytest.mark.parametrize("kind", [optim.Adam, optim.SGD])
def test_watching_changes_no_number_and_leaves_nothing_behind(kind):
    weights = []
    for watched in (False, True):
        net, x = network(), mg.full((4, 5), 0.5, dtype=mg.float64)
        optimizer = kind(net.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.9)
        step, hooks = optimizer.step, {path: dict(layer._forward_hooks) for path, layer in net.named_modules()}
        if watched:
            with watch(net, optimizer):
                for _ in range(3):
                    train_step(net, optimizer, x)
                    schedule.step()
            assert optimizer.step is step
            with pytest.raises(KeyError), watch(net, optimizer):
                raise KeyError
            assert optimizer.step is step and hooks == {path: dict(layer._forward_hooks) for path, layer in net.named_modules()}
        else:
            for _ in range(3):
                train_step(net, optimizer, x)
                schedule.step()
        weights.append([p.detach().numpy().tobytes() for p in net.parameters()])
    assert weights[0] == weights[1]


def test_a_schedule_that_is_made_in_the_block_goes_on_working():
    net = network()
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    with watch(net, optimizer) as health:
        schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
        train_step(net, optimizer, mg.ones(2, 5, dtype=mg.float64))
        schedule.step()
        assert health.epoch()["0"]["update_ratio"] > 0
    train_step(net, optimizer, mg.ones(2, 5, dtype=mg.float64))
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.25 and health.epoch() == {}


def test_a_step_with_a_closure_and_layers_without_gradient():
    net = network()
    net[0].requires_grad_(False)
    optimizer = optim.SGD([*net[4].parameters(), *net[6].parameters()], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (net(mg.ones(2, 5, dtype=mg.float64)) ** 2).mean()
        loss.backward()
        return loss

    with watch(net, optimizer) as health:
        assert optimizer.step(closure).item() > 0
        found = health.epoch()
    assert "0" not in found  # frozen
    assert found["2"]["gradient_norm"] > 0 and found["2"]["update_ratio"] == 0  # the optimizer does not have it
    assert found["4"]["update_ratio"] > 0


def test_no_step_waits_for_the_device_and_an_epoch_does_once():
    with strict_device():
        net, x = network().to("cuda"), mg.ones(3, 5, dtype=mg.float64).to("cuda")
        optimizer = optim.SGD(net.parameters(), lr=0.1)
        train_step(net, optimizer, x)
        with watch(net, optimizer) as health:
            with no_sync():
                for _ in range(3):
                    train_step(net, optimizer, x)
            before = Sync.count
            found = health.epoch()
            assert Sync.count == before + 1
        assert len(found) == 7 and found["0"]["update_ratio"] > 0


def test_numbers_that_are_not_finite_are_told():
    net = nn.Linear(1, 1)
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    with watch(net, optimizer) as health:
        train_step(net, optimizer, mg.full((1, 1), math.inf))
        found = health.epoch()
    assert found["Linear"]["gradient_norm"] == math.inf and concerns(found) == ["Linear: the gradient is not finite"]


def test_concerns_of_each_kind_and_of_a_healthy_network():
    said = {
        "37 % of the units are dead": {"gradient_norm": 1.0, "update_ratio": 1e-3, "dead": 0.37},
        "the gradient is 0": {"gradient_norm": 0.0, "weight_norm": 1.0, "update_ratio": 0.0},
        "a step changes the weights by 14 %": {"gradient_norm": 1.0, "update_ratio": 0.14},
        "a step changes the weights by 4.8e+199 times their size": {"gradient_norm": 1.0, "update_ratio": 4.8e199},
        "a step changes the weights by only 2e-05 %": {"gradient_norm": 1.0, "update_ratio": 2e-7},
    }
    assert concerns({str(i): numbers for i, numbers in enumerate(said.values())}) == [f"{i}: {text}" for i, text in enumerate(said)]
    assert concerns({"0": {"gradient_norm": 1e-3, "weight_norm": 1.0, "update_ratio": 1e-3}, "1": {"dead": 0.0, "saturated": 0.2}}) == []


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_every_must_be_a_whole_number(every):
    net = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="watch: every must be a whole number, at least 1, got"):
        watch(net, optim.SGD(net.parameters()), every=every).__enter__()


@given(st.lists(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4), min_size=1, max_size=3))
def test_a_norm_is_math_hypot_also_of_extreme_numbers(lists):
    expected = math.hypot(*[x for part in lists for x in part])
    found = norm([mg.tensor(part, dtype=mg.float64) for part in lists]).item()
    assert found == pytest.approx(expected, rel=1e-14, abs=5e-323)
