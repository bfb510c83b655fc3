"""Tensors have the names that a program gives them."""

import sys

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.inspect.names import LONGEST, Names, constant_text

a_global = mg.ones(2, requires_grad=True)


class Model:
    """What is no module, but holds tensors."""

    def __init__(self):
        self.weight = mg.ones(2, requires_grad=True)
        self.layers = [mg.ones(1, requires_grad=True)]
        self.me = self
        self._hidden = mg.ones(3, requires_grad=True)


def test_variables_come_before_paths_and_locals_before_globals():
    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 1)))
    w = net[0].weight
    h = w * 2
    names = Names(sys._getframe())
    assert names.of(w) == "w" and names.of(net[0].bias) == "net.0.bias" and names.of(net[1][1].weight) == "net.1.1.weight"
    assert names.of(h.node) == "h" and names.of(net) == "net" and names.of(a_global) == "a_global"
    local = a_global
    assert Names(sys._getframe()).of(local) == "local"


def test_elements_and_attributes():
    model, pair, table = Model(), [mg.ones(1, requires_grad=True)], {"x": (mg.ones(1, requires_grad=True),), 3: mg.ones(4)}
    names = Names(sys._getframe())
    assert names.of(model.weight) == "model.weight" and names.of(model.layers[0]) == "model.layers[0]"
    assert names.of(pair[0]) == "pair[0]" and names.of(table["x"][0]) == "table['x'][0]" and names.of(table[3].array) == "table[3]"
    assert names.of(model._hidden) is None


def test_constants_have_names_too():
    x = mg.ones(2)
    y = x * mg.ones(2, requires_grad=True)
    names = Names(sys._getframe())
    assert names.of_argument(y.node.parents[0], y.node.constants[0]) == "x" and names.of_argument(None, 3) is None


def test_long_and_strange_variables_are_harmless():
    class Angry:
        def __getattr__(self, name):
            raise RuntimeError("asked for " + name)

        def __eq__(self, other):
            raise RuntimeError("compared")

        __hash__ = None

    endless = []
    endless.append(endless)
    given = {"angry": Angry(), "endless": endless, "long": [mg.ones(1) for _ in range(LONGEST + 5)], "arrays": [np.ones(2)], "kind": Model}
    names = Names(None, given)
    assert names.of(given["long"][0].array) == "long[0]" and names.of(given["long"][-1].array) is None


def test_constants_as_text():
    assert constant_text(2.5) == "2.5" and constant_text(mg.tensor(3)) == "3" and constant_text(mg.ones(2, 3)) == "constant[2×3]"
    assert len(constant_text("x" * 100)) == 40
