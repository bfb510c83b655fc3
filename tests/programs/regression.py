"""Regression the old way and the new: Variable, .data, lists of losses, early stopping, a polynomial by hand."""

import math

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Variable

x_values = np.arange(11, dtype=np.float64).reshape(-1, 1)
y_values = 2 * x_values + 1


class LinearRegression(torch.nn.Module):
    def __init__(self, inputSize, outputSize):
        super(LinearRegression, self).__init__()
        self.linear = torch.nn.Linear(inputSize, outputSize)

    def forward(self, x):
        out = self.linear(x)
        return out


model = LinearRegression(1, 1).double()
model.linear.weight.data.fill_(0.3)
model.linear.bias.data.zero_()
criterion = torch.nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(50):
    inputs = Variable(torch.from_numpy(x_values))
    labels = Variable(torch.from_numpy(y_values))
    optimizer.zero_grad()
    outputs = model(inputs)
    loss = criterion(outputs, labels)
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        print("epoch {}, loss {:.10f}".format(epoch, loss.item()))
with torch.no_grad():
    predicted = model(Variable(torch.from_numpy(x_values))).data.numpy()
print(np.round(predicted[:3].ravel(), 8), loss.data)

x = torch.linspace(-math.pi, math.pi, 200, dtype=torch.float64)
y = torch.tensor([math.sin(v) for v in x.tolist()], dtype=torch.float64)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)
print(xx.shape)
model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1)).double()
model[0].weight.data.zero_()
model[0].bias.data.zero_()
loss_fn = nn.MSELoss(reduction="sum")
for t in range(60):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= 1e-6 * param.grad
linear_layer = model[0]
print(loss.item(), linear_layer.bias.item(), linear_layer.weight[:, 0].item(), linear_layer.weight[:, 2].item())

w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
best, patience = math.inf, 0
features = torch.stack([x[::20], torch.ones(10, dtype=torch.float64)], dim=1)
target = 3 * x[::20] - 1
for step in range(200):
    loss = ((features @ w - target) ** 2).mean()
    loss.backward()
    w.data.sub_(w.grad.data * 0.1)
    w.grad.data.zero_()
    if loss.item() < best - 1e-6:
        best, patience = loss.item(), 0
    else:
        patience += 1
    if patience > 3:
        break
print(step, best, w.tolist())

logit = torch.tensor([[0.2, -1.0], [1.5, 0.3]], requires_grad=True)
label = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
prob = 1 / (1 + torch.exp(-logit))
bce = -(label * prob.log() + (1 - label) * (1 - prob).log()).mean()
bce.backward()
print(bce, logit.grad, torch.sigmoid(logit))
