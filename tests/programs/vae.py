"""A variational autoencoder on small pictures of blobs: reparameterisation, binary cross-entropy and the divergence from the prior."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(1)
torch.set_printoptions(precision=10)


def pictures(count, side=6):
    """Return pictures of one blob each, with values from 0 to 1."""
    y, x = np.mgrid[:side, :side]
    centres = rng.uniform(1, side - 2, (count, 2))
    squares = (y[None] - centres[:, 0, None, None]) ** 2 + (x[None] - centres[:, 1, None, None]) ** 2
    return np.exp(-squares / 2).reshape(count, side * side)


class VAE(nn.Module):
    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, inputs)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.from_numpy(rng.standard_normal(tuple(std.shape))).to(std.device)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 36))
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 36), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


model = VAE(36, 20, 3).double().to(device)
for p in model.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.15, tuple(p.shape)))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
train = TensorDataset(torch.from_numpy(pictures(64)), torch.zeros(64))
loader = DataLoader(train, batch_size=16, shuffle=False)
print(model)

for epoch in range(1, 5):
    model.train()
    train_loss = 0
    for batch_idx, (data, _) in enumerate(loader):
        data = data.to(device)
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
        if batch_idx % 2 == 0:
            print(f"Train Epoch: {epoch} [{batch_idx * len(data)}/{len(loader.dataset)}]\tLoss: {loss.item() / len(data):.10f}")
    print(f"====> Epoch: {epoch} Average loss: {train_loss / len(loader.dataset):.10f}")

model.eval()
with torch.no_grad():
    sample = model.decode(torch.from_numpy(rng.standard_normal((4, 3)))).cpu()
    print(sample.view(4, 1, 6, 6)[:, 0, 2:4, 2:4])
    mu, logvar = model.encode(train[:5][0])
    print(mu.mean(dim=0), logvar.std(dim=0, unbiased=False))
