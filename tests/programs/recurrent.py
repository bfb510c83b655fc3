"""A character RNN written with Linear, cat and LogSoftmax, back-propagated through time; and a hand-made LSTM cell."""

import math

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
letters = "abcdef"


def line_to_tensor(line):
    tensor = torch.zeros(len(line), 1, len(letters))
    for li, letter in enumerate(line):
        tensor[li][0][letters.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.softmax(self.i2o(combined))
        return output, hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)


rnn = RNN(len(letters), 7, 3)
for k, p in enumerate(rnn.parameters()):
    p.data = torch.tensor([0.5 * math.sin(k + i * i) for i in range(p.numel())]).view(p.size())
print(rnn)
criterion = nn.NLLLoss()
words = [("abc", 0), ("fed", 1), ("dad", 2), ("cab", 0), ("bee", 1), ("add", 2)]
for epoch in range(15):
    total = 0
    for word, category in words:
        hidden = rnn.initHidden()
        rnn.zero_grad()
        for letter in line_to_tensor(word):
            output, hidden = rnn(letter, hidden)
        loss = criterion(output, torch.tensor([category], dtype=torch.long))
        loss.backward()
        for p in rnn.parameters():
            p.data.add_(p.grad.data, alpha=-0.2)
        total += loss.item()
    if epoch % 5 == 4:
        print(epoch, total)
guess = output.detach().max(1)
print(guess.values, guess.indices, hidden)


class LSTMCell(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.gates = nn.Linear(n_in + n_hidden, 4 * n_hidden)
        self.n = n_hidden

    def forward(self, x, state):
        h, c = state
        z = self.gates(torch.cat([x, h], dim=-1))
        n = self.n
        i, f, o, g = z[:, :n].sigmoid(), z[:, n:2 * n].sigmoid(), z[:, 2 * n:3 * n].sigmoid(), z[:, 3 * n:].tanh()
        c = f * c + i * g
        return o * torch.tanh(c), c


cell = LSTMCell(2, 3)
for p in cell.parameters():
    nn.init.constant_(p, 0.1)
h = c = torch.zeros(4, 3)
sequence = torch.linspace(-1, 1, 40).view(5, 4, 2)
outputs = []
for step in range(5):
    h, c = cell(sequence[step], (h, c))
    outputs.append(h)
stacked = torch.stack(outputs)
print(stacked.shape, stacked[-1])
loss = (stacked[-1] ** 2).sum() + stacked.mean()
loss.backward()
print(loss.item(), cell.gates.bias.grad)
