"""Draw the graph of a loss, with every value and every gradient in it.

You learn how to see a backward pass: the inputs, weights and values of each layer beside
their gradients, framed by module.

Run it with `python examples/draw_graph.py` and open graph.svg in a browser; or name the file
to write, which may also end in .html.
"""

import sys

import minigrad as mg
from minigrad import nn

mg.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3), nn.LogSoftmax(dim=1))
images, labels = mg.randn(6, 4), mg.tensor([0, 1, 2, 0, 1, 2])

with mg.inspect.lines():  # notes modules and source lines for the picture
    log_probs = net(images)
    loss = nn.functional.nll_loss(log_probs, labels)

picture = mg.inspect.draw(loss)
path = sys.argv[1] if len(sys.argv) > 1 else "graph.svg"
picture.save(path)
print(picture)
print("written to", path)
