"""Dropout, normalisations, embeddings and shapes behave like PyTorch's: statistics, options, draws, errors."""

import copy

import numpy as np
import pytest
import torch

import minigrad

LIBRARIES = (torch, minigrad)


def alike(call, exact=1e-12):
    """Assert that call(library) returns the same arrays, numbers and texts in both."""
    in_torch, in_minigrad = [call(T) for T in LIBRARIES]
    assert len(in_torch) == len(in_minigrad)
    for a, b in zip(in_minigrad, in_torch):
        if isinstance(b, torch.Tensor):
            assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), exact, exact)
        else:
            assert a == b


def refused(call, kind, text=""):
    """Assert that both libraries raise an error of this kind, minigrad one with this text."""
    for T in LIBRARIES:
        with pytest.raises(kind) as caught:
            call(T)
    assert text in str(caught.value)


def numbers(T, *shape, seed=0):
    return T.tensor(np.random.default_rng(seed).normal(1, 2, shape).tolist(), dtype=T.float64)


# ---- what they print and hold

PRINTED = [
    "Dropout()", "Dropout(0.2, True)", "BatchNorm1d(3)", "BatchNorm1d(3, momentum=None, affine=False)", "BatchNorm1d(3, 1e-3, bias=False)",
    "BatchNorm1d(3, track_running_stats=False)", "LayerNorm(4)", "LayerNorm([2, 3], 1e-3)", "LayerNorm((2,), elementwise_affine=False)",
    "LayerNorm(3, bias=False)", "Embedding(5, 3)", "Embedding(5, 3, -1, 2.0, 1.0, True, True)", "Unflatten(1, (2, 3))",
    "CosineSimilarity()",
    "PairwiseDistance(1.0)", "BCELoss()", "KLDivLoss(log_target=True)", "HuberLoss(delta=2.0)",
    "MultiMarginLoss(2)", "SmoothL1Loss(beta=0.5)",
]  # fmt: skip


@pytest.mark.parametrize("code", PRINTED)
def test_layers_print_and_hold_what_pytorch_s_do(code):
    def held(T):
        made = eval(f"T.nn.{code}", {"T": T})
        state = [(key, tuple(value.shape), str(value.dtype).removeprefix("torch.")) for key, value in made.state_dict().items()]
        options = {key: made.__dict__[key] for key in torch_options if key in made.__dict__}
        return repr(made), state, [name for name, _ in made.named_parameters()], options

    torch_options = [key for key, value in eval(f"torch.nn.{code}").__dict__.items() if key[0] != "_" and not isinstance(value, dict)]
    alike(held)


def test_parameters_start_as_in_pytorch():
    minigrad.manual_seed(0)
    weight = minigrad.nn.Embedding(400, 50, padding_idx=-2).weight
    assert not weight[398].detach().numpy().any() and abs(float(weight.mean())) < 0.03 and abs(float(weight.square().mean()) - 1) < 0.03
    for name, given in (("BatchNorm1d", 3), ("LayerNorm", (2, 3))):
        alike(lambda T, name=name, given=given: list(getattr(T.nn, name)(given).state_dict().values()))
        made = getattr(minigrad.nn, name)(given, dtype=minigrad.float64)
        with minigrad.no_grad():
            made.weight.fill_(3)
        made.reset_parameters()
        assert made.weight.dtype == minigrad.float64 and made.weight.tolist() == minigrad.ones(given).tolist()


# ---- dropout


def test_dropout_keeps_each_element_with_its_probability():
    minigrad.manual_seed(1)
    for p in (0.1, 0.5, 0.9):
        for dtype in (minigrad.float16, minigrad.float32, minigrad.float64):
            x = minigrad.full((200, 300), 2.0, dtype=dtype, requires_grad=True)
            y = minigrad.nn.Dropout(p)(x)
            y.sum().backward()
            kept = y.detach().numpy() != 0
            assert y.dtype == dtype and abs(kept.mean() - (1 - p)) < 0.01
            np.testing.assert_array_equal(y.detach().numpy()[kept], (x.detach().numpy() * dtype.type(1 / (1 - p)))[kept])
            np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy() / 2)
            rows = kept.mean(1)
            assert rows.std() < 1.3 * np.sqrt(p * (1 - p) / 300)  # independent of one another


def test_dropout_draws_from_the_default_generator_whatever_the_number_of_threads():
    drawn, x, before = [], minigrad.ones(400, 700), minigrad.get_num_threads()
    try:
        for threads in (1, 2):
            minigrad.set_num_threads(threads)
            minigrad.manual_seed(3)
            drawn += [minigrad.nn.functional.dropout(x).numpy(), minigrad.nn.functional.dropout(x).numpy()]
    finally:
        minigrad.set_num_threads(before)
    assert np.array_equal(drawn[0], drawn[2]) and np.array_equal(drawn[1], drawn[3]) and not np.array_equal(drawn[0], drawn[1])


def test_dropout_in_place_in_evaluation_and_its_errors():
    def results(T):
        x = T.ones(4, requires_grad=True)
        y, layer = x * 1, T.nn.Dropout(1.0, inplace=True)
        same = layer(y) is y
        y.sum().backward()
        return [same, y, x.grad, T.nn.functional.dropout(x, training=False) is x, T.nn.Dropout(0.0)(x) is x, layer.eval()(x) is x]

    alike(results)
    for p in (-0.1, 1.5):
        refused(lambda T, p=p: T.nn.Dropout(p), ValueError, f"dropout probability has to be between 0 and 1, but got {p}")
        refused(lambda T, p=p: T.nn.functional.dropout(T.ones(1), p), ValueError, "dropout probability")
    refused(lambda T: T.nn.functional.dropout(T.ones(2, dtype=T.int64)), RuntimeError, "use .float()")


# ---- normalisations


@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"momentum": 0.3, "affine": False}, {"track_running_stats": False}],
                         ids=lambda options: "-".join(options) or "defaults")
def test_batch_norm_tracks_the_statistics_of_its_batches(options):
    def results(T):
        layer = T.nn.BatchNorm1d(3, **options).double()
        outputs = [layer(numbers(T, n, 3, *rest, seed=n)) for n, rest in ((4, ()), (2, (5,)), (7, ()))]
        frozen = layer.eval()(numbers(T, 2, 3))
        return [*outputs, frozen, *layer.buffers(), repr(layer)]

    alike(results)


def test_batch_norm_goes_on_from_a_state_dict_and_can_start_again():
    def results(T):
        layer = T.nn.BatchNorm1d(2).double()
        layer(numbers(T, 5, 2))
        other = T.nn.BatchNorm1d(2).double()
        other.load_state_dict(copy.deepcopy(layer.state_dict()))
        other(numbers(T, 3, 2, seed=1))
        layer.reset_running_stats()
        return [*other.buffers(), *layer.buffers(), str(layer.half().num_batches_tracked.dtype).removeprefix("torch.")]

    alike(results)


def test_batch_norm_of_half_precision_and_of_nothing():
    def half(T):
        return [T.nn.BatchNorm1d(3)(numbers(T, 6, 3).half()), T.nn.LayerNorm(3)(numbers(T, 6, 3).half())]

    def nothing(T):
        layer = T.nn.BatchNorm1d(2).double()
        return [layer(T.zeros(0, 2, dtype=T.float64)), *layer.buffers(), T.nn.LayerNorm(2)(T.zeros(0, 2))]

    alike(half, 1e-3)
    alike(nothing)


def test_normalisations_refuse_what_does_not_fit():
    refused(lambda T: T.nn.BatchNorm1d(2)(T.ones(1, 2)), ValueError, "Expected more than 1 value per channel when training")
    refused(lambda T: T.nn.BatchNorm1d(2)(T.ones(2)), ValueError, "expected 2D or 3D input (got 1D input)")
    refused(lambda T: T.nn.BatchNorm1d(2)(T.ones(4, 3)), RuntimeError, "running_mean should have shape (3,)")
    refused(lambda T: T.nn.BatchNorm1d(2)(T.ones(4, 2).double()), RuntimeError, "the same dtype, got (2,) and float32")
    refused(lambda T: T.nn.BatchNorm1d(2)(T.ones(4, 2).long()), NotImplementedError, "use .float()")
    refused(lambda T: T.nn.functional.batch_norm(T.ones(3), None, None, training=True), (IndexError, RuntimeError), "at least 2 axes")
    refused(lambda T: T.nn.LayerNorm(3)(T.ones(4, 2)), RuntimeError, "normalized_shape=[3]")
    refused(lambda T: T.nn.functional.layer_norm(T.ones(4, 2), ()), RuntimeError, "at least one")
    refused(lambda T: T.nn.LayerNorm(2)(T.ones(4, 2).double()), RuntimeError, "the same dtype, got (2,) and float32")


def test_a_gradient_penalty_goes_twice_through_batch_norm_and_layer_norm():
    def results(T):
        net = T.nn.Sequential(T.nn.Linear(3, 4), T.nn.BatchNorm1d(4), T.nn.Tanh(), T.nn.LayerNorm(4), T.nn.Linear(4, 1)).double()
        with T.no_grad():
            for i, p in enumerate(net.parameters()):
                p.copy_(numbers(T, *p.shape, seed=i))
        x = numbers(T, 6, 3, seed=9).requires_grad_()
        (g,) = T.autograd.grad(net(x).sum(), x, create_graph=True)
        ((g.square().sum(1).sqrt() - 1) ** 2).mean().backward()
        return [g, *[p.grad if p.grad is not None else "none" for p in net.parameters()]]

    alike(results, 1e-9)


# ---- embeddings


def test_slopes_can_start_again():
    def results(T):
        layer = T.nn.PReLU(2, 0.5)
        T.nn.init.zeros_(layer.weight)
        layer.reset_parameters()
        return [layer.weight]

    alike(results)


def test_embedding_from_pretrained_and_its_padding():
    def results(T):
        weight = numbers(T, 4, 3)
        frozen, trained = T.nn.Embedding.from_pretrained(weight), T.nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=1)
        y = trained(T.tensor([[1, 1, 3], [3, 0, 3]]))
        y.square().sum().backward()
        trained.weight.data[0, 0] = 7.0  # the memory is that of the weight
        return [frozen(T.tensor(2)), y, trained.weight.grad, frozen.weight.requires_grad, trained.padding_idx, weight]

    alike(results)


@pytest.mark.parametrize("order", [2.0, 1.0])
def test_embedding_shrinks_the_rows_that_it_uses(order):
    def results(T):
        layer = T.nn.Embedding(4, 3, max_norm=1.5, norm_type=order).double()
        layer.load_state_dict({"weight": numbers(T, 4, 3)})
        y = layer(T.tensor([0, 2, 2, 3]))
        y.sum().backward()
        return [y, layer.weight, layer.weight.grad]

    alike(results)


def test_embedding_says_how_to_divide_by_how_often_a_row_is_used():
    with pytest.raises(NotImplementedError, match=r"scale_grad_by_freq=True is not supported; .* bincount"):
        minigrad.nn.Embedding(4, 3, scale_grad_by_freq=True)(minigrad.tensor([0, 1]))


def test_embedding_refuses_indices_that_have_no_row():
    for index in (4, -1):
        refused(lambda T, i=index: T.nn.Embedding(4, 3)(T.tensor([0, i])), IndexError, f"{index} is out of range: there are 4 rows")
    refused(lambda T: T.nn.Embedding(4, 3)(T.tensor([0.0])), RuntimeError, "use input.long()")
    refused(lambda T: T.nn.Embedding(4, 3, padding_idx=4), AssertionError, "Padding_idx must be within num_embeddings")
    refused(lambda T: T.nn.Embedding.from_pretrained(T.ones(3)), AssertionError, "2-dimensional")


# ---- modules that hold them


def test_conveniences_of_modules():
    def results(T):
        net = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.BatchNorm1d(3)).type(T.float64)
        dtypes = [str(t.dtype).removeprefix("torch.") for t in net.state_dict().values()]
        found = net.get_buffer("1.running_mean")
        return [dtypes, found, found is net[1].running_mean, net.share_memory() is net, str(net.half()[0].weight.dtype)[-7:],
                [name for name, _ in net.named_buffers()], [name for name, _ in net.named_children()]]

    alike(results)
    for path in ("1.weight", "1.nothing", "2.running_mean"):
        refused(lambda T, path=path: T.nn.Sequential(T.nn.Linear(2, 3), T.nn.BatchNorm1d(3)).get_buffer(path), AttributeError)


def test_evaluation_reaches_what_is_nested_and_only_that():
    def results(T):
        net = T.nn.ModuleDict({"a": T.nn.Sequential(T.nn.Dropout(1.0), T.nn.ModuleList([T.nn.Dropout(1.0)])), "b": T.nn.Dropout(1.0)})
        net["a"].eval()
        x = T.ones(3)
        return [net["a"][0](x), net["a"][1][0](x), net["b"](x), net.training, net.eval()["b"](x), net.train()["a"][1][0](x)]

    alike(results)
