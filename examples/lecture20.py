"""Lecture 20 in forty lines: a denoising autoencoder on MNIST, then a classifier on its code.

You learn what `minigrad train denoising` does, without its checkpoints, report and options.
With all epochs it takes two minutes.

Run it with `python examples/lecture20.py` (optional arguments: the number of images, the
epochs of the autoencoder, the epochs of the classifier).
"""

import sys

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import DataLoader, TensorDataset, load_mnist

given = [int(argument) for argument in sys.argv[1:]]
images, epochs, finetune_epochs = given + [60_000, 20, 10][len(given):]
mg.manual_seed(0)
train_images, train_labels, test_images, test_labels = [mg.from_numpy(array) for array in load_mnist()]
x, labels = train_images[:images].reshape(-1, 784).float() / 255, train_labels[:images].long()
test_x, test_labels = test_images.reshape(-1, 784).float() / 255, test_labels.long()

encoder = nn.Sequential(nn.Linear(784, 400), nn.Tanh())
decoder = nn.Sequential(nn.Linear(400, 784), nn.Sigmoid())
autoencoder, criterion = nn.Sequential(encoder, decoder), nn.MSELoss()
optimizer: optim.Optimizer = optim.Adam(autoencoder.parameters(), lr=1e-3)
for epoch in range(1, epochs + 1):
    total = 0.0
    for (batch,) in DataLoader(TensorDataset(x), batch_size=1000, shuffle=True):
        noisy = (batch + 0.1 + 0.2 * mg.randn_like(batch)).clamp(0, 1)
        optimizer.zero_grad()
        loss = criterion(autoencoder(noisy), batch)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch) / len(x)
    print(f"At Iteration : {epoch} / {epochs} ; Mean-Squared Error : {total:.6f}")

classifier, nll = nn.Sequential(encoder, nn.Linear(400, 10), nn.LogSoftmax(dim=1)), nn.NLLLoss()
optimizer = optim.SGD(classifier.parameters(), lr=0.1)
for epoch in range(1, finetune_epochs + 1):
    for batch, targets in DataLoader(TensorDataset(x, labels), batch_size=1000, shuffle=True):
        optimizer.zero_grad()
        loss = nll(classifier(batch), targets)
        loss.backward()
        optimizer.step()
    accuracy = (classifier(test_x).argmax(dim=1) == test_labels).float().mean().item()
    print(f"At Iteration : {epoch} / {finetune_epochs} ; Test Accuracy : {100 * accuracy:.2f} %")
