"""The summary of a network against counting by hand and PyTorch's FLOP counter, and that it leaves everything as it was."""

import itertools
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import minigrad as mg
from minigrad import nn, ops
from minigrad.experiments import denoising
from minigrad.inspect import summary
from minigrad.nn.errors import LayerError


class Mixed(nn.Module):
    """Layers in a list, one activation used three times, a tied and two frozen parameters, a product outside of any layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(10, 10) for _ in range(3)])
        self.act = nn.ReLU(inplace=True)
        self.unused = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
        self.tied = nn.Linear(10, 10)
        self.tied.weight = self.layers[0].weight
        self.layers[1].requires_grad_(False)
        self.layers[2].bias.requires_grad_(False)
        self.extra = nn.Parameter(mg.rand(10, 4))
        self.register_buffer("seen", mg.zeros(1))

    def forward(self, x, shift=None):
        self.seen += 1
        for layer in self.layers:
            x = self.act(layer(x))
        x = self.tied(x + mg.randn(10))
        x = x if shift is None else x + shift
        return x @ self.extra, x


def lines_of(found):
    return [(layer.path, layer.kind, layer.depth, layer.output_shapes, layer.parameters, layer.multiply_adds, layer.status)
            for layer in found.layers]  # fmt: skip


def test_the_lecture_s_network_by_hand():
    found = summary(denoising.autoencoder().float(), (1000, 784))
    one = [(1000, 784)], [(1000, 400)]
    products = 1000 * 784 * 400
    assert lines_of(found) == [
        ("", "autoencoder", 0, one[0], 0, 0, ""),
        ("encoder", "Sequential", 1, one[1], 0, 0, ""),
        ("encoder.0", "Linear", 2, one[1], 784 * 400 + 400, products, ""),
        ("encoder.1", "Tanh", 2, one[1], 0, 0, ""),
        ("decoder", "Sequential", 1, one[0], 0, 0, ""),
        ("decoder.0", "Linear", 2, one[0], 400 * 784 + 784, products, ""),
        ("decoder.1", "Sigmoid", 2, one[0], 0, 0, ""),
    ]
    assert [layer.input_shapes for layer in found.layers] == [one[0], one[0], one[0], one[1], one[1], one[1], one[0]]
    assert (found.parameters, found.trainable_parameters, found.multiply_adds) == (628_384, 628_384, 2 * products)
    sizes = 4 * 784_000, 2 * 4 * (400_000 + 784_000), 4 * 628_384
    assert (found.input_bytes, found.output_bytes, found.parameter_bytes, found.total_bytes) == (*sizes, sum(sizes))
    assert (found.error, found.failed) == (None, None)
    assert str(found) == """\
Layer                        Input       Output  Parameters  Multiply-adds
--------------------------------------------------------------------------
autoencoder            (1000, 784)  (1000, 784)           -              -
  encoder: Sequential  (1000, 784)  (1000, 400)           -              -
    0: Linear          (1000, 784)  (1000, 400)     314,000    313,600,000
    1: Tanh            (1000, 400)  (1000, 400)           -              -
  decoder: Sequential  (1000, 400)  (1000, 784)           -              -
    0: Linear          (1000, 400)  (1000, 784)     314,384    313,600,000
    1: Sigmoid         (1000, 784)  (1000, 784)           -              -
--------------------------------------------------------------------------
Parameters: 628,384, all trainable
Multiply-adds: 627,200,000
Memory in MB: input 3.14 + forward and backward 9.47 + parameters 2.51 = 15.12"""
    folded = summary(denoising.autoencoder(), (1000, 784), depth=1)
    assert folded.rows() == [
        ("autoencoder", "(1000, 784)", "(1000, 784)", "-", "-"),
        ("  encoder: Sequential", "(1000, 784)", "(1000, 400)", "314,000", "313,600,000"),
        ("  decoder: Sequential", "(1000, 400)", "(1000, 784)", "314,384", "313,600,000"),
    ]


@settings(max_examples=500 if settings.get_current_profile_name() == "deep" else 20)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.lists(st.integers(0, 3), min_size=1, max_size=3), st.booleans())
def test_the_multiplications_are_those_of_pytorch_s_flop_counter(sizes, batch, bias):
    def layers(library):
        return [library.Linear(n, m, bias=bias) for n, m in itertools.pairwise(sizes)]

    with FlopCounterMode(display=False) as flops:
        torch.nn.Sequential(*layers(torch.nn))(torch.ones(*batch, sizes[0])) @ torch.ones(sizes[-1], 2)

    class Net(nn.Sequential):
        def forward(self, input):
            return super().forward(input) @ mg.ones(sizes[-1], 2)

    assert 2 * summary(Net(*layers(nn)), (*batch, sizes[0])).multiply_adds == flops.get_total_flops()


FACTORS = [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 1, 2, 3), (4, 3, 2)), ((2, 0), (0, 4)), ((0, 3), (3, 1))]


@pytest.mark.parametrize(("x", "y"), FACTORS, ids=str)
def test_products_of_any_shapes_by_hand(x, y):
    class Product(nn.Module):
        def forward(self, x, y):
            return x @ y

    found = summary(Product(), [x, y])
    batch = {(5, 1, 2, 3): 5 * 4}.get(x, 1)
    n, k, m = x[-2] if len(x) > 1 else 1, x[-1], y[-1] if len(y) > 1 else 1
    assert found.multiply_adds == found.layers[0].multiply_adds == batch * n * k * m


def test_shared_and_frozen_parameters_lists_and_modules_that_are_not_called():
    found = summary(Mixed(), (2, 3, 10))
    assert [(layer.name, layer.kind, layer.parameters, layer.trainable, layer.shared, layer.status) for layer in found.layers] == [
        ("", "Mixed", 40, 40, 0, ""),
        ("layers.0", "Linear", 110, 110, 0, ""), ("act", "ReLU", 0, 0, 0, ""),
        ("layers.1", "Linear", 110, 0, 0, ""), ("act", "ReLU", 0, 0, 0, ""),
        ("layers.2", "Linear", 110, 100, 0, ""), ("act", "ReLU", 0, 0, 0, ""),
        ("tied", "Linear", 10, 10, 100, ""),
        ("unused", "Sequential", 0, 0, 0, "not called"), ("0", "Linear", 12, 12, 0, "not called"), ("1", "Linear", 8, 8, 0, "not called"),
    ]  # fmt: skip
    assert found.layers[0].output_shapes == [(2, 3, 4), (2, 3, 10)]
    assert (found.parameters, found.trainable_parameters) == (400, 280)
    assert found.multiply_adds == 4 * 6 * 100 + 6 * 10 * 4
    text = str(found)
    for part in ("Parameters: 400, 280 trainable, 120 frozen", "110 frozen", "110 (10 frozen)", "10 + shared"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80 and "Input" not in text  # there is no room for it
    assert "Input" in found.text(width=100)
    for depth in range(4):
        columns = list(zip(*summary(Mixed(), (2, 3, 10), depth=depth).rows()))
        assert sum(int(cell.replace(",", "")) for cell in columns[4] if cell != "-") == found.multiply_adds


def test_without_an_input_the_parameters_are_counted():
    found = summary(Mixed())
    assert sum(layer.parameters for layer in found.layers) == found.parameters == 400
    assert (found.multiply_adds, found.input_bytes, found.error, {layer.status for layer in found.layers}) == (0, 0, None, {""})


def test_a_layer_that_fails_is_named_with_what_came_before():
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(2, 5), nn.Sequential(nn.Linear(5, 1)))
    found = summary(net, (7, 4))
    assert isinstance(found.error, LayerError) and found.failed.path == "1" and found.failed.input_shapes == [(7, 3)]
    assert [layer.status for layer in found.layers] == ["failed", "", "", "", "failed", "not reached", "not reached"]
    assert found.multiply_adds == 7 * 4 * 3 and found.parameters == sum(p.numel() for p in net.parameters())
    failure = found.failure()
    assert failure.startswith("1 (Linear) failed on an input of shape (7, 3): expected in_features 2, got 3: ")
    text = str(found)
    assert failure.split(": ")[0] in text and max(map(len, text.splitlines())) <= 80


def test_errors_in_a_forward_of_the_user_and_in_the_call_itself():
    class Adds(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 3)

        def forward(self, x):
            return self.inner(x) + mg.ones(4)

    found = summary(nn.Sequential(nn.Linear(2, 2), Adds()), (5, 2))
    assert (found.failed.path, found.failed.kind) == ("1", "Adds")
    assert found.failure().startswith("1 (Adds) failed on an input of shape (5, 2): RuntimeError: add: ")
    assert [layer.status for layer in found.layers] == ["failed", "", "failed", ""]
    found = summary(nn.Linear(2, 2), [(1, 2), (1, 2)])
    assert found.failure().startswith("Linear failed on an input of shape (1, 2), (1, 2): TypeError: ")

    class Bare(nn.Module):
        def forward(self, x):
            raise AssertionError

    assert summary(Bare(), (1,)).failure() == "Bare failed on an input of shape (1,): AssertionError"


def test_an_error_that_the_network_catches_is_no_failure():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(9, 9), nn.Linear(2, 3)

        def forward(self, x):
            try:
                return self.first(x)
            except RuntimeError:
                return self.second(x)

    found = summary(Tries(), (1, 2))
    assert (found.error, found.failed, found.failure()) == (None, None, "")
    assert [(layer.path, layer.status) for layer in found.layers] == [("", ""), ("first", "failed"), ("second", "")]


@pytest.mark.parametrize("shape", [(3, 10), (3, 9)], ids=["works", "fails"])
def test_a_summary_leaves_everything_as_it_was(shape):
    net, x = Mixed(), mg.rand(*shape) - 0.5
    net.tied.eval()
    net.extra.grad = mg.full((10, 4), 2.0)
    net.seen.fill_(5)
    state, products, before = mg.default_generator.get_state(), (ops.linear, ops.matmul), x.clone()
    modes, buffer = [m.training for m in net.modules()], net.seen
    found = summary(net, x)
    assert (found.error is None) == (shape[1] == 10)
    assert mg.equal(mg.default_generator.get_state(), state) and (ops.linear, ops.matmul) == products and mg.equal(x, before)
    assert [m.training for m in net.modules()] == modes and net.seen is buffer and buffer.item() == 5
    assert [p.grad is None for p in net.parameters()] == [p is not net.extra for p in net.parameters()] and (net.extra.grad == 2).all()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert mg.is_grad_enabled()


def test_inputs_of_all_kinds():
    net = Mixed().double()
    x, shift = mg.rand(3, 10).double(), mg.ones(10).double()
    shapes = (3, 10), [3, 10], mg.Size([3, 10]), [(3, 10), (10,)], {"x": (3, 10)}, ((3, 10), None)
    for input in (*shapes, x, [x.numpy()], (x, (1, 10)), {"x": (3, 10), "shift": shift}):
        found = summary(net, input)
        assert found.error is None and found.layers[1].output_shapes == [(3, 10)], input
    assert summary(nn.Tanh(), ()).layers[0].output_shapes == [()]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3, (1, 2)), {}, TypeError, "summary: expected a network, an nn.Module, got int"),
        ((nn.Tanh(), 784), {}, TypeError, r"summary: expected a tensor, a shape such as \(1000, 784\), or several of them, got int"),
        ((nn.Tanh(), (2, -1)), {}, ValueError, r"summary: a shape has no negative sizes, got \(2, -1\)"),
        ((nn.Tanh(), (2,)), {"depth": -1}, ValueError, "summary: depth must be a whole number, at least 0, or None, got -1"),
        ((nn.Tanh(), (2,)), {"depth": 1.5}, ValueError, "got 1.5"),
    ],
    ids=str,
)
def test_misuse(arguments, options, error, message):
    with pytest.raises(error, match=message):
        summary(*arguments, **options)


def test_html_has_the_same_numbers_and_escapes_names():
    class Fails(nn.Module):
        def forward(self, x):
            raise ValueError("<b>&")

    Fails.__name__ = "<script>"
    html = summary(nn.Sequential(nn.Linear(2, 3), Fails()), (4, 2))._repr_html_()
    assert "<script>" not in html and "<b>" not in html and "&lt;script&gt;" in html and "ValueError: &lt;b&gt;&amp;" in html
    assert "<td>24</td>" in html and "<td>(4, 3)</td>" in html and '<td class="bad">failed</td>' in html


def test_products_of_another_thread_do_not_count():
    class Threaded(nn.Module):
        def forward(self, x):
            thread = threading.Thread(target=lambda: mg.ones(5, 5) @ mg.ones(5, 5))
            thread.start()
            thread.join()
            return x @ x

    assert summary(Threaded(), (2, 2)).multiply_adds == 8
