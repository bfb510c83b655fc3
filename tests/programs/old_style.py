"""A program as they were written in 2017: Variable, typed constructors, scatter_ for one-hot targets, masks of bytes, .data everywhere."""

import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.data as data_utils
from torch.autograd import Variable

warnings.simplefilter("ignore")
rng = np.random.default_rng(13)
torch.set_printoptions(precision=10)
torch.manual_seed(42)
dtype = torch.DoubleTensor

x_np = rng.normal(0, 1, (50, 5)).astype("float32")
y_np = (x_np[:, 0] * x_np[:, 1] > 0).astype("int64") + (x_np[:, 2] > 1)
features, targets = torch.from_numpy(x_np).type(dtype), torch.from_numpy(y_np).type(torch.LongTensor)
print(features.type(), targets.type(), torch.Tensor(2, 3).size(), torch.IntTensor([1, 2]).sum(), torch.ByteTensor([1, 0]))
loader = data_utils.DataLoader(data_utils.TensorDataset(features, targets), batch_size=10, shuffle=False, num_workers=0)

w1 = Variable(torch.from_numpy(rng.normal(0, 0.5, (5, 7))).type(dtype), requires_grad=True)
w2 = Variable(torch.from_numpy(rng.normal(0, 0.5, (7, 3))).type(dtype), requires_grad=True)
for epoch in range(3):
    for batch_x, batch_y in loader:
        x, y = Variable(batch_x), Variable(batch_y)
        onehot = torch.zeros(x.size(0), 3).type(dtype).scatter_(1, y.data.view(-1, 1), 1)
        scores = x.mm(w1).clamp(min=0).mm(w2)
        loss = (F.softmax(scores, dim=1) - Variable(onehot)).pow(2).sum()
        loss.backward()
        w1.data -= 0.05 * w1.grad.data
        w2.data.sub_(0.05 * w2.grad.data)
        w1.grad.data.zero_()
        w2.grad.data.zero_()
    print(epoch, "%.12f" % loss.data.item())


class Net(nn.Module):
    def __init__(self, input_size, hidden_size, num_classes):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.fc2 = nn.Linear(hidden_size, num_classes)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, x):
        out = self.fc1(x)
        out = F.dropout(F.leaky_relu(out, 0.1), p=0.0, training=self.training)
        return self.softmax(self.fc2(out))


net = Net(5, 9, 3).type(dtype) if hasattr(nn.Module, "type") else Net(5, 9, 3).double()
for m in net.modules():
    if isinstance(m, nn.Linear):
        m.weight.data = torch.from_numpy(rng.normal(0, 0.3, m.weight.size())).type_as(features)
        m.bias.data.fill_(0.01)
criterion = nn.NLLLoss(size_average=False)
optimizer = torch.optim.Adagrad(filter(lambda p: p.requires_grad, net.parameters()), lr=0.1, weight_decay=1e-3)
correct = total = 0
for epoch in range(3):
    for i, (inputs, labels) in enumerate(loader):
        inputs, labels = Variable(inputs), Variable(labels, requires_grad=False)
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        if (i + 1) % 5 == 0:
            print("Epoch [%d/%d], Step [%d/%d], Loss: %.10f" % (epoch + 1, 3, i + 1, len(loader), loss.data))
with torch.no_grad():
    for inputs, labels in loader:
        _, predicted = torch.max(net(Variable(inputs, volatile=True)).data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum()
print("Accuracy: %d %%" % (100 * correct.item() // total), type(total).__name__)

a = torch.Tensor(np.arange(6.0)).view(2, 3)
b = torch.FloatTensor([[1, 2, 3], [4, 5, 6]])
print(a.type(), a.numpy().dtype, torch.equal(a + 1, b), b.char().dtype == torch.int8, b.short().sum().item(), b.byte().max().item())
history = Variable(w1.data * 2, requires_grad=True) * 3
history.sum().backward()
print(history.grad_fn is not None, w1.grad.abs().sum().item())
b.resize_(3, 2).add_(1)
print(b, b.t().contiguous().view(-1).tolist(), b.is_contiguous())
print(torch.cat([a.view(-1), b.view(-1)]).tolist(), torch.max(a, 0)[1].tolist(), a.gt(2).sum().item(), a[a > 2].tolist())
print(torch.LongTensor(rng.permutation(5)).tolist(), torch.randperm(4).sort()[0].tolist(), b.new(2).zero_().tolist())
