"""What looks inside a pass works where arrays live on a device and do not mix with NumPy's."""

import pytest

import minigrad as mg
from minigrad import nn
from support.strict_device import strict_device


def loss_of(net, x, targets):
    return nn.functional.nll_loss(net(x).log_softmax(1), targets)


def test_a_pass_on_a_device_is_explained_as_on_the_cpu():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x, targets = mg.randn(5, 3), mg.tensor([0, 1, 0, 1, 1])
    expected = mg.inspect.explain(loss_of(net, x, targets)).text()
    with strict_device():
        net.to("cuda")
        x, targets = x.to("cuda"), targets.to("cuda")
        loss = loss_of(net, x, targets)
        walk = mg.inspect.steps(loss)
        assert all(step.g.is_cuda and step.value.is_cuda for step in walk)
        assert mg.inspect.explain(loss).text().splitlines()[3] == expected.splitlines()[3].replace("loss_of(net, x, targets)", "loss")
        loss.backward()
        assert all(mg.equal(leaf.grad, g) for _, leaf, g in walk.leaves)


def test_an_anomaly_on_a_device():
    with strict_device():
        x = mg.tensor([4.0, 0.0]).to("cuda").requires_grad_()
        with mg.autograd.detect_anomaly(), pytest.raises(mg.autograd.AnomalyError, match=r"of sqrt: inf at \[0\]"):
            (x.sqrt() * 0).sqrt().sum().backward()
