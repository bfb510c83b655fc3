"""Sparse autoencoders: the divergence from a wanted activity, an L1 penalty on the weights, tied weights, and kept largest activities."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(8)
data = torch.from_numpy(rng.random((40, 12)) * (rng.random((40, 12)) < 0.5))


class SparseAutoencoder(nn.Module):
    def __init__(self, n_in, n_hidden, rho=0.1):
        super(SparseAutoencoder, self).__init__()
        self.encoder = nn.Sequential(nn.Linear(n_in, n_hidden), nn.Sigmoid())
        self.decoder = nn.Sequential(nn.Linear(n_hidden, n_in), nn.Sigmoid())
        self.register_buffer("rho", torch.tensor([rho] * n_hidden, dtype=torch.float64))

    def forward(self, x):
        encoded = self.encoder(x)
        return encoded, self.decoder(encoded)


def kl_divergence(p, q):
    return torch.sum(p * torch.log(p / q) + (1 - p) * torch.log((1 - p) / (1 - q)))


def start(module):
    for p in module.parameters():
        p.data = torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape)))
    return module


model = start(SparseAutoencoder(12, 8).double())
print(model, list(model.state_dict()))
criterion = nn.MSELoss()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1, lr_decay=1e-3)
l1_lambda = 1e-3
for epoch in range(8):
    running = 0.0
    for i in range(0, 40, 10):
        batch = data[i:i + 10]
        encoded, decoded = model(batch)
        rho_hat = encoded.mean(0)
        l1 = sum(torch.norm(param, 1) for name, param in model.named_parameters() if name.endswith("weight"))
        l1_by_hand = torch.cat([p.view(-1) for n, p in model.named_parameters() if "weight" in n]).abs().sum()
        loss = criterion(decoded, batch) + 0.05 * kl_divergence(model.rho, rho_hat) + l1_lambda * l1
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item() * batch.size(0)
    print(f"epoch {epoch} loss {running / len(data):.12f} l1 {l1.item():.10f} {torch.allclose(l1, l1_by_hand)}")
print(F.kl_div(rho_hat.log(), model.rho, reduction="sum").item(), nn.KLDivLoss(reduction="batchmean")(encoded.log(), decoded[:, :8]).item())


class TopK(nn.Module):
    """Tied weights; of the hidden activities only the k largest of each row are kept."""

    def __init__(self, n_in, n_hidden, k):
        super().__init__()
        self.k = k
        self.weight = nn.Parameter(torch.empty(n_hidden, n_in))
        self.bias = nn.Parameter(torch.zeros(n_hidden))
        nn.init.kaiming_uniform_(self.weight)

    def forward(self, x):
        h = F.linear(x, self.weight, self.bias)
        values, indices = torch.topk(h, self.k, dim=1)
        sparse = torch.zeros_like(h).scatter_(1, indices, values)
        return sparse, F.linear(sparse, self.weight.t())


model = start(TopK(12, 16, 3).double())
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, nesterov=True, weight_decay=1e-4)
for epoch in range(6):
    sparse, decoded = model(data)
    loss = F.smooth_l1_loss(decoded, data, beta=0.3)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(epoch, f"{loss.item():.12f}", (sparse != 0).sum(dim=1).unique().tolist())
print([round(v, 10) for v in model.weight.grad.std(dim=1).tolist()[:4]])
