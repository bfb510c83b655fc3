"""Checkpoints in memory, parameter lists and dicts, shared weights in copies, data sets that are streamed or weighted."""

import copy
import io
import random

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, WeightedRandomSampler

random.seed(0)
np.random.seed(0)
torch.manual_seed(0)
if torch.cuda.is_available():
    torch.cuda.manual_seed_all(0)
device = torch.device("mps" if torch.backends.mps.is_available() and False else "cpu")
rng = np.random.default_rng(16)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.factors = nn.ParameterList([nn.Parameter(torch.from_numpy(rng.normal(0, 1, (3, 3)))) for _ in range(2)])
        self.named = nn.ParameterDict({"left": nn.Parameter(torch.from_numpy(rng.normal(0, 1, 3))), "right": torch.ones(3).double()})
        self.encode = nn.Linear(3, 3).double()
        self.decode = nn.Linear(3, 3).double()
        self.decode.weight = self.encode.weight
        self.register_buffer("count", torch.zeros(1, dtype=torch.long))

    def forward(self, x):
        self.count += len(x)
        for f in self.factors:
            x = torch.tanh(x @ f)
        return self.decode(self.encode(x) * self.named["left"] + self.named["right"])


net = Net().to(device)
nn.init.orthogonal_(net.factors[0])
print(torch.allclose(net.factors[0] @ net.factors[0].T, torch.eye(3).double(), atol=1e-12))
with torch.no_grad():
    for p in net.parameters():
        p.copy_(torch.from_numpy(rng.normal(0, 0.5, tuple(p.shape))))
print(net)
print(len(list(net.parameters())), list(net.state_dict()))
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)


class Rows(Dataset):
    def __init__(self, n):
        self.x = rng.normal(0, 1, (n, 3))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"x": torch.from_numpy(self.x[i]), "i": i, "y": self.x[i].sum()}


class Stream(IterableDataset):
    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return (self.rows[i]["x"] for i in range(len(self.rows)))


def train(net, optimizer, batches):
    for batch in batches:
        optimizer.zero_grad()
        loss = ((net(batch["x"]).sum(1) - batch["y"]) ** 2).mean()
        loss.backward()
        optimizer.step()
    return loss.item()


rows = Rows(12)
loader = DataLoader(rows, batch_size=4)
print(f"{train(net, optimizer, loader):.12f}", net.count.item())
memory = io.BytesIO()
torch.save({"epoch": 1, "net": net.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.5}, memory)
memory.seek(0)
checkpoint = torch.load(memory, map_location=device)
twin = copy.deepcopy(net)
print(twin.decode.weight is twin.encode.weight, twin.encode.weight is net.encode.weight, len(list(twin.parameters())))
print(f"{train(net, optimizer, loader):.12f}")
net.load_state_dict(checkpoint["net"])
optimizer.load_state_dict(copy.deepcopy(checkpoint["optimizer"]))
print(checkpoint["epoch"], checkpoint["loss"], f"{train(net, optimizer, loader):.12f}")
second = torch.optim.Adam(twin.parameters(), lr=0.02)
second.load_state_dict(checkpoint["optimizer"])
print(f"{train(twin, second, loader):.12f}", twin.count.item())

print([tuple(b.shape) for b in DataLoader(Stream(rows), batch_size=5)], sum(1 for _ in DataLoader(Stream(rows), batch_size=5, drop_last=True)))
single = next(iter(DataLoader(rows, batch_size=None)))
print(type(single["x"]).__name__, single["i"], round(float(single["y"]), 10))
sampler = WeightedRandomSampler([0.0, 0.0, 1.0, 0.0], num_samples=5, replacement=True)
print(list(sampler), len(sampler), sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)))
d = torch.zeros(4, dtype=torch.float64)
w = net.encode.bias
for i in range(3):
    d[i] += w[i] * 2
d.sum().backward()
print(w.grad.abs().max().item() > 1, torch.randint(3, size=(2,)).shape, torch.randint(high=2, size=(3,)).max().item() < 2)
