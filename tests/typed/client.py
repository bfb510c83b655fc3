# pyright: strict
"""A program as a user writes it, with all annotations: both type checkers accept it, and it runs."""

import pathlib
import sys
from collections.abc import Iterator
from typing import Any, assert_type

import numpy as np

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.autograd import Function
from minigrad.data import DataLoader, TensorDataset


def arithmetic(x: Tensor, y: Tensor) -> Tensor:
    assert_type(x + 1, Tensor)
    assert_type(1 + x, Tensor)
    assert_type(2.5 - x, Tensor)
    assert_type(x * y / 2, Tensor)
    assert_type(1 / x, Tensor)
    assert_type(x // 2 % 3, Tensor)
    assert_type(x**2, Tensor)
    assert_type(2**x, Tensor)
    assert_type(x @ y.T, Tensor)
    assert_type(-x, Tensor)
    assert_type(abs(x), Tensor)
    assert_type(x == y, Tensor)
    assert_type(x != 1, Tensor)
    assert_type(x < y, Tensor)
    assert_type((x > 0) & (y > 0) | ~(x >= 1), Tensor)
    x = x + np.ones(3)
    x += 1
    x *= y
    assert_type(x, Tensor)
    return x


def functions(x: Tensor, y: Tensor) -> None:
    assert_type(x.tanh(), Tensor)
    assert_type(mg.tanh(x), Tensor)
    assert_type(mg.sigmoid(mg.relu(x)).exp().log().sqrt().square().sign(), Tensor)
    assert_type(x.clamp(max=2), Tensor)
    assert_type(mg.clamp(x, -1, 1), Tensor)
    assert_type(x.softmax(dim=1), Tensor)
    assert_type(mg.add(x, y, alpha=2), Tensor)
    assert_type(mg.pow(2, x), Tensor)
    assert_type(mg.maximum(x, y), Tensor)
    assert_type(x.sin().log1p().floor().round(decimals=1), Tensor)
    assert_type(mg.erf(mg.atan2(x, y)), Tensor)
    assert_type(x.clone().sin_().round_(decimals=2).lerp_(y, 0.5), Tensor)
    assert_type(x.div(2, rounding_mode="floor"), Tensor)
    assert_type(x.long().bitwise_and(3), Tensor)
    assert_type(nn.functional.gelu(nn.functional.leaky_relu(x, 0.2), approximate="tanh"), Tensor)
    assert_type(mg.matmul(x, y.t()), Tensor)
    assert_type(mg.allclose(x, y), bool)
    assert_type(mg.isnan(x).logical_not(), Tensor)


def reductions(x: Tensor, y: Tensor) -> None:
    assert_type(x.sum(), Tensor)
    assert_type(mg.sum(x, dim=(0, 1), keepdim=True), Tensor)
    assert_type(x.mean(0), Tensor)
    assert_type(x.mean(axis=1, dtype=mg.float64), Tensor)
    assert_type(x.max(), Tensor)
    assert_type(x.max(dim=1).values, Tensor)
    assert_type(mg.min(x, 0)[1], Tensor)
    assert_type(x.max(y), Tensor)
    assert_type(x.amax((0, 1)), Tensor)
    assert_type(x.argmax(dim=1), Tensor)
    assert_type((x > 0).all(), Tensor)
    values, indices = x.max(1)
    assert_type(values, Tensor)
    assert_type(indices, Tensor)


def indexing(x: Tensor, y: Tensor) -> None:
    assert_type(x[0], Tensor)
    assert_type(x[:, None, 1:], Tensor)
    assert_type(x[x > 0], Tensor)
    assert_type(x[mg.tensor([0, 1])], Tensor)
    assert_type(mg.where(x > 0, x, 0.0), Tensor)
    assert_type(mg.where(x > 0), tuple[Tensor, ...])
    assert_type([row.sum() for row in x], list[Tensor])
    x[0] = 1
    x[1, :2] = y[1, :2]


def shapes(x: Tensor, y: Tensor) -> None:
    assert_type(x.reshape(3, -1).view(-1).unsqueeze(0).squeeze(), Tensor)
    assert_type(mg.cat([x, y], dim=1), Tensor)
    assert_type(mg.stack((x, y)), Tensor)
    assert_type(x.transpose(0, 1).permute(1, 0).flatten().expand(2, -1), Tensor)
    assert_type(x.shape, mg.Size)
    assert_type(x.shape[0], int)
    assert_type(x.size(0), int)
    assert_type(x.ndim, int)
    assert_type(len(x), int)
    assert_type(x.dtype == mg.float32, bool)
    rows, columns = x.shape
    assert_type(rows * columns, int)


def conversions(x: Tensor) -> None:
    assert_type(x.double().float().half().long().int().bool(), Tensor)
    assert_type(x.to(mg.float64).to("cpu", copy=True), Tensor)
    assert_type(float(x.sum()), float)
    assert_type(x.type(), str)
    total: float = x.sum().item()
    array: np.ndarray[Any, Any] = x.detach().numpy()
    assert_type(mg.from_numpy(array), Tensor)
    assert_type(x.clone().detach().cpu().contiguous(), Tensor)
    print(total, x.tolist(), x.device, x.requires_grad)


def creation() -> Tensor:
    assert_type(mg.zeros(2, 3), Tensor)
    assert_type(mg.ones((2, 3), dtype=mg.float64), Tensor)
    assert_type(mg.full((2,), 1.5), Tensor)
    assert_type(mg.arange(0, 1, 0.25), Tensor)
    assert_type(mg.linspace(0, 1, steps=5), Tensor)
    assert_type(mg.eye(3), Tensor)
    assert_type(mg.zeros_like(mg.ones(2)), Tensor)
    assert_type(mg.randint(10, (2, 3)), Tensor)
    assert_type(mg.rand(2, 3, generator=mg.Generator().manual_seed(1)), Tensor)
    mg.manual_seed(0)
    return mg.randn(2, 3, requires_grad=True)


class Autoencoder(nn.Module):
    def __init__(self, inner: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(3, inner)
        self.decoder = nn.Sequential(nn.Tanh(), nn.Linear(inner, 3))
        self.scale = nn.Parameter(mg.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        code: Tensor = self.encoder(x)
        out: Tensor = self.decoder(code)
        return out * self.scale


class Cube(Function):
    """x³"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        x: Tensor = ctx.saved_tensors[0]
        return 3 * g * x**2


@mg.enable_grad
def square(x: Tensor) -> Tensor:
    return x * x


def gradients(x: Tensor) -> None:
    assert_type(Cube.apply(x), Tensor)
    y = Cube.apply(x).sum()
    (first,) = mg.autograd.grad(y, x, create_graph=True)
    assert_type(first, Tensor)
    first.sum().backward()
    if x.grad is not None:
        assert_type(x.grad, Tensor)
        x.grad.zero_()
    handle = x.register_hook(lambda g: g * 2)
    mg.autograd.backward(x.sum())
    value, _ = mg.autograd.functional.hvp(mg.sum, x.detach(), x.detach())
    assert_type(value, Tensor)
    print(mg.autograd.functional.jacobian(square, x.detach()).tolist())
    handle.remove()
    assert_type(y.grad_fn is None or y.is_leaf, bool)
    with mg.enable_grad():
        assert square(x).requires_grad
    with mg.set_grad_enabled(False):
        assert not (x * x).requires_grad
    assert mg.autograd.gradcheck(Cube.apply, [x.detach().double().requires_grad_()])


@mg.no_grad()
def evaluate(net: nn.Module, x: Tensor) -> float:
    return float(nn.functional.mse_loss(net(x), x))


def batches(x: Tensor) -> Iterator[Tensor]:
    loader = DataLoader(TensorDataset(x, x.argmax(dim=1)), batch_size=2, shuffle=True)
    for images, _labels in loader:
        yield images


def train(x: Tensor, folder: pathlib.Path) -> None:
    net = Autoencoder(2)
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1)
    loss_of = nn.MSELoss()
    for _ in range(2):
        for images in batches(x):
            optimizer.zero_grad()
            loss: Tensor = loss_of(net(images), images)
            loss.backward()
            optimizer.step()
        scheduler.step()
    with mg.no_grad():
        for name, parameter in net.named_parameters():
            assert_type(name, str)
            parameter.add_(1.0).sub_(1.0)
    mg.save(net.state_dict(), folder / "net.safetensors")
    net.load_state_dict(mg.load(folder / "net.safetensors"))
    other = optim.SGD([{"params": net.encoder.parameters(), "lr": 0.1}, {"params": [net.scale]}], lr=0.01, momentum=0.9)
    other.load_state_dict(other.state_dict())
    print(evaluate(net.eval(), x), net.to(mg.float64).scale.dtype)


if __name__ == "__main__":
    x = creation()
    arithmetic(x, x.detach() + 2)
    functions(x, x.detach())
    reductions(x, x.detach())
    indexing(x.detach().clone(), x)
    shapes(x, x)
    conversions(x)
    gradients(x.detach().requires_grad_())
    train(x.detach(), pathlib.Path(sys.argv[1]))
