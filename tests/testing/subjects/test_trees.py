"""Nested inputs: leaves with names, values put together again, and gradients matched with the inputs that they belong to."""

import collections
import dataclasses
from typing import NamedTuple

import numpy as np
import pytest
import torch

from minigrad.testing.subjects.trees import align, flatten, pick, rebuild

Pair = collections.namedtuple("Pair", ["left", "right"])


class Layer(NamedTuple):
    weight: object
    bias: object


@dataclasses.dataclass(frozen=True)
class Config:
    scale: float
    items: list
    total: int = dataclasses.field(init=False, default=0)

    def __post_init__(self):
        object.__setattr__(self, "total", len(self.items))


class Registry(dict):
    """A dict of a user's class, whose copy() is a plain dict."""


@pytest.mark.parametrize(("tree", "names"), [
    (1.5, ["x"]),
    ([1, (2, 3)], ["x[0]", "x[1][0]", "x[1][1]"]),
    ({"w": 1, 7: [2]}, ["x['w']", "x[7][0]"]),
    (Layer(1, {"b": 2}), ["x.weight", "x.bias['b']"]),
    (Pair([], 2), ["x.right"]),
    (Config(2.0, [3, 4]), ["x.scale", "x.items[0]", "x.items[1]"]),
    (None, ["x"]),
    ((), []),
])
def test_each_leaf_has_the_name_that_python_writes(tree, names):
    assert [name for name, _ in flatten(tree, "x")] == names


@pytest.mark.parametrize("tree", [
    1.5, None, (), [1, (2, 3)], {"w": 1, 7: [2]}, Layer(1, {"b": 2}), Pair([], 2), Config(2.0, [3, 4]),
    collections.OrderedDict(b=1, a=[2]), Registry(w=(1, 2)), torch.Size([2, 3]),
], ids=lambda tree: type(tree).__name__)
def test_rebuild_undoes_flatten(tree):
    leaves = [leaf for _, leaf in flatten(tree, "x")]
    made = rebuild(tree, iter(leaves))
    assert made == tree
    assert type(made) is type(tree)


def test_rebuild_takes_new_leaves_and_leaves_the_old_value_alone():
    tree = {"w": [1, 2], "c": Config(1.0, [5])}
    made = rebuild(tree, iter("abcd"))
    assert made == {"w": ["a", "b"], "c": Config("c", ["d"])}
    assert tree == {"w": [1, 2], "c": Config(1.0, [5])}


def test_a_dict_keeps_its_class_and_what_the_class_adds():
    table = collections.defaultdict(list, w=[1])
    made = rebuild(table, iter([2]))
    assert made == {"w": [2]}
    assert made["new"] == []
    assert "new" not in table


def test_structure_sequences_are_tuples():
    found = torch.tensor([[1.0, 3.0]]).max(dim=1)
    assert [name for name, _ in flatten(found, "out")] == ["out[0]", "out[1]"]
    assert type(rebuild(found, iter(found))) is type(found)


def test_an_array_a_class_and_a_string_are_leaves():
    for leaf in (np.zeros(3), Config, "text", torch.zeros(2)):
        assert flatten(leaf, "x") == [("x", leaf)]


# ---- which gradient belongs to which leaf


def test_align_matches_keys_whatever_their_order():
    assert align({"b": 1, "w": [2, 3]}, {"w": ["x", "y"], "b": "z"}) == [2, 3, 1]


def test_align_gives_none_for_what_is_missing():
    assert align({"b": 1}, {"w": [0, 0], "b": 0}) == [None, None, 1]
    assert align(None, [0, {"a": 0}]) == [None, None]


@pytest.mark.parametrize(("tree", "like"), [([1, 2], [0, 0, 0]), ({"a": 1}, [0]), ([1, 2], {"a": 0, "b": 0}), (5, [0, 0])])
def test_align_refuses_another_nesting(tree, like):
    assert align(tree, like) is None


def test_align_keeps_a_gradient_that_is_itself_a_list():
    assert align([1.0, 2.0], "a leaf") == [[1.0, 2.0]]


@pytest.mark.parametrize(("found", "inputs", "numbers", "own", "total", "wanted"), [
    (1, ["x"], [0], 1, 1, [1]),
    ((1, 2), ["x", "y"], [0, 1], 2, 2, [1, 2]),
    ((1, 2), ["x", "y"], [1], 2, 2, [2]),  # one for each input, of which the first is a constant
    (5, ["x", "y"], [0], 2, 2, [5]),  # only for the checked one
    (({"b": 1, "w": 2}, 3), [{"w": "w", "b": "b"}, "x"], [0, 1, 2], 3, 3, [2, 1, 3]),
    ((1, 2, 3), [{"w": "w", "b": "b"}, "x"], [0, 1, 2], 3, 3, [1, 2, 3]),  # one for each leaf
    ({"b": 1, "w": 2}, [{"w": "w", "b": "b"}], [0, 1], 2, 2, [2, 1]),
    ([1, 2], [["x", "y"]], [0, 1], 2, 2, [1, 2]),
    ([1], [["x"]], [0], 1, 1, [1]),
    (1, [["x"]], [0], 1, 1, [1]),
    ((1, 2, 3), ["x"], [0, 1, 2], 1, 3, [1, 2, 3]),  # the input and two parameters
    (None, ["x"], [0], 1, 1, [None]),
])
def test_pick_finds_the_gradients_of_the_checked_leaves(found, inputs, numbers, own, total, wanted):
    assert pick(found, inputs, numbers, own, total) == wanted


@pytest.mark.parametrize(("found", "inputs", "numbers", "own"), [
    (1, ["x", "y"], [0, 1], 2), ((1, 2, 3), ["x", "y"], [0, 1], 2), ((1, 2), ["x"], [0], 1), ((), ["x"], [0], 1),
])
def test_pick_refuses_too_many_and_too_few(found, inputs, numbers, own):
    assert pick(found, inputs, numbers, own, own) is None
