"""Micrograd's moons: a network of two hidden layers learns to separate two crescents.

A picture shows the boundary between them. You learn how layers, a loss of your own and an
optimizer fit together; the loss and the settings are those of micrograd's demo.

Run it with `python examples/moons.py` (optional arguments: the number of steps, the
picture's path). The picture needs matplotlib.
"""

import math
import sys

import minigrad as mg
from minigrad import nn, optim

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
PICTURE = sys.argv[2] if len(sys.argv) > 2 else "moons.png"
COUNT = 50  # points in each moon


def make_moons() -> tuple[mg.Tensor, mg.Tensor]:
    """Return points (2 · COUNT, 2) on two crescents, with a little noise, and their classes, -1 or 1."""
    upper = [[math.cos(math.pi * i / COUNT), math.sin(math.pi * i / COUNT)] for i in range(COUNT)]
    lower = [[1 - x, 0.5 - y] for x, y in upper]
    points = mg.tensor(upper + lower)
    return points + 0.1 * mg.randn(2 * COUNT, 2), mg.tensor([-1.0] * COUNT + [1.0] * COUNT)


def draw(net: nn.Module, points: mg.Tensor, classes: mg.Tensor, path: str) -> None:
    """Save a picture of the points, and of the regions that the network gives to the two classes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    xs, ys = mg.linspace(-1.5, 2.5, 160), mg.linspace(-1.0, 1.5, 100)
    plane = mg.stack([xs.expand(100, 160), ys.unsqueeze(1).expand(100, 160)], dim=2)
    with mg.no_grad():
        scores = net(plane.reshape(-1, 2)).reshape(100, 160)
    figure, axes = pyplot.subplots(figsize=(6, 4))
    sides = scores.numpy() > 0
    axes.contourf(xs.numpy(), ys.numpy(), sides, cmap="coolwarm", alpha=0.5)
    x, y = points.numpy().T
    axes.scatter(x, y, c=classes.numpy(), cmap="coolwarm", edgecolors="black")
    figure.savefig(path)


mg.manual_seed(1337)
points, classes = make_moons()
net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = optim.SGD(net.parameters(), lr=1.0, weight_decay=2e-4)
schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 0.9 * step / STEPS)

for step in range(STEPS + 1):
    scores = net(points).squeeze(1)
    loss = (1 - classes * scores).relu().mean()  # the hinge loss
    correct = ((scores > 0) == (classes > 0)).float().mean().item()
    if step % (STEPS // 5) == 0:
        print(f"step {step:3}: loss {loss.item():.4f}, accuracy {100 * correct:.0f} %")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

draw(net, points, classes, PICTURE)
print(f"{PICTURE} shows the boundary")
