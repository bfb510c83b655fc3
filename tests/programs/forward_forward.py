"""The forward-forward algorithm: each layer is trained alone, to have much activity for right labels and little for wrong ones."""

import numpy as np
import torch
import torch.nn as nn
from torch.optim import Adam

rng = np.random.default_rng(7)
torch.set_default_dtype(torch.float64)


def overlay_y_on_x(x, y):
    x_ = x.clone()
    x_[:, :3] *= 0.0
    x_[range(x.shape[0]), y] = x.max()
    return x_


class Layer(nn.Linear):
    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__(in_features, out_features, bias, device, dtype)
        self.relu = torch.nn.ReLU()
        self.opt = Adam(self.parameters(), lr=0.03)
        self.threshold = 0.5
        self.num_epochs = 20
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy(rng.uniform(-0.4, 0.4, (out_features, in_features))))
            self.bias.zero_()

    def forward(self, x):
        x_direction = x / (x.norm(2, 1, keepdim=True) + 1e-4)
        return self.relu(torch.mm(x_direction, self.weight.T) + self.bias.unsqueeze(0))

    def train(self, x_pos, x_neg):
        for i in range(self.num_epochs):
            g_pos = self.forward(x_pos).pow(2).mean(1)
            g_neg = self.forward(x_neg).pow(2).mean(1)
            loss = torch.log(1 + torch.exp(torch.cat([-g_pos + self.threshold, g_neg - self.threshold]))).mean()
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        print(f"loss {loss.item():.12f}")
        return self.forward(x_pos).detach(), self.forward(x_neg).detach()


class Net(torch.nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.layers = []
        for d in range(len(dims) - 1):
            self.layers += [Layer(dims[d], dims[d + 1])]

    def predict(self, x):
        goodness_per_label = []
        for label in range(3):
            h = overlay_y_on_x(x, label)
            goodness = []
            for layer in self.layers:
                h = layer(h)
                goodness += [h.pow(2).mean(1)]
            goodness_per_label += [sum(goodness).unsqueeze(1)]
        goodness_per_label = torch.cat(goodness_per_label, 1)
        return goodness_per_label.argmax(1)

    def train(self, x_pos, x_neg):
        h_pos, h_neg = x_pos, x_neg
        for i, layer in enumerate(self.layers):
            print("training layer", i, "...")
            h_pos, h_neg = layer.train(h_pos, h_neg)


labels = rng.integers(0, 3, 60)
centres = rng.normal(0, 1.5, (3, 8))
x = torch.tensor(np.hstack([rng.random((60, 3)) * 0.1, np.abs(centres[labels] + rng.normal(0, 0.5, (60, 8)))]))
y = torch.tensor(labels)
net = Net([11, 16, 12])
x_pos = overlay_y_on_x(x, y)
x_neg = overlay_y_on_x(x, (y + torch.from_numpy(rng.integers(1, 3, 60))) % 3)
for name, data in zip(["orig", "pos", "neg"], [x, x_pos, x_neg]):
    print(name, tuple(data.shape), f"{data.sum().item():.10f}")
net.train(x_pos, x_neg)
print("train error:", round(1.0 - net.predict(x).eq(y).float().mean().item(), 10))
