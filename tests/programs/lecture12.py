"""Lecture 12's notebook: an autoencoder, its encoder's weights copied by deepcopy, then a classifier on the encoder."""

import codecs
import copy
import math

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.autograd import Variable


def get_int(b):
    return int(codecs.encode(b, "hex"), 16)


def parse_images(data):
    length, num_rows, num_cols = get_int(data[4:8]), get_int(data[8:12]), get_int(data[12:16])
    parsed = np.frombuffer(data, dtype=np.uint8, offset=16)
    return torch.from_numpy(parsed.copy()).view(length, num_rows * num_cols)


header = b"".join(n.to_bytes(4, "big") for n in (2051, 50, 8, 8))
pixels = bytes((i * i * 31 + 7 * i) % 256 for i in range(50 * 64))
train_image = parse_images(header + pixels)
train_label = torch.from_numpy(np.arange(50) * 3 % 10)
print("Training samples", train_image.size(), train_label.size())
print(train_image[0].view(8, 8).numpy())
print(train_image.dtype == torch.uint8, train_image[1].max(), train_label[:12])


class autoencoder(nn.Module):
    def __init__(self):
        super(autoencoder, self).__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 12), nn.ReLU())
        self.decoder = nn.Sequential(nn.Linear(12, 64), nn.ReLU())

    def forward(self, x):
        x = self.encoder(x)
        x = self.decoder(x)
        return x


def settle(module):
    for param in module.parameters():
        n = param.nelement()
        param.data = 0.2 * torch.tensor([math.cos(3 * i * i) for i in range(n)]).double().view(param.size())


use_gpu = torch.cuda.is_available() and False
net = autoencoder()
print(net)
net = net.double()
settle(net)
init_weights = copy.deepcopy(net.encoder[0].weight.data)

iterations = 5
BatchSize = 10
criterion = nn.MSELoss()
optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
for epoch in range(iterations):
    runningLoss = 0
    for i in range(0, train_image.size(0), BatchSize):
        inputs = train_image[i:i + BatchSize].double() / 255
        inputs = Variable(inputs.cuda()) if use_gpu else Variable(inputs)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, inputs)
        loss.backward()
        optimizer.step()
        runningLoss += loss.item()
    print("At Iteration : %d   ;  Mean-Squared Error : %f" % (epoch + 1, runningLoss / (50 / BatchSize)))

test = train_image[7:8]
output = net(Variable(test.double() / 255)).data.view(8, 8)
print(np.round(output.numpy(), 6))
trained_weights = copy.deepcopy(net.encoder[0].weight.data)
d_weights = init_weights - trained_weights
print(d_weights.view(12, 8, 8)[3, 2:4])
print((d_weights != 0).sum().item(), d_weights.numel())

cll_weights = copy.deepcopy(net.encoder[0].weight.data)
new_classifier = nn.Sequential(*list(net.children())[:-1])
net = new_classifier
net.add_module("classifier", nn.Sequential(nn.Linear(12, 10), nn.LogSoftmax(dim=1)))
print(net)
net = net.double()
settle(net.classifier)
net[0][0].weight.data.copy_(cll_weights)

criterion = nn.NLLLoss()
optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for epoch in range(3):
    runningLoss, correct, total = 0, 0, 0
    for i in range(0, 50, BatchSize):
        inputs = Variable(train_image[i:i + BatchSize].double() / 255)
        labels = Variable(train_label[i:i + BatchSize].long())
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        runningLoss += loss.item()
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()
    print("At Iteration: %d / %d  ;  Training Loss: %f ; Accuracy : %f" % (
        epoch + 1, 3, runningLoss / 5, 100 * correct / float(total)))
print((net[0][0].weight.data - cll_weights).abs().max())
