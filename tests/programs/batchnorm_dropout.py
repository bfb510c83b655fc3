"""Batch norm, layer norm and dropout in training and evaluation mode: buffers, momentum, frozen statistics, clipped gradients, weight vectors."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters

rng = np.random.default_rng(12)
torch.set_default_dtype(torch.float64)
torch.set_printoptions(precision=10)


class MaskedDropout(nn.Module):
    """Dropout whose masks come from NumPy."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        keep = torch.from_numpy(rng.random(tuple(x.shape))).ge(self.p)
        return x.masked_fill(~keep, 0.0) / (1 - self.p)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), MaskedDropout(0.3), nn.Linear(12, 8),
                                      nn.BatchNorm1d(8, momentum=None, affine=False), nn.Tanh(), nn.Dropout(p=0.0))
        self.norm = nn.LayerNorm(8)
        self.classifier = nn.Linear(8, 3)

    def forward(self, x):
        return self.classifier(self.norm(self.features(x)))


net = Net()
print(net)
for m in net.modules():
    if isinstance(m, nn.Linear):
        m.weight.data = torch.from_numpy(rng.normal(0, 0.4, tuple(m.weight.shape)))
        m.bias.data.zero_()
x = torch.from_numpy(rng.normal(0.5, 2, (30, 6)))
y = (x[:, :3].sum(1) > 2).long() + (x[:, 3] > 0).long()
print(torch.bincount(y).tolist())
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=12)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
for epoch in range(4):
    net.train()
    for i in range(0, 30, 10):
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(net(x[i:i + 10]), y[i:i + 10])
        loss.backward()
        total_norm = clip_grad_norm_(net.parameters(), max_norm=0.5)
        optimizer.step()
        scheduler.step()
    net.eval()
    with torch.inference_mode():
        logits = net(x)
        correct = (logits.argmax(1) == y).sum().item()
    print(f"epoch {epoch} {loss.item():.12f} norm {total_norm.item():.12f} correct {correct} lr {scheduler.get_last_lr()[0]:.10f}")
for name, buffer in net.named_buffers():
    print(name, buffer)
print([tuple(v.shape) for v in net.state_dict().values()])

vector = parameters_to_vector(net.parameters())
print(vector.shape, f"{vector.norm().item():.10f}")
vector_to_parameters(vector * 0.5, net.parameters())
print(f"{parameters_to_vector(net.parameters()).norm().item():.10f}")
try:
    nn.BatchNorm1d(3)(torch.ones(1, 3))
except ValueError as error:
    print("ValueError", "more than 1 value per channel" in str(error))

plain = nn.BatchNorm1d(2, track_running_stats=False)
bn = nn.BatchNorm1d(2)
z = torch.from_numpy(rng.normal(3, 1, (4, 2, 5))).requires_grad_()
out = bn(z)
(out**3).sum().backward()
print(out.mean(dim=(0, 2)).abs().max().item() < 1e-12, plain(z).var(unbiased=False).item(), z.grad[0, 0])
bn.eval()
for p in bn.parameters():
    p.requires_grad = False
print(bn(z).sum().item(), bn.num_batches_tracked.item(), bn.running_var)
drop = nn.Dropout(0.5)
dropped = drop(torch.ones(4000))
print(set(dropped.tolist()) == {0.0, 2.0}, abs(dropped.mean().item() - 1) < 0.1, bool((drop.eval()(z) == z).all()))
fit = nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.2), nn.GELU())
fit.eval()
fit[1].train()
print([m.training for m in fit.modules()])
