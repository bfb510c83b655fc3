"""Lecture 20's code as on its slides, on synthetic digits; only what PyTorch has dropped since then is replaced."""

import copy
import math

import torch
import torch.nn as nn
import torch.optim as optim
from torch.autograd import Function, Variable

torch.manual_seed(20)


def wave(n, step):
    return torch.tensor([math.sin(step * i * i + i) for i in range(n)], dtype=torch.float64)


BatchSize = 12
images = (wave(30 * 784, 0.37).view(30, 784).abs() * 0.9).float()
labels = torch.tensor([(7 * i + i // 3) % 10 for i in range(30)])
trainset = torch.utils.data.TensorDataset(images.view(30, 1, 28, 28), labels)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=BatchSize,
                                          shuffle=False, num_workers=0)
testloader = torch.utils.data.DataLoader(trainset, batch_size=BatchSize,
                                         shuffle=False, num_workers=0)
classes = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

use_gpu = torch.cuda.is_available() and False
if use_gpu:
    print("GPU is available!")


class L1Penalty(Function):
    @staticmethod
    def forward(ctx, input, l1weight):
        ctx.save_for_backward(input)
        ctx.l1weight = l1weight
        return input

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = input.clone().mul(ctx.l1weight)
        grad_input += grad_output
        return grad_input, None


class autoencoder(nn.Module):
    def __init__(self):
        super(autoencoder, self).__init__()
        self.encoder = nn.Sequential(
            nn.Linear(28 * 28, 40),
            nn.Tanh())
        self.decoder = nn.Sequential(
            nn.Linear(40, 28 * 28),
            nn.Sigmoid())

    def forward(self, x):
        x = self.encoder(x)
        x = L1Penalty.apply(x, 0.1)
        x = self.decoder(x)
        return x


net = autoencoder()
print(net)
for name, param in net.named_parameters():
    print(name, tuple(param.size()), param.data.abs().max().item() <= 1 / math.sqrt(28 * 28 if "enc" in name else 40))

if use_gpu:
    net = net.double().cuda()
else:
    net = net.double()
for step, param in enumerate(net.parameters(), 1):
    param.data.copy_(0.03 * wave(param.numel(), 0.1 * step).view(param.size()))
init_weights = copy.deepcopy(net.encoder[0].weight.data)
initd_weights = copy.deepcopy(net.decoder[0].weight.data)

iterations = 3
learning_rate = 1e-3
noise_mean = 0.1
noise_std = 0.2
criterion = nn.MSELoss()
optimizer = optim.Adam(net.parameters(), lr=learning_rate)
for epoch in range(iterations):
    runningLoss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data
        ideal_outputs = Variable(inputs.view(-1, 28 * 28).double())
        noise = Variable(ideal_outputs.data.new(ideal_outputs.size()).normal_(noise_mean, noise_std).double())
        if epoch == 0:
            print(noise.size(), noise.dtype == ideal_outputs.dtype, abs(noise.mean().item() - noise_mean) < 0.05)
        noise = Variable(noise_mean + noise_std * wave(noise.numel(), 0.05 + i).view(noise.size()))
        inputs = Variable(torch.clamp((ideal_outputs + noise).data, 0, 1).double())

        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, ideal_outputs)
        loss.backward()
        optimizer.step()
        runningLoss += loss.item()
    print("At Iteration : %d / %d ; Mean-Squared Error : %f" % (
        epoch + 1, iterations, runningLoss / len(trainloader)))
print("Finished Training")
for before, layer in ((init_weights, net.encoder[0]), (initd_weights, net.decoder[0])):
    print("%.9f" % (layer.weight.data - before).abs().mean())

# Removing the decoder module from the autoencoder
new_classifier = nn.Sequential(*list(net.children())[:-1])
net = new_classifier
net.add_module("classifier", nn.Sequential(nn.Linear(40, 10), nn.LogSoftmax(dim=1)))
print(net)
net = net.double()
net.classifier[0].weight.data.copy_(0.1 * wave(400, 0.7).view(10, 40))
net.classifier[0].bias.data.zero_()

iterations = 4
learning_rate = 0.1
criterion = nn.NLLLoss()
for epoch in range(iterations):
    runningLoss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data
        inputs, labels = Variable(inputs.view(-1, 28 * 28).double()), Variable(labels)
        net.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        for f in net.parameters():
            f.data.sub_(f.grad.data * learning_rate)
        runningLoss += loss.item()
    correct = 0
    total = 0
    for data in testloader:
        inputs, labels = data
        outputs = net(Variable(inputs.view(-1, 28 * 28).double()))
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels.data).sum()
    print("At Iteration : %d / %d ; Train Error : %f ; Test Accuracy : %f" % (
        epoch + 1, iterations, runningLoss / len(trainloader), 100 * correct / float(total)))
print("Finished Training")

class_correct = list(0. for i in range(10))
class_total = list(0. for i in range(10))
for data in testloader:
    images, labels = data
    outputs = net(Variable(images.view(-1, 28 * 28).double()))
    _, predicted = torch.max(outputs.data, 1)
    c = (predicted == labels).squeeze()
    for i in range(len(labels)):
        label = labels[i]
        class_correct[label] += c[i].item()
        class_total[label] += 1
for i in range(10):
    print("Accuracy of %5s : %f %%" % (
        classes[i], 100 * class_correct[i] / float(class_total[i])))
