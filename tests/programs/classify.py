"""A classifier on three spirals: CrossEntropyLoss, mini-batches with DataLoader, train and eval, a confusion matrix."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset, TensorDataset

torch.set_default_dtype(torch.float64)
points, labels = [], []
for k in range(3):
    for i in range(30):
        r = (i + 1) / 30
        angle = 4 * k + 4 * r + 0.2 * math.sin(17.0 * i * i + k)
        points.append([r * math.sin(angle), r * math.cos(angle)])
        labels.append(k)
X, y = torch.tensor(points), torch.tensor(labels)
print(X.shape, y.shape, X[:2], y[[0, 30, 60]])


class Spiral(Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        i = (i * 37) % 90
        return X[i], y[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 16), nn.Linear(16, 16)])
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)


net = Net()
print(net)
for k, p in enumerate(net.parameters()):
    with torch.no_grad():
        p.copy_(torch.tensor([0.7 * math.sin(3 + k + i * i) for i in range(p.numel())]).view(p.shape))
print(sum(p.numel() for p in net.parameters() if p.requires_grad))

criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(net.parameters(), lr=0.02)
loader = DataLoader(Spiral(), batch_size=16)
print(len(loader), [len(b) for _, b in loader])
for epoch in range(10):
    net.train()
    running = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        running += loss.item() * inputs.size(0)
    net.eval()
    with torch.no_grad():
        accuracy = (net(X).argmax(dim=1) == y).double().mean().item()
    if epoch % 3 == 0:
        print(f"epoch {epoch}: loss {running / len(X):.8f}, accuracy {accuracy:.4f}")

with torch.no_grad():
    logits = net(X)
predicted = logits.max(1)[1]
confusion = torch.zeros(3, 3, dtype=torch.long)
for t, p in zip(y, predicted):
    confusion[t, p] += 1
print(confusion)
print(torch.softmax(logits[:2], dim=1).sum(1), F.softmax(logits, dim=-1)[5])
probs = F.log_softmax(logits, dim=1)
print(F.nll_loss(probs, y).item(), F.cross_entropy(logits, y).item(), criterion(logits, y).item())
weights = torch.tensor([1.0, 2.0, 0.5])
for reduction in ("mean", "sum"):
    print(nn.CrossEntropyLoss(weight=weights, reduction=reduction)(logits, y).item(),
          nn.NLLLoss(weight=weights, ignore_index=1, reduction=reduction)(probs, y).item(),
          nn.CrossEntropyLoss(label_smoothing=0.1, reduction=reduction)(logits, y).item())
print(F.cross_entropy(logits[:4], y[:4], reduction="none"))
one_hot = torch.eye(3)[y]
print(one_hot[[0, 40, 80]], F.cross_entropy(logits, one_hot).item())
print(nn.L1Loss()(torch.softmax(logits, 1), one_hot).item(), F.mse_loss(probs.exp(), one_hot, reduction="sum").item())
print(len(TensorDataset(X, y)), TensorDataset(X, y)[3])
for wrong in (torch.tensor([3] * 90), torch.tensor([-1] * 90)):
    try:
        criterion(logits, wrong)
    except IndexError as error:
        print("IndexError", str(wrong[0].item()) in str(error))
