"""A contractive autoencoder: the squared Jacobian of the hidden layer, by hand and by autograd, is part of the loss."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

rng = np.random.default_rng(9)
lam = 1e-2


class CAE(nn.Module):
    def __init__(self):
        super(CAE, self).__init__()
        self.fc1 = nn.Linear(10, 6, bias=False)
        self.fc2 = nn.Linear(6, 10, bias=False)
        self.relu = nn.ReLU()
        self.sigmoid = nn.Sigmoid()

    def encoder(self, x):
        return self.sigmoid(self.fc1(x.view(-1, 10)))

    def decoder(self, z):
        return self.sigmoid(self.fc2(z))

    def forward(self, x):
        h1 = self.encoder(x)
        return h1, self.decoder(h1)


mse_loss = nn.BCELoss(reduction="sum")


def loss_function(W, x, recons_x, h, lam):
    mse = mse_loss(recons_x, x)
    dh = h * (1 - h)
    w_sum = torch.sum(Variable(W) ** 2, dim=1)
    w_sum = w_sum.unsqueeze(1)
    return mse + torch.sum(torch.mm(dh**2, w_sum), 0).mul_(lam)


def jacobian_norm(model, x):
    """Return Σ (∂h/∂x)² over all rows, which autograd finds."""
    x = x.clone().requires_grad_(True)
    h = model.encoder(x)
    total = 0
    for i in range(h.size(1)):
        g, = torch.autograd.grad(h[:, i].sum(), x, create_graph=True)
        total = total + g.pow(2).sum()
    return total


model = CAE().double()
model.fc1.weight.data = torch.from_numpy(rng.normal(0, 0.5, (6, 10)))
model.fc2.weight.data = torch.from_numpy(rng.normal(0, 0.5, (10, 6)))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
batches = [torch.from_numpy(rng.random((8, 10))) for _ in range(3)]
for epoch in range(4):
    train_loss = 0
    for data in batches:
        data = Variable(data)
        optimizer.zero_grad()
        hidden, recons = model(data)
        W = model.state_dict()["fc1.weight"]
        loss = loss_function(W, data, recons, hidden, lam)
        loss.backward()
        train_loss += loss.data[0].item()
        optimizer.step()
    print(f"epoch {epoch} {train_loss / 24:.12f} {jacobian_norm(model, data).item():.12f}")

by_hand = ((hidden * (1 - hidden)) ** 2 @ (W**2).sum(1, keepdim=True)).sum()
_, recons = model(batches[0])
penalty = jacobian_norm(model, batches[0])
optimizer.zero_grad()
(F.binary_cross_entropy(recons, batches[0]) + lam * penalty).backward()
print(by_hand.item(), penalty.item(), model.fc1.weight.grad.norm().item(), model.fc2.weight.grad.abs().max().item())
row = torch.autograd.functional.jacobian(model.encoder, batches[0][:1])
print(row.shape, row.squeeze().pow(2).sum().item(), torch.einsum("ij,ij->", row[0, :, 0], row[0, :, 0]).item())
