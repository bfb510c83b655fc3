"""State dicts, deepcopy, freezing, replacing a head, editing containers, init functions: the idioms of transfer learning."""

import copy
import os
import tempfile
from collections import OrderedDict

import torch
import torch.nn as nn
import torch.nn.init as init

torch.set_default_dtype(torch.float64)


class Net(nn.Module):
    def __init__(self, hidden=4):
        super().__init__()
        self.features = nn.Sequential(OrderedDict([("fc1", nn.Linear(3, hidden)), ("act", nn.ReLU(inplace=True))]))
        self.classifier = nn.Linear(hidden, 2)
        self.register_buffer("scale", torch.tensor([2.0]))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)

    def forward(self, x):
        return self.classifier(self.features(x)) * self.scale


net = Net()
init.constant_(net.features.fc1.weight, 0.1)
init.zeros_(net.features.fc1.bias)
init.ones_(net.classifier.weight)
nn.init.constant_(net.classifier.bias, -0.5)
print(net)
print("Model's state_dict:")
for name in net.state_dict():
    print(name, "\t", net.state_dict()[name].size())
print(net.state_dict())
twin = copy.deepcopy(net)
with torch.no_grad():
    twin.classifier.weight.mul_(3)
print(net.classifier.weight.data, twin.classifier.weight.data)
print(twin.load_state_dict(net.state_dict()), torch.equal(twin.classifier.weight, net.classifier.weight))

partial = {k: v for k, v in net.state_dict().items() if not k.startswith("classifier")}
partial["extra"] = torch.zeros(1)
print(Net().load_state_dict(partial, strict=False))
for bad in (partial, Net(5).state_dict()):
    try:
        Net().load_state_dict(bad)
    except RuntimeError as error:
        print(error)

for param in net.parameters():
    param.requires_grad = False
net.classifier = nn.Linear(4, 6)
print([name for name, p in net.named_parameters() if p.requires_grad])
feature_extractor = nn.Sequential(*list(net.children())[:-1])
print(feature_extractor)
print(feature_extractor(torch.ones(1, 3)))

seq = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Sigmoid(), nn.Flatten())
print(len(seq), seq[1], seq[-1], seq[1:3])
seq.append(nn.Softmax(dim=1))
seq[0] = nn.Identity()
del seq[3]
seq.add_module("last", nn.LogSoftmax(dim=-1))
print(seq)
blocks = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
blocks.append(nn.ReLU())
blocks.extend([nn.Identity()])
blocks.insert(1, nn.Tanh())
print(blocks, len(blocks), blocks[-1])


def init_weights(m):
    if isinstance(m, nn.Linear):
        print("init", tuple(m.weight.shape))
        torch.nn.init.xavier_uniform_(m.weight)
        m.bias.data.fill_(0.01)


print(nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1))).apply(init_weights)[0].bias.data)
print([init.calculate_gain(n) for n in ("linear", "tanh", "relu", "leaky_relu")], init.calculate_gain("leaky_relu", 0.2))
w = torch.empty(200, 300)
for f, bound in ((init.xavier_uniform_, (6 / 500) ** 0.5), (init.kaiming_uniform_, (6 / 300) ** 0.5)):
    f(w)
    print(f.__name__, w.abs().max().item() <= bound, abs(w.mean().item()) < 0.01, w.abs().max().item() > 0.98 * bound)
for f, std in ((init.xavier_normal_, (2 / 500) ** 0.5), (init.kaiming_normal_, (2 / 300) ** 0.5)):
    f(w)
    print(f.__name__, abs(w.pow(2).mean().sqrt().item() / std - 1) < 0.03)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "checkpoint.pt")
    torch.save({"epoch": 3, "model": twin.state_dict(), "loss": [0.5, 0.25]}, path)
    checkpoint = torch.load(path)
    print(checkpoint["epoch"], checkpoint["loss"], list(checkpoint["model"]))
    print(Net().load_state_dict(checkpoint["model"]), checkpoint["model"]["classifier.weight"])
    torch.save(twin.state_dict(), path)
    print(torch.equal(torch.load(path)["features.fc1.weight"], twin.features.fc1.weight))

for name, module in net.named_modules():
    print(repr(name), type(module).__name__)
print(net.train().training, net.eval().training, net.features.act.training)
print(net.float().classifier.weight.dtype is torch.float32, net.double().scale.dtype is torch.float64, net.to(torch.float32).scale)
print(len(list(net.buffers())), [n for n, _ in net.named_buffers()], next(net.parameters()).requires_grad)
net.requires_grad_(True)
net(torch.ones(2, 3, dtype=torch.float32)).sum().backward()
print([p.grad is not None for p in net.parameters()])
net.zero_grad()
print([p.grad is None for p in net.parameters()])
try:
    net.weight_that_is_not_there
except AttributeError as error:
    print(error)
try:
    nn.Linear.forward
    nn.Module()(1)
except NotImplementedError as error:
    print(error)
