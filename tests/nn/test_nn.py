"""Networks behave and print like PyTorch's: parts, walks, containers, state dicts, hooks, losses, initial values, errors."""

import copy
import gc
import math
import pickle
import weakref
from collections import OrderedDict

import numpy as np
import pytest
import torch

import minigrad

LIBRARIES = (torch, minigrad)
both = pytest.mark.parametrize("T", LIBRARIES, ids=lambda T: T.__name__)


def network(T):
    """Return an autoencoder with everything that a module can hold."""

    class Autoencoder(T.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = T.nn.Sequential(T.nn.Linear(6, 4), T.nn.Tanh())
            self.register_buffer("mean", T.zeros(6))
            self.scale = T.nn.Parameter(T.ones(1))
            self.decoder = T.nn.Sequential(OrderedDict(out=T.nn.Linear(4, 6, bias=False), act=T.nn.Sigmoid()))
            self.register_buffer("cache", T.zeros(2), persistent=False)
            self.heads = T.nn.ModuleList([T.nn.Linear(4, 2), T.nn.Identity()])
            self.nothing = None
            self.register_buffer("empty", None)
            self.again = self.encoder[0]

        def forward(self, x):
            return self.decoder(self.encoder((x - self.mean) * self.scale))

    return Autoencoder()


# ---- parts and walks


def walk(T):
    net = network(T)
    return {
        "repr": repr(net),
        "parameters": [(name, tuple(p.shape)) for name, p in net.named_parameters()],
        "all": [name for name, _ in net.named_parameters(remove_duplicate=False)],
        "own": [name for name, _ in net.named_parameters(recurse=False)],
        "prefix": [name for name, _ in net.named_parameters(prefix="net")],
        "buffers": [name for name, _ in net.named_buffers()],
        "children": [(name, type(child).__name__) for name, child in net.named_children()],
        "modules": [(name, type(module).__name__) for name, module in net.named_modules()],
        "every": [name for name, _ in net.named_modules(remove_duplicate=False)],
        "state": [(name, tuple(t.shape)) for name, t in net.state_dict().items()],
        "prefixed": list(net.state_dict(prefix="a.")),
        "counts": [len(list(walk())) for walk in (net.parameters, net.buffers, net.children, net.modules)],
        "paths": [type(net.get_submodule(path)).__name__ for path in ("", "encoder", "encoder.1", "decoder.act")],
        "parameter": net.get_parameter("decoder.out.weight") is net.decoder.out.weight,
        "dir": [name for name in ("encoder", "mean", "scale", "0") if name in dir(net)],
        "modes": [net.training, net.eval().encoder[1].training, net.train().heads[0].training],
        "types": [type(net.state_dict()).__name__, net.state_dict()["scale"].requires_grad],
        "kept": net.state_dict(keep_vars=True)["scale"].requires_grad,
    }


def test_parts_and_walks():
    in_minigrad, in_torch = walk(minigrad), walk(torch)
    for key in in_torch:
        assert in_minigrad[key] == in_torch[key], key


def assigned(T):
    """Return the places of all parts after some are assigned, replaced and deleted."""
    net = T.nn.Module()
    net.a, net.b = T.nn.Linear(1, 1), T.nn.Parameter(T.zeros(1))
    net.plain = 3
    net.a = T.nn.Tanh()  # it stays first
    net.c = T.nn.Parameter(T.zeros(2))
    net.b = None
    net.register_buffer("d", T.zeros(1))
    net.d = T.ones(2)
    net.plain = T.nn.Parameter(T.zeros(3))  # the attribute becomes a parameter
    net.e = T.nn.Linear(1, 1)
    del net.e
    net.add_module("f", None)
    net.register_module("g", T.nn.ReLU())
    return [list(net._parameters), list(net._modules), list(net._buffers), repr(net), net.b is None, list(net.state_dict()),
            [name for name, _ in net.named_parameters()], hasattr(net, "e"), hasattr(net, "f"), "plain" in vars(net)]  # fmt: skip


def test_assigning_replacing_and_deleting_parts():
    assert assigned(minigrad) == assigned(torch)


@both
def test_a_part_before_init_is_an_error(T):
    class Forgotten(T.nn.Module):
        def __init__(self):
            self.weight = T.nn.Parameter(T.zeros(1))

    class Late(T.nn.Module):
        def __init__(self):
            self.layer = T.nn.Tanh()

    for kind in (Forgotten, Late):
        with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
            kind()


def test_parameters_are_in_the_order_of_declaration_whatever_the_names():
    net = minigrad.nn.Module()
    names = ["z", "a", "weight", "10", "9", "b", "_x"]
    for name in names:
        net.register_parameter(name, minigrad.nn.Parameter(minigrad.zeros(1)))
    assert [name for name, _ in net.named_parameters()] == names == list(net.state_dict())


# ---- containers


def edited(T):
    """Return a log of changes to a Sequential and a ModuleList."""
    nn, steps = T.nn, []
    seq = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Sigmoid())
    steps += [repr(seq), repr(seq[1:3]), repr(seq[-1]), len(seq), repr(seq[::2]), repr(nn.Sequential(*list(seq.children())[:-1]))]
    seq[1] = nn.ReLU()
    seq.append(nn.Flatten()).extend([nn.Identity(), nn.Identity()])
    steps.append(repr(seq))
    del seq[0]
    steps.append(repr(seq))
    del seq[1:3]
    seq.insert(1, nn.Softmax(dim=0))
    steps += [repr(seq), repr(seq.pop(0)), repr(seq), repr(seq + nn.Sequential(nn.Tanh()))]
    seq += nn.Sequential(nn.LogSoftmax(dim=1))
    seq.add_module("classifier", nn.Sequential(nn.Linear(4, 1), nn.LogSoftmax(dim=1)))
    steps += [repr(seq), [type(m).__name__ for m in seq], list(seq._modules), repr(nn.Sequential()), repr(nn.ModuleList())]
    named = nn.Sequential(OrderedDict([("first", nn.Tanh()), ("second", nn.ReLU(inplace=True))]))
    steps += [repr(named), repr(named[1:]), named.second is named[1]]
    many = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    many.append(nn.Linear(2, 1))
    many += [nn.Tanh()]
    many.insert(1, nn.ReLU())
    steps += [repr(many), repr(many[1:3]), len(many), repr(many + [nn.Identity()])]  # noqa: RUF005
    many[0] = nn.Identity()
    del many[-1]
    steps += [repr(many), repr(many.pop(1)), repr(many), [name for name, _ in many.named_parameters()]]
    return steps


def test_containers():
    for in_minigrad, in_torch in zip(edited(minigrad), edited(torch), strict=True):
        assert in_minigrad == in_torch


LAYERS = """nn.Linear(3, 4); nn.Linear(3, 4, bias=False); nn.Linear(in_features=1, out_features=2); nn.Tanh(); nn.ReLU()
nn.ReLU(inplace=True); nn.Sigmoid(); nn.Softmax(); nn.Softmax(dim=-1); nn.LogSoftmax(dim=1); nn.Identity(); nn.Flatten()
nn.Flatten(0, 2); nn.MSELoss(); nn.NLLLoss(); nn.CrossEntropyLoss(); nn.L1Loss(); nn.Module(); nn.Identity(4, x=3)"""


@pytest.mark.parametrize("code", [code for line in LAYERS.split("\n") for code in line.split("; ")])
def test_layers_print_as_pytorch_s(code):
    assert repr(eval(code, {"nn": minigrad.nn})) == repr(eval(code, {"nn": torch.nn}))


@both
def test_a_printed_module_with_text_of_its_own(T):
    class Two(T.nn.Module):
        def extra_repr(self):
            return "first\nsecond"

    class One(T.nn.Module):
        def __init__(self):
            super().__init__()
            self.child = Two()

        def extra_repr(self):
            return "only=1"

    assert repr(One()) == "One(\n  only=1\n  (child): Two(\n    first\n    second\n  )\n)"


# ---- changing all parts at once


def converted(T):
    net = network(T)
    for p in net.parameters():
        p.grad = T.ones_like(p)
    before = [id(p) for p in net.parameters()]
    found = [[str(t.dtype).removeprefix("torch.") for t in net.state_dict().values()]]
    net.register_buffer("count", T.tensor(3))
    for change in ("double", "float"):
        getattr(net, change)()
        found.append([str(t.dtype).removeprefix("torch.") for t in [*net.state_dict().values(), net.cache, net.count]])
        found.append([str(p.grad.dtype).removeprefix("torch.") for p in net.parameters()])
    net.to(T.float64).to("cpu").to(T.zeros(1)).cpu().to(device="cpu", dtype=T.float64).to("cpu", T.float64)
    found.append([str(p.dtype).removeprefix("torch.") for p in net.parameters()])
    return found, [id(p) for p in net.parameters()] == before, net.double() is net


def test_conversions_keep_the_parameters():
    assert converted(minigrad) == converted(torch)
    assert converted(minigrad)[1]


@both
def test_zero_grad_requires_grad_and_apply(T):
    net = network(T)
    net(T.ones(2, 6)).sum().backward()
    net.zero_grad(set_to_none=False)
    used = [p for p in net.parameters() if p.grad is not None]
    assert used
    assert all((p.grad == 0).all() and not p.grad.requires_grad for p in used)
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    order = []
    net.apply(lambda module: order.append(type(module).__name__))
    expected = "Linear Tanh Sequential Linear Sigmoid Sequential Linear Identity ModuleList Linear Autoencoder"
    assert " ".join(order) == expected


@both
def test_deepcopy_and_pickle_are_independent_and_complete(T):
    net = T.nn.Sequential(T.nn.Linear(3, 2), T.nn.Tanh())
    net.register_buffer("seen", T.ones(2))
    net[0].weight.grad = T.ones(2, 3)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert repr(twin) == repr(net)
        assert [name for name, _ in twin.named_parameters()] == ["0.weight", "0.bias"]
        assert isinstance(twin[0].weight, T.nn.Parameter)
        assert twin[0].weight.requires_grad
        assert T.equal(twin[0].weight, net[0].weight)
        with T.no_grad():
            twin[0].weight.add_(1)
            twin.seen.zero_()
        assert not T.equal(twin[0].weight, net[0].weight)
        assert net.seen.sum() == 2
        twin(T.ones(1, 3)).sum().backward()
    shared = copy.deepcopy(network(T))
    assert shared.again is shared.encoder[0]


def test_networks_are_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        net = network(minigrad)
        net(minigrad.ones(2, 6)).sum().backward()
        seen = weakref.ref(net.encoder)
        del net
        assert seen() is None
    finally:
        gc.enable()


# ---- state dicts


def test_state_dict_shares_memory_and_is_loaded_in_place():
    net = network(minigrad)
    weight = net.encoder[0].weight
    state = net.state_dict()
    assert np.shares_memory(state["encoder.0.weight"].array, weight.array)
    other = network(minigrad)
    kept = [id(p) for p in other.parameters()]
    assert repr(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert [id(p) for p in other.parameters()] == kept
    assert minigrad.equal(other.encoder[0].weight, weight)
    assert not np.shares_memory(other.encoder[0].weight.array, weight.array)
    assert other.double().load_state_dict(state)
    assert other.encoder[0].weight.dtype == minigrad.float64


def spoiled(T, how):
    """Return a state dict that does not fit."""
    state = network(T).state_dict()
    if "missing" in how:
        del state["encoder.0.bias"], state["scale"], state["mean"]
    if "unexpected" in how:
        state.update({"zoo": T.zeros(1), "encoder.7.weight": T.zeros(1), "encoder.0.extra": T.zeros(1), "no.way": T.zeros(1)})
    if "shape" in how:
        state["encoder.0.weight"], state["scale"] = T.zeros(3, 6), T.zeros(())
    if "type" in how:
        state["decoder.out.weight"] = [1, 2]
    return state


@pytest.mark.parametrize("how", ["missing", "unexpected", "shape", "type", "missing unexpected shape type"])
def test_errors_of_load_state_dict_are_pytorch_s_to_the_letter(how):
    messages = []
    for T in LIBRARIES:
        with pytest.raises(RuntimeError) as error:
            network(T).load_state_dict(spoiled(T, how))
        messages.append(str(error.value))
    assert messages[1] == messages[0]


def test_not_strict():
    found = []
    for T in LIBRARIES:
        result = network(T).load_state_dict(spoiled(T, "missing unexpected"), strict=False)
        found.append((repr(result), result.missing_keys, result.unexpected_keys, tuple(result)))
        with pytest.raises(RuntimeError, match="size mismatch for encoder"):
            network(T).load_state_dict(spoiled(T, "shape"), strict=False)
    assert found[1] == found[0]


@pytest.mark.parametrize("how", ["missing", "unexpected", "shape", "type"])
def test_a_load_that_fails_changes_nothing(how):
    """PyTorch copies what fits before it raises."""
    net = network(minigrad)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(RuntimeError):
        net.load_state_dict(spoiled(minigrad, how))
    assert all(minigrad.equal(t, before[name]) for name, t in net.state_dict().items())


@both
def test_assign_takes_the_tensors_themselves(T):
    net, state = T.nn.Linear(2, 2), {"weight": T.ones(2, 2, dtype=T.float64), "bias": T.zeros(2)}
    net.load_state_dict(state, assign=True)
    assert net.weight.dtype == T.float64
    assert isinstance(net.weight, T.nn.Parameter)
    assert net.weight.requires_grad
    state["weight"][0, 0] = 5
    assert net.weight[0, 0] == 5


# ---- hooks


@both
def test_forward_hooks(T):
    seen, net = [], T.nn.Sequential(T.nn.Identity(), T.nn.Identity())
    first = net[0].register_forward_hook(lambda module, args, output: seen.append((type(module).__name__, len(args))))
    second = net[1].register_forward_hook(lambda module, args, output: output * 10)
    third = net[1].register_forward_pre_hook(lambda module, args: args[0] + 1)
    assert net(T.ones(1)).item() == 20
    assert seen == [("Identity", 1)]
    third.remove()
    third.remove()
    assert net(T.ones(1)).item() == 10
    with net.register_forward_pre_hook(lambda module, args: (args[0] * 0,)):
        assert net(T.ones(1)).item() == 0
    second.remove(), first.remove()
    assert net(T.ones(1)).item() == 1
    assert len(seen) == 3


# ---- errors name the layer


def test_an_error_in_a_layer_names_its_path_and_the_way_out():
    net = network(minigrad)
    with pytest.raises(minigrad.nn.LayerError) as error:
        net.decoder(minigrad.ones(3, 784))
    text = str(error.value)
    assert text.startswith("out (Linear): expected in_features 4, got 784")
    assert "(3, 784)" in text
    assert "(6, 4)" in text
    assert "view(-1, 4)" in text
    with pytest.raises(RuntimeError, match=r"^encoder\.0 \(Linear\): expected in_features 6, got 5"):
        net.encoder[0].weight.data = minigrad.zeros(4, 6)
        minigrad.nn.Sequential(OrderedDict(encoder=net.encoder))(minigrad.ones(5))
    with pytest.raises(RuntimeError, match=r"^Linear: expected in_features 2, got a 0-d tensor"):
        minigrad.nn.Linear(2, 2)(minigrad.tensor(1.0))
    with pytest.raises(RuntimeError, match=r"^1\.0 \(Linear\): expected an input of float64.*got float32.*\.to\(minigrad\.float64"):
        nested = minigrad.nn.Sequential(minigrad.nn.Identity(), minigrad.nn.Sequential(minigrad.nn.Linear(2, 2).double()))
        nested(minigrad.ones(1, 2))


def test_any_error_inside_a_network_notes_the_layer():
    class Broken(minigrad.nn.Module):
        def forward(self, x):
            return x + minigrad.ones(7)

    net = minigrad.nn.Sequential(minigrad.nn.Identity(), minigrad.nn.Sequential(Broken()))
    with pytest.raises(RuntimeError, match="add") as error:
        net(minigrad.ones(3))
    assert error.value.__notes__ == ["raised in layer 1.0 (Broken)"]
    loose = minigrad.nn.Module()
    loose.forward = lambda x: Broken()(x)  # this layer is called, but is no child
    with pytest.raises(RuntimeError) as error:
        loose(minigrad.ones(3))
    assert error.value.__notes__ == ["raised in layer Broken"]


# ---- losses


def test_a_loss_against_another_shape_is_an_error_that_prints_both():
    a, b = minigrad.ones(5), minigrad.ones(5, 1)
    for loss in (minigrad.nn.MSELoss(), minigrad.nn.L1Loss(), minigrad.nn.functional.mse_loss, minigrad.nn.functional.l1_loss):
        with pytest.raises(RuntimeError, match=r"\(5,\) and \(5, 1\).*squeeze"):
            loss(a, b)
    with pytest.raises(RuntimeError, match=r"\(5, 1\) and \(5,\)"):
        minigrad.nn.MSELoss()(b, a)
    with pytest.raises(ValueError, match=r"\(4, 3\).*\(4,\).*\(4, 1\)"):
        minigrad.nn.NLLLoss()(minigrad.ones(4, 3), minigrad.zeros(4, 1, dtype=minigrad.int64))


@pytest.mark.parametrize("old", [(True, None), (False, None), (None, False), (None, True), (False, True), (True, False)])
@pytest.mark.parametrize("name", ["MSELoss", "L1Loss", "NLLLoss", "CrossEntropyLoss"])
def test_the_old_arguments_of_losses(name, old):
    found = []
    for T in LIBRARIES:
        options = dict(zip(("size_average", "reduce"), old))
        with pytest.warns(UserWarning, match="please use reduction=") as warned:
            loss = getattr(T.nn, name)(**options)
        found.append((loss.reduction, [str(w.message) for w in warned]))
    assert found[1] == found[0]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 2, 3, 2)])
@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax"])
def test_the_axis_that_pytorch_chooses_with_its_warning(name, shape):
    values = np.cos(np.arange(math.prod(shape))).reshape(shape)
    found = []
    for T in LIBRARIES:
        net = T.nn.Sequential(getattr(T.nn, name)())
        with pytest.warns(UserWarning, match="Implicit dimension choice") as warned:
            y = net(T.tensor(values))
        found.append((y.numpy(), str(warned[0].message)))
    assert found[1][1] == found[0][1]
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-14)


def test_l1_penalty_is_the_identity_with_an_extra_gradient():
    values = [-2.0, 0.0, 0.5]
    for form, extra in (("sign", [-0.1, 0.0, 0.1]), ("slide", [-0.2, 0.0, 0.05])):
        x = minigrad.tensor(values, dtype=minigrad.float64, requires_grad=True)
        layer = minigrad.nn.L1Penalty(0.1, form=form)
        y = layer(x)
        assert y.tolist() == values
        y.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), 1 + np.array(extra))
    assert repr(minigrad.nn.L1Penalty(0.1)) == "L1Penalty(weight=0.1)"
    assert repr(minigrad.nn.L1Penalty(0.1, form="slide")) == "L1Penalty(weight=0.1, form='slide')"
    for wrong in (minigrad.nn.L1Penalty, lambda *a, **k: minigrad.nn.functional.l1_penalty(minigrad.ones(1), *a, **k)):
        with pytest.raises(ValueError, match=r"sign, slide.*'abs'"):
            wrong(0.1, form="abs")


# ---- initial values


def quantiles_are_uniform(values, bound):
    """Return whether values are uniform on ±bound: no decile holds more than 5 standard deviations too many."""
    counts, _ = np.histogram(values, bins=10, range=(-bound, bound))
    n = values.size
    return np.abs(values).max() <= bound and np.abs(counts - n / 10).max() < 5 * math.sqrt(n * 0.09)


@pytest.mark.parametrize(("inputs", "outputs"), [(784, 400), (400, 784), (100, 500), (1, 2000)])
def test_linear_starts_as_pytorch_s(inputs, outputs):
    bound = 1 / math.sqrt(inputs)
    for T in LIBRARIES:
        T.manual_seed(3)
        layer = T.nn.Linear(inputs, outputs)
        assert quantiles_are_uniform(layer.weight.detach().numpy().ravel(), bound)
        assert np.abs(layer.bias.detach().numpy()).max() <= bound
        assert layer.bias.detach().numpy().std() == pytest.approx(bound / math.sqrt(3), rel=0.2)
    assert minigrad.nn.Linear(2, 3).weight.dtype == minigrad.float32
    assert minigrad.nn.Linear(2, 3, dtype=minigrad.float64).bias.dtype == minigrad.float64


def test_linear_is_drawn_from_the_default_generator():
    minigrad.manual_seed(5)
    first = minigrad.nn.Linear(30, 20)
    minigrad.manual_seed(5)
    second = minigrad.nn.Linear(30, 20)
    third = minigrad.nn.Linear(30, 20)
    assert minigrad.equal(first.weight, second.weight)
    assert minigrad.equal(first.bias, second.bias)
    assert not minigrad.equal(second.weight, third.weight)


@pytest.mark.parametrize(
    "call",
    [
        "uniform_(w, -2.0, 3.0)", "normal_(w, 1.0, 2.0)", "xavier_uniform_(w, gain=2.0)", "xavier_normal_(w)",
        "kaiming_uniform_(w)", "kaiming_uniform_(w, a=0.5, mode='fan_out')", "kaiming_normal_(w, nonlinearity='relu')",
        "kaiming_normal_(w, mode='fan_out', nonlinearity='tanh')", "kaiming_uniform_(w, a=math.sqrt(5))",
        "constant_(w, 3.0)", "zeros_(w)", "ones_(w)", "xavier_uniform_(c)", "kaiming_normal_(c)",
    ],
)  # fmt: skip
def test_init(call):
    moments = []
    for T in LIBRARIES:
        T.manual_seed(1)
        names = {"math": math, "w": T.nn.Parameter(T.empty(300, 200)), "c": T.empty(40, 30, 7, 7), **vars(T.nn.init)}
        filled = eval(call, names)
        assert filled is names["w"] or filled is names["c"]
        values = filled.detach().numpy()
        moments.append([float(m) for m in (values.mean(), values.std(), values.min(), values.max())])
        assert filled.requires_grad is (filled is names["w"])
    (mean, std, low, high), in_torch = moments[1], moments[0]
    assert mean == pytest.approx(in_torch[0], abs=5 * in_torch[1] / math.sqrt(60000) + 1e-12)
    assert std == pytest.approx(in_torch[1], rel=0.02)
    if "normal" not in call:
        assert (low, high) == pytest.approx(in_torch[2:], rel=1e-3)


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(name):
    in_minigrad, in_torch = minigrad.nn.init.calculate_gain, torch.nn.init.calculate_gain
    assert in_minigrad(name) == in_torch(name)
    assert in_minigrad(name, 0.3) == in_torch(name, 0.3)


@both
def test_nothing_to_fill(T):
    for fill in (T.nn.init.kaiming_uniform_, T.nn.init.kaiming_normal_):
        with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
            fill(T.empty(0, 3))


# ---- Parameter


@both
def test_parameter(T):
    data = T.ones(2)
    p = T.nn.Parameter(data)
    data[0] = 5
    assert p[0] == 5  # p has the same memory
    assert repr(p) == "Parameter containing:\ntensor([5., 1.], requires_grad=True)"
    assert T.nn.Parameter().shape == (0,)
    assert not isinstance(p.data, T.nn.Parameter)
    assert not isinstance(p.detach(), T.nn.Parameter)
    assert not isinstance(p.clone(), T.nn.Parameter)
    assert isinstance(copy.deepcopy(p), T.nn.Parameter)
    (p * p).sum().backward()
    assert p.grad.tolist() == [10.0, 2.0]
    first = T.autograd.grad((p**3).sum(), p, create_graph=True)[0]
    assert T.autograd.grad(first.sum(), p)[0].tolist() == [30.0, 6.0]


@both
def test_attributes_of_a_parameter_stay_with_its_copies(T):
    net = T.nn.Linear(2, 2)
    net.weight.reg, net.weight.notes = 0.1, ["first"]
    twins = [copy.copy(net.weight), pickle.loads(pickle.dumps(net)).weight]
    assert [(twin.reg, twin.notes) for twin in twins] == [(0.1, ["first"])] * 2
    assert not hasattr(net.bias, "reg") and not hasattr(copy.deepcopy(net).weight, "reg")
    assert list(net.state_dict()) == ["weight", "bias"]


# ---- extra states


def with_extra_states(T, kind="both"):
    """Return a network whose layers keep something other than tensors."""
    class Counting(T.nn.Linear):
        def __init__(self):
            super().__init__(2, 2)
            self.calls, self.note = 0, None

    def get_extra_state(self):
        return {"calls": self.calls, "note": self.note}

    def set_extra_state(self, state):
        self.calls, self.note = state["calls"], state["note"]

    if kind != "set":
        Counting.get_extra_state = get_extra_state
    if kind != "get":
        Counting.set_extra_state = set_extra_state
    return T.nn.Sequential(Counting(), T.nn.Sequential(T.nn.Tanh(), Counting()))


@both
def test_extra_states_go_with_the_state_dict(T):
    net, other = with_extra_states(T), with_extra_states(T)
    net[0].calls, net[1][1].calls, net[1][1].note = 3, 5, "warm"
    state = net.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0._extra_state", "1.1.weight", "1.1.bias", "1.1._extra_state"]
    assert list(net.state_dict(prefix="a."))[2] == "a.0._extra_state" and state["1.1._extra_state"] == {"calls": 5, "note": "warm"}
    assert repr(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert (other[0].calls, other[1][1].calls, other[1][1].note) == (3, 5, "warm")
    with pytest.raises(RuntimeError):
        T.nn.Linear(2, 2).get_extra_state()
    with pytest.raises(RuntimeError):
        T.nn.Linear(2, 2).set_extra_state(1)


@pytest.mark.parametrize("own, given", [("both", "none"), ("none", "both"), ("get", "both"), ("set", "both"), ("both", "set")])
@pytest.mark.parametrize("strict", [True, False])
def test_extra_states_that_do_not_fit(own, given, strict):
    found = []
    for T in (minigrad, torch):
        make = {"none": lambda T=T: T.nn.Sequential(T.nn.Linear(2, 2), T.nn.Sequential(T.nn.Tanh(), T.nn.Linear(2, 2)))}
        net, state = (make.get(kind, lambda kind=kind, T=T: with_extra_states(T, kind))() for kind in (own, given))
        try:
            result = net.load_state_dict(state.state_dict(), strict=strict)
            found.append([sorted(result.missing_keys), sorted(result.unexpected_keys)])
        except RuntimeError as error:
            found.append(str(error))
    assert found[0] == found[1]


@pytest.mark.parametrize("dtype, other", [("float64", ", or the network with .to(minigrad.float64)"), ("int64", "")])
def test_an_input_of_another_dtype_is_told_the_ways_that_exist(dtype, other):
    with pytest.raises(minigrad.nn.LayerError) as error:
        minigrad.nn.Linear(2, 3)(minigrad.ones(4, 2, dtype=getattr(minigrad, dtype)))
    assert str(error.value).endswith(f"got {dtype}; convert the input with .to(minigrad.float32){other}")
