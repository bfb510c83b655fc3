"""Mistakes: both type checkers report each line that ends in `# wrong`, and no other."""

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.data import DataLoader

x = mg.ones(2, 3)
y: Tensor = x.tanh()

# names that do not exist
mg.tanhh(x)  # wrong
x.tanhh()  # wrong
mg.autograd.gradd(x, x)  # wrong
nn.Lineal(2, 3)  # wrong
nn.functional.mse(x, x)  # wrong
optim.Adamm([x])  # wrong
mg.data.Loader(x)  # wrong

# arguments that do not exist, or are of another kind
x.clamp(mox=2)  # wrong
mg.tanh("a")  # wrong
mg.tanh(3)  # wrong
x.sum(dims=1)  # wrong
mg.sum(x, "a")  # wrong
mg.zeros("a")  # wrong
mg.randn(2, requires_gradient=True)  # wrong
mg.cat(3)  # wrong
mg.save(x)  # wrong
x.softmax()  # wrong
x.add_(1, beta=2)  # wrong
x.requires_grad_("yes")  # wrong
mg.device()  # wrong
mg.set_num_threads("many")  # wrong
nn.Linear(2)  # wrong
nn.functional.cross_entropy(x)  # wrong
optim.SGD([x], lr=0.1, momentun=0.9)  # wrong
DataLoader([1, 2], batchsize=2)  # wrong
mg.autograd.grad(x)  # wrong

# operands that no operation takes
x + "a"  # wrong
x @ [1]  # wrong
None * x  # wrong
y += [1]  # wrong

# results taken for something else
a: int = x.sum()  # wrong
b: Tensor = x.max(dim=1)  # wrong
c: str = x.shape[0]  # wrong
d: float = x.grad  # wrong
x.dtype = mg.float64  # wrong
print(x.max(dim=1).value)  # wrong
