"""ModuleDict, ParameterList and ParameterDict behave like PyTorch's, and copies of modules share what the modules share."""

import copy
import itertools
import pickle
import random

import pytest
import torch

import minigrad

LIBRARIES = (torch, minigrad)


def names(T):
    """Return the names that the expressions use."""
    nn, p = T.nn, lambda *shape: T.nn.Parameter(T.zeros(*shape, dtype=T.float64))
    return {
        "T": T, "nn": nn, "p": p, "copy": copy.deepcopy, "pickled": lambda x: pickle.loads(pickle.dumps(x)),
        "parts": lambda m: [(name, tuple(x.shape), type(x).__name__) for name, x in m.named_parameters()],
        "types": lambda modules: [type(m).__name__ for m in modules],
        "d": nn.ParameterDict({"b": T.zeros(2, 3), "a": T.zeros(1, dtype=T.float64), "c": 3}),
        "pairs": nn.ParameterDict([("b", p(1)), ("a", p(2))]),
        "m": nn.ModuleDict({"l": nn.Linear(2, 2), "r": nn.ReLU()}),
        "q": nn.ParameterList([T.ones(2), p(3), "x"]),
    }


EXPRESSIONS = [
    "repr(d)", "repr(q)", "repr(m)", "repr([nn.ModuleDict(), nn.ParameterDict(), nn.ParameterList()])", "repr(nn.ParameterList([p(2)]))",
    "repr(nn.Sequential(q, nn.ModuleDict({'x': nn.ParameterDict({'a': p(1)}), 'y': None})))",
    "list(d), list(d.keys()), [k for k, _ in d.items()], d['c'], 'b' in d, 'z' in d, len(d), parts(d), list(d.state_dict())",
    "d.b is d['b'], d.get('z'), d.get('z', 4), [type(v).__name__ for v in d.values()]",
    "list(pairs), pairs.update({'z': p(1), 'c': p(1)}), list(pairs), tuple(pairs.pop('a').shape), parts(pairs)",
    "pairs.__setitem__('b', T.ones(3, dtype=T.float64)), parts(pairs), pairs.__delitem__('a'), parts(pairs), pairs.clear(), len(pairs)",
    "tuple(pairs.setdefault('x', p(5)).shape), parts(pairs)", "d.update([('e', 7)]), d['e'], list(d)",
    "d.popitem(), list(d), list(reversed(d))",
    "list(m), list(m.keys()), types(m.values()), [k for k, _ in m.items()], 'l' in m, 'z' in m, len(m), bool(nn.ModuleDict())",
    "m.add_module('t', nn.Tanh()), list(m), m['t'] is m.t, types([m.pop('l')]), list(m)",
    "m.__delitem__('l'), [n for n, _ in m.named_modules()]",
    "m.__setitem__('l', nn.Linear(3, 1)), tuple(m['l'].weight.shape), list(m), m.clear(), len(m)",
    "m.update([('s', nn.Tanh())]), m.update({'b': nn.Tanh(), 'a': nn.Tanh()}), list(m), types(m.values())",
    "m.update(nn.ModuleDict({'l': nn.ReLU()})), list(m), types(m.values())",
    "nn.ModuleDict() == nn.ModuleDict(), len({nn.ModuleDict(), nn.ModuleDict()}), m == m",
    "len(q), parts(q), q[-1], tuple(q[1].shape), [type(x).__name__ for x in q], list(q.state_dict())",
    "q.append(T.zeros(1)) is q, q.extend([p(4), 3]) is q, len(q), parts(q), q.__setitem__(-1, p(7)), parts(q)",
    "type(q[1:]).__name__, len(q[1:]), q[1:][0] is q[1], len(q.__iadd__([1]))",
    "parts(copy(q)), parts(copy(d)), list(copy(m)), copy(m)['l'] is m['l'], copy(d)['b'] is d['b']",
    "parts(pickled(q)), parts(pickled(d)), list(pickled(d)), list(pickled(m))",
    "parts(d.double()), str(d['b'].dtype)[-7:], list(q.requires_grad_(False).parameters())[0].requires_grad",
    "(lambda c: (c.__setitem__('b', nn.ReLU()), list(c), [n for n, _ in c.named_modules()]))(copy(m))",
]  # fmt: skip


@pytest.mark.parametrize("code", EXPRESSIONS)
def test_containers_behave_as_pytorch_s(code):
    assert eval(code, names(minigrad)) == eval(code, names(torch))


@pytest.mark.parametrize("code, kind", [
    ("nn.ParameterDict(3)", TypeError), ("nn.ModuleDict(3)", TypeError), ("nn.ModuleDict([1])", TypeError),
    ("nn.ModuleDict([('a', 1)])", TypeError), ("nn.ParameterDict({3: p(1)})", TypeError), ("m['z']", KeyError), ("m.pop('z')", KeyError),
    ("nn.ModuleDict({'a.b': nn.ReLU()})", KeyError), ("nn.ModuleDict({'keys': nn.ReLU()})", KeyError),
    ("nn.ParameterDict({'keys': p(1)})", KeyError), ("d.__delitem__('z')", KeyError), ("nn.ParameterList(T.zeros(2))", TypeError),
    ("nn.ParameterList(3)", TypeError), ("q[9]", IndexError), ("q['a']", TypeError), ("q.__setitem__(3, p(1))", IndexError),
    ("d(3)", RuntimeError), ("q(3)", RuntimeError), ("m(3)", NotImplementedError),
])  # fmt: skip
def test_containers_refuse_what_pytorch_s_do(code, kind):
    for T in LIBRARIES:
        with pytest.raises(kind):
            eval(code, names(T))


# ---- deep copies


def shared_parts(T, seed):
    """Return a module with two inside, which hold parameters, buffers and views of them in several ways, some of them twice."""
    draw = random.Random(seed)
    start = lambda: T.arange(6.0).reshape(2, 3)
    pool = [draw.choice([lambda: T.nn.Parameter(start()), start, lambda: start().requires_grad_()])() for _ in range(draw.randint(1, 3))]
    for _ in range(draw.randint(0, 4)):
        x = draw.choice(pool)
        pool.append(draw.choice([x.detach, lambda x=x: x.data, lambda x=x: x.detach().t(), lambda x=x: x.data[:1],
                                 lambda x=x: T.nn.Parameter(x.detach()), lambda x=x: x.data.reshape(-1)])())
    root = T.nn.Module()
    for name in "xy":
        inner = T.nn.Module()
        for i in range(draw.randint(1, 3)):
            x, how = draw.choice(pool), draw.choice(["attribute", "list", "dict", "buffer"])
            if how == "buffer" and not isinstance(x, T.nn.Parameter):
                inner.register_buffer(f"part{i}", x)
            else:
                setattr(inner, f"part{i}", [x] if how == "list" else {"k": x} if how == "dict" else x)
        setattr(root, name, inner)
    root.again = draw.choice([root.x, None])
    return root


def tensors(part, T):
    """Yield all tensors inside a module, list or dict."""
    if isinstance(part, T.Tensor):
        yield part
    inside = part if isinstance(part, list) else part.values() if isinstance(part, dict) else []
    for x in vars(part).values() if isinstance(part, T.nn.Module) else inside:
        yield from tensors(x, T)


def sharing(module, T):
    """Return for each pair of tensors whether they are one, and whether a change of the first shows in the second."""
    found = list(tensors(module, T))
    result = [(type(t).__name__, t.requires_grad, tuple(t.shape)) for t in found]
    for a, b in itertools.combinations(found, 2):
        before = a.detach().clone(), b.detach().clone()
        a.data.add_(1000.0)
        result.append((a is b, bool((b.detach() != before[1]).any())))
        a.data.copy_(before[0])
    return result


def test_a_deep_copy_shares_what_pytorch_s_does_and_nothing_with_the_module():
    for seed in range(80):
        results = []
        for T in LIBRARIES:
            module = shared_parts(T, seed)
            copied = copy.deepcopy(module)
            before = [t.detach().clone() for t in tensors(module, T)]
            for t in tensors(copied, T):
                t.data.add_(1.0)
            assert all(bool((a.detach() == b).all()) for a, b in zip(tensors(module, T), before))
            results.append((sharing(module, T), sharing(copied, T)))
        assert results[0] == results[1], seed
